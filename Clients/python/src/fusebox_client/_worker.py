"""A worker's connection to the daemon, for threads, and single commands on it."""

from __future__ import annotations

import atexit
import weakref
from sys import modules

from . import _calls, _fork, _log
from ._delivery import Spooling
from ._errors import ClientClosed, FuseboxError, TimedOut, Unavailable
from ._outcomes import call_end
from ._process import Process
from ._settings import FAREWELL, Settings
from ._state import SETTLES_KEPT
from ._uncopied import Uncopied
from .protocol.connection import PingRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike
    from typing import Any, TypeVar

    from typing_extensions import Self

    from ._call_end import CallEnd
    from ._calls import DeliveryState
    from ._events import Events
    from ._settings import FailurePolicy
    from ._wire import Record, Request
    from .protocol.connection import HelloReply

    ReplyT = TypeVar("ReplyT", bound=Record)


class Worker(Uncopied):
    """A worker's connection to the daemon. `Client` explains the arguments."""

    def __init__(
        self,
        path: str | PathLike[str] | None = None,
        *,
        name: str = "fusebox-client-python",
        timeout: float = 1.0,
        connect_timeout: float = 1.0,
        failure_policy: FailurePolicy = "fail_closed",
        queue_limit: int = SETTLES_KEPT,
        keeps_reports: bool = False,
        restart_patience: float = 0.0,
        operator_timeout: float = 60.0,
        backoff: tuple[float, float] = (0.05, 5.0),
        spool: str | bool = True,
        outcome_of: Callable[[BaseException], CallEnd] = call_end,
    ) -> None:
        self.settings = Settings(
            path,
            name=name,
            timeout=timeout,
            connect_timeout=connect_timeout,
            failure_policy=failure_policy,
            queue_limit=queue_limit,
            keeps_reports=keeps_reports,
            restart_patience=restart_patience,
            operator_timeout=operator_timeout,
            backoff=backoff,
            spool=spool,
            outcome_of=outcome_of,
        )
        self._process = Process(self.settings)
        self._is_closed = False
        self._has_told_loop = False
        _workers.add(self)

    def _here(self) -> Process:
        """What the client has in this process."""
        if self._is_closed:
            raise ClientClosed()
        if not self._has_told_loop:
            self._look_for_loop()
        process = self._process
        if process.exchange.generation == _fork.generation():
            return process
        with _fork.lock:
            if self._process is process:
                self._process = Process(self.settings)
        return self._process

    def _look_for_loop(self) -> None:
        """Says once that an event loop stands still while a blocking client waits."""
        asyncio = modules.get("asyncio")
        if asyncio is not None and asyncio._get_running_loop() is not None:
            self._has_told_loop = True
            _log.warn("a blocking Client is used in an event loop, which stands still meanwhile; use AsyncClient")

    def _is_of_this_process(self, process: Process) -> bool:
        return process.exchange.generation == _fork.generation()

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else "connected" if self.hello else "not connected"
        return f"<{type(self).__name__} {self.settings.path!r}, {state}>"

    # The name in Python's own error for an option that there is not.
    __init__.__qualname__ = "Client"

    # The connection

    def connect(self) -> HelloReply:
        """Connects now. Raises Unavailable if no daemon answers."""
        process = self._here()
        process.exchange.expect_daemon()
        self.call(PingRequest())
        hello = process.exchange.hello
        if hello is None:
            raise Unavailable(self.settings.path, "the connection was lost")
        return hello

    @property
    def hello(self) -> HelloReply | None:
        """The daemon's reply to hello on the present connection; None while there is none."""
        return None if self._is_closed else self._here().exchange.hello

    @property
    def queued_reports(self) -> int:
        """Reports that wait for the daemon's return, and were not sent."""
        return 0 if self._is_closed else self._here().exchange.queued_reports

    @property
    def dropped_reports(self) -> int:
        """Kept reports that were dropped: pushed out of a full queue, refused, or of unknown outcome."""
        return self._process.exchange.dropped_reports if self._is_of_this_process(self._process) else 0

    @property
    def spooling(self) -> Spooling:
        """What `close` has left in the user's spool."""
        return self._process.spooling

    def close(self, timeout: float = FAREWELL) -> None:
        """Closes the client. Reports without a reply by then are left in the user's spool.

        The next client of this user delivers them. Clients that are open when the interpreter ends are closed too.
        """
        if self._is_closed:
            return
        self._is_closed = True
        if self._is_of_this_process(self._process):
            self._process.close(min(timeout, FAREWELL))

    def __del__(self) -> None:
        # A client that nobody refers to leaves its reports too.
        if not getattr(self, "_is_closed", True):
            self.close(0.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait_for_spool(self, seconds: float) -> None:
        """Waits until what was in the spool at the connect is delivered, or cannot be."""
        self._here().delivery.wait(seconds)

    # Requests

    def call(self, request: Request[ReplyT]) -> ReplyT:
        """Carries a command of `fusebox_client.protocol` out and returns its reply.

        The failure policy does not apply: `Unavailable`, `TimedOut`, `OutcomeUnknown` and `Refused` are raised.
        """
        exchange = self._here().exchange
        pending = _calls.prepared(request, False, _profile(exchange.hello))
        exchange.perform(pending, self.settings.timeout_of(request.EFFECT, request.ACCESS))
        reply = pending.result(request.decode_reply)
        if reply is None:
            raise TimedOut()
        return reply

    def decide(self, request: Request[ReplyT]) -> ReplyT | None:
        """As `call`, for a decision; None if no daemon answers and the client fails open."""
        try:
            return self.call(request)
        except FuseboxError as error:
            if self.settings.fails_open and error.means_away:
                return None
            raise

    def send_report(self, request: Request[Any]) -> DeliveryState:
        """Carries a report out (`ledger.record`, `breaker.failure`, …), or keeps it as the failure policy says."""
        exchange = self._here().exchange
        pending = _calls.prepared(request, self.settings.keeps_reports and request.REPORT is not None, None)
        exchange.perform(pending, self.settings.timeout)
        try:
            return "queued" if pending.result(request.decode_reply) is None else "delivered"
        except FuseboxError as error:
            if self.settings.keeps_reports and error.means_away:
                return "unknown"
            raise

    def pages(self, request: Request[ReplyT]) -> Iterator[ReplyT]:
        """The pages of a list (`breaker.list`, `limit.list`, `overview`, …), from the request's cursor on."""
        while True:
            page = self.call(request)
            yield page
            cursor: int = page.next  # type: ignore[attr-defined]
            if cursor == 0:
                return
            request.cursor = cursor  # type: ignore[attr-defined]

    def events(self, *topics: str) -> Events:
        """Subscribes to the daemon's events from now on, on a connection of its own.

        `topics` are `breaker`, `exhaustion`, `ledger` and `admission`; all if none is named. Raises Unavailable.
        """
        from ._events import Events

        self._here()
        return Events(self.settings, topics)


def _profile(hello: HelloReply | None) -> int | None:
    return None if hello is None else int(hello.profile)


_workers: weakref.WeakSet[Worker] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Closes the clients that are still open, so that a short-lived worker leaves its reports."""
    for worker in list(_workers):
        worker.close()
