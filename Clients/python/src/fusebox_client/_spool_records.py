"""The bytes of a file of the spool. proto-docs/spool.md describes them.

A file begins with the magic and the version. Then come records: a header, the reports that a worker left, and what has
become of them since. Each record is preceded by its length, its checksum and its kind.
"""

from __future__ import annotations

from ._crc32c import crc32c
from ._requests import Acquaintance
from ._wire import (
    DecodingError,
    Reader,
    put_bool,
    put_bytes,
    put_i64,
    put_optional,
    put_text,
    put_u8,
    put_u16,
    put_u32,
    put_u64,
)
from .protocol.admission import AdmissionReportRequest

MAGIC = b"FUSESPL"
VERSION = 1
PREFIX = MAGIC + bytes([VERSION])
HEADER, REPORT, BEGINNING, RESULT = 1, 2, 3, 4
DELIVERED, REFUSED, IN_DOUBT, RENUMBERED, SUBSTITUTED = range(5)
LONGEST_REASON = 256
_HEAD = 8


class Damage(Exception):
    """A file that cannot be read, and where."""


class Header:
    """The worker that left the reports, and the daemon that they are for."""

    __slots__ = (
        "acquaintance", "at", "client", "last_sequence", "process_id", "reports", "socket", "worker",
    )  # fmt: skip

    def __init__(self, worker: tuple[int, int], last_sequence: int, socket: str, client: str, process_id: int) -> None:
        self.worker = worker
        self.last_sequence = last_sequence
        self.socket = socket
        self.client = client
        self.process_id = process_id
        self.at = 0
        self.acquaintance: Acquaintance | None = None
        self.reports = 0

    def encode(self, out: bytearray) -> None:
        put_u64(out, self.worker[0])
        put_u64(out, self.worker[1])
        put_u64(out, self.last_sequence)
        put_text(out, self.socket)
        put_text(out, self.client)
        put_u32(out, self.process_id)
        put_i64(out, self.at)
        put_optional(out, self.acquaintance, _put_acquaintance)
        put_u32(out, self.reports)

    @classmethod
    def decode(cls, reader: Reader) -> Header:
        worker = (reader.u64(), reader.u64())
        header = cls(worker, reader.u64(), reader.text(), reader.text(), reader.u32())
        header.at = reader.i64()
        header.acquaintance = _read_acquaintance(reader) if reader.flag() else None
        header.reports = reader.u32()
        return header


class Report:
    """One report, and what has become of it."""

    __slots__ = ("command", "may_have_left", "payload", "permit_epoch", "reason", "result", "sequence", "substitute")

    def __init__(
        self,
        sequence: int,
        command: int,
        payload: bytes,
        may_have_left: bool,
        permit_epoch: int | None = None,
        substitute: bytes | None = None,
    ) -> None:
        self.sequence = sequence
        self.command = command
        self.payload = payload
        self.may_have_left = may_have_left
        self.permit_epoch = permit_epoch
        self.substitute = substitute
        self.result: int | None = None
        self.reason = ""

    def encode(self, out: bytearray) -> None:
        put_u64(out, self.sequence)
        put_u16(out, self.command)
        put_bytes(out, self.payload)
        put_bool(out, self.may_have_left)
        put_optional(out, self.permit_epoch, put_u64)
        put_optional(out, self.substitute, put_bytes)

    @classmethod
    def decode(cls, reader: Reader) -> Report:
        sequence, command, payload, may_have_left = reader.u64(), reader.u16(), reader.blob(), reader.flag()
        permit_epoch = reader.u64() if reader.flag() else None
        return cls(sequence, command, payload, may_have_left, permit_epoch, reader.blob() if reader.flag() else None)

    @property
    def is_undecided(self) -> bool:
        """Whether a person must decide about the report."""
        return self.result in (REFUSED, IN_DOUBT)

    def become_substitute(self) -> None:
        """Turns a settle into the report that is sent in its place."""
        if self.substitute is not None:
            self.command, self.payload = AdmissionReportRequest.NUMBER, self.substitute
            self.substitute, self.permit_epoch = None, None


class Result:
    """What has become of a report in a delivery."""

    __slots__ = ("kind", "new_sequence", "reason", "sequence")

    def __init__(self, sequence: int, kind: int, reason: str = "", new_sequence: int = 0) -> None:
        self.sequence = sequence
        self.kind = kind
        self.reason = reason.encode(errors="replace")[:LONGEST_REASON].decode(errors="ignore")
        self.new_sequence = new_sequence

    def encode(self, out: bytearray) -> None:
        put_u64(out, self.sequence)
        put_u8(out, self.kind)
        put_text(out, self.reason)
        put_u64(out, self.new_sequence)

    @classmethod
    def decode(cls, reader: Reader) -> Result:
        return cls(reader.u64(), reader.u8(), reader.text(), reader.u64())


def _put_acquaintance(out: bytearray, value: Acquaintance) -> None:
    put_u64(out, value.epoch)
    put_u64(out, value.forgotten_workers)
    put_bool(out, value.is_known)


def _read_acquaintance(reader: Reader) -> Acquaintance:
    return Acquaintance(reader.u64(), reader.u64(), reader.flag())


def record(kind: int, value: Header | Report | Result | Acquaintance) -> bytes:
    """A record with its length, its checksum and its kind."""
    body = bytearray([kind])
    if isinstance(value, Acquaintance):
        _put_acquaintance(body, value)
    else:
        value.encode(body)
    out = bytearray()
    put_u32(out, len(body))
    put_u32(out, crc32c(bytes(body)))
    return bytes(out + body)


