"""The client for asyncio."""

from __future__ import annotations

import asyncio
import atexit
import weakref
from time import monotonic

from . import _calls, _fork
from ._aio_exchange import AioExchange
from ._aio_permits import AsyncHeldPermit
from ._delivery import Delivery, Spooling
from ._errors import AdmissionDenied, ClientClosed, FuseboxError, TimedOut, Unavailable
from ._outcomes import call_end
from ._settings import Settings
from ._state import SETTLES_KEPT
from ._usage import Usage
from .client import FAREWELL, LONGEST_CALL
from .protocol.admission import AdmissionAdmitReply, AdmissionRenewRequest
from .protocol.connection import GoodbyeRequest, PingRequest
from .protocol.constants import PROVIDER_OUTCOMES
from .protocol.types import Candidate, Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from typing import Any, TypeVar

    from ._aio_streams import AsyncStream
    from ._calls import Asked, Cost, DeliveryState, OutcomeName, Permit, Route, Settling, Wait
    from ._events import ReceivedEvent
    from ._outcomes import CallEnd
    from ._requests import Pending
    from ._settings import FailurePolicy
    from ._wire import Record, Request
    from .protocol.connection import HelloReply

    T = TypeVar("T")
    ReplyT = TypeVar("ReplyT", bound=Record)
    Function = TypeVar("Function", bound=Callable[..., Any])


