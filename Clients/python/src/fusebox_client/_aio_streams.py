"""Asynchronous streams and functions whose calls are made under a permit."""

from __future__ import annotations

from functools import wraps
from inspect import isawaitable, iscoroutinefunction

from ._held import abandon
from ._streams import _OfEvents, note, takes_permit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
    from typing import Any, TypeVar

    from ._aio_permits import AsyncHeldPermit

    T = TypeVar("T")
    Function = TypeVar("Function", bound=Callable[..., Any])


class AsyncStream(_OfEvents["T"]):
    """A provider's stream under a permit. It has the attributes of the stream that it wraps."""

    def __init__(self, events: AsyncIterable[T], held: AsyncHeldPermit) -> None:
        self._events = events
        self._iterator = events.__aiter__()
        self._held = held
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
            ending = getattr(self._events, "aclose", None) or getattr(self._events, "close", None)
            ended = ending() if ending is not None else None
            if isawaitable(ended):
                await ended
        finally:
            abandon(self._held)
            await self._finish(None)

    close = aclose

    async def _finish(self, error: BaseException | None) -> None:
        self._is_ended = True
        await self._held.finish(error)

    async def __aenter__(self) -> AsyncStream[T]:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if not getattr(self, "_is_ended", True):
            self._is_ended = True
            abandon(self._held)
            self._held.finish_soon()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_events"], name)


async def stream(held: AsyncHeldPermit, start: Callable[[AsyncHeldPermit], Awaitable[Any]]) -> AsyncStream[Any]:
    """Opens a stream under a permit."""
    await held.__aenter__()
    try:
        return AsyncStream(await start(held), held)
    except BaseException as error:
        await held.finish(error)
        raise


def guarded(new_permit: Callable[[], AsyncHeldPermit]) -> Callable[[Function], Function]:
    """Makes the calls of a coroutine function, or of an asynchronous generator, under permits."""

    def decorate(function: Function) -> Function:
        wants_permit = takes_permit(function)

        @wraps(function)
        async def of_coroutine(*arguments: Any, **keywords: Any) -> Any:
            held = await new_permit().__aenter__()
            if wants_permit:
                keywords["permit"] = held
            try:
                answer = await function(*arguments, **keywords)
            except BaseException as error:
                await held.finish(error)
                raise
            if hasattr(answer, "__anext__"):
                return AsyncStream(answer, held)
            note(held, answer)
            await held.finish()
            return answer

        @wraps(function)
        async def of_generator(*arguments: Any, **keywords: Any) -> Any:
            held = await new_permit().__aenter__()
            if wants_permit:
                keywords["permit"] = held
            events = AsyncStream(function(*arguments, **keywords), held)
            try:
                async for event in events:
                    yield event
            finally:
                await events.aclose()

        return of_coroutine if iscoroutinefunction(function) else of_generator  # type: ignore[return-value]

    return decorate
