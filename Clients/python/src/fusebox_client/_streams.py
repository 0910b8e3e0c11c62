"""Streams and functions whose calls are made under a permit."""

from __future__ import annotations

from functools import partial, wraps
from sys import modules

from . import _log
from ._errors import InvalidArgument
from ._held import abandon
from ._uncopied import Uncopied

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from typing import Any, Generic, TypeVar

    from ._guards import Guard
    from ._held import HeldCall
    from ._permits import HeldPermit

    T = TypeVar("T")

    class _OfEvents(Generic[T]):
        """The type of the events is known to type checkers alone."""

else:

    class _OfEvents:
        """The type of the events is known to type checkers alone."""

        def __class_getitem__(cls, event):
            return cls


class Stream(Uncopied, _OfEvents["T"]):
    """A provider's stream under a permit. It has the attributes of the stream that it wraps.

    A context manager that gives a stream, as `anthropic.messages.stream()`, is entered at once, and left at the end.
    Raises InvalidArgument if there is no stream.
    """

    def __init__(self, source: Iterable[T] | AbstractContextManager[Iterable[T]], held: HeldPermit) -> None:
        given: Any = source
        self._manager: Any = given if is_manager(given) else None
        self._events: Any = given if self._manager is None else given.__enter__()
        self._held = held
        try:
            self._iterator: Iterator[T] = iter(self._events)
        except TypeError as error:
            refusal = no_stream(self._events)
            self._leave(refusal)
            raise refusal from error
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
            ending = getattr(self._events, "close", None) if self._manager is None else None
            if ending is not None:
                ending()
        finally:
            if self._manager is None or not note_snapshot(self._held, self._events):
                abandon(self._held)
            self._finish(None)

    def _finish(self, error: BaseException | None) -> None:
        self._is_ended = True
        try:
            self._leave(error)
        finally:
            self._held.finish(error)

    def _leave(self, error: BaseException | None) -> None:
        if self._manager is not None:
            note_snapshot(self._held, self._events)
            self._manager.__exit__(*raised(error))

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not self.__dict__.get("_is_ended", True):
            self._is_ended = True
            abandon(self._held)
            self._held.finish_later()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.__dict__["_events"], name)
        return self._reading(found) if name in READERS else found

    def _reading(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """A method of an SDK's helper that reads the rest. It is read here first, so that what it tells counts."""

        @wraps(method)
        def reading(*arguments: Any, **keywords: Any) -> Any:
            for _ in self:
                pass
            answer = method(*arguments, **keywords)
            return self if answer is self._events else answer

        return reading


def is_manager(answer: Any) -> bool:
    """Whether an answer is a context manager and nothing else, so that what it gives is the answer."""
    return manages(type(answer), "__enter__", "__exit__", "__iter__")


def manages(kind: type, enter: str, leave: str, iterate: str) -> bool:
    """Whether a class has the methods of a context manager, and neither events nor public members.

    An image or a file is an answer, though it can be entered too.
    """
    names = dir(kind)
    return enter in names and leave in names and iterate not in names and all(name[0] == "_" for name in names)


def no_stream(found: Any) -> InvalidArgument:
    """The error for what has no events. It is the caller's, and not the provider's."""
    return InvalidArgument(f"{type(found).__name__} is no stream: it cannot be iterated over")


def raised(error: BaseException | None) -> tuple[Any, Any, Any]:
    """What the end of a context manager's block is told."""
    return (None, None, None) if error is None else (type(error), error, error.__traceback__)


READERS = frozenset(("until_done", "get_final_response", "get_final_message", "get_final_completion", "get_final_text"))
"""The methods of the SDKs' stream helpers that read a stream to its end."""
_SNAPSHOTS = ("current_message_snapshot", "current_completion_snapshot")
"""Where the stream helpers of the Anthropic and OpenAI SDKs have what they have gathered of an answer."""


def note_snapshot(held: HeldCall, events: Any) -> bool:
    """Takes the usage from what an SDK's stream helper has gathered. Returns whether the answer is complete.

    Its other iterators (`text_stream`) read events that do not come by here.
    """
    for name in _SNAPSHOTS:
        try:
            snapshot = getattr(events, name, None)
        except Exception:
            continue  # Nothing was gathered.
        if snapshot is not None:
            note(held, snapshot)
            choices = getattr(snapshot, "choices", None)
            return bool(
                all(getattr(one, "finish_reason", None) for one in choices)
                if choices
                else getattr(snapshot, "stop_reason", None)
            )
    return False


def stream(
    held: HeldPermit, start: Callable[[HeldPermit], Iterable[T] | AbstractContextManager[Iterable[T]]]
) -> Stream[T]:
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


def target_of(function: Callable[..., Any]) -> Any:
    """What runs at a call: the function within partials, and the `__call__` of an object."""
    while isinstance(function, partial):
        function = function.func
    return function if hasattr(function, "__code__") else type(function).__call__


BY_NAME = -1
"""The place of a parameter that is told by its name alone."""


def permit_place(function: Callable[..., Any]) -> int | None:
    """The place of the parameter `permit` among those that a caller tells by position; None: there is none."""
    target = target_of(function)
    code = getattr(target, "__code__", None)
    if code is None or "permit" not in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
        return None
    told = 0
    while isinstance(function, partial):
        told += len(function.args)
        function = function.func
    if target is not function or hasattr(function, "__self__"):
        told += 1  # `self`.
    place: int = code.co_varnames.index("permit")
    if place >= code.co_argcount:
        return BY_NAME
    return place - told if place >= told else None


def with_permit(place: int | None, held: HeldCall, arguments: Any, keywords: dict[str, Any]) -> Any:
    """The arguments of a call with its permit among them."""
    if place is None:
        return arguments
    if place == BY_NAME or place > len(arguments):
        keywords["permit"] = held
        return arguments
    return (*arguments[:place], held, *arguments[place:])


_COROUTINES = 0x80 | 0x200
"""The flags of coroutine functions and asynchronous generators."""


def is_stream(answer: Any, following: str = "__next__") -> bool:
    """Whether an answer comes in pieces: its class has the method of an iterator, and none by which a file is read.

    Lists, texts and dictionaries have neither. A file or a body that is read is an answer: what is read does not come
    by here. A mock of anything has all such methods. What it stands for (`spec`) decides.
    """
    kind = answer.__class__
    mock = modules.get("unittest.mock")
    if mock is not None and issubclass(kind, mock.NonCallableMock):
        return False
    return hasattr(kind, following) and not hasattr(kind, "read")


def guarded(new_permit: Callable[[], HeldPermit]) -> Guard[HeldPermit]:
    """Makes the calls of a function under permits."""

    def decorate(function: Callable[..., Any], /) -> Any:
        place = permit_place(function)
        code = getattr(target_of(function), "__code__", None)
        if code is not None and code.co_flags & _COROUTINES:
            raise TypeError("guarded by a blocking client, but a coroutine function; AsyncClient has its own")

        @wraps(function)
        def guarded_function(*arguments: Any, **keywords: Any) -> Any:
            held = new_permit().__enter__()
            try:
                answer = function(*with_permit(place, held, arguments, keywords), **keywords)
                if is_stream(answer) or is_manager(answer):
                    return Stream(answer, held)
            except BaseException as error:
                held.finish(error)
                raise
            note(held, answer)
            held.finish()
            return answer

        return guarded_function

    return decorate
