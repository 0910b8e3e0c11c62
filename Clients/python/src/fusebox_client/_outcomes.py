"""How a call ended, read from the exception that ended it.

The classes of openai, anthropic, httpx, requests, google and botocore are recognised by what they have: a status
code, the headers of a response, a body, a code of the error. Nothing of them is imported. What these mean is told by
the table that all clients share (`proto-docs/outcomes.md`).

| what ended the call | outcome |
|---|---|
| an answer with an error | what the table says |
| cancellation, `GeneratorExit`, `KeyboardInterrupt`, `SystemExit` | `abandoned` |
| an error of this package, and celery's `SoftTimeLimitExceeded` | `abandoned` |
| anything else: a timeout, a lost connection, an answer that cannot be read | `failure` |
"""

from __future__ import annotations

from ._call_end import CallEnd
from ._errors import FuseboxError
from ._provider_answers import ProviderAnswer, values_at
from ._retry_after import retry_after
from .protocol.constants import RETRY_AFTER_OUTCOMES
from .protocol.types import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def call_end(error: BaseException) -> CallEnd:
    """The outcome of a call that ended with this error. The table of this module; pass `outcome_of` to replace it."""
    if isinstance(error, FuseboxError) or not isinstance(error, Exception) or type(error).__name__ in _CALLERS_END:
        # CancelledError, GeneratorExit, KeyboardInterrupt and SystemExit are no `Exception`.
        return CallEnd(Outcome.ABANDONED)
    status = status_of(error)
    words = words_of(error)
    body = body_of(error)
    if status is None and not words and body is None:
        return CallEnd(Outcome.FAILURE)
    answer = ProviderAnswer(status, headers_of(error), body, words=words)
    if answer.outcome == Outcome.SUCCESS:
        # An answer with status 200 that cannot be read is the provider's failure too.
        return CallEnd(Outcome.FAILURE)
    wait = answer.retry_after
    if wait is None and answer.outcome in RETRY_AFTER_OUTCOMES:
        wait = delay_of(error)
    return CallEnd(answer.outcome, wait, answer.mark_scope)


_CALLERS_END = ("SoftTimeLimitExceeded",)
"""Exceptions by which a worker ends its own call."""


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


def words_of(error: object) -> frozenset[str]:
    """What the attributes of an error call it."""
    told = [
        getattr(error, "code", None),
        getattr(error, "type", None),
        getattr(error, "status", None),
        _member(getattr(error, "response", None), "Error", "Code"),
    ]
    return frozenset(word for word in told if isinstance(word, str))


def body_of(error: object) -> Any:
    """The body of the answer that an error has; None if it has none."""
    body = getattr(error, "body", None)
    if not isinstance(body, (dict, list)):
        details = getattr(error, "details", None)
        body = details if isinstance(details, dict) else None
    # The openai library takes the error out of the body.
    return {"error": body} if isinstance(body, dict) and "error" not in body else body


def delay_of(error: object) -> float | None:
    """The time that the details of a Google error tell, where no table finds it."""
    details = getattr(error, "details", None)
    listed = details if isinstance(details, list) else None
    for told in values_at({"details": listed}, "details.retryDelay"):
        if isinstance(told, str):
            return retry_after(told)
    return None


def _member(value: Any, *path: str) -> Any:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value
