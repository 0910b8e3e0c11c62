"""Exact money, and the forms in which programs print numbers of dollars."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from decimal import Decimal

NANODOLLARS = 1_000_000_000
"""Nano-dollars of a dollar."""

_DECIMALS = 9
_DIGITS_OF_DOUBLES = 15
_LARGEST = (1 << 63) - 1


class Money:
    """An exact amount of US dollars, counted in nano-dollars.

    >>> Money.dollars("0.0012").nanodollars
    1200000
    """

    __slots__ = ("nanodollars",)

    def __init__(self, nanodollars: int = 0) -> None:
        self.nanodollars = nanodollars

    @classmethod
    def dollars(cls, amount: Money | Decimal | float | int | str) -> Money:
        """The amount of dollars that a number tells, in any form that programs print.

        A number of whole nano-dollars is exact. Another one with more than 15 significant digits is a printed double
        and is first rounded to 15. What then lies below a nano-dollar is rounded up; of a negative number it is
        dropped.

        Raises ValueError if it is no number, or out of range.
        """
        if isinstance(amount, Money):
            return amount
        if isinstance(amount, bool):
            raise ValueError(f"{amount} is no amount of dollars")
        if isinstance(amount, int):
            return cls._checked(amount * NANODOLLARS, amount)
        text = repr(amount) if isinstance(amount, float) else str(amount).strip()
        number = parse_decimal(text)
        if number is None:
            raise ValueError(f"{amount!r} is no amount of dollars")
        is_negative, digits, exponent = number
        magnitude = to_units(digits, exponent, _DECIMALS, rounds_up=not is_negative)
        return cls._checked(-magnitude if is_negative else magnitude, amount)

    @classmethod
    def _checked(cls, nanodollars: int, amount: object) -> Money:
        if abs(nanodollars) > _LARGEST:
            raise ValueError(f"{amount!r} dollars are out of range")
        return cls(nanodollars)

    def __float__(self) -> float:
        return self.nanodollars / NANODOLLARS

    def __add__(self, other: Money) -> Money:
        return Money(self.nanodollars + other.nanodollars)

    def __sub__(self, other: Money) -> Money:
        return Money(self.nanodollars - other.nanodollars)

    def __neg__(self) -> Money:
        return Money(-self.nanodollars)

    def __bool__(self) -> bool:
        return self.nanodollars != 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and self.nanodollars == other.nanodollars

    def __lt__(self, other: Money) -> bool:
        return self.nanodollars < other.nanodollars

    def __le__(self, other: Money) -> bool:
        return self.nanodollars <= other.nanodollars

    def __gt__(self, other: Money) -> bool:
        return self.nanodollars > other.nanodollars

    def __ge__(self, other: Money) -> bool:
        return self.nanodollars >= other.nanodollars

    def __hash__(self) -> int:
        return hash(self.nanodollars)

    def __str__(self) -> str:
        """Dollars with as many decimals as the exact amount needs: `0.0012`, `50`."""
        whole, fraction = divmod(abs(self.nanodollars), NANODOLLARS)
        sign = "-" if self.nanodollars < 0 else ""
        decimals = f".{fraction:09d}".rstrip("0") if fraction else ""
        return f"{sign}{whole}{decimals}"

    def __repr__(self) -> str:
        return f"Money.dollars('{self}')"


def parse_decimal(text: str) -> tuple[bool, str, int] | None:
    """The sign, the digits and the exponent of ten of a printed number; None if it is none.

    >>> parse_decimal("-7.5e-05")
    (True, '75', -6)
    """
    mantissa, mark, power = text.replace("E", "e").partition("e")
    exponent = 0
    if mark:
        unsigned = power[1:] if power[:1] in ("+", "-") else power
        if not unsigned.isascii() or not unsigned.isdigit() or len(unsigned) > 6:
            return None
        exponent = int(power)
    is_negative = mantissa.startswith("-")
    if mantissa[:1] in ("+", "-"):
        mantissa = mantissa[1:]
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    if not digits.isascii() or not digits.isdigit() or len(digits) > 400:
        return None
    stripped = digits.lstrip("0")
    exponent -= len(fraction)
    short = stripped.rstrip("0")
    return is_negative, short or "0", exponent + len(stripped) - len(short) if short else 0


def to_units(digits: str, exponent: int, decimals: int, rounds_up: bool) -> int:
    """How many units of the last of `decimals` decimals a number has, by the rules of `Money.dollars`."""
    shift = exponent + decimals
    if shift < 0 and len(digits) > _DIGITS_OF_DOUBLES:
        surplus = len(digits) - _DIGITS_OF_DOUBLES
        kept, rest = int(digits[:_DIGITS_OF_DOUBLES]), int(digits[_DIGITS_OF_DOUBLES:])
        half = 5 * 10 ** (surplus - 1)
        if rest > half or (rest == half and kept % 2 == 1):
            kept += 1
        digits, shift = str(kept), shift + surplus
    if shift >= 0:
        # A larger number than any range; it must not be computed.
        return int(digits) * int(10 ** min(shift, 40))
    if -shift > len(digits):
        return 1 if rounds_up and digits != "0" else 0
    quotient, remainder = divmod(int(digits), int(10**-shift))
    return quotient + 1 if remainder and rounds_up else quotient
