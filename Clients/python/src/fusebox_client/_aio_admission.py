"""The commands of an asynchronous client that ask for permits and settle them, one at a time."""

from __future__ import annotations

import asyncio
from time import monotonic

from . import _calls
from ._aio_worker import AsyncWorker
from ._call_end import CallEnd, milliseconds
from ._errors import FuseboxError, TimedOut
from ._frames import cancellation
from ._usage import Usage
from .protocol.admission import AdmissionAdmitReply, AdmissionRenewRequest
from .protocol.types import Candidate, Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ._aio_exchange import AioExchange
    from ._call_end import OutcomeName, ScopeName
    from ._calls import Asked, Cost, Permit, Route, Settling, Wait
    from ._requests import Pending


class AsyncAdmission(AsyncWorker):
    """Asks for permits and settles them. `permit` does both, and renews."""

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
        mark_scope: ScopeName | None = None,
    ) -> Settling:
        """Tells how the call of a permit went and what it used. Gives back what the permit holds."""
        used = usage if usage is None or isinstance(usage, Usage) else Usage.reported(usage)
        end = CallEnd(outcome, retry_after, mark_scope)
        return await self._settle(self._here(), _calls.checked_permit(permit), end, used, self.settings.keeps_reports)

    async def _settle(
        self,
        exchange: AioExchange,
        permit: Permit,
        end: CallEnd,
        used: Usage | None,
        is_kept: bool,
    ) -> Settling:
        pending = _calls.settle(permit, end, used, is_kept)
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
        mark_scope: ScopeName | None = None,
    ) -> Settling:
        """Tells how a call without a permit went, and what it used."""
        permit = _calls.Permit(_calls.route(candidate), _calls.checked_tags(tags))
        return await self.settle(permit, outcome, usage=usage, retry_after=retry_after, mark_scope=mark_scope)

    async def renew(self, permit: Permit, ttl: float = _calls.DEFAULT_TTL) -> bool:
        """Extends a permit whose call is still under way. Whether it is in force."""
        permit = _calls.checked_permit(permit)
        if permit.number is None:
            return True
        reply = await self.call(AdmissionRenewRequest(permit.number, milliseconds(ttl)))
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


def _give_back(exchange: AioExchange, pending: Pending) -> None:
    """The task was cancelled in the moment in which its permit was granted."""
    if pending.answer is None or pending.status:
        return
    settle = cancellation(pending.answer)
    if settle is not None:
        settle.permit_epoch = exchange.epoch
        exchange.post(settle)
