import ArgumentParser
import FuseboxEngine
import FuseboxInterop
import FuseboxStore
import FuseboxWire

extension JournalCommands {
    /// `fusebox journal dump FILE`
    struct Dump: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dump", abstract: "Print a segment of the journal, one JSON line an entry.",
            discussion: """
                The last line has the segment's header, how its entries end, and at which byte. The end is sealed, open, torn \
                (the last write is incomplete), or damaged. Exit status 65 if it is damaged.

                EXAMPLE
                  fusebox journal dump /var/lib/fusebox/journal-00000000000000000001.fusebox
                """)

        @Argument(help: "A segment's file; - for standard input.", completion: .file())
        var file: String

        func run() throws {
            let reader: JournalReader
            let bytes = try LocalFile.read(file)
            do throws(JournalDamage) { reader = try JournalReader(bytes) } catch {
                throw Failure(.damagedData, "\(LocalFile.label(file)), byte 0: \(error)")
            }
            var output = Output()
            var entries = 0
            let end = try unsafe reader.forEach { (entry, payload, offset) throws(Failure) in
                entries += 1
                try output.write(line: unsafe Self.json(entry, payload, at: offset).text())
            }
            var members: [(key: String, value: JSONValue)] = [
                ("end", .string(end.name)), ("offset", end.offset.map { JSONValue($0) } ?? .null),
                ("entries", JSONValue(entries)),
            ]
            members.append(("header", JSONValue(record: reader.header)))
            try output.write(line: JSONValue.object(members).text())
            try output.flush()
            if let name = file.split(separator: "/").last.flatMap({ JournalName(file: String($0)) }),
                name.firstSequence != reader.header.firstSequence
            {
                throw Failure(
                    .damagedData,
                    "\(file) has a wrong name: its entries begin with \(reader.header.firstSequence); it may be a copy")
            }
            guard case .damaged(let offset) = end else { return }
            throw Failure(
                .damagedData,
                "\(LocalFile.label(file)), byte \(offset): the entry is damaged; it was intact before; `fusebox check` shows what a start would do"
            )
        }

        private static func json(
            _ entry: JournalEntry, _ payload: UnsafeRawBufferPointer, at offset: Int
        ) -> JSONValue {
            var parts = PartsDecoder(reader: unsafe ByteReader(payload))
            let command = CommandTable.dispatch(entry.command, &parts)
            let replaced: Set = ["workerHigh", "workerLow", "command", "reserved"]
            let fields = (JSONValue(record: entry).members ?? []).filter { !replaced.contains($0.key) }
            return .object(
                [("offset", JSONValue(offset))] + fields + [
                    ("worker", worker(entry.worker)),
                    ("command", command.map { .string($0.name) } ?? JSONValue(entry.command)),
                    ("fields", command?.fields ?? .null),
                ])
        }

        /// The worker's id in hexadecimal digits; null for the daemon itself.
        private static func worker(_ id: WorkerID) -> JSONValue {
            id.high == 0 && id.low == 0 ? .null : .string(Formatting.epoch(id.high) + Formatting.epoch(id.low))
        }
    }
}

/// Decodes a command's payload to its name and its fields.
private struct PartsDecoder: CommandVisitor {
    var reader: ByteReader

    mutating func visit<C: Command>(_ command: C.Type) -> (name: String, fields: JSONValue?) {
        do throws(Refusal) {
            var command = C()
            try command.decode(from: &reader)
            try reader.finish()
            return (C.declaration.name, JSONValue(record: command))
        } catch {
            return (C.declaration.name, nil)
        }
    }
}
