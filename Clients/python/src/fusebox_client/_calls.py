"""What both clients say and understand of calls: candidates, estimates, permits, settles. No I/O."""

from __future__ import annotations

from time import monotonic

from . import _log
from ._call_end import milliseconds
from ._connection import chance
from ._errors import AdmissionDenied, Denial, FuseboxError, InvalidArgument, ProtocolViolation, route_text
from ._money import Money
from ._requests import Pending, payload_of
from ._usage import Usage
from .protocol.admission import (
    AdmissionAdmitReply,
    AdmissionAdmitRequest,
    AdmissionPreviewRequest,
    AdmissionReportReply,
    AdmissionReportRequest,
    AdmissionSettleReply,
    AdmissionSettleRequest,
    CallTiming,
)
from .protocol.constants import (
    CALL_COST,
    CANDIDATES,
    PERMIT_MILLISECONDS,
    TAGS,
    USAGE_OUTCOMES,
)
from .protocol.types import Candidate, Estimate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import timedelta
    from decimal import Decimal
    from typing import Any, Literal

    from ._call_end import CallEnd
    from ._wire import Request
    from .protocol.admission import AdmissionPreviewReply, CandidateOutlook
    from .protocol.types import (
        AdmissionDecision,
        BreakerState,
        DepletionProjected,
        Latency,
        LimitReached,
        PermitStanding,
    )

    Route = str | Candidate
    Cost = Money | Decimal | float | int | str
    Wait = timedelta | float | None
    Asked = tuple[tuple[Candidate, ...], tuple[str, ...], Estimate, float, "Turn"]
    """What an admission asks: candidates, tags, estimate, time to live, and how long the call may wait."""
    Ranking = Literal["price", "latency", "first_token", "share"]
    DeliveryState = Literal["delivered", "queued", "unknown"]

DEFAULT_TTL = 60.0
"""Seconds that a permit lasts without a renewal."""
LONGEST_CALL = 3600.0
"""Seconds that a permit is renewed at most. After that it ends by its time to live."""
PRIORITY = 3
"""How urgent a waiting call is if nothing is told."""
_LEAST_PRIORITY = 7
_MOST_TOKENS = 0xFFFF_FFFF


def route(text: Route) -> Candidate:
    """A candidate from `provider[@deployment][/model]`.

    It is cut at the first `/`; what stands before that is cut at its first `@`. Make a `Candidate` for names that hold
    one of these characters.
    """
    if isinstance(text, Candidate):
        return text
    if not isinstance(text, str):
        raise InvalidArgument(f"{text!r} is no route: provider[@deployment][/model] as a text, or a Candidate")
    head, slash, model = text.partition("/")
    provider, at, deployment = head.partition("@")
    if not provider or (slash and not model) or (at and not deployment):
        raise InvalidArgument(f"{text!r} is no route: provider[@deployment][/model]")
    if not slash and head.startswith(_MODELS) and head not in _told:
        _told.add(head)
        _log.warn("the route %r names a provider, and no model; is provider/%s meant?", text, head)
    return Candidate(provider, deployment or None, model or None)


_MODELS = ("chatgpt-", "claude-", "gemini-", "gpt-", "text-embedding-")
"""How models of the main providers begin, and no provider does."""
_told: set[str] = set()
"""The routes that were said to name a model alone."""


def routes(candidates: Route | Iterable[Route]) -> tuple[Candidate, ...]:
    """The candidates of a call, best first."""
    if candidates is None or isinstance(candidates, (int, float)):
        raise InvalidArgument(f"candidates: a route such as 'openai/gpt-4o' or a list of them, not {candidates!r}")
    told = (candidates,) if isinstance(candidates, (str, Candidate)) else tuple(candidates)
    if not 1 <= len(told) <= CANDIDATES:
        raise InvalidArgument(f"candidates: an admission needs 1 to {CANDIDATES} of them, not {len(told)}")
    return tuple([route(one) for one in told])


def checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags of a call."""
    if isinstance(tags, str):
        raise InvalidArgument(f"tags: a list of names, not the text {tags!r}")
    told = tuple(tags)
    if len(told) > TAGS:
        raise InvalidArgument(f"tags: a call has at most {TAGS}, not {len(told)}")
    return told


def money(amount: Cost) -> Money:
    """An amount of dollars. Raises InvalidArgument."""
    try:
        return Money.dollars(amount)
    except ValueError as error:
        raise InvalidArgument(str(error)) from None


def estimate(
    cost: Cost | None = None,
    tokens: int | None = None,
    input_tokens: int | None = None,
    output_tokens: int | None = None,
) -> Estimate:
    """What a call may use at most; None: not known."""
    amount = None if cost is None else money(cost)
    if amount is not None and not 0 <= amount.nanodollars <= CALL_COST:
        raise InvalidArgument(f"cost: ${amount} is not between $0 and ${Money(CALL_COST)}, for one call")
    if tokens is not None and (input_tokens is not None or output_tokens is not None):
        raise InvalidArgument("tokens are told together, or as input_tokens and output_tokens")
    return Estimate(
        amount, count("input_tokens", input_tokens), count("output_tokens", output_tokens), count("tokens", tokens)
    )


def count(name: str, told: Any) -> int | None:
    """A number of tokens; None: not known. Raises InvalidArgument."""
    if told is None:
        return None
    if isinstance(told, bool) or not isinstance(told, int) or not 0 <= told <= _MOST_TOKENS:
        raise InvalidArgument(f"{name}: {told!r} is not a whole number from 0 to {_MOST_TOKENS}")
    return told


def number(name: str, told: Any) -> float:
    """An argument that is a number. Raises InvalidArgument."""
    if isinstance(told, bool) or not isinstance(told, (int, float)):
        raise InvalidArgument(f"{name}: {told!r} is no number")
    return told


class Turn:
    """Until when a call waits for its turn, and how urgent it is.

    - `wait`: seconds or a timedelta, up to a day; 0 or None: the call does not wait
    - `priority`: 0, the most urgent, to 7

    Raises InvalidArgument.
    """

    __slots__ = ("priority", "wait")

    def __init__(self, wait: Wait = 0.0, priority: int = PRIORITY) -> None:
        told: Any = 0.0 if wait is None else wait
        seconds = number("wait", told.total_seconds() if hasattr(told, "total_seconds") else told)
        if not 0 <= seconds * 1000 <= PERMIT_MILLISECONDS:
            raise InvalidArgument(f"wait: {wait} is not between 0 s and {PERMIT_MILLISECONDS // 1000} s")
        if not 0 <= number("priority", priority) <= _LEAST_PRIORITY or priority != int(priority):
            raise InvalidArgument(f"priority: {priority} is not between 0, the most urgent, and {_LEAST_PRIORITY}")
        self.wait = seconds
        self.priority = int(priority)


def checked_permit(told: Any) -> Permit:
    """A permit that is to be settled or renewed. Raises InvalidArgument."""
    if isinstance(told, Permit):
        return told
    hint = "; is an `await` missing?" if hasattr(told, "__await__") else ""
    raise InvalidArgument(f"permit: what `admit` returned, not {type(told).__name__}{hint}")


class Permit:
    """The permission to make one call. It holds what the call may use until it is settled."""

    __slots__ = (
        "answered", "begin", "candidate", "epoch", "expires_at", "held_cost", "number", "passed_over", "share",
        "state", "tags",
    )  # fmt: skip

    def __init__(
        self,
        candidate: Candidate,
        tags: tuple[str, ...],
        number: int | None = None,
        expires_at: int | None = None,
        state: BreakerState | None = None,
        share: float = 1.0,
        passed_over: tuple[Denial, ...] = (),
        epoch: int | None = None,
        held_cost: Money | None = None,
    ) -> None:
        self.candidate = candidate
        self.tags = tags
        self.held_cost = held_cost
        """The cost that the call holds until it is settled: the estimate, or what prices say of its tokens."""
        self.number = number
        """The permit's number at the daemon; None if it is assumed."""
        self.expires_at = expires_at
        """When it ends by itself, in milliseconds on the daemon's steady clock; None if it is assumed."""
        self.state = state
        """The state of the provider's breaker at the admission."""
        self.share = share
        """The share of traffic that the breaker let through then, 0 to 1."""
        self.passed_over = passed_over
        """The candidates before the admitted one, and why they were passed over."""
        self.epoch = epoch
        self.begin = monotonic()
        self.answered: float | None = None

    def first_token(self, ago: float = 0.0) -> None:
        """Tells that the first token of the answer has arrived, `ago` seconds before now. The first time counts."""
        if self.answered is None:
            self.answered = max(self.begin, monotonic() - ago)

    @property
    def provider(self) -> str:
        return self.candidate.provider

    @property
    def deployment(self) -> str | None:
        return self.candidate.deployment

    @property
    def model(self) -> str | None:
        """The model to ask for; None if the candidate named none."""
        return self.candidate.model

    @property
    def route(self) -> str:
        """`provider[@deployment][/model]`."""
        return route_text(self.candidate)

    @property
    def is_assumed(self) -> bool:
        """Whether the daemon did not answer and the client fails open. The permit then holds nothing."""
        return self.number is None

    def __repr__(self) -> str:
        return f"Permit({self.route!r}, number={self.number})"


