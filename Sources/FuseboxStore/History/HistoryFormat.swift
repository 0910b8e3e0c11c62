import FuseboxWire

// The history is a file a month, to which closed days of the ledger are appended:
//
//   head      64 bytes: a `FileHead` with a `HistoryHeader`
//   entries   each at a multiple of 8 bytes:
//               checksum  u32, the CRC-32C of what follows, padding included
//               length    u32, the bytes of the body
//               synced    u64, the length of the file that was on disk when the entry was written
//               body      a `HistoryEntry`, then its records: `HistoryRecord`s, or one `HistoryGap`
//               padding   zeros to the next multiple of 8
//
// An entry has what one input has closed. It names the input, so a start appends only what the file lacks.
//
// Entries are written in batches, and a power failure may leave any part of a batch. A bad entry is damaged if a later
// entry proves that it was on disk: it is told and passed over. Otherwise its batch was not written completely. Nothing
// from there on counts, and the next batch is written in its place.

/// The header of a month's file.
package struct HistoryHeader: HeadRecord {
    /// The first bytes of every file.
    package static let magic: StaticString = "FUSEBOXH"
    /// The bytes before the first entry.
    package static let bytes = FileHead.bytes

    /// The version of the entries.
    package var entryVersion = HistoryEntry.version
    /// The version of the records.
    package var recordVersion = HistoryRecord.version
    /// The version of the gaps.
    package var gapVersion = HistoryGap.version
    /// The year.
    package var year: UInt32 = 0
    /// The month of the year, 1 to 12.
    package var month: UInt32 = 0

    package init() {}

    /// The header of a month.
    package init(_ month: HistoryMonth) {
        year = UInt32(month.year)
        self.month = UInt32(month.month)
    }

    package mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entryVersion", &entryVersion, "the version of its entries, each a HistoryEntry")
        try visitor.field("recordVersion", &recordVersion, "the version of the records, each a HistoryRecord")
        try visitor.field("gapVersion", &gapVersion, "the version of the gaps, each a HistoryGap")
        try visitor.field("year", &year, "the year of the days in it")
        try visitor.field("month", &month, "their month, 1 to 12")
    }
}

/// The fields of an entry. Its records follow.
package struct HistoryEntry: VersionedRecord {
    static let alignment = 8
    /// The bytes of checksum, length and `synced` before the body.
    static let headBytes = 16
    /// The longest body in bytes.
    package static let longest = 256 * 1024
    /// The most bytes of a batch.
    package static let batchBytes = 512 * 1024

    /// The epoch of the state.
    package var epoch: UInt64 = 0
    /// The number of state changes up to and including the input that closed the days.
    package var input: UInt64 = 0
    /// The place among the entries of that input, from 0.
    package var part: UInt32 = 0
    /// The wall clock at that input.
    package var wall = Timestamp(milliseconds: 0)
    /// Whether the entry is a gap.
    package var isGap = false

    package init() {}

    /// Its place in the order in which entries are written.
    package var place: HistoryPlace { HistoryPlace(input: input, part: part) }

    package mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("epoch", &epoch, "the life of the state")
        try visitor.field("input", &input, "the number of state changes up to the input that closed these days")
        try visitor.field("part", &part, "the place among the entries of that input, from 0")
        try visitor.field("wall", &wall, "the wall clock at that input")
        try visitor.field("isGap", &isGap, "whether one HistoryGap follows; otherwise HistoryRecords to the end")
    }
}

/// The place of an entry among those of its epoch.
package struct HistoryPlace: Sendable, Equatable, Comparable {
    /// The number of state changes up to the input.
    package var input: UInt64
    /// The place among the entries of the input.
    package var part: UInt32

    package init(input: UInt64, part: UInt32) {
        self.input = input
        self.part = part
    }

    package static func < (left: HistoryPlace, right: HistoryPlace) -> Bool {
        (left.input, left.part) < (right.input, right.part)
    }
}

