"""What an answer of a provider tells of its call, by the table that all clients share; `proto-docs/outcomes.md`."""

from __future__ import annotations

from ._money import parse_decimal
from ._retry_after import retry_after
from .protocol.admission import MarkScope
from .protocol.answer_table import (
    ERROR_PLACES,
    LIMITED_OUTCOMES,
    LIMITS,
    LONGEST_RESET,
    RETRY_HEADERS,
    RETRY_PLACES,
    ROWS,
    WORD_HEADER,
    WORD_PLACES,
)
from .protocol.constants import PROVIDER_OUTCOMES, RETRY_AFTER_OUTCOMES
from .protocol.types import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any


class Remaining:
    """What remains of a rate limit: what it counts, how much is left, and the seconds until its reset, if told."""

    __slots__ = ("count", "limit", "reset_after")

    def __init__(self, limit: str, count: int, reset_after: float | None = None) -> None:
        self.limit = limit
        self.count = count
        self.reset_after = reset_after

    def __repr__(self) -> str:
        return f"Remaining({self.limit!r}, {self.count}, reset_after={self.reset_after})"


class ProviderAnswer:
    """How a call went, how much of its route that marks, for how long its provider takes no calls, and what remains of
    the provider's rate limits.

    - `status`: the status code; None: there is none, as in the middle of a stream
    - `headers`: the headers; case does not matter
    - `body`: the parsed body, if it tells an error
    - `words`: what an exception calls the error, in small letters
    """

    __slots__ = ("mark_scope", "outcome", "remaining", "retry_after")

    def __init__(
        self,
        status: int | None,
        headers: Mapping[str, Any] | None = None,
        body: Any = None,
        *,
        words: Iterable[str] = (),
        now: float | None = None,
    ) -> None:
        told = {str(name).lower(): str(value) for name, value in _items(headers)}
        # Gemini answers a stream that is not one of events with a list.
        document = body[0] if isinstance(body, list) and body else body
        status, named = _error(status, told, document, words)
        outcome, scope = next(
            (
                (outcome, scope)
                for _, outcome, scope, statuses, words, places in ROWS
                if _applies(statuses, words, places, status, named, document)
            ),
            (Outcome.FAILURE, None),
        )
        self.outcome: Outcome = outcome
        """How the call went."""
        self.mark_scope: MarkScope | None = None if scope is None else MarkScope[scope.upper()]
        """How much of the call's route the outcome marks, if it marks. None: as the outcome does by itself."""
        self.remaining: tuple[Remaining, ...] = tuple(_remaining(told, now))
        """What remains of the rate limits that the headers tell."""
        self.retry_after: float | None = None
        """For how many seconds the provider takes no calls. With a success the next call would be denied."""
        if self.outcome in PROVIDER_OUTCOMES and self.outcome in RETRY_AFTER_OUTCOMES:
            self.retry_after = _told_time(told, document, now)
        if self.retry_after is None and self.outcome in LIMITED_OUTCOMES:
            resets = [one.reset_after for one in self.remaining if one.count == 0 and one.reset_after is not None]
            self.retry_after = min(max(resets), LONGEST_RESET) if resets else None


def tells_error(document: Any) -> bool:
    """Whether something other than null and false stands where errors are told."""
    return any(value is not False for place in ERROR_PLACES for value in values_at(document, place))


def values_at(document: Any, place: str) -> list[Any]:
    """The values at a place, given as names separated by points. A list stands for each of its elements."""
    found = [document]
    for name in place.split("."):
        found = [
            one[name]
            for value in found
            for one in (value if isinstance(value, list) else (value,))
            if isinstance(one, dict) and name in one
        ]
    return [value for value in found if value is not None]


def _error(
    status: int | None, headers: Mapping[str, str], document: Any, words: Iterable[str]
) -> tuple[int | None, frozenset[str]]:
    """The status that counts, and the words by which the error is called."""
    is_told = tells_error(document)
    named = {_word(word) for word in words}
    if status is not None and status < 400:
        if not (is_told or named):
            return status, frozenset()
        status = None
    if WORD_HEADER in headers:
        named.add(_word(headers[WORD_HEADER].split(":")[0]))
    numbers = []
    for place in WORD_PLACES:
        for value in values_at(document, place):
            if isinstance(value, str):
                named.add(_word(value))
                numbers += [int(value)] if value.isascii() and value.isdigit() and len(value) == 3 else []
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                numbers.append(int(value) if value == int(value) else 0)
    if status is None:
        status = next((number for number in numbers if 400 <= number < 600), None)
    return status, frozenset(named)


def _word(text: str) -> str:
    """A word in small letters, without the name space that AWS puts before it."""
    return text.split("#")[-1].strip().lower()


def _applies(
    statuses: tuple[tuple[int, int], ...],
    words: frozenset[str],
    places: tuple[str, ...],
    status: int | None,
    named: frozenset[str],
    document: Any,
) -> bool:
    if statuses and (status is None or not any(lowest <= status <= highest for lowest, highest in statuses)):
        return False
    if words and not words & named:
        return False
    return not places or any(values_at(document, place) for place in places)


def _told_time(headers: Mapping[str, str], document: Any, now: float | None) -> float | None:
    for name, unit in RETRY_HEADERS:
        text = headers.get(name)
        if text is None:
            continue
        if unit == "milliseconds":
            number = parse_decimal(text.strip())
            wait = None if number is None else 0.0 if number[0] else retry_after(f"{text.strip()}ms", now)
        else:
            wait = retry_after(text, now)
        if wait is not None:
            return wait
    for place in RETRY_PLACES:
        for value in values_at(document, place):
            wait = retry_after(value, now) if isinstance(value, str) else None
            if wait is not None:
                return wait
    return None


def _remaining(headers: Mapping[str, str], now: float | None) -> Iterable[Remaining]:
    for name, remaining, reset in LIMITS:
        number = parse_decimal(headers.get(remaining, "").strip())
        if number is None:
            continue
        is_negative, digits, exponent = number[0], number[1], min(number[2], 18)
        count = 0 if is_negative else int(digits) * 10**exponent if exponent >= 0 else int(digits) // 10**-exponent
        text = headers.get(reset)
        yield Remaining(name, count, None if text is None else retry_after(text, now))


def _items(headers: Any) -> Any:
    return headers.items() if hasattr(headers, "items") else headers or ()
