#!/usr/bin/env python3
"""Reads the files of a Fusebox data directory with nothing but the pages in proto-docs/.

    fusebox_files.py PAGES DIRECTORY

What the pages say in tables (sections, records, enumerations, requests) is read from the tables. What they say in words
(heads, frames, checksums, alignment) is written here. Prints one JSON value: the snapshots, the segments of the journal,
the marks and the months of the history, with every record and every request. Ends with status 1 and a sentence where a
file is not as the pages say.
"""

import json
import pathlib
import re
import struct
import sys


class Unreadable(Exception):
    """A file is not as the pages say."""


# --- The pages ---------------------------------------------------------------------------------------------------------

class Pages:
    """What the tables of the pages declare."""

    def __init__(self, folder):
        # A name that two pages explain means in each file what the file's own page says.
        self.wire = Types(text(folder / "commands.md"))
        self.snapshot = Types(text(folder / "snapshot.md"))
        self.journal = Types(text(folder / "journal.md"))
        self.history = Types(text(folder / "history.md"))
        self.sections = sections(text(folder / "snapshot.md"))
        self.requests = requests(text(folder / "commands.md"))
        semantics = re.search(r"semantics that this version writes and replays: (\d+)", text(folder / "journal.md"))
        self.semantics = int(semantics.group(1))


class Types:
    """The records and enumerations of one page."""

    def __init__(self, page):
        self.records, self.versions, self.enumerations = {}, {}, {}
        for title, body in headings(page, 3):
            name = re.sub(r"^(Record|Enumeration) ", "", title)
            fields = table(body, "field", "type")
            if fields is not None:
                self.records[name] = [(row["field"], row["type"]) for row in fields]
            version = re.search(r"^Version (\d+)\.$", body, re.MULTILINE)
            if version:
                self.versions[name] = int(version.group(1))
            values = re.search(r"^One byte(?:, open)?: (.*)\.$", body, re.MULTILINE)
            if values:
                pairs = (value.split(" ") for value in values.group(1).split(", "))
                self.enumerations[name] = {int(number): value for number, value in pairs}


def text(path):
    return path.read_text(encoding="utf-8")


def headings(page, level):
    """The headings of a level, each with what stands below it."""
    parts = re.split(r"^(#+) (.*)$", page, flags=re.MULTILINE)
    return [(parts[i + 1], parts[i + 2]) for i in range(1, len(parts), 3) if len(parts[i]) == level]


def table(body, *columns):
    """The rows of the first table of a text that has these columns; None if there is none."""
    names = None
    rows = []
    for line in body.splitlines():
        if not line.startswith("|"):
            if names:
                break
            continue
        cells = [plain(cell.strip()) for cell in line.strip("|").split("|")]
        if names:
            if not set(cells[0]) <= set("-"):
                rows.append(dict(zip(names, cells)))
        elif set(columns) <= set(cells):
            names = cells
    return rows if names else None


def plain(cell):
    """A cell without the marks of code and links."""
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", cell.replace("`", ""))


def sections(page):
    """The kinds of sections: name, version and record of each."""
    body = dict(headings(page, 2))["Sections"]
    return {
        int(row["kind"]): (row["section"], int(row["version"]), row["records"])
        for row in table(body, "kind", "section", "version", "records")
    }


def requests(page):
    """The commands by number: name, and the fields of the request."""
    commands = {}
    for title, body in headings(page, 3):
        number = re.search(r"^Number (\d+),", body, re.MULTILINE)
        if number:
            fields = re.split(r"^Reply:", body, flags=re.MULTILINE)[0]
            rows = table(fields, "field", "type") if "Request:\n" in fields else []
            commands[int(number.group(1))] = (title.strip("`"), [(row["field"], row["type"]) for row in rows])
    return commands


# --- Values ------------------------------------------------------------------------------------------------------------

NUMBERS = {
    "u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "i64": "<q", "f64": "<d", "money": "<q", "timestamp": "<q",
}


