import FuseboxWire
import Glibc

/// An entry that is to be written.
package struct HistoryItem: Sendable, Equatable {
    /// The month whose file it belongs to.
    package var month: HistoryMonth
    /// The epoch of the state that made it.
    package var epoch: UInt64
    /// Its place among the entries of its epoch.
    package var place: HistoryPlace
    /// The wall clock when it was made.
    package var wall: Timestamp
    /// The first and the last day of the month in it.
    package var days: ClosedRange<UInt8>
    /// The number of its records.
    package var records: UInt64
    /// The body of the entry.
    package var body: [UInt8]

    /// An entry of records.
    package init(
        _ month: HistoryMonth, epoch: UInt64, _ place: HistoryPlace, wall: Timestamp, _ records: [HistoryRecord]
    ) {
        self.month = month
        self.epoch = epoch
        self.place = place
        self.wall = wall
        self.records = UInt64(records.count)
        days = (records.map(\.day).min() ?? 1)...(records.map(\.day).max() ?? 1)
        body = []
        body = HistoryBatch.body(head, records)
    }

    /// An entry whose body is known.
    package init(
        _ month: HistoryMonth, epoch: UInt64, _ place: HistoryPlace, wall: Timestamp, days: ClosedRange<UInt8>,
        records: UInt64, body: [UInt8]
    ) {
        self.month = month
        self.epoch = epoch
        self.place = place
        self.wall = wall
        self.days = days
        self.records = records
        self.body = body
    }

    private var head: HistoryEntry {
        var entry = HistoryEntry()
        entry.epoch = epoch
        entry.input = place.input
        entry.part = place.part
        entry.wall = wall
        return entry
    }

    /// The entry that tells that this one could not be written.
    package func gap(_ reason: String) -> HistoryItem {
        var gap = HistoryGap()
        gap.firstDay = days.lowerBound
        gap.lastDay = days.upperBound
        gap.records = records
        gap.reason = reason
        var item = self
        item.body = HistoryBatch.body(head, gap)
        return item
    }

    /// Takes another entry of the same month in that could not be written either. Both are told as one gap.
    package func joined(with later: HistoryItem, _ reason: String) -> HistoryItem {
        var item = self
        item.place = later.place
        item.wall = later.wall
        item.records += later.records
        item.days = min(days.lowerBound, later.days.lowerBound)...max(days.upperBound, later.days.upperBound)
        return item.gap(reason)
    }
}

/// The bounds on the files of the history.
package struct HistoryBounds: Sendable {
    /// The bytes of a month's file. What does not fit is told as a gap.
    package var monthBytes = 64 * 1024 * 1024
    /// The number of files. The oldest is removed when there are more.
    package var months = 13

    /// The bounds of a daemon: 832 MiB in all.
    package init() {}
}

