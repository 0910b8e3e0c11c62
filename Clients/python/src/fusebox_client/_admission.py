"""The commands of a blocking client that ask for permits and settle them, one at a time."""

from __future__ import annotations

from time import monotonic

from . import _calls
from ._call_end import CallEnd, milliseconds
from ._errors import FuseboxError, TimedOut
from ._usage import Usage
from ._worker import Worker
from .protocol.admission import AdmissionAdmitReply, AdmissionRenewRequest
from .protocol.connection import PingRequest
from .protocol.types import Candidate, Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ._call_end import OutcomeName, ScopeName
    from ._calls import Asked, Cost, Permit, Route, Settling, Wait
    from ._process import Process
    from ._requests import Pending


class Admission(Worker):
    """Asks for permits and settles them. `permit` does both, and renews."""

    def admit(
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
        process = self._here()
        told = _calls.estimate(cost, tokens, input_tokens, output_tokens)
        asked = (_calls.routes(candidates), _calls.checked_tags(tags), told, ttl, _calls.Turn(wait, priority))
        pending = _calls.admit(*asked, monotonic())
        try:
            permit = self._admit(process, pending, asked)
            if permit.number is not None:
                process.renewals.add(permit.number, ttl, is_renewed=False)
            return permit
        except BaseException as error:
            self._give_up(process, pending, error)
            raise

    def _admit(self, process: Process, pending: Pending, asked: Asked) -> Permit:
        candidates, tags, _, _, turn = asked
        process.exchange.perform(pending, self.settings.timeout + turn.wait)
        try:
            reply = pending.result(AdmissionAdmitReply.decode)
        except FuseboxError as error:
            if self.settings.fails_open and error.means_away:
                return _calls.Permit(candidates[0], tags)
            raise
        if reply is None:
            raise TimedOut()
        return _calls.granted(reply, candidates, tags, process.exchange.epoch)

    def _give_up(self, process: Process, pending: Pending, error: BaseException) -> None:
        """If an interruption has ended the admission, a permit that was granted is given back.

        It may be Ctrl-C, or what another signal handler has raised, as celery's soft time limit.
        """
        if isinstance(error, FuseboxError):
            return
        process.exchange.give_back(pending)
        # The daemon's answer to what was sent may tell of a permit. It comes when it is written, after those to pings.
        end = monotonic() + self.settings.timeout
        while process.exchange.owes_permits and (left := end - monotonic()) > 0:
            ping = _calls.prepared(PingRequest(), False, None)
            process.exchange.perform(ping, left)
            if ping.error is not None:
                return

    def settle(
        self,
        permit: Permit,
        outcome: OutcomeName = Outcome.SUCCESS,
        *,
        usage: Usage | Any = None,
        retry_after: float | None = None,
        mark_scope: ScopeName | None = None,
    ) -> Settling:
        """Tells how the call of a permit went and what it used. Gives back what the permit holds.

        `retry_after` and `mark_scope` are those of `CallEnd`. A second settle changes nothing. If the daemon keeps
        nothing of the permit any more, a report is sent instead.
        """
        process = self._here()
        used = usage if usage is None or isinstance(usage, Usage) else Usage.reported(usage)
        end = CallEnd(outcome, retry_after, mark_scope)
        return self._settle(process, _calls.checked_permit(permit), end, used, is_kept=self.settings.keeps_reports)

    def _settle(
        self,
        process: Process,
        permit: Permit,
        end: CallEnd,
        used: Usage | None,
        is_kept: bool,
    ) -> Settling:
        pending = _calls.settle(permit, end, used, is_kept)
        self._send(process, permit, pending)
        return _calls.kept_or_settled(pending, is_kept)

    def _send(self, process: Process, permit: Permit, settle: Pending) -> None:
        if permit.number is not None:
            process.renewals.remove(permit.number)
        process.exchange.perform(settle, self.settings.timeout)

    def report(
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
        return self.settle(permit, outcome, usage=usage, retry_after=retry_after, mark_scope=mark_scope)

    def renew(self, permit: Permit, ttl: float = _calls.DEFAULT_TTL) -> bool:
        """Extends a permit whose call is still under way. Whether it is in force."""
        permit = _calls.checked_permit(permit)
        if permit.number is None:
            return True
        reply = self.call(AdmissionRenewRequest(permit.number, milliseconds(ttl)))
        self._here().renewals.extend(permit.number, ttl)
        return reply.standing == 0

    def preview(
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
        reply = self.call(_calls.preview(told, _calls.checked_tags(tags), held))
        place, _ = _calls.decided(reply.decision, told)
        return told[place]

    def ranked(
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
        reply = self.call(_calls.preview(told, _calls.checked_tags(tags), held))
        return _calls.ranked(reply, told, by)
