import FuseboxWire
import Glibc
import Testing

@testable import FuseboxEngine

/// Bytes in files change with a new version only.
struct FormatTests {
    private static let path =
        #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/Fixtures/formats.txt"

    @Test func theFormatsOfTheCodeAreThoseOfTheCommittedTableAndEveryOneInTheTableIsRead() throws {
        let table = try FormatTable()
        if getenv("FUSEBOX_WRITE_FORMATS") != nil { try Self.write(table.text) }
        let problems = table.problems(committed: FormatTable(parsing: try Self.read()))
        #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
    }

    @Test func theTableHasAllFormats() throws {
        let table = try FormatTable()
        let formats = Set(table.fingerprints.map(\.format.what))
        let some = ["head snapshot", "record entry", "section accounts", "section workers", "file journal"]
        #expect(formats.isSuperset(of: some))
        #expect(formats.isSuperset(of: ["command 48.ledger.record", "command 242.engine.forgetWorker"]))
        #expect(!formats.contains("command 3.ping"))
    }

    // MARK: The comparison itself

    private struct First: VersionedRecord {
        var count: UInt8 = 0
        mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("count", &count, "a count")
        }
    }

    private struct Wider: VersionedRecord {
        var count: UInt16 = 0
        mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("count", &count, "a count")
        }
    }

    private struct Renamed: VersionedRecord {
        var number: UInt8 = 0
        mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("number", &number, "a count")
        }
    }

    private struct Explained: VersionedRecord {
        var count: UInt8 = 0
        mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("count", &count, "a count, in other words")
        }
    }

    private func table<Record: VersionedRecord>(
        _ record: Record.Type, _ what: String = "section visitors", version: UInt32 = 1
    ) -> FormatTable {
        FormatTable([(FormatTable.Format(what: what, version: version), FormatTable.fingerprint(of: record))])
    }

    @Test func anotherLayoutOrOtherBytesAreAnotherFormatAndOtherWordsAreNot() {
        let committed = table(First.self)
        #expect(table(First.self).problems(committed: committed).isEmpty)
        #expect(table(Explained.self).problems(committed: committed).isEmpty)
        for changed in [table(Wider.self), table(Renamed.self)] {
            let problems = changed.problems(committed: committed)
            #expect(problems.count == 1)
            #expect(problems.first?.contains("section visitors, version 1,") == true, "\(problems)")
            #expect(problems.first?.contains("Raise the version") == true)
            #expect(problems.first?.contains("init(bringingForward:)") == true)
        }
    }

    @Test func aNewVersionNeedsItsLineAndTheReaderOfAnOldOneStays() {
        let committed = table(First.self)
        let both = FormatTable(committed.fingerprints + table(Wider.self, version: 2).fingerprints)
        let added = both.problems(committed: committed)
        #expect(added.count == 1 && added[0].contains("add the line `section visitors 2 "))
        #expect(both.problems(committed: both).isEmpty)
        let removed = table(Wider.self, version: 2).problems(committed: both)
        #expect(removed.count == 1 && removed[0].contains("Nothing reads section visitors, version 1"))
    }

    @Test func aRequestsFieldsDoNotChangeUnderItsNumber() {
        let committed = table(First.self, "command 300.visitors.count")
        let problems = table(Wider.self, "command 300.visitors.count").problems(committed: committed)
        #expect(problems.count == 1 && problems[0].contains("a command with a number of its own"))
    }

    // MARK: The file

    private struct Failure: Error { var code: Int32 }

    private static func read() throws -> String {
        guard let file = fopen(path, "r") else { throw Failure(code: errno) }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    private static func write(_ text: String) throws {
        guard let file = fopen(path, "w") else { throw Failure(code: errno) }
        defer { fclose(file) }
        fputs(text, file)
    }
}