class Reader:
    """A cursor over bytes that are laid out as a page says."""

    def __init__(self, data, types):
        self.data, self.types, self.place = data, types, 0

    def take(self, count):
        if count > len(self.data) - self.place:
            raise Unreadable(f"a value of {count} bytes does not fit at byte {self.place} of {len(self.data)}")
        self.place += count
        return self.data[self.place - count:self.place]

    def number(self, kind):
        return struct.unpack(NUMBERS[kind], self.take(struct.calcsize(NUMBERS[kind])))[0]

    def record(self, name):
        return self.fields(self.types.records[name])

    def fields(self, fields):
        return {field: self.value(kind) for field, kind in fields}

    def value(self, kind):
        if kind.endswith("?"):
            return self.value(kind[:-1].removeprefix("(").removesuffix(")")) if self.boolean() else None
        if kind.startswith("list of "):
            element = re.sub(r"^list of (at most \d+ )?", "", kind)
            return [self.value(element) for _ in range(self.number("u16"))]
        if kind in NUMBERS:
            return self.number(kind)
        if kind == "bool":
            return self.boolean()
        if kind in ("name", "text"):
            return str(self.take(self.number("u8" if kind == "name" else "u16")), "utf-8")
        if kind == "compact":
            return self.compact()
        if kind == "bytes":
            return bytes(self.take(self.number("u32"))).hex()
        if kind in self.types.enumerations:
            number = self.number("u8")
            if number not in self.types.enumerations[kind]:
                raise Unreadable(f"{number} is no {kind}")
            return self.types.enumerations[kind][number]
        return self.record(kind)

    def compact(self):
        """Seven bits in each byte, the lowest first, of a number whose lowest bit is its sign."""
        zigzag = shift = 0
        while True:
            byte = self.number("u8")
            zigzag |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return zigzag >> 1 ^ -(zigzag & 1)

    def boolean(self):
        number = self.number("u8")
        if number > 1:
            raise Unreadable(f"{number} is no bool")
        return number == 1


def castagnoli():
    """The table of CRC-32C: the reflected polynomial 0x82F63B78."""
    entries = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        entries.append(value)
    return entries


CASTAGNOLI = castagnoli()


