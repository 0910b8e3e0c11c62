"""A call under a permit, in an asynchronous client."""

from __future__ import annotations

from time import monotonic

from . import _calls, _fork
from ._errors import FuseboxError
from ._held import NOT_ENTERED, HeldCall, abandon, log_unsettled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from ._aio_exchange import AioExchange
    from ._calls import Asked
    from .aio import AsyncClient
    from .protocol.admission import MarkScope


class AsyncHeldPermit(HeldCall):
    """A call under a permit, in an asynchronous client; see `AsyncClient.permit`."""

    def __init__(
        self,
        client: AsyncClient,
        asked: Asked,
        longest: float,
        mark_scope: MarkScope | None,
    ) -> None:
        super().__init__(client.settings, mark_scope)
        self._client = client
        self._asked = asked
        self._longest = longest
        self._exchange: AioExchange | None = None

    async def __aenter__(self) -> AsyncHeldPermit:
        self._begin()
        exchange = self._client._here()
        permit = await self._client._admit(exchange, self._asked)
        self._permit, self._exchange = permit, exchange
        if permit.number is not None:
            exchange.hold(permit.number, self._asked[3], is_renewed=True, longest=self._longest)
        return self

    def _check_entered(self) -> None:
        if self._permit is None:
            raise RuntimeError(NOT_ENTERED)

    @property
    def is_of_this_process(self) -> bool:
        return self._exchange is not None and self._exchange.generation == _fork.generation()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.finish(error)

    async def finish(self, error: BaseException | None = None) -> None:
        """Settles the call now, as the end of the block would. Later ends change nothing."""
        exchange = self._exchange
        if exchange is None or self.outcome is not None or not self.is_of_this_process:
            return
        end, used = self.ending(error)
        self.outcome = end.outcome
        settle = self._client._settle
        try:
            self.settling = await settle(exchange, self.permit, end, used, is_kept=True)
        except FuseboxError as failure:
            exchange.machine.dropped_reports += 1
            log_unsettled(self.permit, failure)
            if used is None:
                return
            try:
                # The outcome counts although the usage does not.
                self.settling = await settle(exchange, self.permit, end, None, is_kept=True)
            except FuseboxError:
                pass  # It was logged with its usage.

    def finish_soon(self, error: BaseException | None = None) -> None:
        """Settles the call as `finish` does, and does not wait. From any thread."""
        exchange = self._exchange
        if exchange is None or self.outcome is not None or not self.is_of_this_process:
            return
        end, used = self.ending(error)
        self.outcome = end.outcome
        try:
            pending = _calls.settle(self.permit, end, used, is_kept=True)
        except FuseboxError as failure:
            log_unsettled(self.permit, failure)
            pending = _calls.settle(self.permit, end, None, is_kept=True)
        if self.permit.number is not None:
            exchange.release(self.permit.number)
        if exchange.loop.is_closed():
            exchange.machine.submit(pending, monotonic())
        else:
            exchange.loop.call_soon_threadsafe(exchange.post, pending)

    def __del__(self) -> None:
        # Nobody can settle the call any more: its block was left before its end began.
        if getattr(self, "_exchange", None) is not None and self.outcome is None and self.is_of_this_process:
            abandon(self)
            self.finish_soon()
