"""The state machine of an exchange: whether there is a connection, and how far each request has come.

It holds no socket, no clock, no thread and no lock. The blocking and the asynchronous client hand it what happens,
with the time, and carry out what it says: bytes to send in `output`, a connection to close through `hang_up`, callers
to wake through `Pending.wake`.

What follows for a request when its connection is lost:

| request | frame sent | what follows |
|---|---|---|
| read | yes or no | it is sent again |
| sequenced | yes | it is sent again with its number, before anything else, in the order of numbers |
| sequenced | no | it is sent in its turn; if nobody waits for it any more, it is dropped |
| a withdrawal | yes or no | it is sent again |
| other | yes | its outcome is unknown |
| other | no | it is sent again |

`_waiting` has what follows for a request that waits for its turn.
"""

from __future__ import annotations

from collections import deque

from . import _frames, _log
from ._errors import ClientClosed, FuseboxError, InvalidArgument, OutcomeUnknown, TimedOut, TooManyRequests
from ._mending import Mending
from ._requests import GONE, IDLE, KEPT, OPEN, QUEUED, SENT, WAITING, Acquaintance, Pending, SequenceWindow, refusal
from ._state import (
    CLOSED,
    CONNECTED,
    CONNECTING,
    DISCONNECTED,
    GOODBYE,
    LONGEST_LOSSES,
    LOOKS_FOR_RESTART,
    REQUESTS,
    is_left,
)
from ._wire import PUSH, REPLY, DecodingError
from .protocol.admission import AdmissionReportRequest
from .protocol.constants import Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .protocol.connection import HelloReply