class AsyncClient:
    """A worker's connection to the daemon, for asyncio. `Client` explains the arguments.

    One client serves all tasks of an event loop, on one connection. It connects at its first call, and again after the
    connection was lost. If a task is cancelled while it waits for its turn, the wait is withdrawn; a permit that is
    granted all the same is given back. If it is cancelled while it settles, the settle counts.

    After its loop was closed, a client goes on in the next one.
    """

    def __init__(
        self,
        path: str | None = None,
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
        _clients.add(self)

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

    async def __aenter__(self) -> AsyncClient:
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

    # Admission

    async def admit(
        self,
        candidates: Route | Iterable[Route],
        *,
        tags: Iterable[str] = (),
        cost: Cost | None = None,
        tokens: int | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        wait: Wait = 0.0,
        priority: int = _calls.PRIORITY,
        ttl: float = _calls.DEFAULT_TTL,
    ) -> Permit:
        """Asks which candidate a call may go to now, and holds what it may use. The caller settles the permit.

        The call may wait for its turn; see `permit`. Raises AdmissionDenied if there is none. The permit is not
        renewed; `permit` does that.
        """
        exchange = self._here()
        told = _calls.estimate(cost, tokens, input_tokens, output_tokens)
        asked = (_calls.routes(candidates), _calls.checked_tags(tags), told, ttl, _calls.Turn(wait, priority))
        permit = await self._admit(exchange, asked)
        if permit.number is not None:
            exchange.hold(permit.number, ttl, is_renewed=False)
        return permit

    async def _admit(self, exchange: AioExchange, asked: Asked) -> Permit:
        candidates, tags, _, _, turn = asked
        pending = _calls.admit(*asked, monotonic())
        try:
            await exchange.perform(pending, self.settings.timeout + turn.wait)
        except asyncio.CancelledError:
            _give_back(exchange, pending)
            raise
        try:
            reply = pending.result(AdmissionAdmitReply.decode)
        except FuseboxError as error:
            if self.settings.fails_open and error.means_away:
                return _calls.Permit(candidates[0], tags)
            raise
        if reply is None:
            raise TimedOut()
        return _calls.granted(reply, candidates, tags, exchange.epoch)

    async def settle(
        self,
        permit: Permit,
        outcome: OutcomeName = Outcome.SUCCESS,
        *,
        usage: Usage | Any = None,
        retry_after: float | None = None,
    ) -> Settling:
        """Tells how the call of a permit went and what it used. Gives back what the permit holds."""
        used = usage if usage is None or isinstance(usage, Usage) else Usage.reported(usage)
        is_kept = self.settings.keeps_reports
        return await self._settle(self._here(), permit, _calls.outcome(outcome), used, retry_after, is_kept)

    async def _settle(
        self,
        exchange: AioExchange,
        permit: Permit,
        outcome: Outcome,
        used: Usage | None,
        retry_after: float | None,
        is_kept: bool,
    ) -> Settling:
        pending = _calls.settle(permit, outcome, used, retry_after, is_kept)
        if permit.number is not None:
            exchange.release(permit.number)
        await exchange.perform(pending, self.settings.timeout)
        return _calls.kept_or_settled(pending, is_kept)

    async def report(
        self,
        candidate: Route,
        outcome: OutcomeName = Outcome.SUCCESS,
        *,
        tags: Iterable[str] = (),
        usage: Usage | Any = None,
        retry_after: float | None = None,
    ) -> Settling:
        """Tells how a call without a permit went, and what it used."""
        permit = _calls.Permit(_calls.route(candidate), _calls.checked_tags(tags))
        return await self.settle(permit, outcome, usage=usage, retry_after=retry_after)

    async def renew(self, permit: Permit, ttl: float = _calls.DEFAULT_TTL) -> bool:
        """Extends a permit whose call is still under way. Whether it is in force."""
        if permit.number is None:
            return True
        reply = await self.call(AdmissionRenewRequest(permit.number, _calls.milliseconds(ttl)))
        if reply.standing == 0:
            self._here().hold(permit.number, ttl, is_renewed=False)
        return reply.standing == 0

    async def preview(
        self,
        candidates: Route | Iterable[Route],
        *,
        tags: Iterable[str] = (),
        cost: Cost | None = None,
        tokens: int | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
    ) -> Candidate:
        """The candidate that `admit` would choose now. Holds nothing. Raises AdmissionDenied, with every limit."""
        told = _calls.routes(candidates)
        held = _calls.estimate(cost, tokens, input_tokens, output_tokens)
        reply = await self.call(_calls.preview(told, _calls.checked_tags(tags), held))
        place, _ = _calls.decided(reply.decision, told)
        return told[place]

    async def ranked(
        self,
        candidates: Route | Iterable[Route],
        by: _calls.Ranking,
        *,
        tags: Iterable[str] = (),
        cost: Cost | None = None,
        tokens: int | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
    ) -> list[Candidate]:
        """The candidates, best first, for a call under a permit.

        `by` is `price` (the cost that the call would hold), `latency` or `first_token` (what half of the successful
        calls of the last minutes did not exceed), or `share` (of the traffic that the breaker lets through). Candidates
        of which nothing is known come after the others, and those that would not be admitted last. Holds nothing.
        """
        told = _calls.routes(candidates)
        held = _calls.estimate(cost, tokens, input_tokens, output_tokens)
        reply = await self.call(_calls.preview(told, _calls.checked_tags(tags), held))
        return _calls.ranked(reply, told, by)

    # Calls under a permit

    def permit(
        self,
        candidates: Route | Iterable[Route],
        *,
        tags: Iterable[str] = (),
        cost: Cost | None = None,
        tokens: int | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        wait: Wait = 0.0,
        priority: int = _calls.PRIORITY,
        ttl: float = _calls.DEFAULT_TTL,
        longest: float = LONGEST_CALL,
    ) -> AsyncHeldPermit:
        """A call under a permit, for `async with`; see `Client.permit`.

        If the task is cancelled while it waits for its turn, the wait is withdrawn. If it is cancelled inside the
        block, the call counts as `abandoned`.
        """
        told = _calls.estimate(cost, tokens, input_tokens, output_tokens)
        asked = (_calls.routes(candidates), _calls.checked_tags(tags), told, ttl, _calls.Turn(wait, priority))
        return AsyncHeldPermit(self, asked, longest)

    async def run_with_failover(
        self,
        candidates: Route | Iterable[Route],
        call: Callable[[AsyncHeldPermit], Awaitable[T]],
        *,
        attempts: int | None = None,
        **options: Any,
    ) -> T:
        """Makes a call under a permit, and tries the next candidate if the provider failed.

        `Client.run_with_failover` explains it.
        """
        until = monotonic() + _calls.Turn(options.pop("wait", 0.0)).wait
        left = list(_calls.routes(candidates))
        chances = len(left) if attempts is None else max(attempts, 1)
        failure: Exception | None = None
        while True:
            held = self.permit(left, wait=max(0.0, until - monotonic()), **options)
            try:
                async with held as permit:
                    return await call(permit)
            except AdmissionDenied as denied:
                raise failure or denied from None
            except Exception as error:
                chances -= 1
                if held.outcome not in PROVIDER_OUTCOMES or not held.is_of_this_process:
                    raise
                left = _calls.left_after(left, held.permit, held.outcome)
                if not left or not chances:
                    raise
                failure = error

    def guarded(self, candidates: Route | Iterable[Route], **options: Any) -> Callable[[Function], Function]:
        """A coroutine function, or one that returns an asynchronous iterator, that makes its call under a permit.

        `Client.guarded` explains it.
        """
        from ._aio_streams import guarded

        return guarded(lambda: self.permit(candidates, **options))

    async def stream(
        self,
        candidates: Route | Iterable[Route],
        start: Callable[[AsyncHeldPermit], Awaitable[Any]],
        **options: Any,
    ) -> AsyncStream[Any]:
        """Iterates over a provider's stream under a permit. `start` makes the call and returns the stream.

        The usage is taken from the events that tell one; the last numbers count. The permit is settled at the end of
        the stream, and as `abandoned` if the consumer stops early.
        """
        from ._aio_streams import stream

        return await stream(self.permit(candidates, **options), start)


def _give_back(exchange: AioExchange, pending: Pending) -> None:
    """The task was cancelled in the moment in which its permit was granted."""
    if pending.answer is None or pending.status:
        return
    from ._frames import cancellation

    settle = cancellation(pending.answer)
    if settle is not None:
        settle.permit_epoch = exchange.epoch
        exchange.post(settle)


_clients: weakref.WeakSet[AsyncClient] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Closes the clients that are still open, so that a short-lived worker leaves its reports."""
    for client in list(_clients):
        client._close_now()
