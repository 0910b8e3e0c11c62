"""The requests of a blocking client, and the one connection that they share.

Blocking calls have no thread of their own: the waiting threads work for each other. A thread with a request sends its
frame at once. One of the threads that wait, the *leader*, connects and reads for all. When its own reply has come, it
makes another waiting thread the leader. So a lone caller makes three system calls: send, poll and recv.
"""

from __future__ import annotations

import threading
from _thread import allocate_lock
from collections import deque
from time import monotonic

from . import _fork, _frames
from ._connection import Connection, Lost, NotConnected, chance, random_worker
from ._errors import Unavailable
from ._machine import Machine
from ._requests import GONE, OPEN, Pending
from ._state import CLOSED, CONNECTED, DISCONNECTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ._settings import Settings
    from .protocol.connection import HelloReply

_PUSH = 0.05
"""How long a thread waits at once for a socket that takes nothing."""


class _Waiter:
    """A thread that waits for its request, or to become the leader."""

    __slots__ = ("_gate", "_is_open", "request")

    def __init__(self, request: Pending) -> None:
        self.request = request
        self._gate = allocate_lock()
        self._gate.acquire()
        self._is_open = False

    def wake(self) -> None:
        """Under the exchange's lock."""
        if not self._is_open:
            self._is_open = True
            self._gate.release()

    def rest(self, deadline: float) -> None:
        """Sleeps until it is woken or the time is over."""
        if self._gate.acquire(timeout=max(0.0, deadline - monotonic())):
            self._is_open = False


