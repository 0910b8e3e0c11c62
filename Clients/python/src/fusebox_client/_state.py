"""What an exchange's state machine knows, and how requests end. All inputs of `Machine` use these transitions."""

from __future__ import annotations

from collections import deque

from . import _frames, _log
from ._errors import FuseboxError, Unavailable
from ._requests import GONE, IDLE, KEPT, OPEN, QUEUED, Acquaintance, Backoff, Pending, SequenceWindow
from ._wire import DecodingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .protocol.connection import HelloReply

DISCONNECTED, CONNECTING, CONNECTED, CLOSED = range(4)

LONGEST_LOSSES = 8
"""Losses after which a request is not sent again if nobody waits for it: it may be what crashes the daemon."""
LOOKS_FOR_RESTART = 8
"""The least number of attempts to connect while calls wait for a restart."""
REQUESTS = 65_536
"""Requests under way at once."""
SETTLES_KEPT = 4_096
"""Reports that a client keeps which fails closed."""

GOODBYE = 2


class Policy:
    """The settings that the machine decides by. Times are in seconds."""

    __slots__ = ("backoff_longest", "backoff_shortest", "fails_open", "path", "patience", "queue_limit", "silence")

    def __init__(
        self,
        path: str,
        fails_open: bool = False,
        queue_limit: int = SETTLES_KEPT,
        timeout: float = 1.0,
        patience: float = 0.0,
        backoff_shortest: float = 0.05,
        backoff_longest: float = 5.0,
    ) -> None:
        self.path = path
        self.fails_open = fails_open
        self.queue_limit = queue_limit
        self.silence = 4 * timeout
        """How long requests may time out without a byte from the daemon before the connection is given up."""
        self.patience = patience
        """How long calls wait for a daemon that may be restarting."""
        self.backoff_shortest = backoff_shortest
        self.backoff_longest = backoff_longest


class State:
    """The requests of one process to one daemon."""

    def __init__(self, policy: Policy, worker: tuple[int, int]) -> None:
        self.policy = policy
        self.phase = DISCONNECTED
        self.retry_at = 0.0
        """When a call may try to connect again."""
        self.return_by = 0.0
        """Until when calls wait for the daemon, as one that may be restarting."""
        self.is_vacant = False
        """Whether the kernel said at the last attempt that nobody listens."""
        self.backoff_ends: float | None = None
        self.absence = "it was never connected"
        self.hello: HelloReply | None = None
        self.farewell: tuple[int, str] | None = None
        self.connections = 0
        self.attempts = 0
        self.worker = worker
        self.window = SequenceWindow()
        self.acquaintance: Acquaintance | None = None
        self.backoff = Backoff(policy.backoff_shortest, policy.backoff_longest)
        self.live: dict[Pending, None] = {}
        """All requests that are not over."""
        self.is_torn = False
        """Whether an input is under way, or was cut off."""
        self.sent: dict[int, Pending] = {}
        self.backlog: deque[Pending] = deque()
        self.tickets: dict[int, Pending] = {}
        """The requests that wait for their turn, by their tickets."""
        self.dropped_reports = 0
        self.output = bytearray()
        """Bytes that wait to be sent on the present connection."""
        self.written = 0
        self.hang_up: Callable[[], None] = _nothing
        """Called when the present connection is to be closed."""
        self.fresh_worker: Callable[[], tuple[int, int]] = lambda: worker
        self._frames = _frames.FrameReader()
        self._correlation = 0
        self._silent_since: float | None = None

    # How requests end

    def _end(
        self,
        request: Pending,
        status: int = 0,
        answer: tuple[bytes, int, int] | None = None,
        error: FuseboxError | None = None,
    ) -> None:
        """Ends a request that was answered, refused or given up. It must not be in the backlog."""
        if answer is not None and not status:
            request.resumes = 0
        if request.interest == OPEN:
            self._complete(request, GONE, status, answer, error, is_over=True)
        elif request.interest == KEPT:
            if status or error is not None:
                self.dropped_reports += 1
        elif answer is not None and not status:
            self._give_back_unwanted(request, answer)
        request.is_over = True
        self._bury(request)

    def _bury(self, request: Pending) -> None:
        """Takes leave of a request that is over. Changes nothing the second time."""
        self._close_number(request)
        request.stage = IDLE
        if request.resumes:
            # Nobody continues this wait, and its permit may have been granted.
            self._withdraw(request.resumes)
            request.resumes = 0
        self.live.pop(request, None)

    def _give_back_unwanted(self, request: Pending, answer: tuple[bytes, int, int]) -> None:
        if request.command == _frames.ADMIT:
            self._give_back(answer)
        elif request.command == _frames.WITHDRAW:
            try:
                _, _, admission = _frames.end_of_wait(answer)
            except DecodingError:
                return
            self._give_back(admission)

    def _give_back(self, answer: tuple[bytes, int, int]) -> None:
        """A permit was granted to a caller that has gone: its call is never made."""
        settle = _frames.cancellation(answer)
        if settle is not None:
            settle.interest = KEPT
            settle.permit_epoch = self.acquaintance.epoch if self.acquaintance else None
            self._enqueue(settle)

    def _complete(
        self,
        request: Pending,
        interest: int,
        status: int = 0,
        answer: tuple[bytes, int, int] | None = None,
        error: FuseboxError | None = None,
        is_kept: bool = False,
        is_over: bool = False,
    ) -> None:
        # No call between these: an interruption finds all of them done or none.
        request.status, request.answer, request.error, request.is_kept = status, answer, error, is_kept
        request.is_over = is_over
        request.interest = interest
        if request.wake is not None:
            request.wake()

    def _keep(self, request: Pending) -> None:
        self._complete(request, KEPT, is_kept=True)

    def _forget(self, request: Pending) -> None:
        """Nobody waits for the request. If it cannot have reached the daemon, it is taken back."""
        if request.stage == QUEUED and not request.may_have_arrived:
            self.backlog.remove(request)
            request.is_over = True
            self._bury(request)
            self._drain()

    def _close_number(self, request: Pending) -> None:
        if request.sequence:
            self.window.close(request.sequence)
            request.sequence = 0

    def _drop_excess(self) -> None:
        """Drops the oldest kept reports above the queue's limit."""
        if len(self.backlog) <= self.policy.queue_limit:
            return
        waiting = [request for request in self.backlog if request.is_waiting_report]
        excess = waiting[: max(0, len(waiting) - self.policy.queue_limit)]
        if excess and not self.dropped_reports:
            _log.warn("more than %d reports wait for the daemon; the oldest are dropped", self.policy.queue_limit)
        for request in excess:
            self.backlog.remove(request)
            self._end(request, error=self._away())

    def _away(self) -> Unavailable:
        return Unavailable(self.policy.path, self.absence)

    def _enqueue(self, request: Pending) -> None:
        """Puts the request into the backlog, where it waits for a connection or for room in the window."""
        self.live[request] = None
        request.stage = QUEUED
        request.may_have_arrived = False
        request.attempts_before = self.attempts
        self.backlog.append(request)

    def _drain(self) -> None:
        """Writes the requests of the backlog that may be sent now."""
        raise NotImplementedError

    def _withdraw(self, ticket: int) -> None:
        """Ends a wait that nobody is interested in."""
        raise NotImplementedError


def is_left(request: Pending) -> bool:
    """Whether a request is a report that may not have counted, and whose caller relies on the client."""
    if request.stage == IDLE or request.report_kind is None:
        return False
    if request.is_report or request.interest == KEPT:
        return True
    return request.interest == GONE and request.may_have_left


def _nothing() -> None:
    pass
