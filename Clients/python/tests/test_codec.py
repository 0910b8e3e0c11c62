"""The generated codec: every vector both ways, and that it is what the generator writes today."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unittest
from importlib import import_module
from pathlib import Path
from typing import Any

from fusebox_client import Money, protocol
from fusebox_client._wire import (
    EVENT,
    HEADER,
    PUSH,
    REPLY,
    REQUEST,
    SEQUENCE,
    DecodingError,
    EncodingError,
    Enumeration,
    Reader,
    Record,
    encoded,
)
from fusebox_client.protocol.constants import MAGIC, Status

from .support import REPOSITORY, tool

DOCUMENTS = REPOSITORY / "proto-docs"
GENERATOR = REPOSITORY / "Clients" / "generate" / "python.py"
REFERENCE = json.loads((DOCUMENTS / "protocol.json").read_text())
TYPES = {told["name"]: told for told in REFERENCE["types"]}
COMMANDS = {told["number"]: told for told in REFERENCE["commands"]}
EVENTS = {told["number"]: told for told in REFERENCE["events"]}

sys.path.insert(0, str(GENERATOR.parent))
generate = import_module("python")


def vectors() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for file in sorted((DOCUMENTS / "vectors").glob("*.json")):
        found += [(f"{file.stem}: {vector['name']}", vector) for vector in json.loads(file.read_text())["vectors"]]
    return found


def told(value: Any, spelling: str) -> Any:
    """A value as the vectors have it."""
    kind = generate.Type(spelling, TYPES)
    if value is None:
        return None
    if kind.is_list:
        return [told(one, kind.element) for one in value]
    if isinstance(value, Enumeration):
        names = {number: name for name, number in TYPES[kind.element]["values"].items()}
        return names[int(value)]
    if isinstance(value, Record):
        return fields(value, TYPES[kind.element]["fields"])
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Money):
        return str(value)
    return str(value) if kind.element in ("u64", "i64", "timestamp") else value


def fields(record: Record, schema: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["name"]: told(getattr(record, generate.snake(one["name"])), one["type"]) for one in schema}


class VectorTests(unittest.TestCase):
    def test_every_vector_both_ways(self) -> None:
        counted = 0
        for name, vector in vectors():
            with self.subTest(name):
                self.check(vector)
            counted += 1
        self.assertGreater(counted, 200)

    def check(self, vector: dict[str, Any]) -> None:
        frame = bytes.fromhex(vector["hex"])
        length, number, kind, detail, correlation = HEADER.unpack_from(frame)
        self.assertEqual(length, len(frame) - 4)
        self.assertEqual((number, detail, correlation), (vector["command"], vector["detail"], vector["correlation"]))
        self.assertEqual(["request", "reply", "event", "push"][kind], vector["kind"])
        reader = Reader(frame, HEADER.size)
        out = bytearray()
        if kind == REPLY and detail:
            message = reader.text()
            self.assertEqual({"message": message}, vector["fields"])
            self.assertIn(detail, list(Status))
            return
        if kind == EVENT:
            envelope = protocol.EventEnvelope.decode(reader)
            self.assertEqual(fields(envelope, REFERENCE["prefixes"]["EventEnvelope"]), vector["envelope"])
            out += encoded(envelope)
            schema = EVENTS[number]["fields"]
            decoder = import_module("fusebox_client.protocol.events").EVENTS[number]
        elif kind == PUSH:
            schema = TYPES["TicketEntry"]["fields"]
            decoder = protocol.TicketEntry
        else:
            command = COMMANDS[number]
            schema = command["request" if kind == REQUEST else "reply"]
            decoder = getattr(protocol, generate.camel(command["name"]) + ("Request" if kind == REQUEST else "Reply"))
        if kind == REQUEST and "sequence" in vector:
            sequence, oldest = reader.fixed(SEQUENCE)
            self.assertEqual({"sequence": str(sequence), "oldestUnacknowledged": str(oldest)}, vector["sequence"])
            out += SEQUENCE.pack(sequence, oldest)
        self.assertEqual(kind == REQUEST and COMMANDS[number]["sequenced"], "sequence" in vector)
        record = decoder.decode(reader)
        self.assertFalse(reader.more(), "bytes are left")
        self.assertEqual(fields(record, schema), vector["fields"])
        out += encoded(record)
        self.assertEqual((HEADER.pack(len(out) + 8, number, kind, detail, correlation) + out).hex(), vector["hex"])
        self.assertEqual(record, decoder.decode(Reader(encoded(record))))

    def test_a_newer_daemon_tells_more(self) -> None:
        reply = protocol.AdmissionSettleReply()
        self.assertEqual(protocol.AdmissionSettleReply.decode(Reader(encoded(reply) + b"more")), reply)
        entry = protocol.ExhaustionEntry(provider="openai", exhausted_at=1, resets_at=2)
        event = protocol.ProviderExhaustedEvent(entry)
        longer = bytearray(encoded(event) + b"more")
        longer[0] += 4
        reader = Reader(bytes(longer))
        self.assertEqual(protocol.ProviderExhaustedEvent.decode(reader), event)
        self.assertFalse(reader.more())

    def test_a_value_that_only_a_newer_daemon_knows_keeps_its_number(self) -> None:
        state = protocol.BreakerState(77)
        self.assertEqual((int(state), state.is_known, state.name), (77, False, "UNKNOWN"))
        self.assertTrue(protocol.BreakerState(0).is_known)

    def test_bytes_that_the_protocol_does_not_have_are_refused(self) -> None:
        whole = encoded(protocol.AdmissionAdmitReply(permit=7))
        for end in range(len(whole)):
            with self.assertRaises(DecodingError):
                protocol.AdmissionAdmitReply.decode(Reader(whole[:end]))
        with self.assertRaises(DecodingError):
            protocol.AdmissionAdmitReply.decode(Reader(b"\x02" + whole[1:]))
        with self.assertRaises(DecodingError):
            protocol.BreakerForceOpenRequest.decode(Reader(b"\x01\xff\x00"))

    def test_values_that_do_not_fit_are_refused(self) -> None:
        for request in (
            protocol.BreakerSuccessRequest(""),
            protocol.BreakerSuccessRequest("x" * 128),
            protocol.BreakerSuccessRequest("\ud800"),
            protocol.AdmissionRenewRequest(permit=-1),
            protocol.AdmissionRenewRequest(permit=1 << 64),
            protocol.AdmissionAdmitRequest(tags=["t"] * 9),
            protocol.AdmissionAdmitRequest(estimate=protocol.Estimate(tokens=1 << 32)),
        ):
            with self.subTest(repr(request)), self.assertRaises(EncodingError):
                encoded(request)

    def test_a_long_text_is_cut_at_the_end_of_a_character(self) -> None:
        request = protocol.LedgerAdjustRequest(reason="€" * 400)
        self.assertEqual(protocol.LedgerAdjustRequest.decode(Reader(encoded(request))).reason, "€" * 341)

    def test_hello_has_the_magic(self) -> None:
        self.assertEqual(MAGIC.to_bytes(4, "little"), b"FUSE")


class AddedFieldTests(unittest.TestCase):
    """Fields that were added later, which the present protocol may have none of."""

    def test_what_an_older_daemon_does_not_send_has_its_default(self) -> None:
        told = [
            {"name": "first", "type": "u32", "added": False, "meaning": "one"},
            {"name": "second", "type": "name?", "added": True, "meaning": "two"},
            {"name": "third", "type": "money", "added": True, "meaning": "three"},
        ]
        module = generate.Module("A test.", TYPES)
        module.record("Example", "Record", "An example.", told)
        text = module.text().replace("from ..", "from fusebox_client.")
        space: dict[str, Any] = {}
        exec(compile(text, "example", "exec"), space)
        example = space["Example"]
        self.assertEqual(example.decode(Reader(b"\7\0\0\0")), example(7, None, Money(0)))
        whole = example(7, "n", Money(9))
        self.assertEqual(example.decode(Reader(encoded(whole))), whole)


class GeneratorTests(unittest.TestCase):
    def test_the_committed_codec_is_what_the_generator_writes(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            arguments = [sys.executable, str(GENERATOR), str(DOCUMENTS / "protocol.json"), folder]
            subprocess.run(arguments, check=True)
            committed = REPOSITORY / "Clients" / "python" / "src" / "fusebox_client" / "protocol"
            written = sorted(file.name for file in Path(folder).iterdir())
            self.assertEqual(written, sorted(file.name for file in committed.glob("*.py")))
            for name in written:
                text = (committed / name).read_text()
                self.assertEqual((Path(folder) / name).read_text(), text, f"{name}: run `make proto-docs`")

    def test_the_committed_reference_is_what_the_tool_prints(self) -> None:
        printed = subprocess.run([tool("fusebox"), "protocol", "--format", "json"], check=True, capture_output=True)
        self.assertEqual(
            printed.stdout.decode(), (DOCUMENTS / "protocol.json").read_text(), "run `make proto-docs` and review"
        )


if __name__ == "__main__":
    unittest.main()
