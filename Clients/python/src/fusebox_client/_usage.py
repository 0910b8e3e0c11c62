"""What a call has used, as providers tell it: usage objects, answers and events of streams, as dicts or SDK objects.

`protocol/usage_forms.py` says which members count which tokens. It is generated from the table that all clients read.
"""

from __future__ import annotations

from operator import index

from ._errors import InvalidArgument
from ._money import Money, parse_decimal, to_units
from .protocol.admission import CallUsage
from .protocol.constants import CALL_COST, NAME_LENGTH
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
    """Cost and tokens of a call, each of which may be unknown. No token is of two kinds.

    Raises InvalidArgument if a number is out of range or no number.
    """

    __slots__ = (
        "_reported", "cache_write_tokens", "cached_input_tokens", "cost", "input_tokens", "model", "output_tokens",
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
        self._reported: Report | None = None

    @classmethod
    def reported(cls, document: Any) -> Usage:
        """The usage that a provider told: its usage object, an answer, or an event of a stream that has one.

        The elements of a list are events of one stream.

        Raises InvalidArgument if no usage is found in it, or a number is out of range.
        """
        usage = cls()
        usage.update(document)
        return usage

    def update(self, document: Any) -> None:
        """Takes what a later event of the same stream tells. What the event leaves out stays.

        Raises InvalidArgument as `reported`; then nothing has changed.
        """
        reports = found_in(document)
        if not reports:
            names = "; ".join(form.name for form in FORMS)
            raise InvalidArgument(f"no usage is found in {type(document).__name__}; these forms are known: {names}")
        for report in reports:
            self.take(report)

    def take(self, report: Report) -> None:
        """Takes what a document tells that was read already."""
        self.model = report.model or self.model
        self.cost = report.cost if report.cost is not None else self.cost
        before = {} if self._reported is None else self._reported.tokens
        # Events are understood beside each other: one may tell a whole, and another one the part that was cached.
        self._reported = report if self._reported is None else self._reported.updated(report)
        tokens, told = self._reported.tokens, report.tokens
        for kind, name in ATTRIBUTES.items():
            if kind in told or tokens.get(kind) != before.get(kind):
                setattr(self, name, tokens.get(kind))

    def __add__(self, later: Usage) -> Usage:
        """The usage of both calls. What only one tells is taken from it. A sum stays within the range of one call."""
        total = Usage(model=later.model or self.model)
        costs = [one for one in (self.cost, later.cost) if one is not None]
        total.cost = Money(min(sum(one.nanodollars for one in costs), CALL_COST)) if costs else None
        for name in ATTRIBUTES.values():
            counts = [count for count in (getattr(self, name), getattr(later, name)) if count is not None]
            setattr(total, name, min(sum(counts), MOST_TOKENS) if counts else None)
        return total

    @property
    def is_empty(self) -> bool:
        """Whether neither cost nor tokens are known."""
        return self.cost is None and all(getattr(self, name) is None for name in ATTRIBUTES.values())

    def sent(self) -> CallUsage:
        """The usage as the wire has it. Raises InvalidArgument if an attribute was set to what is out of range."""
        if self.model is not None and not _is_name(self.model):
            raise InvalidArgument(f"model: {self.model!r} is no name of 1 to {NAME_LENGTH} bytes")
        cost = None if self.cost is None else _money(self.cost)
        return CallUsage(
            self.model, cost, TokenUsage(*[_count(getattr(self, name), name) for name in ATTRIBUTES.values()])
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Usage) and all(getattr(self, one) == getattr(other, one) for one in _PUBLIC)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        told = [f"{name}={getattr(self, name)!r}" for name in _PUBLIC if getattr(self, name) is not None]
        return f"Usage({', '.join(told)})"


ATTRIBUTES = {
    "input": "input_tokens", "cachedInput": "cached_input_tokens", "cacheWrite": "cache_write_tokens",
    "output": "output_tokens", "reasoning": "reasoning_tokens",
}  # fmt: skip
_PUBLIC = tuple(name for name in Usage.__slots__ if not name.startswith("_"))


class Report:
    """What documents about one call tell: the call's name at the provider, the model, the cost, tokens by kind."""

    __slots__ = ("_counts", "call", "cost", "model")

    def __init__(self) -> None:
        self.cost: Money | None = None
        self.model: str | None = None
        self.call: str | None = None
        self._counts: tuple[_Counts, ...] = ()

    @classmethod
    def found(cls, document: Any) -> Report | None:
        """What a document tells; None if no usage is found in it. A usage that is null is found, and empty.

        Raises InvalidArgument if a number is out of range.
        """
        report = cls()
        model = _text(MODELS, document)
        report.model = model if model is not None and _is_name(model) else None
        report.call = _text(CALLS, document)
        is_null = document is None
        for place in () if document is None else PLACES:
            found, usage = _at(place, document)
            if not found:
                continue
            is_null = is_null or usage is None
            form = next((form for form in FORMS if _describes(form, usage)), None)
            if form is not None:
                prefix = f"{place}." if place else ""
                report._counts = (_Counts.read(form, usage, prefix),)
                report.cost = _told_cost(form, usage, prefix)
                return report
        return report if is_null else None

    @property
    def is_empty(self) -> bool:
        """Whether neither cost nor tokens are told."""
        return not self._counts

    @property
    def tokens(self) -> dict[str, int]:
        """The tokens by kind, as far as they were told."""
        tokens: dict[str, int] = {}
        for counts in self._counts:
            tokens.update(counts.tokens())
        return tokens

    def updated(self, later: Report) -> Report:
        """This report with what a later one of the same call tells. What that leaves out stays."""
        both = Report()
        both.call = later.call or self.call
        both.model = later.model or self.model
        both.cost = later.cost if later.cost is not None else self.cost
        forms = {counts.form.name: counts for counts in self._counts}
        for counts in later._counts:
            before = forms.get(counts.form.name)
            forms[counts.form.name] = counts if before is None else before.updated(counts)
        both._counts = tuple(forms.values())
        return both


def found_in(document: Any) -> list[Report]:
    """What a document tells, or each element of a list of them, as Gemini answers; empty if no usage is found.

    Raises InvalidArgument if a number is out of range.
    """
    documents = document if isinstance(document, (list, tuple)) else (document,)
    return [report for report in map(Report.found, documents) if report is not None]


class _Counts:
    """What the members of usage objects of one form count. The kinds are taken apart after all are known."""

    __slots__ = ("form", "numbers", "total")

    def __init__(self, form: Form, numbers: tuple[int | None, ...], total: int | None) -> None:
        self.form = form
        self.numbers = numbers
        self.total = total

    @classmethod
    def read(cls, form: Form, usage: Any, prefix: str) -> _Counts:
        total = _number(form.total, usage, prefix) if form.total else None
        counts = cls(form, tuple(_first(part, usage, prefix) for part in form.parts), total)
        for kind, count in counts._unbounded().items():
            if count > MOST_TOKENS:
                raise InvalidArgument(f"{kind} has more than {MOST_TOKENS:,} tokens")
        return counts

    def updated(self, later: _Counts) -> _Counts:
        """These counts with later ones. The parts of a prompt that is another one do not stay."""
        all_parts = tuple(zip(self.form.parts, self.numbers, later.numbers))
        is_other_prompt = any(
            part.counts == "input" and before is not None and now is not None and before != now
            for part, before, now in all_parts
        )
        numbers = tuple(
            now if now is not None or (is_other_prompt and part.within == "input") else before
            for part, before, now in all_parts
        )
        return _Counts(self.form, numbers, self.total if later.total is None else later.total)

    def tokens(self) -> dict[str, int]:
        return {kind: min(count, MOST_TOKENS) for kind, count in self._unbounded().items()}

    def _unbounded(self) -> dict[str, int]:
        tokens: dict[str, int] = {}
        included: dict[str, int] = {}
        for part, count in zip(self.form.parts, self.numbers):
            if count is None:
                continue
            tokens[part.counts] = tokens.get(part.counts, 0) + count
            if part.within:
                included[part.within] = included.get(part.within, 0) + count
        for kind in self.form.absent:
            tokens.setdefault(kind, 0)
        if self._counts_reasoning_beside(tokens):
            included.pop("output", None)
        for kind, part_of in included.items():
            if kind in tokens:
                tokens[kind] = max(0, tokens[kind] - part_of)
        return tokens

    def _counts_reasoning_beside(self, tokens: dict[str, int]) -> bool:
        """Whether the total says that reasoning is counted beside the output and not within it."""
        if not tokens.get("reasoning") or self.total is None:
            return False
        return self.total == sum(tokens.get(kind, 0) for kind in ("input", "output", "reasoning"))


def _told_cost(form: Form, usage: Any, prefix: str) -> Money | None:
    found, told = _at(form.cost, usage) if form.cost else (False, None)
    return _cost(told, f"{prefix}{form.cost}") if found and told is not None else None


def _describes(form: Form, usage: Any) -> bool:
    def has(place: str) -> bool:
        return _at(place, usage)[1] is not None

    return any(map(has, form.marks)) and not any(map(has, form.foreign))


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


def _is_name(text: str) -> bool:
    """Whether the wire takes it for a name."""
    try:
        return 1 <= len(text.encode()) <= NAME_LENGTH
    except UnicodeEncodeError:
        return False


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
        amount = Money.dollars(cost)
    except ValueError as error:
        raise InvalidArgument(f"cost: {error}") from None
    if not 0 <= amount.nanodollars <= CALL_COST:
        raise InvalidArgument(f"cost: ${amount} is not between $0 and ${Money(CALL_COST)}, for one call")
    return amount


def _count(number: int | None, name: str) -> int | None:
    if number is None:
        return None
    try:
        count = None if isinstance(number, bool) else index(number)
    except TypeError:
        count = None
    if count is None or not 0 <= count <= MOST_TOKENS:
        raise InvalidArgument(f"{name}: {number!r} is not a whole number from 0 to {MOST_TOKENS:,}")
    return count
