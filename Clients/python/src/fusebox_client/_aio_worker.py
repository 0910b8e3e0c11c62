"""A worker's connection to the daemon, for asyncio, and single commands on it."""

from __future__ import annotations

import asyncio
import atexit
import weakref
from time import monotonic

from . import _calls, _fork
from ._aio_exchange import AioExchange
from ._delivery import Delivery, Spooling
from ._errors import ClientClosed, FuseboxError, TimedOut, Unavailable
from ._outcomes import call_end
from ._settings import FAREWELL, Settings
from ._state import SETTLES_KEPT
from ._uncopied import Uncopied
from .protocol.connection import GoodbyeRequest, PingRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from os import PathLike
    from typing import Any, TypeVar

    from typing_extensions import Self

    from ._call_end import CallEnd
    from ._calls import DeliveryState
    from ._events import ReceivedEvent
    from ._settings import FailurePolicy
    from ._wire import Record, Request
    from .protocol.connection import HelloReply

    ReplyT = TypeVar("ReplyT", bound=Record)


class AsyncWorker(Uncopied):
    """A worker's connection to the daemon. `AsyncClient` explains its lives, and `Client` the arguments."""

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
        self._is_closed = False
        self._exchange: AioExchange | None = None
        self._delivery = Delivery(self.settings)
        self._spooling = Spooling()
        _workers.add(self)

    def _here(self) -> AioExchange:
        """The exchange of this process and this event loop."""
        if self._is_closed:
            raise ClientClosed()
        exchange = self._exchange
        if exchange is None or exchange.generation != _fork.generation():
            self._delivery = Delivery(self.settings)
            self._exchange = exchange = AioExchange(self.settings, lambda: self._delivery.begin())
            return exchange
        loop = asyncio.get_running_loop()
        if exchange.loop is not loop:
            if not exchange.loop.is_closed():
                raise RuntimeError("the client is used by another event loop; make a client for each loop")
            exchange.adopt(loop)
        return exchange

    def _owned(self) -> AioExchange | None:
        """The exchange, if it is this process's."""
        exchange = self._exchange
        return exchange if exchange is not None and exchange.generation == _fork.generation() else None

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else "connected" if self.hello else "not connected"
        return f"<{type(self).__name__} {self.settings.path!r}, {state}>"

    # The name in Python's own error for an option that there is not.
    __init__.__qualname__ = "AsyncClient"

    # The connection

    async def connect(self) -> HelloReply:
        """Connects now. Raises Unavailable if no daemon answers."""
        exchange = self._here()
        if exchange.hello is None:
            exchange.machine.return_by = monotonic() + self.settings.restart_patience
        await self.call(PingRequest())
        hello = exchange.hello
        if hello is None:
            raise Unavailable(self.settings.path, "the connection was lost")
        return hello

    @property
    def hello(self) -> HelloReply | None:
        """The daemon's reply to hello on the present connection; None while there is none."""
        exchange = self._owned()
        return exchange.hello if exchange else None

    @property
    def queued_reports(self) -> int:
        """Reports that wait for the daemon's return, and were not sent."""
        exchange = self._owned()
        return exchange.machine.queued_reports if exchange else 0

    @property
    def dropped_reports(self) -> int:
        """Kept reports that were dropped: pushed out of a full queue, refused, or of unknown outcome."""
        exchange = self._owned()
        return exchange.machine.dropped_reports if exchange else 0

    @property
    def spooling(self) -> Spooling:
        """What `close` has left in the user's spool."""
        return self._spooling

    async def close(self, timeout: float = FAREWELL) -> None:
        """Closes the client. Reports without a reply by then are left in the user's spool."""
        if self._is_closed:
            return
        exchange = self._owned()
        if exchange is not None and exchange.hello is not None and exchange.loop is asyncio.get_running_loop():
            seconds = max(min(timeout, FAREWELL), 0.001)
            await exchange.perform(_calls.prepared(GoodbyeRequest(), False, None), seconds)
        self._close_now()

    def _close_now(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._delivery.end(0.0)
        exchange = self._owned()
        if exchange is None:
            return
        left = exchange.end(self.settings.spool is not False)
        if left:
            from ._spool import leave

            self._spooling = leave(left, exchange.machine, self.settings)

    def __del__(self) -> None:
        # A client that nobody refers to leaves its reports too. That is safe where its loop does not run.
        exchange = getattr(self, "_exchange", None)
        if exchange is not None and not self._is_closed and exchange.loop.is_closed():
            self._close_now()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def wait_for_spool(self, seconds: float) -> None:
        """Waits until what was in the spool at the connect is delivered, or cannot be."""
        await asyncio.get_running_loop().run_in_executor(None, self._delivery.wait, seconds)

    # Requests

    async def call(self, request: Request[ReplyT]) -> ReplyT:
        """Carries out a command of `fusebox_client.protocol`. The failure policy does not apply."""
        exchange = self._here()
        hello = exchange.hello
        pending = _calls.prepared(request, False, None if hello is None else int(hello.profile))
        await exchange.perform(pending, self.settings.timeout_of(request.EFFECT, request.ACCESS))
        reply = pending.result(request.decode_reply)
        if reply is None:
            raise TimedOut()
        return reply

    async def decide(self, request: Request[ReplyT]) -> ReplyT | None:
        """As `call`, for a decision; None if no daemon answers and the client fails open."""
        try:
            return await self.call(request)
        except FuseboxError as error:
            if self.settings.fails_open and error.means_away:
                return None
            raise

    async def send_report(self, request: Request[Any]) -> DeliveryState:
        """Carries a report out (`ledger.record`, `breaker.failure`, …), or keeps it as the failure policy says."""
        pending = _calls.prepared(request, self.settings.keeps_reports and request.REPORT is not None, None)
        await self._here().perform(pending, self.settings.timeout)
        try:
            return "queued" if pending.result(request.decode_reply) is None else "delivered"
        except FuseboxError as error:
            if self.settings.keeps_reports and error.means_away:
                return "unknown"
            raise

    async def pages(self, request: Request[ReplyT]) -> AsyncIterator[ReplyT]:
        """The pages of a list (`breaker.list`, `limit.list`, `overview`, …), from the request's cursor on."""
        while True:
            page = await self.call(request)
            yield page
            cursor: int = page.next  # type: ignore[attr-defined]
            if cursor == 0:
                return
            request.cursor = cursor  # type: ignore[attr-defined]

    def events(self, *topics: str) -> AsyncIterator[ReceivedEvent]:
        """The daemon's events from now on, on a connection of its own; see `Client.events`."""
        from ._aio_events import events

        self._here()
        return events(self.settings, topics)


_workers: weakref.WeakSet[AsyncWorker] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Closes the clients that are still open, so that a short-lived worker leaves its reports."""
    for worker in list(_workers):
        worker._close_now()
