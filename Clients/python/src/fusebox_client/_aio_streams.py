"""Asynchronous streams and functions whose calls are made under a permit."""

from __future__ import annotations

from functools import wraps
from inspect import isasyncgenfunction, isawaitable, iscoroutinefunction

from ._held import abandon
from ._streams import (
    READERS,
    _OfEvents,
    is_stream,
    manages,
    no_stream,
    note,
    note_snapshot,
    permit_place,
    raised,
    target_of,
    with_permit,
)
from ._uncopied import Uncopied

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Generator
    from contextlib import AbstractAsyncContextManager
    from typing import Any, TypeVar

    from ._aio_permits import AsyncHeldPermit
    from ._guards import Guard

    T = TypeVar("T")
    Source = AsyncIterable[T] | AbstractAsyncContextManager[AsyncIterable[T]]


class AsyncStream(Uncopied, _OfEvents["T"]):
    """A provider's stream under a permit. It has the attributes of the stream that it wraps."""

    def __init__(self, events: AsyncIterable[T], held: AsyncHeldPermit, manager: Any = None) -> None:
        self._events: Any = events
        self._manager = manager
        self._held = held
        self._iterator = events.__aiter__()
        self._is_ended = False

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        if self._is_ended:
            raise StopAsyncIteration
        try:
            event = await self._iterator.__anext__()
        except StopAsyncIteration:
            await self._finish(None)
            raise
        except BaseException as error:
            await self._finish(error)
            raise
        self._held.first_token()
        note(self._held, event)
        return event

    async def aclose(self) -> None:
        """Ends the stream. If it has not ended by itself, its call counts as abandoned."""
        if self._is_ended:
            return
        try:
            if self._manager is None:
                ending = getattr(self._events, "aclose", None) or getattr(self._events, "close", None)
                ended = ending() if ending is not None else None
                if isawaitable(ended):
                    await ended
        finally:
            if self._manager is None or not note_snapshot(self._held, self._events):
                abandon(self._held)
            await self._finish(None)

    close = aclose

    async def _finish(self, error: BaseException | None) -> None:
        self._is_ended = True
        try:
            if self._manager is not None:
                note_snapshot(self._held, self._events)
                await self._manager.__aexit__(*raised(error))
        finally:
            await self._held.finish(error)

    async def __aenter__(self) -> AsyncStream[T]:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if not self.__dict__.get("_is_ended", True):
            self._is_ended = True
            abandon(self._held)
            self._held.finish_soon()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.__dict__["_events"], name)
        return self._reading(found) if name in READERS else found

    def _reading(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """A method of an SDK's helper that reads the rest. It is read here first, so that what it tells counts."""

        @wraps(method)
        async def reading(*arguments: Any, **keywords: Any) -> Any:
            async for _ in self:
                pass
            answer = await method(*arguments, **keywords)
            return self if answer is self._events else answer

        return reading


def is_manager(answer: Any) -> bool:
    """Whether an answer is an asynchronous context manager and nothing else, so that what it gives is the answer."""
    return manages(type(answer), "__aenter__", "__aexit__", "__aiter__")


async def opened(source: Source[T], held: AsyncHeldPermit) -> AsyncStream[T]:
    """The stream under its permit. A context manager that gives one is entered, and left at the end of the stream.

    Raises InvalidArgument if there is no stream.
    """
    manager: Any = source if is_manager(source) else None
    events: Any = source if manager is None else await manager.__aenter__()
    if hasattr(type(events), "__aiter__"):
        return AsyncStream(events, held, manager)
    refusal = no_stream(events)
    if manager is not None:
        await manager.__aexit__(*raised(refusal))
    raise refusal


async def stream(
    held: AsyncHeldPermit, start: Callable[[AsyncHeldPermit], Awaitable[Source[T]] | Source[T]]
) -> AsyncStream[T]:
    """Opens a stream under a permit."""
    await held.__aenter__()
    try:
        source: Any = start(held)
        return await opened(await source if isawaitable(source) else source, held)
    except BaseException as error:
        await held.finish(error)
        raise


async def answer_of(held: AsyncHeldPermit, call: Callable[[AsyncHeldPermit], Any]) -> Any:
    """Makes a call under a permit: what it returns, or a stream under the permit."""
    await held.__aenter__()
    try:
        answer = call(held)
        if isawaitable(answer):
            answer = await answer
        if is_stream(answer, "__anext__") or is_manager(answer):
            return await opened(answer, held)
    except BaseException as error:
        await held.finish(error)
        raise
    note(held, answer)
    await held.finish()
    return answer


class GuardedCall(_OfEvents["T"]):
    """A call of a plain function under a permit, made once: when it is awaited, iterated over or entered."""

    def __init__(self, held: AsyncHeldPermit, call: Callable[[AsyncHeldPermit], Any]) -> None:
        self._held = held
        self._call = call
        self._stream: AsyncStream[T] | None = None

    def __await__(self) -> Generator[Any, None, Any]:
        return answer_of(self._held, self._call).__await__()

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        return await (await self._opened()).__anext__()

    async def __aenter__(self) -> AsyncStream[T]:
        return await self._opened()

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the stream. If it has not ended by itself, its call counts as abandoned."""
        if self._stream is not None:
            await self._stream.aclose()

    async def _opened(self) -> AsyncStream[T]:
        if self._stream is None:
            self._stream = await stream(self._held, self._call)
        return self._stream


def guarded(new_permit: Callable[[], AsyncHeldPermit]) -> Guard[AsyncHeldPermit]:
    """Makes the calls of a coroutine function, of an asynchronous generator or of what returns one, under permits."""

    def decorate(function: Callable[..., Any], /) -> Any:
        place, target = permit_place(function), target_of(function)

        def call_with(arguments: Any, keywords: dict[str, Any]) -> Callable[[AsyncHeldPermit], Any]:
            return lambda held: function(*with_permit(place, held, arguments, keywords), **keywords)

        @wraps(function)
        async def of_coroutine(*arguments: Any, **keywords: Any) -> Any:
            return await answer_of(new_permit(), call_with(arguments, keywords))

        @wraps(function)
        async def of_generator(*arguments: Any, **keywords: Any) -> Any:
            async with await stream(new_permit(), call_with(arguments, keywords)) as events:
                async for event in events:
                    yield event

        @wraps(function)
        def of_function(*arguments: Any, **keywords: Any) -> Any:
            return GuardedCall(new_permit(), call_with(arguments, keywords))

        if iscoroutinefunction(target):
            return of_coroutine
        return of_generator if isasyncgenfunction(target) else of_function

    return decorate