/// Appends entries to the files of the months.
///
/// It is a value that is handed to the thread that writes, and back. It remembers the ends of the files that it wrote. A
/// file is read and synced once before anything is appended to it, so an entry that is there already is on disk and is
/// not written again, and one that was not written completely is overwritten. After a failure a file is not read again:
/// what it seems to have then may not be on disk.
package struct HistoryWriter: Sendable {
    private struct Tail: Sendable {
        var end: Int
        var last: [UInt64: HistoryPlace]
    }

    /// The result of an attempt.
    package struct Outcome: Sendable {
        /// The number of entries that are on disk now, from the first.
        package var done = 0
        /// Why the rest is not. Nil if there is none.
        package var failure: StorageError?
        /// Damage that was found before a file was continued.
        package var damage: [String] = []
        /// The records that did not fit in the file of their month.
        package var lost: UInt64 = 0
    }

    /// The room that is kept in each file for gaps.
    private static let gapBytes = 16 * 1024

    private let bounds: HistoryBounds
    private var tails: [HistoryMonth: Tail] = [:]

    /// A writer that has not written anything yet.
    package init(_ bounds: HistoryBounds = HistoryBounds()) { self.bounds = bounds }

    /// Forgets the end of a file, because it is written anew.
    mutating func forgetEnd(of month: HistoryMonth) { tails[month] = nil }

    /// Writes and syncs entries.
    package mutating func append<Files: JournalStorage>(_ items: [HistoryItem], to files: Files) -> Outcome {
        var outcome = Outcome()
        do throws(StorageError) {
            while outcome.done < items.count {
                let month = items[outcome.done].month
                var size = 0
                let group = items[outcome.done...].prefix { item in
                    size += HistoryBatch.bytes(of: item.body)
                    return item.month == month && size <= HistoryEntry.batchBytes - Self.gapBytes
                }
                try append(group, of: month, to: files, &outcome)
                outcome.done += group.count
            }
        } catch {
            if error.isNotFound { tails = [:] }
            outcome.failure = error
        }
        return outcome
    }

    private mutating func append<Files: JournalStorage>(
        _ items: ArraySlice<HistoryItem>, of month: HistoryMonth, to files: Files, _ outcome: inout Outcome
    ) throws(StorageError) {
        var tail = try find(month, in: files, &outcome)
        var batch = HistoryBatch()
        var missing: HistoryItem?
        for item in items {
            if let last = tail.last[item.epoch], item.place <= last { continue }
            tail.last[item.epoch] = item.place
            let room = bounds.monthBytes - Self.gapBytes - tail.end - batch.bytes.count
            if HistoryBatch.bytes(of: item.body) <= room {
                batch.append(item.body, synced: tail.end)
                continue
            }
            let reason = "the file of the month is full"
            outcome.lost += item.records
            missing = missing.map { $0.joined(with: item, reason) } ?? item.gap(reason)
        }
        if let missing, tail.end + batch.bytes.count + HistoryBatch.bytes(of: missing.body) <= bounds.monthBytes {
            batch.append(missing.body, synced: tail.end)
        }
        if !batch.bytes.isEmpty {
            let file = try files.openSegment(month.file)
            let bytes = batch.bytes
            let failure: StorageError? = unsafe bytes.withUnsafeBytes { all in
                do throws(StorageError) {
                    try unsafe file.write(all, at: tail.end)
                    try file.sync()
                    return nil
                } catch { return error }
            }
            // The same bytes are written to the same place by the next attempt.
            if let failure { throw failure }
            tail.end += bytes.count
        }
        tails[month] = tail
    }

    private mutating func find<Files: JournalStorage>(
        _ month: HistoryMonth, in files: Files, _ outcome: inout Outcome
    ) throws(StorageError) -> Tail {
        if let tail = tails[month], try files.length(of: month.file) >= tail.end { return tail }
        tails[month] = nil
        guard try files.list().contains(month.file) else {
            try create(month, in: files)
            try removeOldest(in: files)
            return Tail(end: HistoryHeader.bytes, last: [:])
        }
        // The attempt that created the file may have failed before its name was on disk.
        try files.syncDirectory()
        try files.openSegment(month.file).sync()
        var found = Tail(end: HistoryHeader.bytes, last: [:])
        var reader = HistoryReader(month)
        let head = try files.read(month.file, at: 0, length: HistoryHeader.bytes)
        if let newer = reader.checkHead(head) {
            throw StorageError(operation: "append to", path: month.file, code: EINVAL, reason: newer)
        }
        try reader.readAll(from: files) { entry, _ in
            let last = found.last[entry.entry.epoch]
            found.last[entry.entry.epoch] = max(last ?? entry.entry.place, entry.entry.place)
        }
        found.end = reader.end
        if reader.damage.first?.offset == 0, reader.end == HistoryHeader.bytes {
            // Without an entry nothing is lost with the head, so it is written anew.
            try writeHead(month, in: files)
            reader.forgetHead()
        }
        outcome.damage += reader.damage.map { "\(month.file), byte \($0.offset): \($0.what)" }
        tails[month] = found
        return found
    }

    /// Creates the file of a month. It gets its name once its head is on disk, so nobody finds it without one.
    private func create<Files: JournalStorage>(_ month: HistoryMonth, in files: Files) throws(StorageError) {
        try? files.remove(month.partial)
        let file = try files.create(month.partial)
        var head = ByteWriter(capacity: HistoryHeader.bytes)
        FileHead.write(HistoryHeader(month), into: &head)
        try file.append(head.bytes)
        try file.sync()
        try files.rename(month.partial, to: month.file)
        try files.syncDirectory()
    }

    private func writeHead<Files: JournalStorage>(_ month: HistoryMonth, in files: Files) throws(StorageError) {
        var writer = ByteWriter(capacity: HistoryHeader.bytes)
        FileHead.write(HistoryHeader(month), into: &writer)
        let (bytes, file) = (writer.bytes, try files.openSegment(month.file))
        let failure: StorageError? = unsafe bytes.withUnsafeBytes { all in
            do throws(StorageError) {
                try unsafe file.write(all, at: 0)
                try file.sync()
                return nil
            } catch { return error }
        }
        if let failure { throw failure }
    }

    /// Removes the file of the oldest month if there are too many. Never more than one is removed at once, because a
    /// wrong clock may have begun a file of a far month.
    private mutating func removeOldest<Files: Storage>(in files: Files) throws(StorageError) {
        let months = try files.historyMonths()
        guard months.count > bounds.months, let oldest = months.first else { return }
        tails[oldest] = nil
        try files.remove(oldest.file)
        try files.syncDirectory()
    }
}

extension Storage {
    /// The months that have a file, oldest first.
    package func historyMonths() throws(StorageError) -> [HistoryMonth] {
        try list().compactMap { HistoryMonth(file: $0) }.sorted()
    }
}

extension HistoryReader {
    /// The bytes that are read at once.
    package static let pieceBytes = 4 * 1024 * 1024

    /// Reads the next piece of the file, from `end` on.
    ///
    /// - Parameters:
    ///   - piece: its length in bytes, longer than any entry
    ///   - body: returns whether further entries are wanted
    /// - Returns: whether there is more
    package mutating func readPiece<Files: Storage>(
        from files: Files, length piece: Int = pieceBytes, _ body: (Found, inout ByteReader) -> Bool
    ) throws(StorageError) -> Bool {
        let length = try files.length(of: month.file)
        let bytes = try files.read(month.file, at: end, length: min(piece, max(0, length - end)))
        let isLast = end + bytes.count >= length
        var isStopped = false
        read(bytes, isLast: isLast) { found, records in
            isStopped = !body(found, &records)
            return !isStopped
        }
        return !isLast || (isStopped && end < length)
    }

    /// Reads the rest of the file.
    package mutating func readAll<Files: Storage>(
        from files: Files, _ body: (Found, inout ByteReader) -> Void
    ) throws(StorageError) {
        var isMore = true
        while isMore {
            isMore = try readPiece(from: files) { found, records in
                body(found, &records)
                return true
            }
        }
    }

    /// Forgets that the head is not good, because it was written again.
    mutating func forgetHead() { damage.removeAll { $0.offset == 0 } }
}
