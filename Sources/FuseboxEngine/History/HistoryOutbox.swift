import FuseboxCore
import FuseboxStore
import FuseboxWire

/// Entries of the history that are not known to be on disk.
///
/// It is part of what a snapshot holds, so a snapshot never loses an entry that no file has. What the snapshot holds
/// and a replay yields may be in the files already. The writer compares their places and leaves those out.
struct HistoryOutbox: Sendable {
    /// Oldest first.
    private(set) var items: [HistoryItem] = []
    /// The bytes of all bodies.
    private(set) var bytes = 0
    /// The number of entries, from the first, that are being written.
    private var inFlight = 0
    /// The records that found no room here.
    private(set) var lost: UInt64 = 0
    /// Tags that were forgotten and are not known to be taken out of the files, oldest first.
    private(set) var erasures: [HistoryErasure] = []

    init() {}

    var isEmpty: Bool { items.isEmpty && erasures.isEmpty }

    /// The number of records.
    var records: UInt64 { items.reduce(0) { $0 + $1.records } }

    /// Adds what an input has closed.
    ///
    /// - Parameter limit: the bytes that may wait; what finds no room is told as a gap
    mutating func add(_ closed: [ClosedDay], epoch: UInt64, input: UInt64, wall: Timestamp, limit: Int) {
        var parts: [HistoryMonth: UInt32] = [:]
        var rest = closed[...]
        while let first = rest.first {
            let month = HistoryMonth(ofDay: first.day)
            let records = rest.prefix(Bounds.closedDaysPerStep).prefix { HistoryMonth(ofDay: $0.day) == month }
            rest = rest.dropFirst(records.count)
            let part = parts[month, default: 0]
            parts[month] = part + 1
            put(
                HistoryItem(
                    month, epoch: epoch, HistoryPlace(input: input, part: part), wall: wall,
                    records.map { HistoryRecord($0, in: month) }),
                limit: limit)
        }
    }

    private mutating func put(_ item: HistoryItem, limit: Int) {
        guard bytes + item.body.count > limit else { return restore(item) }
        lost += item.records
        let reason = "they could not be written for too long"
        guard items.count > inFlight, let last = items.last, last.month == item.month, last.epoch == item.epoch,
            bytes > limit
        else { return restore(item.gap(reason)) }
        bytes -= last.body.count
        items[items.count - 1] = last.joined(with: item, reason)
        bytes += items[items.count - 1].body.count
    }

    /// Adds an entry as it is.
    mutating func restore(_ item: HistoryItem) {
        items.append(item)
        bytes += item.body.count
    }

    /// Takes the next entries to be written, of inputs up to this one. `written` must follow.
    mutating func takeReady(upTo input: UInt64) -> [HistoryItem] {
        var size = 0
        let ready = items.prefix { item in
            size += item.body.count
            return item.place.input <= input && size <= Bounds.historyBytesPerWrite
        }
        inFlight = ready.count
        return Array(ready)
    }

    // MARK: Erasures

    /// Notes that a tag was forgotten.
    mutating func erase(_ erasure: HistoryErasure) { erasures.append(erasure) }

    /// Takes the next erasures, of inputs up to this one, and takes their records out of the entries. Nothing may be
    /// being written. `erased` must follow.
    ///
    /// The entries keep their records until then: an input that is not on disk may be lost, and an entry that is in a
    /// file is not written again.
    mutating func takeErasures(upTo input: UInt64) -> [HistoryErasure] {
        guard !erasures.isEmpty else { return [] }
        let ready = Array(erasures.prefix { $0.input <= input })
        guard !ready.isEmpty else { return [] }
        for place in items.indices {
            let item = items[place].without(ready)
            bytes += item.body.count - items[place].body.count
            items[place] = item
        }
        return ready
    }

    /// Notes that this many erasures, from the first, are done.
    mutating func erased(_ count: Int) { erasures.removeFirst(count) }

    /// Notes that this many entries, from the first, are on disk, and that nothing is being written.
    mutating func written(_ count: Int) {
        for item in items.prefix(count) { bytes -= item.body.count }
        items.removeFirst(count)
        inFlight = 0
    }
}

