"""How a call ended, as the daemon is told."""

from __future__ import annotations

from ._errors import InvalidArgument
from .protocol.admission import MarkScope
from .protocol.constants import COOLDOWN_MILLISECONDS, PROVIDER_OUTCOMES, RETRY_AFTER_OUTCOMES
from .protocol.types import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    OutcomeName = Outcome | str
    ScopeName = MarkScope | Literal["provider", "deployment", "model", "route"]


class CallEnd:
    """How a call went, and what follows for its route.

    - `outcome`: an `Outcome`, or its name: `success`, `failure`, `throttled`, `quota_exhausted`, `unauthorized`,
      `rejected`, `abandoned`, `cancelled`
    - `retry_after`: how long the provider takes no calls, in seconds; None: it did not say
    - `mark_scope`: how much of the call's route is marked, if the outcome marks: `provider`, `deployment`, `model` or
      `route`; None: the whole route, with `unauthorized` the deployment, or the provider if the call names none. An
      answer of 403, where the key may not use this model, is read as `route`

    What an outcome does not take is not sent. Raises InvalidArgument.
    """

    __slots__ = ("mark_scope", "outcome", "retry_after")

    def __init__(
        self, outcome: OutcomeName, retry_after: float | None = None, mark_scope: ScopeName | None = None
    ) -> None:
        self.outcome = outcome if isinstance(outcome, Outcome) else _outcome(outcome)
        self.retry_after = retry_after
        self.mark_scope = checked_scope(mark_scope)

    def marking(self, scope: MarkScope | None) -> CallEnd:
        """The same, with this scope if none was told."""
        return CallEnd(self.outcome, self.retry_after, scope) if self.mark_scope is None else self

    @property
    def is_of_one_model(self) -> bool:
        """Whether it says nothing of the other models of the same key.

        So it is with a quota that is used up, and with a model that the key may not use.
        """
        if self.outcome == Outcome.UNAUTHORIZED:
            return self.mark_scope in (MarkScope.ROUTE, MarkScope.MODEL)
        return self.outcome == Outcome.QUOTA_EXHAUSTED

    @property
    def sent_retry_after(self) -> int | None:
        """The time as it is sent: whole milliseconds, rounded up, within their range."""
        seconds = self.retry_after
        if seconds is None or self.outcome not in RETRY_AFTER_OUTCOMES:
            return None
        return min(max(milliseconds(min(seconds, 1e12)), 0), COOLDOWN_MILLISECONDS)

    @property
    def sent_mark_scope(self) -> MarkScope | None:
        """The scope as it is sent: with an outcome that is the provider's fault alone."""
        return self.mark_scope if self.outcome in PROVIDER_OUTCOMES else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CallEnd) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def _fields(self) -> tuple[Outcome, float | None, MarkScope | None]:
        return self.outcome, self.retry_after, self.mark_scope

    def __repr__(self) -> str:
        scope = "" if self.mark_scope is None else f", mark_scope={self.mark_scope.name}"
        return f"CallEnd({self.outcome.name}, retry_after={self.retry_after}{scope})"


def _outcome(told: str) -> Outcome:
    """An outcome from its name: `quota_exhausted`, `quotaExhausted`."""
    name = "".join(f"_{letter}" if letter.isupper() else letter for letter in told).upper()
    try:
        return Outcome[name]
    except KeyError:
        names = ", ".join(one.name.lower() for one in Outcome)
        raise InvalidArgument(f"{told!r} is no outcome; they are {names}") from None


def checked_scope(told: ScopeName | None) -> MarkScope | None:
    """How much of a route is marked, from its name. Raises InvalidArgument."""
    if told is None or isinstance(told, MarkScope):
        return told
    try:
        return MarkScope[told.upper()]
    except (AttributeError, KeyError):
        names = ", ".join(one.name.lower() for one in MarkScope)
        raise InvalidArgument(f"mark_scope: {told!r} is none of {names}") from None


def milliseconds(seconds: float) -> int:
    """Rounded up, so that a short time does not become zero."""
    scaled = seconds * 1000
    whole = int(scaled)
    return whole + 1 if scaled > whole else whole
