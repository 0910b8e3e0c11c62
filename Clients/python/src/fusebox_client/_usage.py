"""What a call has used, as providers tell it: usage objects, answers and events of streams, as dicts or SDK objects.

`protocol/usage_forms.py` says which members count which tokens. It is generated from the table that all clients read.
"""

from __future__ import annotations

from ._errors import InvalidArgument
from ._money import Money, parse_decimal, to_units
from .protocol.admission import CallUsage
from .protocol.constants import CALL_COST
from .protocol.types import TokenUsage
from .protocol.usage_forms import CALLS, FORMS, MODELS, PLACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from decimal import Decimal
    from typing import Any

    from ._forms import Form, Part

KINDS = ("input", "cachedInput", "cacheWrite", "output", "reasoning")
MOST_TOKENS = 0xFFFF_FFFF


class Usage:
    """Cost and tokens of a call, each of which may be unknown. No token is of two kinds."""

    __slots__ = (
        "cache_write_tokens", "cached_input_tokens", "cost", "input_tokens", "model", "output_tokens",
        "reasoning_tokens",
    )  # fmt: skip

    def __init__(
        self,
        *,
        model: str | None = None,
        cost: Money | Decimal | float | int | str | None = None,
        input_tokens: int | None = None,
        cached_input_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        output_tokens: int | None = None,
        reasoning_tokens: int | None = None,
    ) -> None:
        self.model = model
        """The name of the model that answered."""
        self.cost = None if cost is None else _money(cost)
        """The cost, $0 to $1,000,000; None: it is what the daemon's price says."""
        self.input_tokens = _count(input_tokens, "input_tokens")
        """Tokens sent, neither read from a cache nor written to one."""
        self.cached_input_tokens = _count(cached_input_tokens, "cached_input_tokens")
        self.cache_write_tokens = _count(cache_write_tokens, "cache_write_tokens")
        self.output_tokens = _count(output_tokens, "output_tokens")
        """Tokens received, without reasoning."""
        self.reasoning_tokens = _count(reasoning_tokens, "reasoning_tokens")

    @classmethod
    def reported(cls, document: Any) -> Usage:
        """The usage that a provider told: its usage object, an answer, or an event of a stream that has one.

        Raises InvalidArgument if no usage is found in it, or a number is out of range.
        """
        usage = cls()
        usage.update(document)
        return usage

    def update(self, document: Any) -> None:
        """Takes what a later event of the same stream tells. What the event leaves out stays.

        Raises InvalidArgument as `reported`; then nothing has changed.
        """
        self.take(Report(document))

    def take(self, report: Report) -> None:
        """Takes what a document tells that was read already."""
        self.model = report.model or self.model
        self.cost = report.cost if report.cost is not None else self.cost
        for kind, count in report.tokens.items():
            setattr(self, ATTRIBUTES[kind], count)

    def __add__(self, later: Usage) -> Usage:
        """The usage of both calls. What only one tells is taken from it."""
        total = Usage(model=later.model or self.model)
        costs = [one for one in (self.cost, later.cost) if one is not None]
        total.cost = Money(sum(one.nanodollars for one in costs)) if costs else None
        for name in ATTRIBUTES.values():
            counts = [count for count in (getattr(self, name), getattr(later, name)) if count is not None]
            setattr(total, name, min(sum(counts), MOST_TOKENS) if counts else None)
        return total

    @property
    def is_empty(self) -> bool:
        """Whether neither cost nor tokens are known."""
        return self.cost is None and all(getattr(self, name) is None for name in ATTRIBUTES.values())

    def sent(self) -> CallUsage:
        """The usage as the wire has it. Raises InvalidArgument if the cost is out of range."""
        if self.cost is not None and not 0 <= self.cost.nanodollars <= CALL_COST:
            raise InvalidArgument(f"cost: ${self.cost} is not between $0 and ${Money(CALL_COST)}, for one call")
        tokens = TokenUsage(
            self.input_tokens,
            self.cached_input_tokens,
            self.cache_write_tokens,
            self.output_tokens,
            self.reasoning_tokens,
        )
        return CallUsage(self.model, self.cost, tokens)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Usage) and all(getattr(self, one) == getattr(other, one) for one in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        told = [f"{name}={getattr(self, name)!r}" for name in self.__slots__ if getattr(self, name) is not None]
        return f"Usage({', '.join(told)})"


ATTRIBUTES = {
    "input": "input_tokens", "cachedInput": "cached_input_tokens", "cacheWrite": "cache_write_tokens",
    "output": "output_tokens", "reasoning": "reasoning_tokens",
}  # fmt: skip


class Report:
    """What one document tells: the call's name at the provider, the model, the cost, tokens by kind."""

    __slots__ = ("call", "cost", "model", "tokens")

    def __init__(self, document: Any) -> None:
        self.cost: Money | None = None
        self.tokens: dict[str, int] = {}
        self.model = _text(MODELS, document)
        self.call = _text(CALLS, document)
        is_null = document is None
        for place in () if document is None else PLACES:
            found, usage = _at(place, document)
            if not found:
                continue
            is_null = is_null or usage is None
            form = next((form for form in FORMS if _describes(form, usage)), None)
            if form is not None:
                self._read(usage, form, place)
                return
        if not is_null:
            names = "; ".join(form.name for form in FORMS)
            raise InvalidArgument(f"no usage is found in {type(document).__name__}; these forms are known: {names}")

    def _read(self, usage: Any, form: Form, place: str) -> None:
        prefix = f"{place}." if place else ""
        tokens: dict[str, int] = {}
        included: dict[str, int] = {}
        for part in form.parts:
            count = _first(part, usage, prefix)
            if count is None:
                continue
            tokens[part.counts] = tokens.get(part.counts, 0) + count
            if part.within:
                included[part.within] = included.get(part.within, 0) + count
        for kind in form.absent:
            tokens.setdefault(kind, 0)
        if tokens.get("reasoning") and "output" in included and _is_beside(form, usage, tokens, prefix):
            del included["output"]
        for kind, part_of in included.items():
            if kind in tokens:
                tokens[kind] = max(0, tokens[kind] - part_of)
        for kind, count in tokens.items():
            if count > MOST_TOKENS:
                raise InvalidArgument(f"{kind} has more than {MOST_TOKENS:,} tokens")
        if form.cost:
            found, told = _at(form.cost, usage)
            if found and told is not None:
                self.cost = _cost(told, f"{prefix}{form.cost}")
        self.tokens = tokens


def _is_beside(form: Form, usage: Any, tokens: dict[str, int], prefix: str) -> bool:
    """Whether the total says that reasoning is counted beside the output and not within it."""
    total = _number(form.total, usage, prefix) if form.total else None
    return total is not None and total == sum(tokens.get(kind, 0) for kind in ("input", "output", "reasoning"))


def _describes(form: Form, usage: Any) -> bool:
    return any(_at(mark, usage)[1] is not None for mark in form.marks)


def _first(part: Part, usage: Any, prefix: str) -> int | None:
    for member in part.members:
        count = _number(member, usage, prefix)
        if count is not None:
            return count
    return None


def _at(place: str, value: Any) -> tuple[bool, Any]:
    """Whether there is something at a place, given as names separated by points, and what."""
    for name in place.split(".") if place else ():
        if isinstance(value, dict):
            if name not in value:
                return False, None
            value = value[name]
        else:
            found = _attribute(value, name)
            if found is _MISSING:
                return False, None
            value = found
    return True, value


_MISSING = object()


def _attribute(value: Any, name: str) -> Any:
    """A member of an SDK's object. Google's have the names of the JSON in Python's manner."""
    if value is None or isinstance(value, (str, bytes, int, float, list, tuple)):
        return _MISSING
    found = getattr(value, name, _MISSING)
    if found is _MISSING and not name.islower():
        found = getattr(value, "".join(f"_{one.lower()}" if one.isupper() else one for one in name), _MISSING)
    return _MISSING if callable(found) else found


def _number(place: str, usage: Any, prefix: str) -> int | None:
    found, value = _at(place, usage)
    if not found or value is None:
        return None
    told = None if isinstance(value, bool) else parse_decimal(repr(value) if isinstance(value, float) else str(value))
    if isinstance(value, str) or told is None or told[0] or told[2] < 0 or len(told[1]) + told[2] > 10:
        raise InvalidArgument(f"{prefix}{place} is not a whole number from 0 to {MOST_TOKENS:,}: {value!r}")
    count = to_units(told[1], told[2], 0, rounds_up=True)
    if count > MOST_TOKENS:
        raise InvalidArgument(f"{prefix}{place} is not a whole number from 0 to {MOST_TOKENS:,}: {value!r}")
    return count


def _text(places: tuple[str, ...], document: Any) -> str | None:
    for place in places:
        _, value = _at(place, document)
        if isinstance(value, str) and value:
            return value
    return None


def _cost(told: Any, place: str) -> Money:
    try:
        cost = Money.dollars(told) if not isinstance(told, str) else None
    except ValueError:
        cost = None
    if cost is None or not 0 <= cost.nanodollars <= CALL_COST:
        raise InvalidArgument(f"{place} is not a number of dollars from 0 to {Money(CALL_COST)}: {told!r}")
    return cost


def _money(cost: Money | Decimal | float | int | str) -> Money:
    try:
        return Money.dollars(cost)
    except ValueError as error:
        raise InvalidArgument(f"cost: {error}") from None


def _count(number: int | None, name: str) -> int | None:
    if number is not None and not 0 <= number <= MOST_TOKENS:
        raise InvalidArgument(f"{name}: {number} is not between 0 and {MOST_TOKENS:,}")
    return number