class Settling:
    """The result of a settle or a report."""

    __slots__ = ("delivery", "depletion", "reached", "standing")

    def __init__(
        self,
        delivery: DeliveryState,
        standing: PermitStanding | None = None,
        reached: Sequence[LimitReached] = (),
        depletion: DepletionProjected | None = None,
    ) -> None:
        self.delivery = delivery
        """`delivered`; `queued`: it is sent when the daemon is back; `unknown`: it may have counted, at most once."""
        self.standing = standing
        """The permit's standing before; None if it is not known."""
        self.reached = tuple(reached)
        """Limits whose thresholds the usage has reached."""
        self.depletion = depletion
        """The provider's limit that will be used up sooner than was told before."""

    def __repr__(self) -> str:
        return f"Settling({self.delivery!r}, standing={self.standing!r})"


def admit(
    candidates: tuple[Candidate, ...], tags: tuple[str, ...], held: Estimate, ttl: float, turn: Turn, now: float
) -> Pending:
    """The request for a permit."""
    wait = milliseconds(turn.wait)
    request = AdmissionAdmitRequest(
        candidates, tags, held, milliseconds(number("ttl", ttl)), wait_milliseconds=wait, priority=turn.priority
    )
    pending = Pending(AdmissionAdmitRequest, payload_of(request))
    if wait:
        pending.admission, pending.wait_until = request, now + turn.wait
    return pending


def granted(
    reply: AdmissionAdmitReply, candidates: tuple[Candidate, ...], tags: tuple[str, ...], epoch: int | None
) -> Permit:
    """The permit that the daemon grants. Raises AdmissionDenied."""
    decision = reply.decision
    place, passed_over = decided(decision, candidates)
    if reply.permit is None:
        raise ProtocolViolation("a call is admitted without a permit")
    return Permit(
        candidates[place],
        tags,
        reply.permit,
        reply.expires_at,
        decision.state,
        decision.share,
        passed_over,
        epoch,
        decision.held_cost,
    )


def decided(decision: AdmissionDecision, candidates: tuple[Candidate, ...]) -> tuple[int, tuple[Denial, ...]]:
    """The admitted candidate's place, and why those before it were passed over. Raises AdmissionDenied."""
    denials = []
    for place, (candidate, told) in enumerate(zip(candidates, decision.denials)):
        limits = [one for one in decision.limits if one.candidate == place]
        denials.append(
            Denial(
                candidate,
                told.reason,
                _seconds(told.retry_after_milliseconds),
                limits,
                told.opened_by,
                told.failed_recoveries,
                _seconds(told.reset_timeout_milliseconds),
            )
        )
    if decision.candidate is None:
        raise AdmissionDenied(denials, _seconds(decision.retry_after_milliseconds), decision.full_queue)
    if decision.candidate >= len(candidates):
        raise ProtocolViolation(f"candidate {decision.candidate} of {len(candidates)} is admitted")
    return decision.candidate, tuple(denials)


