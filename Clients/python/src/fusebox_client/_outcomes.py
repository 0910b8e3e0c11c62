"""How a call ended, read from the exception that ended it. One table for all providers' libraries.

The classes of openai, anthropic, httpx, requests, google and botocore are recognised by what they have: a status
code, the headers of a response, a code of the error. Nothing of them is imported.

| what ended the call | outcome |
|---|---|
| 429; a code of throttling | `throttled`, with the time that the headers tell |
| 402; 429 with a code of a used-up quota | `quotaExhausted` |
| 408, 409, 425, 5xx | `failure`, with the time that the headers tell |
| any other 4xx | `rejected` |
| cancellation, `GeneratorExit`, `KeyboardInterrupt`, `SystemExit` | `abandoned` |
| an error of this package | `abandoned` |
| anything else: a timeout, a lost connection | `failure` |
"""

from __future__ import annotations

from ._errors import FuseboxError
from ._retry_after import of_headers, retry_after
from .protocol.types import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_FAILURES = frozenset((408, 409, 425))
_QUOTA_CODES = frozenset(
    (
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "quota_exceeded",
        "credit_balance_too_low",
    )
)
_THROTTLING_CODES = frozenset(
    (
        "rate_limit_exceeded", "rate_limit_error", "resource_exhausted", "throttling", "throttlingexception",
        "throttledexception", "toomanyrequestsexception", "requestlimitexceeded",
    )
)  # fmt: skip
_FAILURE_CODES = frozenset(
    ("overloaded_error", "serviceunavailableexception", "internalserverexception", "modelnotreadyexception")
)


class CallEnd:
    """An outcome, and how long the provider takes no calls, in seconds; None: it did not say."""

    __slots__ = ("outcome", "retry_after")

    def __init__(self, outcome: Outcome, retry_after: float | None = None) -> None:
        self.outcome = outcome
        self.retry_after = retry_after

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CallEnd) and (self.outcome, self.retry_after) == (other.outcome, other.retry_after)

    def __hash__(self) -> int:
        return hash((self.outcome, self.retry_after))

    def __repr__(self) -> str:
        return f"CallEnd({self.outcome.name}, retry_after={self.retry_after})"


def call_end(error: BaseException) -> CallEnd:
    """The outcome of a call that ended with this error. The table of this module; pass `outcome_of` to replace it."""
    if isinstance(error, FuseboxError) or not isinstance(error, Exception):
        # CancelledError, GeneratorExit, KeyboardInterrupt and SystemExit are no `Exception`.
        return CallEnd(Outcome.ABANDONED)
    status = status_of(error)
    if status is None and not codes_of(error):
        return CallEnd(Outcome.FAILURE)
    end = end_of_status(status, headers_of(error), codes_of(error), delay_of(error))
    # An answer with status 200 that cannot be read is the provider's failure too.
    return CallEnd(Outcome.FAILURE) if end.outcome == Outcome.SUCCESS else end


def end_of_status(
    status: int | None, headers: Mapping[str, Any], codes: frozenset[str] = frozenset(), delay: float | None = None
) -> CallEnd:
    """The outcome of an answer with this status, these headers and these codes of its error."""
    wait = of_headers(headers)
    wait = delay if wait is None else wait
    if codes & _QUOTA_CODES or status == 402:
        return CallEnd(Outcome.QUOTA_EXHAUSTED, wait)
    if status == 429 or codes & _THROTTLING_CODES:
        return CallEnd(Outcome.THROTTLED, wait)
    if status is None or status >= 500 or status in _FAILURES or codes & _FAILURE_CODES:
        return CallEnd(Outcome.FAILURE, wait)
    return CallEnd(Outcome.REJECTED if status >= 400 else Outcome.SUCCESS)


def status_of(error: object) -> int | None:
    """The status code that an error, or the response that it has, tells."""
    response = getattr(error, "response", None)
    for told in (
        getattr(error, "status_code", None),
        getattr(response, "status_code", None),
        getattr(response, "status", None),
        _member(response, "ResponseMetadata", "HTTPStatusCode"),
        getattr(error, "status", None),
        getattr(error, "code", None),
    ):
        if isinstance(told, int) and not isinstance(told, bool) and 100 <= told < 600:
            return int(told)
    return None


def headers_of(error: object) -> Mapping[str, Any]:
    """The headers of the response that an error has; empty if it has none."""
    response = getattr(error, "response", None)
    for told in (
        getattr(response, "headers", None),
        _member(response, "ResponseMetadata", "HTTPHeaders"),
        getattr(error, "headers", None),
    ):
        if told is not None and hasattr(told, "items"):
            return told  # type: ignore[no-any-return]
    return {}


def codes_of(error: object) -> frozenset[str]:
    """The words by which a provider calls the error, in small letters."""
    body = getattr(error, "body", None)
    response = getattr(error, "response", None)
    told = [
        getattr(error, "code", None),
        getattr(error, "type", None),
        getattr(error, "status", None),
        *codes_in(body),
        _member(response, "Error", "Code"),
    ]
    return frozenset(code.lower() for code in told if isinstance(code, str))


def codes_in(body: object) -> list[Any]:
    """The codes in the body of an answer, as OpenAI, Anthropic and Google have them."""
    inner = _member(body, "error")
    return [_member(one, name) for one in (body, inner) for name in ("code", "type", "status")]


def delay_of(error: object) -> float | None:
    """The `retryDelay` that Google puts into the details of an error."""
    details = getattr(error, "details", None)
    if callable(details):
        return None
    body = details if isinstance(details, dict) else getattr(error, "body", None)
    listed = _member(_member(body, "error") or body, "details")
    for one in listed if isinstance(listed, list) else ():
        told = _member(one, "retryDelay")
        if isinstance(told, str):
            return retry_after(told)
    return None


def _member(value: Any, *path: str) -> Any:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value
