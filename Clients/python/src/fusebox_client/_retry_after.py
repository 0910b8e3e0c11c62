"""When a provider takes calls again, as headers and bodies tell it."""

from __future__ import annotations

import time

from ._money import parse_decimal

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_FIRST_EPOCH_SECOND = 1_000_000_000
"""From here on a number of seconds is since 1970: as a duration it would be thirty years."""
_FIRST_EPOCH_MILLISECOND = 100_000_000_000
_END_OF_EPOCHS = 100_000_000_000_000


def retry_after(text: str | float, now: float | None = None) -> float | None:
    """The seconds until then, at least 0; None if the text is none of the forms.

    | text | read as |
    |---|---|
    | `30`, `1.8` | seconds |
    | `34.07s`, `6m0s`, `1h30m`, `1500ms` | a duration |
    | `1764096832`, `1764096832000` | seconds or milliseconds since 1970: that moment |
    | `Wed, 25 Nov 2026 18:53:52 GMT`, and the older forms of HTTP | that moment |
    | `2026-11-25T18:53:52Z`, `2026-11-25T19:53:52.5+01:00` | that moment |

    The result is never too early: parts of a millisecond are rounded up, and so is the time until a moment that is told
    in whole seconds, to whole seconds.
    """
    told = str(text).strip()
    wall = int((time.time() if now is None else now) * 1000)
    milliseconds = _of_number(told, wall)
    if milliseconds is None:
        milliseconds = _of_duration(told)
    if milliseconds is None and told[:1] != "-":
        milliseconds = _of_date(told, wall)
    return None if milliseconds is None else max(0, milliseconds) / 1000


def _of_number(text: str, wall: int) -> int | None:
    number = parse_decimal(text)
    if number is None:
        return None
    is_negative, digits, exponent = number
    if is_negative:
        return 0
    if exponent > 14 or len(digits) + exponent > 15:
        return None
    scaled = int(digits) * 1000 * 10 ** max(exponent, 0)
    milliseconds: int = -(-scaled // 10 ** max(-exponent, 0))
    if milliseconds >= _END_OF_EPOCHS * 1000:
        return None
    if milliseconds >= _FIRST_EPOCH_MILLISECOND * 1000:
        return -(-milliseconds // 1000) - wall
    if milliseconds >= _FIRST_EPOCH_SECOND * 1000:
        return _until(milliseconds, wall, is_whole=milliseconds % 1000 == 0)
    return milliseconds


def _of_duration(text: str) -> int | None:
    is_negative = text.startswith("-")
    rest = text[1:] if is_negative else text
    total = 0
    if not rest:
        return None
    while rest:
        length = len(rest) - len(rest.lstrip("0123456789."))
        number, rest = rest[:length], rest[length:]
        unit = rest[:2] if rest[:2] == "ms" else rest[:1]
        told = parse_decimal(number) if number else None
        if told is None or unit not in _UNITS:
            return None
        rest = rest[len(unit) :]
        _, digits, exponent = told
        scaled = int(digits) * _UNITS[unit] * 10 ** max(exponent, 0)
        total += -(-scaled // 10 ** max(-exponent, 0))
    return 0 if is_negative else total


def _of_date(text: str, wall: int) -> int | None:
    from datetime import datetime, timezone
    from email.utils import parsedate_to_datetime

    moment: datetime | None = None
    try:
        if text[:4].isdigit():
            moment = datetime.fromisoformat(_iso(text))
        else:
            moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    if moment.tzinfo is None:
        if text[:4].isdigit():
            return None  # Whose clock is meant?
        moment = moment.replace(tzinfo=timezone.utc)
    since = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    milliseconds = (since.days * 86_400 + since.seconds) * 1000 - (-since.microseconds // 1000)
    return _until(milliseconds, wall, is_whole=since.microseconds == 0 and "." not in text)


def _iso(text: str) -> str:
    """RFC 3339 as Python 3.10 reads it: a fraction of six digits, and `+00:00` for `Z`."""
    text = text.replace("z", "Z").replace("Z", "+00:00").replace("t", "T")
    head, point, tail = text.partition(".")
    if not point:
        return text
    length = len(tail) - len(tail.lstrip("0123456789"))
    digits, zone = tail[:length], tail[length:]
    return f"{head}.{digits[:6].ljust(6, '0')}{zone}"


def _until(moment: int, wall: int, is_whole: bool) -> int:
    wait = max(0, moment - wall)
    return -(-wait // 1000) * 1000 if is_whole else wait
