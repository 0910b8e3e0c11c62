"""The permits that a blocking client holds. Those of calls are renewed each third of their time to live.

One thread serves all calls of a client. It sleeps until a renewal is due, and checks the connection at intervals, so
that a worker with a long call returns in time to a daemon that has restarted. A call that ends before its renewal is
due costs the thread nothing.
"""

from __future__ import annotations

import threading
from _thread import allocate_lock
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LOOK = 0.5
"""How often a client that holds permits checks its connection, in seconds."""


class Renewal:
    """A permit that is held."""

    __slots__ = ("due", "end", "is_renewed", "ttl")

    def __init__(self, ttl: float, is_renewed: bool, longest: float) -> None:
        now = monotonic()
        self.ttl = ttl
        self.is_renewed = is_renewed
        """Whether the permit is renewed when it is due. If not, it is dropped then."""
        self.end = now + longest
        self.due = now + (ttl / 3 if is_renewed else ttl)

    def postpone(self, now: float) -> None:
        self.due = now + (self.ttl / 3 if self.is_renewed else self.ttl)


class Renewals:
    """The permits that are held, and the thread that renews them."""

    def __init__(
        self, renew: Callable[[int, float], bool], look: Callable[[], None], longest_look: Callable[[], float | None]
    ) -> None:
        self._renew = renew
        """Renews a permit. Whether it is still to be renewed."""
        self._look = look
        self._longest_look = longest_look
        self._held: dict[int, Renewal] = {}
        self._lock = allocate_lock()
        self._gate = allocate_lock()
        self._gate.acquire()
        self._is_woken = False
        self._wakes_at = 0.0
        self._is_looking = False
        self._must_look = False
        self._has_thread = False
        self._is_closed = False

    @property
    def holds_any(self) -> bool:
        return bool(self._held)

    def add(self, permit: int, ttl: float, is_renewed: bool = True, longest: float = 3600.0) -> None:
        """Holds a permit until it is removed, or for its time to live if it is not renewed."""
        renewal = Renewal(ttl, is_renewed, longest)
        with self._lock:
            self._held[permit] = renewal
            if self._is_closed:
                return
            if not self._has_thread:
                try:
                    threading.Thread(target=self._run, name="fusebox-renewals", daemon=True).start()
                except RuntimeError:
                    return  # No thread can be started now. The next call tries again.
                self._has_thread = True
            elif not self._is_looking or renewal.due < self._wakes_at:
                self._wake()

    def remove(self, permit: int) -> None:
        self._held.pop(permit, None)

    def remove_later(self, permit: int | None) -> None:
        """A finalizer has left a report. Takes no lock, as `Exchange.left` explains; the thread looks soon."""
        if permit is not None:
            self._held.pop(permit, None)
        self._must_look = True
        try:
            self._wake()
        except RuntimeError:
            pass  # Another thread has woken it in the same moment.

    def extend(self, permit: int, ttl: float) -> None:
        """The caller has renewed a permit that the thread does not renew."""
        with self._lock:
            renewal = self._held.get(permit)
            if renewal is not None and not renewal.is_renewed:
                renewal.due = max(renewal.due, monotonic() + ttl)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            self._wake()

    def _wake(self) -> None:
        if not self._is_woken:
            self._is_woken = True
            self._gate.release()

    def _run(self) -> None:
        next_look = monotonic() + LOOK
        while True:
            due = self._take_due()
            if due is None:
                return
            for permit, ttl in due:
                if permit in self._held and not self._renew(permit, ttl):
                    self.remove(permit)
            now = monotonic()
            if self._must_look or (self._held and now >= next_look):
                self._must_look = False
                self._look()
            interval = min(LOOK, self._longest_look() or LOOK)
            next_look = monotonic() + interval
            with self._lock:
                if self._is_closed:
                    return
                self._is_looking = bool(self._held)
                earliest = min((one.due for one in list(self._held.values())), default=0.0)
                self._wakes_at = min(earliest, next_look)
                wait = max(self._wakes_at - monotonic(), 0.001) if self._is_looking else -1
            if self._gate.acquire(timeout=wait):
                self._is_woken = False

    def _take_due(self) -> list[tuple[int, float]] | None:
        """The renewals that are due now; None after `close`."""
        with self._lock:
            if self._is_closed:
                return None
            now = monotonic()
            due = []
            for permit, renewal in list(self._held.items()):
                if now >= renewal.end or (renewal.due <= now and not renewal.is_renewed):
                    self._held.pop(permit, None)
                elif renewal.due <= now:
                    due.append((permit, renewal.ttl))
                    renewal.postpone(now)
            return due