def file_bytes(header: Header, reports: list[Report]) -> bytes:
    """A file with these reports."""
    header.reports = len(reports)
    return b"".join((PREFIX, record(HEADER, header), *(record(REPORT, one) for one in reports)))


class Contents:
    """What a file holds: its reports, and the result of each.

    The header and the reports must be complete, because they were synced before the file got its name. The last record
    that was appended may be torn. Anything else that is wrong is damage.
    """

    def __init__(self, data: bytes) -> None:
        if not data.startswith(MAGIC):
            raise Damage("it is not a file of the spool")
        if data[len(MAGIC) : len(PREFIX)] != bytes([VERSION]):
            raise Damage("a newer program wrote it, or it ends before its version")
        self.header: Header | None = None
        self.reports: list[Report] = []
        self._waiting: dict[int, Report] = {}
        """The reports without a result, by their present numbers, which rise: a new number is above all others."""
        self.acquaintance: Acquaintance | None = None
        self.has_begun = False
        self.last_sequence = 0
        self.length = len(PREFIX)
        """The offset after the last good record."""
        while self.length < len(data):
            body = _body(data, self.length)
            if body is None and self._is_complete and _is_torn(data, self.length):
                break
            if body is None:
                raise Damage(f"byte {self.length}: a record is damaged")
            try:
                self._take(Reader(body))
            except (DecodingError, Damage) as error:
                raise Damage(f"byte {self.length}: {error}") from None
            self.length += _HEAD + len(body)
        if not self._is_complete:
            raise Damage(f"byte {self.length}: it ends before its last report")

    @property
    def _is_complete(self) -> bool:
        return self.header is not None and len(self.reports) == self.header.reports

    def _take(self, reader: Reader) -> None:
        kind = reader.u8()
        if (kind == HEADER) != (self.header is None):
            raise Damage(f"a record of kind {kind} has no place here")
        if kind == HEADER:
            self.header = Header.decode(reader)
            self.last_sequence, self.acquaintance = self.header.last_sequence, self.header.acquaintance
        elif kind == REPORT:
            self._take_report(Report.decode(reader))
        elif kind == BEGINNING:
            self.begin(_read_acquaintance(reader))
        elif kind == RESULT:
            self.note(Result.decode(reader))
        else:
            raise Damage(f"a record has the unknown kind {kind}")
        if reader.more():
            raise Damage("a record is longer than its fields")

    def _take_report(self, report: Report) -> None:
        if self.header is None or len(self.reports) >= self.header.reports:
            raise Damage("there are more reports than the header says")
        before = self.reports[-1].sequence if self.reports else 0
        if not before < report.sequence <= self.last_sequence:
            raise Damage(f"report {report.sequence} is out of order")
        self.reports.append(report)
        self._waiting[report.sequence] = report

    def begin(self, acquaintance: Acquaintance) -> None:
        """Notes the beginning of a delivery. Every report may have been sent from here on."""
        self.has_begun, self.acquaintance = True, acquaintance

    def note(self, result: Result) -> None:
        """Notes the result of a report."""
        report = self._waiting.get(result.sequence)
        if report is None:
            raise Damage(f"no report {result.sequence} waits for a result")
        if result.kind in (DELIVERED, REFUSED, IN_DOUBT):
            del self._waiting[result.sequence]
            report.result, report.reason = result.kind, result.reason
            return
        if result.kind not in (RENUMBERED, SUBSTITUTED):
            raise Damage(f"a result of the kind {result.kind} is unknown")
        if result.new_sequence <= self.last_sequence:
            raise Damage(f"the number {result.new_sequence} is not new")
        del self._waiting[result.sequence]
        report.sequence = self.last_sequence = result.new_sequence
        self._waiting[report.sequence] = report
        if result.kind == SUBSTITUTED:
            report.become_substitute()

    @property
    def pending(self) -> list[Report]:
        """The reports that are still to be delivered, in the order of their numbers."""
        return list(self._waiting.values())

    @property
    def undecided(self) -> list[Report]:
        return [one for one in self.reports if one.is_undecided]

    def shortened(self) -> bytes:
        """An equivalent file without the delivered reports."""
        assert self.header is not None
        kept = sorted((one for one in self.reports if one.result != DELIVERED), key=lambda one: one.sequence)
        self.header.last_sequence, self.header.acquaintance = self.last_sequence, self.acquaintance
        for one in kept:
            one.may_have_left = one.may_have_left or self.has_begun
        results = [
            record(RESULT, Result(one.sequence, one.result, one.reason)) for one in kept if one.result is not None
        ]
        return file_bytes(self.header, kept) + b"".join(results)


def _body(data: bytes, at: int) -> bytes | None:
    """The body of a record; None if the record is not whole."""
    start = at + _HEAD
    if start > len(data):
        return None
    length = int.from_bytes(data[at : at + 4], "little")
    # No record is empty: a file system may have made the file longer, and not have written to it.
    if not 0 < length <= len(data) - start:
        return None
    body = data[start : start + length]
    return body if crc32c(body) == int.from_bytes(data[at + 4 : start], "little") else None


def _is_torn(data: bytes, at: int) -> bool:
    """Whether the bad record is a torn append: no good record follows it."""
    return all(_body(data, start) is None for start in range(at + 1, len(data) - _HEAD))
