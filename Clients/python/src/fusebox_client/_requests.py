"""A request under way, and what an exchange remembers of its worker and its numbers."""

from __future__ import annotations

from ._errors import FuseboxError, InvalidArgument, ProtocolViolation, Refused
from ._wire import DecodingError, EncodingError, Reader, encoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from ._wire import Record, Request
    from .protocol.admission import AdmissionAdmitRequest
    from .protocol.connection import HelloReply

    ReplyT = TypeVar("ReplyT", bound=Record)

# How far a request has come. One that waits was answered with a ticket.
IDLE, QUEUED, SENT, WAITING = range(4)
# What its caller expects: an outcome; nothing more; or nothing, because it was told that the report is kept.
OPEN, GONE, KEPT = range(3)


class Pending:
    """A request: how far it has come on its way to the daemon, and what its caller waits for."""

    __slots__ = (
        "admission",
        "answer",
        "attempts_before",
        "command",
        "correlation",
        "effect",
        "error",
        "frame_end",
        "has_waited",
        "interest",
        "is_kept",
        "is_over",
        "is_report",
        "is_sequenced",
        "is_substituted",
        "losses",
        "may_have_arrived",
        "payload",
        "permit_epoch",
        "report_kind",
        "resumes",
        "sequence",
        "stage",
        "status",
        "substitute",
        "ticket",
        "wait_until",
        "wake",
    )  # fmt: skip

    def __init__(self, request: type[Request[Any]], payload: bytes, is_report: bool = False) -> None:
        self.command = request.NUMBER
        self.effect = request.EFFECT
        self.is_sequenced = request.IS_SEQUENCED
        self.report_kind = request.REPORT
        self.payload = payload
        self.is_report = is_report
        """Whether the request is kept and sent later if the daemon is away."""
        self.sequence = 0
        self.correlation = 0
        self.losses = 0
        """Connections that were lost while the request was under way on them."""
        self.attempts_before = 0
        self.stage = IDLE
        self.may_have_arrived = False
        self.frame_end = 0
        self.interest = OPEN
        self.substitute: bytes | None = None
        """The `admission.report` that is sent in place of a settle whose permit the daemon does not know."""
        self.permit_epoch: int | None = None
        self.is_substituted = False
        self.admission: AdmissionAdmitRequest | None = None
        """The request itself, if it is an admission that may wait for its turn."""
        self.wait_until = 0.0
        """When the wait of such a request is over."""
        self.ticket = 0
        """The ticket that the request waits with, or that it withdraws."""
        self.resumes = 0
        """The ticket of a lost connection whose wait the request continues; 0: none."""
        self.has_waited = False
        """Whether the request had a ticket. Then it waits for a daemon that is away."""
        self.wake: Callable[[], None] | None = None
        """Called when the outcome is known."""
        # The outcome: a reply's status and the bytes of its payload, or an error, or that the report is kept.
        self.status = 0
        self.answer: tuple[bytes, int, int] | None = None
        self.error: FuseboxError | None = None
        self.is_kept = False
        self.is_over = False
        """Whether nothing more comes of the request."""

    @property
    def is_done(self) -> bool:
        """Whether the outcome is known."""
        return self.interest != OPEN

    @property
    def is_waiting_report(self) -> bool:
        """Whether this is a kept report of which nothing was sent."""
        return self.interest == KEPT and self.stage == QUEUED and not self.may_have_arrived

    @property
    def may_have_left(self) -> bool:
        return self.stage == SENT or (self.stage == QUEUED and self.may_have_arrived)

    @property
    def is_withdrawal(self) -> bool:
        """Whether this ends a wait that nobody is interested in."""
        return self.ticket != 0 and self.admission is None

    def begin_waiting(self, ticket: int) -> None:
        """The reply was a ticket."""
        self.stage = WAITING
        self.ticket = ticket
        self.resumes = 0
        self.has_waited = True
        self.may_have_arrived = False

    def ask_again(self, now: float) -> None:
        """An admission is sent anew: it continues its wait, or waits for the rest of its time."""
        if self.admission is not None and self.admission.wait_milliseconds:
            self.admission.wait_milliseconds = max(1, int((self.wait_until - now) * 1000))
            self.admission.resumes = self.resumes
            self.payload = payload_of(self.admission)

    def ask_without_wait(self) -> None:
        """The wait has ended without a decision. The same question without a wait tells why."""
        self.has_waited = False
        if self.admission is not None:
            self.admission.wait_milliseconds = self.admission.resumes = 0
            self.payload = payload_of(self.admission)

    def become_substitute(self, report: type[Request[Any]]) -> None:
        """Replaces a settle by its substitute."""
        if self.substitute is not None:
            self.command, self.payload = report.NUMBER, self.substitute
            self.substitute, self.is_substituted = None, True

    def result(self, decode: Callable[[Reader], ReplyT]) -> ReplyT | None:
        """The reply; None for a report that is kept. Raises the error otherwise."""
        if self.error is not None:
            raise self.error
        if self.is_kept or self.answer is None:
            return None
        if self.status:
            raise refusal(self.status, self.answer)
        return decoded(decode, self.answer)


