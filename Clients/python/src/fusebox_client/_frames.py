"""Frames: bytes that begin with their length and a header."""

from __future__ import annotations

from ._requests import Pending, payload_of
from ._wire import HEADER, HEADER_LENGTH, REQUEST, SEQUENCE, DecodingError, Reader, encoded
from .protocol.admission import (
    AdmissionAdmitReply,
    AdmissionAdmitRequest,
    AdmissionSettleRequest,
    AdmissionTicketsRequest,
    AdmissionWithdrawRequest,
    TicketEntry,
)
from .protocol.constants import FRAME_LENGTH
from .protocol.types import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Frame = tuple[int, int, int, int, tuple[bytes, int, int]]

ADMIT = AdmissionAdmitRequest.NUMBER
WITHDRAW = AdmissionWithdrawRequest.NUMBER
TICKETS = AdmissionTicketsRequest.NUMBER
GRANTING = frozenset((ADMIT, WITHDRAW))
"""Commands whose replies may tell of a permit."""
_START = HEADER.size


class Garbled(Exception):
    """Bytes that cannot be a frame. The next frame cannot be found either."""


def length_of(payload: bytes, is_sequenced: bool) -> int:
    """The bytes of a request's frame after its length field."""
    return HEADER_LENGTH + len(payload) + (SEQUENCE.size if is_sequenced else 0)


def request(command: int, correlation: int, payload: bytes, sequence: int = 0, oldest: int = 0) -> bytes:
    """A request's frame; sequence 0 is that of a request without a number."""
    if not sequence:
        return HEADER.pack(HEADER_LENGTH + len(payload), command, REQUEST, 0, correlation) + payload
    length = HEADER_LENGTH + SEQUENCE.size + len(payload)
    return b"".join((HEADER.pack(length, command, REQUEST, 0, correlation), SEQUENCE.pack(sequence, oldest), payload))


class FrameReader:
    """Finds the frames in what a connection receives."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def take(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete: command, kind, detail, correlation, and where the payload lies."""
        if self._rest:
            data = self._rest + data
            self._rest = b""
        at, available = 0, len(data)
        while available - at >= _START:
            length, command, kind, detail, correlation = HEADER.unpack_from(data, at)
            if not HEADER_LENGTH <= length <= FRAME_LENGTH:
                raise Garbled(f"a frame of {length} bytes")
            end = at + 4 + length
            if end > available:
                break
            yield command, kind, detail, correlation, (data, at + _START, end)
            at = end
        self._rest = data[at:]


def ticket_in(answer: tuple[bytes, int, int]) -> int | None:
    """The ticket in the reply to an admission; None if the call does not wait."""
    try:
        return AdmissionAdmitReply.decode(Reader(*answer)).ticket
    except DecodingError:
        return None  # Whoever takes the reply says so.


def end_of_wait(answer: tuple[bytes, int, int]) -> tuple[int, int, tuple[bytes, int, int]]:
    """A ticket, its standing, and the reply to its admission as a payload.

    Raises DecodingError.
    """
    entry = TicketEntry.decode(Reader(*answer))
    payload = encoded(entry.admission)
    return entry.ticket, entry.standing, (payload, 0, len(payload))


def cancellation(answer: tuple[bytes, int, int]) -> Pending | None:
    """The settle that gives back a permit which the reply to an admit grants; None if it grants none."""
    try:
        permit = AdmissionAdmitReply.decode(Reader(*answer)).permit
    except DecodingError:
        return None
    if permit is None:
        return None
    settle = AdmissionSettleRequest(permit=permit, outcome=Outcome.CANCELLED)
    return Pending(AdmissionSettleRequest, payload_of(settle), is_report=True)
