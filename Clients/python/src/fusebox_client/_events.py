"""The daemon's events, on a connection of their own."""

from __future__ import annotations

import threading
from time import monotonic

from . import _fork
from ._connection import Connection, Lost, NotConnected, random_worker
from ._errors import ClientClosed, InvalidArgument, Unavailable
from ._requests import decoded, refusal
from ._uncopied import Uncopied
from ._wire import EVENT, DecodingError, Reader
from .protocol import constants
from .protocol.connection import SubscribeRequest
from .protocol.events import EVENTS, EventEnvelope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ._frames import Frame
    from ._settings import Settings
    from ._wire import Event

TOPICS = {
    "breaker": constants.TOPIC_BREAKER,
    "exhaustion": constants.TOPIC_EXHAUSTION,
    "ledger": constants.TOPIC_LEDGER,
    "admission": constants.TOPIC_ADMISSION,
}
_PATIENCE = 3600.0
"""How long one wait for events lasts. It then begins again."""


class ReceivedEvent:
    """An event of the daemon, as a subscriber received it."""

    __slots__ = ("at", "event", "missed", "number")

    def __init__(self, number: int, missed: int, at: int, event: Event) -> None:
        self.number = number
        """The daemon counts its events of all topics from 1 since its start."""
        self.missed = missed
        """Events of the chosen topics that were not sent since the previous one, because this subscriber was slow."""
        self.at = at
        """When it happened, in milliseconds on the daemon's steady clock."""
        self.event = event
        """What happened: one of the events of `fusebox_client.protocol`."""

    def __repr__(self) -> str:
        return f"ReceivedEvent({self.number}, {self.event!r})"


def topic_bits(topics: Iterable[str]) -> int:
    """The topics as `subscribe` takes them; all if none is named."""
    bits = 0
    for name in topics:
        if name not in TOPICS:
            raise InvalidArgument(f"{name!r} is no topic; they are {', '.join(TOPICS)}")
        bits |= TOPICS[name]
    return bits or sum(TOPICS.values())


def read_event(frame: Frame) -> ReceivedEvent | None:
    """The event of a frame; None for one that only a newer client knows. Raises Refused if the daemon ends it."""
    number, kind, status, _, answer = frame
    if kind != EVENT:
        raise refusal(status, answer)
    known = EVENTS.get(number)
    if known is None:
        return None
    reader = Reader(*answer)
    try:
        envelope = EventEnvelope.decode(reader)
    except DecodingError as error:
        raise Lost(f"the peer does not speak this protocol: {error}") from None
    event = decoded(known.decode, (reader.data, reader.at, reader.end))
    return ReceivedEvent(envelope.number, envelope.missed, envelope.at, event)


class Events(Uncopied):
    """The daemon's events, one after the other. `next` blocks until the next one has come.

    It raises Unavailable when its connection ends, and does not connect again, because events in between would be lost
    without a trace. A program that subscribes anew learns from `next_number` how many there were, unless the daemon has
    restarted. One thread reads; any thread may call `close`.
    """

    def __init__(self, settings: Settings, topics: Iterable[str]) -> None:
        self._path = settings.path
        self._generation = _fork.generation()
        self._lock = threading.Lock()
        self._is_closed = False
        bits = topic_bits(topics)
        try:
            # The subscription is a worker of its own, because the daemon allows one connection for each worker.
            self._connection = Connection(settings.path, random_worker(), 0, settings.name, settings.connect_timeout)
        except NotConnected as error:
            raise Unavailable(settings.path, str(error)) from None
        try:
            reply = self._connection.ask(SubscribeRequest(bits), monotonic() + settings.timeout)
        except Lost as error:
            self._connection.hang_up()
            raise Unavailable(settings.path, str(error)) from None
        except BaseException:
            self._connection.hang_up()
            raise
        self.next_number = reply.next_number
        """The number of the daemon's next event when the subscription began."""
        self._frames: Iterator[Frame] = iter(())

    def __iter__(self) -> Events:
        return self

    def __next__(self) -> ReceivedEvent:
        while True:
            event = self.wait(_PATIENCE)
            if event is not None:
                return event
            if self._is_closed:
                raise StopIteration

    def wait(self, seconds: float) -> ReceivedEvent | None:
        """The next event; None if none has come in this time, or after `close`."""
        if self._generation != _fork.generation():
            raise ClientClosed()
        deadline = monotonic() + seconds
        with self._lock:
            if self._is_closed:
                return None
            self._connection.begin_use()
        try:
            while True:
                for frame in self._frames:
                    event = read_event(frame)
                    if event is not None:
                        return event
                data = self._connection.receive(deadline)
                if data is None:
                    return None
                self._frames = self._connection.frames_in(data)
        except Lost as error:
            if self._is_closed:
                return None
            raise Unavailable(self._path, str(error)) from None
        finally:
            with self._lock:
                self._connection.end_use()

    def close(self) -> None:
        """Ends the subscription. A thread that waits for an event wakes up."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                if self._generation == _fork.generation():
                    self._connection.hang_up()

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "next_number"):
            self.close()