/// What an account has used on a day that is over. An account may have several of a day; they add up.
package struct HistoryRecord: VersionedRecord, Equatable {
    /// The day of the month, 1 to 31.
    package var day: UInt8 = 1
    /// The provider. Nil: of the host or a tag.
    package var provider: Name?
    /// The deployment. Nil: of none.
    package var deployment: Name?
    /// The model of the provider. Nil: of none.
    package var model: Name?
    /// The tag. Nil: of none.
    package var tag: Name?
    /// What was spent, in nano-dollars.
    package var spend = CompactNumber()
    /// The number of calls.
    package var requests = CompactNumber()
    /// Calls that used something, and whose cost nobody told.
    package var unpriced = CompactNumber()
    /// Tokens sent that were in no cache.
    package var input = CompactNumber()
    /// Tokens sent that were read from a cache.
    package var cachedInput = CompactNumber()
    /// Tokens sent that were written to a cache.
    package var cacheWrite = CompactNumber()
    /// Tokens received that were no reasoning.
    package var output = CompactNumber()
    /// Tokens received that were reasoning.
    package var reasoning = CompactNumber()
    /// Why the spend was corrected. Nil: it is what calls have used.
    package var reason: String?

    package init() {}

    package mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("day", &day, "the day of the month, 1 to 31")
        try visitor.field("provider", &provider, "the provider; absent: of the host or a tag")
        try visitor.field("deployment", &deployment, "the provider's deployment; absent: of none")
        try visitor.field("model", &model, "the provider's model; absent: of none")
        try visitor.field("tag", &tag, "the tag; absent: of none")
        try visitor.field("spend", &spend, "what was spent, in nano-dollars")
        try visitor.field("requests", &requests, "the number of calls")
        try visitor.field("unpriced", &unpriced, "calls that used something, and whose cost nobody told")
        try visitor.field("input", &input, "tokens sent that were in no cache")
        try visitor.field("cachedInput", &cachedInput, "tokens sent that were read from a cache")
        try visitor.field("cacheWrite", &cacheWrite, "tokens sent that were written to a cache")
        try visitor.field("output", &output, "tokens received that were no reasoning")
        try visitor.field("reasoning", &reasoning, "tokens received that were reasoning")
        try visitor.field("reason", &reason, "why the spend was corrected; absent: it is what calls have used")
    }
}

/// Records that could not be written.
package struct HistoryGap: VersionedRecord, Equatable {
    /// The first day of which records are missing, of the month.
    package var firstDay: UInt8 = 1
    /// The last day of which records are missing, of the month.
    package var lastDay: UInt8 = 1
    /// The number of records.
    package var records: UInt64 = 0
    /// Why they could not be written.
    package var reason = ""

    package init() {}

    package mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("firstDay", &firstDay, "the first day of the month of which records are missing")
        try visitor.field("lastDay", &lastDay, "the last one")
        try visitor.field("records", &records, "the number of records that could not be written")
        try visitor.field("reason", &reason, "why they could not be written")
    }
}

/// A number in as few bytes as it needs. Most numbers of a day are small or 0.
package struct CompactNumber: WireValue {
    /// The number.
    package var value: Int64 = 0

    package init(_ value: Int64 = 0) { self.value = value }

    package static var blank: CompactNumber { CompactNumber() }
    package static var wireType: String { "compact" }

    package mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        var bits: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try reader.read(UInt8.self)
            guard shift < 63 || byte <= 1 else { throw Refusal(.malformed, "a compact number has at most 64 bits") }
            bits |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        value = Int64(bitPattern: bits >> 1 ^ (0 &- (bits & 1)))
    }

    package func encode(into writer: inout ByteWriter) {
        var bits = UInt64(bitPattern: value << 1 ^ value >> 63)
        while bits >= 0x80 {
            writer.write(UInt8(truncatingIfNeeded: bits) | 0x80)
            bits >>= 7
        }
        writer.write(UInt8(bits))
    }

    package var rendered: Rendered { .text(String(value)) }

    package init?(rendered: Rendered) {
        guard case .text(let text) = rendered, let value = Int64(text) else { return nil }
        self.value = value
    }

    package static func sample(_ variant: Int) -> CompactNumber { CompactNumber([0, -1_200, .max][min(variant, 2)]) }
}

/// A month of the history, which has a file.
package struct HistoryMonth: Sendable, Hashable, Comparable {
    /// Months since January of the year 0.
    package let number: Int64

    private static let prefix = "history-"
    private static let suffix = ".fusebox"

    /// The month of a day, in days since 1970-01-01.
    package init(ofDay day: Int64) {
        let date = CivilDate(dayNumber: day)
        number = Int64(date.year) * 12 + Int64(date.month) - 1
    }

    /// The month with this number of months since January of the year 0.
    package init(number: Int64) { self.number = number }

    /// The month from a file name. Nil if the file is no history.
    package init?(file: String) {
        guard file.hasPrefix(Self.prefix), file.hasSuffix(Self.suffix) else { return nil }
        let date = file.dropFirst(Self.prefix.count).dropLast(Self.suffix.count).split(separator: "-")
        guard date.count == 2, let year = Int64(date[0]), let month = Int64(date[1]), (1...12).contains(month) else {
            return nil
        }
        number = year * 12 + month - 1
        // A number has more than one spelling. Only one of them is the name.
        guard self.file == file else { return nil }
    }

    package var year: Int64 { number.floorDivided(by: 12) }
    package var month: Int64 { number - year * 12 + 1 }
    /// Its first day, in days since 1970-01-01.
    package var firstDay: Int64 { CivilDate(year: year, month: month, day: 1).dayNumber }
    /// Its last day, in days since 1970-01-01.
    package var lastDay: Int64 { HistoryMonth(number: number + 1).firstDay - 1 }

    /// The file name.
    package var file: String {
        let digits = String(year)
        let padded = String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
        return "\(Self.prefix)\(padded)-\(month < 10 ? "0" : "")\(month)\(Self.suffix)"
    }

    package static func < (left: HistoryMonth, right: HistoryMonth) -> Bool { left.number < right.number }
}