def preview(candidates: tuple[Candidate, ...], tags: tuple[str, ...], held: Estimate) -> AdmissionPreviewRequest:
    """The question what an admission would decide, with every limit that stands against a candidate."""
    return AdmissionPreviewRequest(candidates, tags, held, explains=True)


def ranked(reply: AdmissionPreviewReply, candidates: tuple[Candidate, ...], by: Ranking) -> list[Candidate]:
    """The candidates, best first: see `Client.ranked`."""
    key = _RANKINGS.get(by)
    if key is None:
        raise InvalidArgument(f"by: {by!r} is none of {', '.join(_RANKINGS)}")
    if len(reply.outlooks) != len(candidates):
        raise ProtocolViolation(f"{len(reply.outlooks)} outlooks of {len(candidates)} candidates")
    ranks = []
    for place, outlook in enumerate(reply.outlooks):
        value = key(outlook)
        ranks.append((outlook.denial is not None, value is None, value or 0, place))
    return [candidates[rank[3]] for rank in sorted(ranks)]


_RANKINGS: dict[str, Callable[[CandidateOutlook], float | None]] = {
    "price": lambda told: None if told.held_cost is None else told.held_cost.nanodollars,
    "latency": lambda told: _p50(told.duration),
    "first_token": lambda told: _p50(told.first_token),
    "share": lambda told: -told.share,
}


def _p50(told: Latency | None) -> float | None:
    return None if told is None else told.p50_milliseconds


def settle(permit: Permit, end: CallEnd, used: Usage | None, is_kept: bool) -> Pending:
    """The settle of a permit. If the daemon does not know the permit any more, a report is sent in its place."""
    usage = used.sent() if used is not None and end.outcome in USAGE_OUTCOMES else None
    wait, scope = end.sent_retry_after, end.sent_mark_scope
    report = AdmissionReportRequest(permit.candidate, permit.tags, end.outcome, usage, wait, scope)
    if permit.number is None:
        return Pending(AdmissionReportRequest, payload_of(report), is_kept)
    request = AdmissionSettleRequest(permit.number, end.outcome, usage, wait, _timing(permit), scope)
    pending = Pending(AdmissionSettleRequest, payload_of(request), is_kept)
    pending.substitute, pending.permit_epoch = payload_of(report), permit.epoch
    return pending


def _timing(permit: Permit) -> CallTiming:
    """How long the call of a permit has taken until now."""
    answered = None if permit.answered is None else _elapsed(permit.begin, permit.answered)
    return CallTiming(answered, _elapsed(permit.begin, monotonic()))


def _elapsed(begin: float, end: float) -> int:
    return min(int((end - begin) * 1000), 0xFFFF_FFFF)


def settled(pending: Pending) -> Settling:
    """The result of a settle, or of the report in its place. Raises the error that ended it."""
    if pending.command == AdmissionSettleRequest.NUMBER:
        reply = pending.result(AdmissionSettleReply.decode)
        if reply is None:
            return Settling("queued")
        return Settling("delivered", reply.standing, reply.record.reached, reply.record.depletion)
    report = pending.result(AdmissionReportReply.decode)
    if report is None:
        return Settling("queued")
    return Settling("delivered", None, report.reached, report.depletion)


def kept_or_settled(pending: Pending, is_kept: bool) -> Settling:
    """The result of a settle. Where the client keeps it, a daemon that does not answer is no error."""
    try:
        return settled(pending)
    except FuseboxError as error:
        if is_kept and error.means_away:
            return Settling("unknown")
        raise


def prepared(request: Request[Any], is_report: bool, profile: int | None) -> Pending:
    """A request as it is sent."""
    if request.NUMBER == _ACQUIRE and getattr(request, "draw", 0) is None and profile != 0:
        # Only the profile llm-providers uses the draw. A profile that is not known yet may be that one.
        request.draw = chance()  # type: ignore[attr-defined]
    return Pending(type(request), payload_of(request), is_report)


_ACQUIRE = 16


def _seconds(told: int | None) -> float | None:
    return None if told is None else told / 1000