def decoded(decode: Callable[[Reader], ReplyT], answer: tuple[bytes, int, int]) -> ReplyT:
    """The fields of a reply's payload."""
    try:
        return decode(Reader(*answer))
    except DecodingError as error:
        raise ProtocolViolation(f"the peer does not speak this protocol: {error}") from None


def refusal(status: int, answer: tuple[bytes, int, int]) -> Refused:
    """The refusal in a payload. A status that only a newer daemon knows keeps its number."""
    from .protocol.constants import Status

    try:
        message = Reader(*answer).text()
    except DecodingError:
        message = "no reason was given"
    return Refused(Status(status), message)


class Acquaintance:
    """What the daemon last told of how it knows this worker. It decides whether requests may be sent again.

    A daemon that knows the worker counts each number once. A daemon that does not know it has forgotten it or never
    carried anything out for it. The second is certain if it did not know the worker at the previous hello either, has
    carried out nothing since, and has forgotten no worker in between, in the same epoch.
    """

    __slots__ = ("epoch", "forgotten_workers", "grace", "is_known")

    def __init__(self, epoch: int, forgotten_workers: int, is_known: bool, grace: float = 0.0) -> None:
        self.epoch = epoch
        self.forgotten_workers = forgotten_workers
        self.is_known = is_known
        self.grace = grace
        """Seconds that a worker may be away before its permits are taken back; 0: not told."""

    @classmethod
    def of(cls, hello: HelloReply) -> Acquaintance:
        is_known = hello.worker == 1
        return cls(hello.epoch, hello.forgotten_workers, is_known, hello.grace_milliseconds / 1000)

    def allows_resending(self, hello: HelloReply) -> bool:
        """Whether unanswered requests may be sent again, with their numbers, to a daemon that says this."""
        if hello.epoch != self.epoch:
            return False
        return hello.worker == 1 or (not self.is_known and hello.forgotten_workers == self.forgotten_workers)


class SequenceWindow:
    """The sequence numbers of a worker: the next one, and those without a reply."""

    __slots__ = ("_closed", "next", "oldest")

    def __init__(self) -> None:
        self.oldest = 1
        """The lowest number without a reply; the next number if each has its reply."""
        self.next = 1
        self._closed: set[int] = set()

    @property
    def is_quiet(self) -> bool:
        return self.oldest == self.next

    def has_room(self, sequence: int, kept: int) -> bool:
        """Whether a number may be sent if the daemon keeps so many replies; 0: any number may."""
        return kept == 0 or sequence < self.oldest + kept

    def issue(self) -> int:
        number = self.next
        self.next = number + 1
        return number

    def rebuild(self, open_numbers: set[int]) -> None:
        """Of the numbers that were issued, these alone have no reply."""
        self.oldest = min(open_numbers, default=self.next)
        self._closed = set(range(self.oldest, self.next)) - open_numbers

    def close(self, sequence: int) -> None:
        """The number has its reply, or its request is given up."""
        if sequence != self.oldest:
            if self.oldest < sequence < self.next:
                self._closed.add(sequence)
            return
        self.oldest += 1
        while self.oldest in self._closed:
            self._closed.discard(self.oldest)
            self.oldest += 1


class Backoff:
    """How long to wait after a failed connect. The time doubles with each failure and is spread at random."""

    __slots__ = ("_failures", "longest", "shortest")

    def __init__(self, shortest: float, longest: float) -> None:
        self.shortest = shortest
        self.longest = max(longest, shortest)
        self._failures = 0

    def after_failure(self, chance: float) -> float:
        """The seconds to wait: between half of the present bound and all of it."""
        bound: float = min(self.shortest * 2.0 ** min(self._failures, 60), self.longest)
        self._failures += 1
        return bound - bound / 2 * (1 - chance)

    def succeeded(self) -> None:
        self._failures = 0


def payload_of(request: Record) -> bytes:
    """The fields of a request. Raises InvalidArgument if one does not fit."""
    try:
        return encoded(request)
    except EncodingError as error:
        raise InvalidArgument(f"the request was not sent: {error}") from None