class Exchange:
    """One process's requests to one daemon."""

    def __init__(self, settings: Settings, on_connected: Callable[[], None], holds_permits: Callable[[], bool]) -> None:
        self.settings = settings
        self.generation = _fork.generation()
        self._lock = threading.Lock()
        self._machine = Machine(settings.policy(), random_worker())
        self._machine.fresh_worker = random_worker
        self._machine.hang_up = self._hang_up
        self._connection: Connection | None = None
        self._leader: Pending | None = None
        """The request whose thread connects and reads."""
        self._waiters: dict[Pending, _Waiter] = {}
        self.left: deque[Pending] = deque()
        """Reports of finalizers, which must not wait for a lock: they may run while this thread holds it."""
        self._on_connected = on_connected
        self._holds_permits = holds_permits

    # What it tells

    @property
    def hello(self) -> HelloReply | None:
        """The daemon's reply to hello on the present connection."""
        return self._machine.hello if self._machine.phase == CONNECTED else None

    @property
    def epoch(self) -> int | None:
        acquaintance = self._machine.acquaintance
        return acquaintance.epoch if acquaintance else None

    @property
    def queued_reports(self) -> int:
        with self._lock:
            return self._machine.queued_reports

    @property
    def dropped_reports(self) -> int:
        return self._machine.dropped_reports

    def note_dropped(self, count: int = 1) -> None:
        with self._lock:
            self._machine.dropped_reports += count

    @property
    def longest_backoff_of_holder(self) -> float | None:
        return self._machine.longest_backoff_of_holder

    # One request

    def perform(self, request: Pending, timeout: float) -> None:
        """Submits a request and blocks until its outcome is known."""
        now = monotonic()
        deadline = now + timeout
        waiter = None
        try:
            with self._lock:
                machine = self._machine
                self._begin(now)
                machine.submit(request, now)
                self._flush()
                machine.is_torn = False
                if request.interest != OPEN:
                    return
                if self._leader is None:
                    self._leader = request
                else:
                    waiter = self._add_waiter(request)
                must_push = waiter is not None and bool(machine.output)
            if must_push:
                self._push(request, deadline)
            if waiter is None or self._follow(waiter, deadline):
                self._lead(request, deadline)
        except BaseException:
            # An interruption, as by Ctrl-C. A report is kept, and whatever else was sent stays unacknowledged.
            self._leave(request)
            raise

    def keep(self, report: Pending) -> None:
        """Submits a report that nobody waits for, unless it was submitted before."""
        with self._lock:
            now = monotonic()
            self._begin(now)
            self._keep(report, now)
            self._flush()
            self._machine.is_torn = False

    def _keep(self, report: Pending, now: float) -> None:
        if report.interest == OPEN:
            if report not in self._machine.live:
                self._machine.submit(report, now)
            self._machine.abandon(report)

    def _begin(self, now: float) -> None:
        """An input of the machine begins. Under the lock."""
        self._machine.begin(now)
        while self.left:
            self._keep(self.left[0], now)
            self.left.popleft()

    def _add_waiter(self, request: Pending) -> _Waiter:
        waiter = _Waiter(request)
        request.wake = waiter.wake
        self._waiters[request] = waiter
        return waiter

    def _follow(self, waiter: _Waiter, deadline: float) -> bool:
        """Waits while another thread leads. Whether this one is the leader now."""
        request = waiter.request
        while True:
            waiter.rest(deadline)
            with self._lock:
                now = monotonic()
                if request.interest == OPEN and now >= deadline:
                    self._expire(request, now)
                if request.interest != OPEN:
                    self._waiters.pop(request, None)
                    self._hand_over(request)
                    return False
                if self._leader is request:
                    self._waiters.pop(request, None)
                    request.wake = None
                    return True

    def _lead(self, request: Pending, deadline: float) -> None:
        """Connects and reads, until the outcome of this request is known."""
        while True:
            with self._lock:
                now = monotonic()
                if request.interest == OPEN and now >= deadline:
                    self._expire(request, now)
                if request.interest != OPEN:
                    self._hand_over(request)
                    return
                connection = self._connection
                is_connecting = connection is None and self._machine.wants_connection and self._machine.retry_at <= now
                if connection is not None:
                    connection.begin_use()
                elif is_connecting:
                    self._machine.begin_connecting()
                else:
                    waiter = _Waiter(request)
                    request.wake = waiter.wake
                    until = min(deadline, max(self._machine.retry_at, now + 0.001))
            if connection is not None:
                self._read(connection, deadline)
            elif is_connecting:
                self._connect(deadline)
            else:
                waiter.rest(until)
                request.wake = None

    def _expire(self, request: Pending, now: float) -> None:
        """The caller's time is over. Under the lock."""
        self._begin(now)
        self._machine.expire(request, now)
        self._flush()
        self._machine.is_torn = False

    def _read(self, connection: Connection, deadline: float) -> None:
        data, reason = None, None
        try:
            if self._machine.output:
                connection.wait_writable(min(deadline, monotonic() + _PUSH))
            data = connection.receive(deadline if not self._machine.output else monotonic())
        except Lost as lost:
            reason = str(lost)
        finally:
            with self._lock:
                try:
                    self._take(connection, data, reason)
                finally:
                    connection.end_use()

    def _take(self, connection: Connection, data: bytes | None, reason: str | None) -> None:
        """Hands over what was read, or why nothing more can be. Under the lock."""
        if connection is not self._connection:
            return
        machine, now = self._machine, monotonic()
        self._begin(now)
        if connection is self._connection:
            if reason is not None:
                machine.lost(reason, now)
            elif data:
                machine.received(data, now)
            self._flush()
        machine.is_torn = False

    def _connect(self, deadline: float) -> None:
        settings = self.settings
        timeout = min(settings.connect_timeout, deadline - monotonic())
        machine = self._machine
        try:
            connection = Connection(settings.path, machine.worker, machine.window.next - 1, settings.name, timeout)
        except NotConnected as failure:
            with self._lock:
                now = monotonic()
                self._begin(now)
                machine.connect_failed(str(failure), failure.is_vacant, self._holds_permits(), chance(), now)
                machine.is_torn = False
            return
        with self._lock:
            now = monotonic()
            self._begin(now)
            if machine.phase == CLOSED:
                connection.hang_up()
            else:
                self._connection = connection
                machine.connected(connection.hello, now)
                if connection.early:
                    machine.received(connection.early, now)
                self._flush()
            machine.is_torn = False
        self._on_connected()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.hang_up()
            self._connection = None

    def _push(self, request: Pending, deadline: float) -> None:
        """Sends what the socket did not take at once. The leader may sleep until something arrives."""
        while request.interest == OPEN and monotonic() < deadline:
            with self._lock:
                self._flush()
                connection = self._connection
                if connection is None or not self._machine.output or not connection.takes_output:
                    return
                connection.begin_use()
            try:
                connection.wait_writable(min(deadline, monotonic() + _PUSH))
            finally:
                with self._lock:
                    connection.end_use()

    def _flush(self) -> None:
        """Hands the socket as much output as it takes. Under the lock."""
        output = self._machine.output
        if output and self._connection is not None:
            self._machine.flushed(self._connection.send(output))

    def _hand_over(self, request: Pending) -> None:
        """If this request's thread leads, or nobody does, makes a waiting one the leader. Under the lock."""
        if self._leader is not request and self._leader is not None:
            return
        self._leader = None
        for waiter in self._waiters.values():
            if waiter.request.interest == OPEN:
                self._leader = waiter.request
                waiter.wake()
                return

    def _leave(self, request: Pending) -> None:
        """The caller was interrupted."""
        with self._lock:
            machine, now = self._machine, monotonic()
            self._begin(now)
            self._waiters.pop(request, None)
            request.wake = None
            if self._leader is request:
                machine.stop_connecting()
                # Bytes that this thread has received may be lost, so the daemon is asked again.
                machine.lost("its reader was interrupted", now)
            if request.interest == OPEN:
                if request.is_report and request not in machine.live:
                    machine.submit(request, now)
                machine.abandon(request)
            self._flush()
            machine.is_torn = False
            self._hand_over(request)

    def give_back(self, request: Pending) -> None:
        """The caller was interrupted in the moment in which its permit was granted."""
        if request.answer is None or request.status:
            return
        settle = _frames.cancellation(request.answer)
        if settle is not None:
            settle.permit_epoch = self.epoch
            self.keep(settle)

    @property
    def owes_permits(self) -> bool:
        """Whether a permit may be granted that nobody waits for."""
        with self._lock:
            return any(one.interest == GONE and one.command in _frames.GRANTING for one in self._machine.live)

    # The first connection, and the end

    def expect_daemon(self) -> None:
        """Calls wait for the daemon from now on, as one that may be restarting."""
        with self._lock:
            if self._machine.phase == DISCONNECTED:
                self._machine.return_by = monotonic() + self.settings.restart_patience

    def has_unanswered(self) -> bool:
        with self._lock:
            return self._machine.phase == CONNECTED and self._machine.has_unanswered

    @property
    def was_used(self) -> bool:
        """Whether the daemon may know this worker."""
        return self._machine.connections > 0

    def close(self, keeps_reports: bool) -> tuple[list[Pending], Machine]:
        """Ends all requests. Returns the reports without a reply."""
        with self._lock:
            self._begin(monotonic())
            left = self._machine.close(keeps_reports)
            self._machine.is_torn = False
            return left, self._machine

    def absence(self) -> Unavailable:
        """The error of a call that finds no connection."""
        return Unavailable(self.settings.path, self._machine.absence)
