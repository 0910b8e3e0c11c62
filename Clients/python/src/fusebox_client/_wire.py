"""What the generated codec stands on: bytes to values and back, and the bases of its classes.

proto-docs/protocol.md describes the encoding. `decode` of a reply or an event passes over bytes that follow the fields
that it knows, because a newer daemon may have more to tell.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from ._money import Money

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, ClassVar, Generic, TypeVar

    T = TypeVar("T")
    ReplyT = TypeVar("ReplyT", bound="Record", covariant=True)

HEADER = struct.Struct("<IHBBI")
"""The length of a frame, and its header: command, kind, detail, correlation."""
HEADER_LENGTH = 8
"""The bytes of the header, which the length counts."""
SEQUENCE = struct.Struct("<QQ")
"""The numbers before the fields of a sequenced request."""
REQUEST, REPLY, EVENT, PUSH = 0, 1, 2, 3

_NAME_LENGTH = 127
_TEXT_LENGTH = 1024
_CHUNK_LENGTH = 196_608
_LIST_LENGTH = 0xFFFF

_U8, _U16, _U32, _U64 = (struct.Struct(f"<{code}") for code in "BHIQ")
_I64, _F64 = struct.Struct("<q"), struct.Struct("<d")


class EncodingError(ValueError):
    """A value does not fit its type on the wire."""


class DecodingError(ValueError):
    """Bytes are not what the protocol says they are."""


# Values to bytes


def put_u8(out: bytearray, value: int) -> None:
    out += _U8.pack(value)


def put_u16(out: bytearray, value: int) -> None:
    out += _U16.pack(value)


def put_u32(out: bytearray, value: int) -> None:
    out += _U32.pack(value)


def put_u64(out: bytearray, value: int) -> None:
    out += _U64.pack(value)


def put_i64(out: bytearray, value: int) -> None:
    out += _I64.pack(value)


def put_f64(out: bytearray, value: float) -> None:
    out += _F64.pack(value)


def put_bool(out: bytearray, value: bool) -> None:
    out.append(1 if value else 0)


def put_money(out: bytearray, value: Money) -> None:
    out += _I64.pack(value.nanodollars)


def put_name(out: bytearray, value: str) -> None:
    name = value.encode()
    if not 1 <= len(name) <= _NAME_LENGTH:
        raise EncodingError(f"a name has 1 to {_NAME_LENGTH} bytes, and {value!r} has {len(name)}")
    out.append(len(name))
    out += name


def put_text(out: bytearray, value: str) -> None:
    text = value.encode(errors="replace")
    if len(text) > _TEXT_LENGTH:
        # Texts are for people. A longer one is cut at the end of a character.
        text = text[:_TEXT_LENGTH].decode(errors="ignore").encode()
    out += _U16.pack(len(text))
    out += text


def put_bytes(out: bytearray, value: bytes) -> None:
    if len(value) > _CHUNK_LENGTH:
        raise EncodingError(f"one value of bytes has at most {_CHUNK_LENGTH}, not {len(value)}")
    out += _U32.pack(len(value))
    out += value


def put_record(out: bytearray, value: Record) -> None:
    value.encode(out)


def put_open_record(out: bytearray, value: Record) -> None:
    start = len(out)
    out += b"\0\0"
    value.encode(out)
    out[start : start + 2] = _U16.pack(len(out) - start - 2)


def put_optional(out: bytearray, value: T | None, put: Callable[[bytearray, T], None]) -> None:
    if value is None:
        out.append(0)
    else:
        out.append(1)
        put(out, value)


def put_list(
    out: bytearray, values: Iterable[T], put: Callable[[bytearray, T], None], longest: int = _LIST_LENGTH
) -> None:
    items = tuple(values)
    if len(items) > longest:
        raise EncodingError(f"a list has at most {longest} elements, not {len(items)}")
    out += _U16.pack(len(items))
    for item in items:
        put(out, item)


def put_optional_list(out: bytearray, values: Iterable[T] | None, put: Callable[[bytearray, T], None]) -> None:
    if values is None:
        out.append(0)
    else:
        out.append(1)
        put_list(out, values, put)


# Bytes to values


class Reader:
    """Reads values one after the other, up to an end."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    def more(self) -> bool:
        """Whether a value follows. An older daemon does not send the fields that were added later."""
        return self.at < self.end

    def fixed(self, layout: struct.Struct) -> tuple[Any, ...]:
        at = self.at
        self.at = after = at + layout.size
        if after > self.end:
            raise DecodingError("the payload ends inside a field")
        return layout.unpack_from(self.data, at)

    def u8(self) -> int:
        at = self.at
        if at >= self.end:
            raise DecodingError("the payload ends inside a field")
        self.at = at + 1
        return self.data[at]

    def u16(self) -> int:
        return self.fixed(_U16)[0]  # type: ignore[no-any-return]

    def u32(self) -> int:
        return self.fixed(_U32)[0]  # type: ignore[no-any-return]

    def u64(self) -> int:
        return self.fixed(_U64)[0]  # type: ignore[no-any-return]

    def i64(self) -> int:
        return self.fixed(_I64)[0]  # type: ignore[no-any-return]

    def f64(self) -> float:
        return self.fixed(_F64)[0]  # type: ignore[no-any-return]

    def flag(self) -> bool:
        return truth(self.u8())

    def money(self) -> Money:
        return Money(self.i64())

    def name(self) -> str:
        return self._text(self.u8())

    def text(self) -> str:
        return self._text(self.u16())

    def blob(self) -> bytes:
        return self._take(self.u32())

    def record(self, decode: Callable[[Reader], T]) -> T:
        """A record that may be longer than this client knows it."""
        length = self.u16()
        outer, inner = self.end, self.at + length
        if inner > outer:
            raise DecodingError("the payload ends inside a record")
        self.end = inner
        value = decode(self)
        self.at, self.end = inner, outer
        return value

    def items(self, read: Callable[[Reader], T]) -> tuple[T, ...]:
        return tuple([read(self) for _ in range(self.u16())])

    def open_items(self, decode: Callable[[Reader], T]) -> tuple[T, ...]:
        return tuple([self.record(decode) for _ in range(self.u16())])

    def _take(self, length: int) -> bytes:
        at = self.at
        self.at = after = at + length
        if after > self.end:
            raise DecodingError("the payload ends inside a field")
        return self.data[at:after]

    def _text(self, length: int) -> str:
        try:
            return self._take(length).decode()
        except UnicodeDecodeError:
            raise DecodingError("a text is not UTF-8") from None


