"""Streams and functions whose calls are made under a permit."""

from __future__ import annotations

from . import _log
from ._held import abandon

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, Generic, ParamSpec, TypeVar

    from ._held import HeldCall
    from ._permits import HeldPermit

    T = TypeVar("T")
    P = ParamSpec("P")

    class _OfEvents(Generic[T]):
        """The type of the events is known to type checkers alone."""

else:

    class _OfEvents:
        """The type of the events is known to type checkers alone."""

        def __class_getitem__(cls, event):
            return cls


class Stream(_OfEvents["T"]):
    """A provider's stream under a permit. It has the attributes of the stream that it wraps."""

    def __init__(self, events: Iterable[T], held: HeldPermit) -> None:
        self._events = events
        self._iterator = iter(events)
        self._held = held
        self._is_ended = False

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._is_ended:
            raise StopIteration
        try:
            event = next(self._iterator)
        except StopIteration:
            self._finish(None)
            raise
        except BaseException as error:
            self._finish(error)
            raise
        self._held.first_token()
        note(self._held, event)
        return event

    def close(self) -> None:
        """Ends the stream. If it has not ended by itself, its call counts as abandoned."""
        if self._is_ended:
            return
        try:
            ending = getattr(self._events, "close", None)
            if ending is not None:
                ending()
        finally:
            abandon(self._held)
            self._finish(None)

    def _finish(self, error: BaseException | None) -> None:
        self._is_ended = True
        self._held.finish(error)

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_is_ended", True):
            self._is_ended = True
            abandon(self._held)
            self._held.finish_later()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_events"], name)


def stream(held: HeldPermit, start: Callable[[HeldPermit], Iterable[T]]) -> Stream[T]:
    """Opens a stream under a permit."""
    with_permit = held.__enter__()
    try:
        return Stream(start(with_permit), held)
    except BaseException as error:
        held.finish(error)
        raise


def note(held: HeldCall, told: Any) -> None:
    """Takes the usage from an answer or an event, if it tells one."""
    try:
        held.usage(told)
    except Exception as error:
        # Whatever it tells, and whatever an SDK's object does when it is looked at, the caller gets its answer.
        _log.warn("the usage in %s cannot be read: %r", type(told).__name__, error)


def takes_permit(function: Callable[..., Any]) -> bool:
    """Whether the function has a parameter of the name `permit`."""
    code = getattr(function, "__code__", None)
    return code is not None and "permit" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


_COROUTINES = 0x80 | 0x200
"""The flags of coroutine functions and asynchronous generators."""


def is_stream(answer: Any) -> bool:
    """Whether an answer comes in pieces."""
    return hasattr(answer, "__next__")


def guarded(new_permit: Callable[[], HeldPermit]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Makes the calls of a function under permits."""
    from functools import wraps

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        wants_permit = takes_permit(function)
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & _COROUTINES:
            raise TypeError("guarded by a blocking client, but a coroutine function; AsyncClient has its own")

        @wraps(function)
        def guarded_function(*arguments: P.args, **keywords: P.kwargs) -> T:
            held = new_permit().__enter__()
            if wants_permit:
                keywords["permit"] = held
            try:
                answer = function(*arguments, **keywords)
            except BaseException as error:
                held.finish(error)
                raise
            if is_stream(answer):
                return Stream(answer, held)  # type: ignore[return-value, arg-type]
            note(held, answer)
            held.finish()
            return answer

        return guarded_function

    return decorate