class Machine(Mending):
    """The requests of one process to one daemon, and what follows from what happens to them."""

    # What callers ask for

    def submit(self, request: Pending, now: float) -> None:
        """Takes a request: writes it, puts it in the backlog, or ends it."""
        if not self.return_by:
            # The first request. The daemon may be about to start.
            self.return_by = now + self.policy.patience
        if len(self.sent) + len(self.backlog) + len(self.tickets) >= REQUESTS:
            self._end(request, error=TooManyRequests(f"{REQUESTS} requests are under way; wait for replies first"))
        elif self.phase == CONNECTED:
            self._enqueue(request)
            self._drain()
        elif self.phase == CONNECTING or (self.phase == DISCONNECTED and self._may_wait(now)):
            self._enqueue(request)
        elif self.phase == CLOSED:
            self._end(request, error=ClientClosed())
        elif self._asks_again and not request.is_report:
            self._hurry()
            self._enqueue(request)
        elif request.is_report:
            self._enqueue(request)
            self._keep(request)
            self._drop_excess()
        else:
            self._end(request, error=self._away())

    def expire(self, request: Pending, now: float) -> None:
        """The caller's time is over."""
        if request.interest != OPEN:
            return
        if request.stage == SENT:
            self._complete(request, GONE, error=TimedOut())
            self._note_silence(now)
        elif request.stage == WAITING:
            self._stop_waiting(request, TimedOut())
            self._note_silence(now)
        elif request.is_report:
            self._keep(request)
            self._drop_excess()
        else:
            # A request that was never sent, for lack of a connection, has changed nothing. The error says so.
            is_away = self.phase != CONNECTED and not request.may_have_arrived
            self._complete(request, GONE, error=self._away() if is_away else TimedOut())
            self._forget(request)

    def abandon(self, request: Pending) -> None:
        """The caller waits no longer. A report is kept; anything else that was not sent is taken back."""
        if request.interest != OPEN:
            return
        if request.is_report:
            self._keep(request)
            return
        request.interest = GONE
        if request.stage == WAITING:
            self._stop_waiting(request)
        else:
            self._forget(request)

    @property
    def wants_connection(self) -> bool:
        """Whether requests wait for a connection."""
        return self.phase == DISCONNECTED and bool(self.backlog)

    @property
    def has_unanswered(self) -> bool:
        """Whether requests are under way that goodbye should wait for."""
        return bool(self.sent or self.backlog or self.output)

    @property
    def queued_reports(self) -> int:
        return sum(1 for request in self.backlog if request.is_waiting_report)

    @property
    def longest_backoff_of_holder(self) -> float | None:
        """A third of the grace: a client that holds permits must be back in time even if one attempt fails."""
        grace = self.acquaintance.grace if self.acquaintance else 0.0
        return grace / 3 if grace else None

    # Connections made and refused

    def begin_connecting(self) -> None:
        self.phase = CONNECTING
        self.attempts += 1

    def connected(self, hello: HelloReply, now: float) -> None:
        """The daemon has answered hello. Writes what waits, in order: what may have arrived before comes first."""
        if self.phase == CLOSED:
            return
        self.phase = CONNECTED
        self.connections += 1
        self.hello = hello
        self.farewell = None
        self._silent_since = None
        self._frames = _frames.FrameReader()
        self.output = bytearray()
        self.written = 0
        if self.acquaintance and not self.acquaintance.allows_resending(hello):
            self._give_up_unacknowledged()
        self.acquaintance = Acquaintance.of(hello)
        self.backoff.succeeded()
        self._continue_waits(now)
        _log.tell("connected to %s (%s)", self.policy.path, hello.server)
        self._drain()

    def connect_failed(self, reason: str, is_vacant: bool, holds_permits: bool, chance: float, now: float) -> None:
        """No connection was made. Unless the next attempt follows soon, requests end and reports are kept."""
        if self.phase != CONNECTING:
            return
        self.phase = DISCONNECTED
        self.is_vacant = is_vacant
        self.absence = reason
        if is_vacant and self.backoff_ends is not None and now < self.backoff_ends:
            self.retry_at = self.backoff_ends
        else:
            wait = self.backoff.after_failure(chance)
            must_return = holds_permits or any(request.has_waited for request in self.backlog)
            if must_return and self.longest_backoff_of_holder:
                wait = min(wait, self.longest_backoff_of_holder)
            self.retry_at = now + wait
        self.backoff_ends = None
        if not self.policy.fails_open and now < self.return_by:
            look = max(self.backoff.shortest, self.policy.patience / LOOKS_FOR_RESTART)
            self.retry_at = min(self.retry_at, now + look, self.return_by)
        if not self._is_expected_back:
            self._turn_away()

    def stop_connecting(self) -> None:
        """The attempt was interrupted and tells nothing of the daemon. The next one is made at once."""
        if self.phase == CONNECTING:
            self.phase, self.retry_at = DISCONNECTED, 0.0

    def lost(self, reason: str, now: float) -> None:
        """The present connection is lost."""
        if self.phase != CONNECTED:
            return
        self.phase = DISCONNECTED
        self.is_vacant = False
        self.return_by = now + self.policy.patience
        self.retry_at = 0.0
        self.absence = f"the daemon closed the connection: {self.farewell[1]}" if self.farewell else reason
        _log.tell("the connection to %s is lost: %s", self.policy.path, self.absence)
        has_left = self.written - len(self.output)
        self.output = bytearray()
        self.hang_up()
        again = self._take_unanswered(has_left)
        if any(request.losses > 1 for request in again):
            # A request that is lost again and again must not cause a busy loop.
            self.retry_at = now + self.backoff.shortest
            self.return_by = max(self.return_by, self.retry_at)
        self.backlog.extendleft(reversed(again + self._take_waiting()))
        if self.farewell and self.farewell[0] == Status.FENCED:
            self._become_another()
        self._drop_excess()

    # Frames received

    def received(self, data: bytes, now: float) -> None:
        """Takes bytes of the present connection."""
        self._silent_since = None
        try:
            for command, kind, detail, correlation, answer in self._frames.take(data):
                if kind == REPLY:
                    self._reply(command, detail, correlation, answer, now)
                elif kind == PUSH and command == _frames.TICKETS:
                    self._take_push(*_frames.end_of_wait(answer))
                    self._drain()
                if self.phase != CONNECTED:
                    return
        except (_frames.Garbled, DecodingError) as error:
            self.lost(f"the peer does not speak this protocol: {error}", now)

    def _reply(self, command: int, status: int, correlation: int, answer: tuple[bytes, int, int], now: float) -> None:
        request = self.sent.get(correlation)
        if request is None:
            if status == 0:
                return self.lost("the peer does not speak this protocol: a reply came that answers no request", now)
            self.farewell = (status, refusal(status, answer).message)
            return None
        if request.command != command:
            return self.lost("the peer does not speak this protocol: a reply names another command", now)
        del self.sent[correlation]
        request.stage = IDLE
        if status == 0 and request.sequence and self.acquaintance:
            self.acquaintance.is_known = True
        if status == Status.SEQUENCE_OUT_OF_ORDER and request.may_have_arrived:
            self._begin_anew(request)
        elif status == Status.NOT_FOUND and request.substitute is not None:
            self._close_number(request)
            request.become_substitute(AdmissionReportRequest)
            if request.interest == GONE:
                request.interest = KEPT
            self._enqueue(request)
        elif status or request.admission is None or not self._take_ticket(request, answer):
            self._end(request, status=status, answer=answer)
        self._drain()
        return None

    def _begin_anew(self, request: Pending) -> None:
        """The daemon had refused the request when it first came, and nothing has changed: it gets a new number."""
        self._close_number(request)
        if request.interest == GONE:
            self._end(request, error=OutcomeUnknown())
        else:
            self._enqueue(request)

    # Frames sent

    def flushed(self, count: int) -> None:
        """So many bytes of the output were taken."""
        del self.output[:count]

    def _drain(self) -> None:
        """Writes the requests of the backlog that may be sent now."""
        backlog = self.backlog
        if not backlog or self.phase != CONNECTED or self.hello is None:
            return
        while backlog and self._may_leave(backlog[0], self.hello.kept_replies):
            self._write(backlog.popleft(), self.hello.frame_limit)

    def _may_leave(self, request: Pending, kept_replies: int) -> bool:
        if request.command == GOODBYE:
            # The daemon forgets the worker at goodbye, so nothing may be left that might have to be sent again.
            return self.window.is_quiet and not any(one.is_withdrawal for one in self.sent.values())
        if not request.is_sequenced:
            return True
        return self.window.has_room(request.sequence or self.window.next, kept_replies)

    def _write(self, request: Pending, frame_limit: int) -> None:
        if request.substitute is not None and self.acquaintance and request.permit_epoch != self.acquaintance.epoch:
            request.become_substitute(AdmissionReportRequest)
        length = _frames.length_of(request.payload, request.is_sequenced)
        if frame_limit and length > frame_limit:
            self._end(request, error=InvalidArgument(f"a frame of {length} bytes is longer than {frame_limit}"))
            return
        if request.is_sequenced and not request.sequence:
            request.sequence = self.window.issue()
        request.correlation = self._next_correlation()
        frame = _frames.request(
            request.command, request.correlation, request.payload, request.sequence, self.window.oldest
        )
        self.output += frame
        self.written += len(frame)
        request.frame_end = self.written
        request.stage = SENT
        self.sent[request.correlation] = request

    def _next_correlation(self) -> int:
        number = self._correlation
        while True:
            number = number + 1 if number < 0xFFFF_FFFE else 1
            if number not in self.sent:
                self._correlation = number
                return number

    # Closing

    def close(self, keeps_reports: bool) -> list[Pending]:
        """Ends all requests. Returns the reports without a reply, in the order in which they are to be sent.

        Each has a number then. A worker that leaves reports must not say goodbye.
        """
        if self.phase == CLOSED:
            return []
        left: list[Pending] = []
        if keeps_reports:
            numbered = [one for one in (*self.sent.values(), *self.backlog) if one.sequence and is_left(one)]
            numbered.sort(key=lambda one: one.sequence)
            left = numbered + [one for one in self.backlog if not one.sequence and is_left(one)]
        was_connected = self.phase == CONNECTED
        self.phase = CLOSED
        for request in left:
            if not request.sequence:
                request.sequence = self.window.issue()
        kept = {id(one) for one in left}
        others = [one for one in (*self.sent.values(), *self.backlog) if id(one) not in kept]
        others += self.tickets.values()
        self.sent, self.backlog, self.tickets = {}, deque(), {}
        for request in left:
            if request.interest == OPEN:
                self._complete(request, KEPT, is_kept=True)
        for request in others:
            self._end(request, error=ClientClosed())
        self.live.clear()
        self.output = bytearray()
        if was_connected:
            self.hang_up()
        return left

    # A daemon that is away

    def _may_wait(self, now: float) -> bool:
        return self.retry_at <= now or self._is_expected_back

    @property
    def _is_expected_back(self) -> bool:
        """Whether calls wait for the next attempt, because the daemon has just gone and may be restarting."""
        return not self.policy.fails_open and self.phase == DISCONNECTED and self.retry_at <= self.return_by

    @property
    def _asks_again(self) -> bool:
        """Whether a call connects although the backoff is not over: where nobody listens, the kernel says so at once.

        Each call that fails closed is told of an absence by an attempt that began after the call.
        """
        return not self.policy.fails_open and self.is_vacant

    def _hurry(self) -> None:
        self.backoff_ends = self.retry_at
        self.retry_at = 0.0

    def _turn_away(self) -> None:
        asks_again = self._asks_again
        stays: deque[Pending] = deque()
        ended: list[Pending] = []
        came_meanwhile = False
        for request in self.backlog:
            is_turned_away = not (request.is_report or request.may_have_arrived or self._waits_for_return(request))
            is_new = asks_again and request.attempts_before == self.attempts
            came_meanwhile = came_meanwhile or (is_turned_away and is_new)
            (ended if is_turned_away and not is_new else stays).append(request)
        self.backlog = stays
        for request in ended:
            self._end(request, error=self._away())
        for request in list(stays):
            if request.interest == OPEN and request.is_report:
                self._keep(request)
            elif request.interest == OPEN and self.policy.fails_open:
                # The failure policy answers the caller. The request stays until the daemon has answered it.
                self._complete(request, GONE, error=TimedOut())
        self._drop_excess()
        if came_meanwhile:
            self._hurry()

    def _waits_for_return(self, request: Pending) -> bool:
        """Whether a request waits for a daemon that is away, however long that takes."""
        if request.interest == KEPT or request.is_withdrawal:
            return True
        return request.has_waited and not self.policy.fails_open

    def _take_unanswered(self, has_left: int) -> list[Pending]:
        """The requests of a lost connection that go to the next one, in their order. Ends the others."""
        again: list[Pending] = []
        requests, self.sent = self.sent, {}
        for request in requests.values():
            was_sent = request.frame_end <= has_left
            request.losses += 1
            request.stage = QUEUED
            request.may_have_arrived = request.may_have_arrived or (was_sent and request.is_sequenced)
            error = self._ending_after_loss(request, was_sent)
            if error is not None:
                self._end(request, error=error)
            else:
                again.append(request)
        again.sort(key=lambda one: (one.sequence or 1 << 64, one.frame_end))
        return again

    def _ending_after_loss(self, request: Pending, was_sent: bool) -> FuseboxError | None:
        if request.is_withdrawal:
            return OutcomeUnknown() if request.losses > LONGEST_LOSSES else None
        if request.may_have_arrived:
            is_hopeless = request.interest != OPEN and request.losses > LONGEST_LOSSES
            return OutcomeUnknown() if is_hopeless else None
        if request.interest == GONE:
            return self._away()
        if request.is_sequenced:
            return None
        if was_sent and request.effect != "read":
            return OutcomeUnknown()
        # A restart may close two connections: that of a daemon that stops, and one that it still accepted.
        return self._away() if request.losses > (LONGEST_LOSSES if self.policy.patience > 0 else 1) else None

    def _give_up_unacknowledged(self) -> None:
        given_up = [request for request in self.backlog if request.may_have_arrived]
        self.backlog = deque(request for request in self.backlog if not request.may_have_arrived)
        for request in given_up:
            self._end(request, error=OutcomeUnknown())

    def _become_another(self) -> None:
        """Takes a new worker id, because another process has taken this one over. The old numbers are void."""
        self._give_up_unacknowledged()
        self.worker = self.fresh_worker()
        if self.acquaintance:
            self.acquaintance.is_known = False
        self.window = SequenceWindow()
        # Tickets are numbers of the old worker, which has lost its places.
        withdrawals = [request for request in self.backlog if request.is_withdrawal]
        self.backlog = deque(request for request in self.backlog if not request.is_withdrawal)
        for request in withdrawals:
            self._end(request, error=OutcomeUnknown())
        for request in self.backlog:
            request.sequence = request.resumes = 0

    def _note_silence(self, now: float) -> None:
        """Gives up the connection to a daemon that has answered nothing for long."""
        if self._silent_since is None:
            self._silent_since = now
        if self._silent_since + self.policy.silence <= now:
            self.lost("the daemon has stopped answering", now)