def truth(byte: int) -> bool:
    """A bool, or whether an optional value is present."""
    if byte > 1:
        raise DecodingError(f"a bool is {byte}")
    return byte == 1


# The bases of generated classes


class Enumeration(IntEnum):
    """A value among those with a name. A number that only a newer daemon knows is kept, and called `UNKNOWN`."""

    @classmethod
    def _missing_(cls, value: object) -> Enumeration | None:
        if not isinstance(value, int) or not 0 <= value <= 255:
            return None
        member = int.__new__(cls, value)
        member._name_ = "UNKNOWN"
        member._value_ = value
        return member

    def __reduce_ex__(self, _: object) -> tuple[type[Enumeration], tuple[int]]:
        # Some versions of Python pickle the name, which an unknown value does not have.
        return type(self), (int(self),)

    @property
    def is_known(self) -> bool:
        """Whether this client knows the value."""
        return self._name_ != "UNKNOWN"


class Record:
    """Fields in the order of the wire."""

    __slots__: ClassVar[tuple[str, ...]] = ()

    def encode(self, out: bytearray) -> None:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in self.__slots__)))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({fields})"


if TYPE_CHECKING:

    class Request(Record, Generic[ReplyT]):
        """A command that a client sends, and what answers it."""

        NUMBER: ClassVar[int]
        NAME: ClassVar[str]
        EFFECT: ClassVar[str]
        ACCESS: ClassVar[str]
        IS_SEQUENCED: ClassVar[bool]
        REPORT: ClassVar[str | None]

        @staticmethod
        def decode_reply(reader: Reader) -> ReplyT: ...

else:

    class Request(Record):
        """A command that a client sends, and what answers it."""

        __slots__ = ()

        def __class_getitem__(cls, reply):
            return cls


class Event(Record):
    """Something that happened at the daemon."""

    __slots__ = ()
    NUMBER: ClassVar[int]
    NAME: ClassVar[str]

    @classmethod
    def decode(cls, reader: Reader) -> Event:
        raise NotImplementedError


def encoded(value: Record) -> bytes:
    """The fields of a record.

    Raises EncodingError if one of them does not fit its type.
    """
    out = bytearray()
    try:
        value.encode(out)
    except (struct.error, AttributeError, TypeError, UnicodeEncodeError) as error:
        raise EncodingError(f"{type(value).__name__}: {error}") from None
    return bytes(out)
