"""What a blocking client has in one process."""

from __future__ import annotations

from time import monotonic

from . import _calls
from ._call_end import milliseconds
from ._delivery import Delivery, Spooling
from ._errors import FuseboxError, Refused
from ._exchange import Exchange
from ._renewals import Renewals
from .protocol.admission import AdmissionRenewReply, AdmissionRenewRequest
from .protocol.connection import GoodbyeRequest, PingRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._settings import Settings


class Process:
    """What a client has in one process: a forked child begins anew."""

    def __init__(self, settings: Settings) -> None:
        self.delivery = Delivery(settings)
        self.renewals = Renewals(self._renew, self._look, self._longest_look)
        self.exchange = Exchange(settings, self.delivery.begin, lambda: self.renewals.holds_any)
        self.settings = settings
        self.spooling = Spooling()

    def _renew(self, permit: int, ttl: float) -> bool:
        request = AdmissionRenewRequest(permit, milliseconds(ttl))
        pending = _calls.prepared(request, False, None)
        self.exchange.perform(pending, self.settings.timeout)
        try:
            reply = pending.result(AdmissionRenewReply.decode)
        except Refused:
            return False
        except FuseboxError:
            return True  # A daemon that is away may be back in time.
        return reply is None or reply.standing == 0

    def _look(self) -> None:
        """Connects again if the daemon has restarted. A long call makes no request that would notice it."""
        self.exchange.perform(_calls.prepared(PingRequest(), False, None), self.settings.timeout)

    def _longest_look(self) -> float | None:
        return self.exchange.longest_backoff_of_holder

    def close(self, seconds: float) -> None:
        """Says goodbye, or leaves the reports without a reply in the spool."""
        exchange, deadline = self.exchange, monotonic() + seconds
        self.renewals.close()
        if exchange.hello is not None:
            exchange.perform(_calls.prepared(GoodbyeRequest(), False, None), max(seconds, 0.001))
        self.delivery.end(deadline - monotonic())
        left, machine = exchange.close(self.settings.spool is not False)
        if left:
            from ._spool import leave

            self.spooling = leave(left, machine, self.settings)