def checksum(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ CASTAGNOLI[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


# --- Files -------------------------------------------------------------------------------------------------------------

def head(data, magic, record, types):
    """The record of a head of 64 bytes."""
    if data[:8] != magic:
        raise Unreadable(f"the first bytes are not {magic.decode()}")
    if checksum(data[:60]) != struct.unpack("<I", data[60:64])[0]:
        raise Unreadable("the checksum of the head does not agree")
    version = struct.unpack("<I", data[8:12])[0]
    known = types.versions[record]
    if version != known:
        raise Unreadable(f"{record} has version {version}, and the page tells of version {known}")
    reader = Reader(data[12:60], types)
    found = reader.record(record)
    if any(reader.data[reader.place:]):
        raise Unreadable("there are bytes after the record of the head")
    return found


def snapshot(path, pages):
    data = path.read_bytes()
    found = {"file": path.name, "header": head(data, b"FUSEBOXS", "SnapshotHeader", pages.snapshot), "sections": {}}
    place, count = 64, 0
    while True:
        kind, version, length = struct.unpack("<III", data[place:place + 12])
        end = place + 12 + length
        if checksum(data[place:end]) != struct.unpack("<I", data[end:end + 4])[0]:
            raise Unreadable(f"the checksum of the section at byte {place} does not agree")
        reader = Reader(data[place + 12:end], pages.snapshot)
        if kind == 0xFFFFFFFF:
            trailer = reader.record("SnapshotTrailer")
            if version != pages.snapshot.versions["SnapshotTrailer"] or reader.place != length:
                raise Unreadable("the trailer is not as the page says")
            if trailer != {"sections": count, "checksum": checksum(data[:place])}:
                raise Unreadable("the trailer does not agree with the file")
            if end + 4 != len(data):
                raise Unreadable("bytes follow the trailer")
            return found
        if kind not in pages.sections:
            raise Unreadable(f"the page knows no section of the kind {kind}")
        name, known, record = pages.sections[kind]
        if version != known:
            raise Unreadable(f"the section {name} has version {version}, and the page tells of version {known}")
        records = found["sections"].setdefault(name, [])
        while reader.place < length:
            records.append(reader.record(record))
        place, count = end + 4, count + 1


def segment(path, pages):
    data = path.read_bytes()
    header = head(data, b"FUSEBOXJ", "JournalHeader", pages.journal)
    if header["entryVersion"] != pages.journal.versions["JournalEntry"] or header["semantics"] != pages.semantics:
        raise Unreadable("the entries are of another version than the page tells of")
    found = {"file": path.name, "header": header, "entries": [], "end": "open"}
    place, expected = 64, header["firstSequence"]
    while place < len(data) and any(data[place:place + 8]):
        stored, length = struct.unpack("<II", data[place:place + 8])
        end = place + (8 + length + 7) // 8 * 8
        if checksum(data[place + 4:end]) != stored:
            raise Unreadable(f"the checksum of the entry at byte {place} does not agree")
        entry = Reader(data[place + 8:place + 8 + length], pages.journal)
        fields = entry.record("JournalEntry")
        if fields["sequence"] != expected:
            raise Unreadable(f"the entry at byte {place} has the sequence {fields['sequence']}, not {expected}")
        place, expected = end, expected + 1
        if fields["command"] == 65535:
            found["end"] = "sealed"
            break
        name, request = pages.requests[fields["command"]]
        payload = Reader(entry.data[entry.place:], pages.wire)
        fields |= {"name": name, "payload": payload.fields(request)}
        if payload.place != len(payload.data):
            raise Unreadable(f"bytes follow the request {name} at byte {place}")
        found["entries"].append(fields)
    if any(data[place:]):
        raise Unreadable(f"bytes follow the last entry, from byte {place} on")
    return found


def marks(path, pages):
    data = path.read_bytes()
    if len(data) != 1024:
        raise Unreadable("the marks are not two places of 512 bytes")
    places = [data[:512], data[512:]]
    # A place that was never written holds zeros.
    return [head(place, b"FUSEBOXM", "SyncMark", pages.journal) for place in places if any(place)]


def month(path, pages):
    data = path.read_bytes()
    header = head(data, b"FUSEBOXH", "HistoryHeader", pages.history)
    for field, record in [
        ("entryVersion", "HistoryEntry"), ("recordVersion", "HistoryRecord"), ("gapVersion", "HistoryGap"),
    ]:
        if header[field] != pages.history.versions[record]:
            raise Unreadable(f"{record} has version {header[field]}, and the page tells of another")
    if path.name != f"history-{header['year']:04}-{header['month']:02}.fusebox":
        raise Unreadable(f"the head is of {header['year']}-{header['month']}")
    found = {"file": path.name, "header": header, "entries": []}
    place = 64
    while place < len(data):
        stored, length, synced = struct.unpack("<IIQ", data[place:place + 16])
        end = place + (16 + length + 7) // 8 * 8
        if checksum(data[place + 4:end]) != stored:
            raise Unreadable(f"the checksum of the entry at byte {place} does not agree")
        if synced > place:
            raise Unreadable(f"the entry at byte {place} says that the file was longer: {synced} bytes")
        reader = Reader(data[place + 16:place + 16 + length], pages.history)
        entry = reader.record("HistoryEntry")
        if entry["isGap"]:
            entry["gap"] = reader.record("HistoryGap")
        entry["records"] = []
        while reader.place < length:
            entry["records"].append(reader.record("HistoryRecord"))
        found["entries"].append(entry)
        place = end
    return found


def directory(folder, pages):
    """Everything in a data directory."""
    def each(pattern, read):
        found = []
        for path in sorted(folder.glob(pattern)):
            try:
                found.append(read(path, pages))
            except Unreadable as problem:
                raise Unreadable(f"{path.name}: {problem}") from None
        return found

    digits = "[0-9]" * 20
    return {
        "snapshots": each(f"snapshot-{digits}.fusebox", snapshot),
        "segments": each(f"journal-{digits}.fusebox", segment),
        "marks": sum(each("synced.fusebox", marks), []),
        "months": each("history-[0-9][0-9][0-9][0-9]-[0-9][0-9].fusebox", month),
    }


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: fusebox_files.py PAGES DIRECTORY")
    try:
        found = directory(pathlib.Path(sys.argv[2]), Pages(pathlib.Path(sys.argv[1])))
    except Unreadable as problem:
        sys.exit(str(problem))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