extension HistoryRecord {
    /// What an account has used on a day of a month.
    init(_ closed: ClosedDay, in month: HistoryMonth) {
        self.init()
        let use = closed.use
        day = UInt8(closed.day - month.firstDay + 1)
        provider = closed.scope.provider
        deployment = closed.scope.deployment
        model = closed.scope.model
        tag = closed.scope.tag
        spend.value = use.spend
        requests.value = use.requests
        unpriced.value = use.parts.unpriced
        input.value = use.inputTokens &- use.parts.cachedInput &- use.parts.cacheWrite
        cachedInput.value = use.parts.cachedInput
        cacheWrite.value = use.parts.cacheWrite
        output.value = use.outputTokens &- use.parts.reasoning
        reasoning.value = use.parts.reasoning
        reason = closed.reason
    }
}

// MARK: Snapshots

extension HistoryOutbox {
    /// The sections of the outbox. They follow those of the workers in a snapshot.
    static let sections = SectionTable<HistoryOutbox, HistoryOutbox>([
        HistoryOutboxSection.self, HistoryErasureSection.self,
    ])
}

/// The section of the tags that the files may still name.
enum HistoryErasureSection: SnapshotSection {
    static let kind: UInt32 = 67
    static let name = "historyErasures"
    static let summary = "the tags that were forgotten and that the files of the history may still name, oldest first"

    static func write(_ outbox: HistoryOutbox, to part: inout SectionWriter) {
        for erasure in outbox.erasures { part.add(HistoryErasureImage(erasure)) }
    }

    static func add(_ image: HistoryErasureImage, to outbox: inout HistoryOutbox) throws(Refusal) {
        outbox.erase(HistoryErasure(tag: image.tag, epoch: image.epoch, input: image.input))
    }
}

struct HistoryErasureImage: VersionedRecord {
    var tag = Name.blank
    var epoch: UInt64 = 0
    var input: UInt64 = 0

    init() {}

    init(_ erasure: HistoryErasure) {
        tag = erasure.tag
        epoch = erasure.epoch
        input = erasure.input
    }

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("tag", &tag, "the tag")
        try visitor.field("epoch", &epoch, "the life of the state in which it was forgotten")
        try visitor.field("input", &input, "the number of state changes up to the input that forgot it")
    }
}

/// The section of the entries that are not known to be on disk.
enum HistoryOutboxSection: SnapshotSection {
    static let kind: UInt32 = 66
    static let name = "historyOutbox"
    static let summary = "the entries of the ledger's history that may be in no file yet, oldest first"

    static func write(_ outbox: HistoryOutbox, to part: inout SectionWriter) {
        for item in outbox.items { part.add(HistoryItemImage(item)) }
    }

    static func add(_ image: HistoryItemImage, to outbox: inout HistoryOutbox) throws(Refusal) {
        guard image.firstDay <= image.lastDay, image.body.contents.count <= HistoryEntry.longest else {
            throw Refusal(.damagedData, "an entry of the history cannot be there")
        }
        outbox.restore(image.item)
    }
}

struct HistoryItemImage: VersionedRecord {
    var month: Int64 = 0
    var epoch: UInt64 = 0
    var input: UInt64 = 0
    var part: UInt32 = 0
    var wall = Timestamp(milliseconds: 0)
    var firstDay: UInt8 = 0
    var lastDay: UInt8 = 0
    var records: UInt64 = 0
    var body = Bytes([])

    init() {}

    init(_ item: HistoryItem) {
        month = item.month.number
        epoch = item.epoch
        input = item.place.input
        part = item.place.part
        wall = item.wall
        firstDay = item.days.lowerBound
        lastDay = item.days.upperBound
        records = item.records
        body = Bytes(item.body)
    }

    var item: HistoryItem {
        HistoryItem(
            HistoryMonth(number: month), epoch: epoch, HistoryPlace(input: input, part: part), wall: wall,
            days: firstDay...lastDay, records: records, body: body.contents)
    }

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("month", &month, "the month of its file, in months since January of the year 0")
        try visitor.field("epoch", &epoch, "the life of the state")
        try visitor.field("input", &input, "the number of state changes up to the input that made it")
        try visitor.field("part", &part, "the place among the entries of that input, from 0")
        try visitor.field("wall", &wall, "the wall clock at that input")
        try visitor.field("firstDay", &firstDay, "the first day of the month in it")
        try visitor.field("lastDay", &lastDay, "the last one")
        try visitor.field("records", &records, "the number of its records")
        try visitor.field("body", &body, "the body of the entry, as the file will have it")
    }
}
