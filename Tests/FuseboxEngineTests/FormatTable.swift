import FuseboxCore
import FuseboxSimulation
import FuseboxStore
import FuseboxWire

@testable import FuseboxEngine

/// Every format that files are written in, and every older one that is read, each with a fingerprint of its bytes.
///
/// The committed table (`Fixtures/formats.txt`) has a line a format. Once files were written in a format, its line
/// stays as it is.
struct FormatTable {
    /// A format of a version.
    struct Format: Hashable {
        var what: String
        var version: UInt32
    }

    /// Its layout and the bytes of a few records, as checksums.
    private(set) var fingerprints: [(format: Format, fingerprint: String)] = []

    /// The formats of the code.
    init() throws {
        add("head", "snapshot", SnapshotHeader.self)
        add("head", "journal", JournalHeader.self)
        add("head", "mark", SyncMark.self)
        add("head", "history", HistoryHeader.self)
        add("record", "trailer", SnapshotTrailer.self)
        add("record", "entry", JournalEntry.self)
        add("record", "historyEntry", HistoryEntry.self)
        add("record", "historyRecord", HistoryRecord.self)
        add("record", "historyGap", HistoryGap.self)
        for section in SnapshotSections.all { add(section) }
        try addFrames()
        var commands = Commands(table: self)
        CommandTable.forEach(&commands)
        self = commands.table
    }

    /// The formats that a text lists, one a line.
    init(parsing text: String) {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 4, let version = UInt32(words[2]) else { preconditionFailure("\(line) is no format") }
            fingerprints.append((Format(what: "\(words[0]) \(words[1])", version: version), words[3]))
        }
    }

    init(_ fingerprints: [(format: Format, fingerprint: String)]) { self.fingerprints = fingerprints }

    /// The table as it is committed.
    var text: String {
        let comment = """
            # Every format of files: what, its version, a fingerprint of layout and bytes. See CONTRIBUTING.md.
            """
        return ([comment] + fingerprints.map { Self.line($0.format, $0.fingerprint) }).joined(separator: "\n") + "\n"
    }

    private static func line(_ format: Format, _ fingerprint: String) -> String {
        "\(format.what) \(format.version) \(fingerprint)"
    }

    // MARK: Comparison

    /// What is wrong with the formats of the code, and what to do. The committed table is right.
    func problems(committed: FormatTable) -> [String] {
        let known = Dictionary(uniqueKeysWithValues: committed.fingerprints.map { ($0.format, $0.fingerprint) })
        let present = Dictionary(uniqueKeysWithValues: fingerprints.map { ($0.format, $0.fingerprint) })
        var problems: [String] = []
        for (format, fingerprint) in fingerprints where known[format] != fingerprint {
            let line = "`\(Self.line(format, fingerprint))`"
            if known[format] == nil {
                problems.append(
                    "\(format.what) has the new version \(format.version): add the line \(line) to formats.txt.")
            } else if format.what.hasPrefix("command") {
                problems.append(
                    "The fields of \(format.what) have changed, and journals hold the old ones under its number. Leave the command as it was, and give the new fields a command with a number of its own. \(Self.untilRelease)"
                )
            } else {
                problems.append(
                    "The bytes of \(format.what), version \(format.version), have changed, and files hold the old ones. Raise the version: leave the record as it was under a name of its own (…V\(format.version)), make it the `Earlier` of the new record, say in `init(bringingForward:)` what it means there, and add the new line to formats.txt. \(Self.untilRelease)"
                )
            }
        }
        for (format, _) in committed.fingerprints where present[format] == nil {
            problems.append(
                "Nothing reads \(format.what), version \(format.version), any more, and files hold it. Keep its reader. \(Self.untilRelease)"
            )
        }
        return problems
    }

    private static let untilRelease =
        "(Until the first release a format may change in place: `FUSEBOX_WRITE_FORMATS=1 swift test --filter FormatTests` writes formats.txt anew.)"

    // MARK: Fingerprints

    private mutating func add<Section: SnapshotSection>(_ section: Section.Type) {
        add("section", Section.name, Section.Record.self)
    }

    /// A record and all its earlier versions, the newest first.
    private mutating func add<Record: VersionedRecord>(_ kind: String, _ name: String, _ record: Record.Type) {
        let format = Format(what: "\(kind) \(name)", version: Record.version)
        fingerprints.append((format, Self.fingerprint(of: record)))
        if let earlier = Record.Earlier.self as? any VersionedRecord.Type { add(kind, name, earlier) }
    }

    static func fingerprint<Record: WireRecord>(of record: Record.Type) -> String {
        var schema = Schema()
        var layout = schema.fields(of: record).map { "\($0.name): \($0.type)" }
        for definition in schema.definitions {
            switch definition {
            case .record(let name, let fields): layout.append("\(name) { \(fields.map { "\($0.name): \($0.type)" }) }")
            case .enumeration(let name, let values):
                layout.append("\(name) { \(Schema.Definition.spelling(values)) }")
            }
        }
        var bytes = ByteWriter()
        for variant in 0...2 { Record.sample(variant).encode(into: &bytes) }
        return fingerprint(Array(layout.joined(separator: "\n").utf8)) + fingerprint(bytes.bytes)
    }

    private static func fingerprint(_ bytes: [UInt8]) -> String {
        let digits = String(bytes.withUnsafeBytes { Checksum.of($0) }, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// What stands around the records: the versions of the heads are those of the files.
    private mutating func addFrames() throws {
        let header = SnapshotHeader(epoch: 1, sequence: 2, moment: Moment(milliseconds: 3), profile: .llmProviders)
        var snapshot = try SnapshotWriter(header, into: MemorySink())
        var records = ByteWriter()
        records.write(contentsOf: [1, 2, 3])
        try snapshot.section(SectionHead(kind: 4, version: 5), records)
        addFile("snapshot", version: SnapshotHeader.version, try snapshot.finish().bytes)
        let directory = WrittenDirectory()
        try directory.segment(1..<3, isSealed: true, isMarked: true)
        let segment = try directory.storage.read(WrittenDirectory.journal(1))
        addFile("journal", version: JournalHeader.version, segment)
        addFile("marks", version: SyncMark.version, try directory.storage.read(SyncMark.fileName))
    }

    private mutating func addFile(_ name: String, version: UInt32, _ bytes: [UInt8]) {
        fingerprints.append((Format(what: "file \(name)", version: version), Self.fingerprint(bytes)))
    }

    /// The requests that the journal holds: those that the state machine or the workers' table carries out.
    private struct Commands: CommandVisitor {
        var table: FormatTable

        mutating func visit<C: Command>(_ command: C.Type) {
            guard command is any StateCommand.Type || C.declaration.access == .engine else { return }
            let what = "command \(C.declaration.number).\(C.declaration.name)"
            table.fingerprints.append((Format(what: what, version: 1), FormatTable.fingerprint(of: command)))
        }
    }
}
