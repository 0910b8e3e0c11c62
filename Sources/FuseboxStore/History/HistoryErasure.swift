import FuseboxWire
import Glibc

/// A tag that was forgotten, whose records leave the history.
///
/// Records that were made later stay: a call may name the tag again.
package struct HistoryErasure: Sendable, Equatable {
    /// The tag.
    package var tag: Name
    /// The epoch of the state in which the tag was forgotten.
    package var epoch: UInt64
    /// The number of state changes up to the input that forgot it.
    package var input: UInt64

    package init(tag: Name, epoch: UInt64, input: UInt64) {
        self.tag = tag
        self.epoch = epoch
        self.input = input
    }

    /// Whether it takes a record out of an entry.
    package func covers(_ record: HistoryRecord, of entry: HistoryEntry) -> Bool {
        record.tag == tag && (entry.epoch != epoch || entry.input <= input)
    }
}

extension [HistoryErasure] {
    /// The body of an entry without the records that were erased, and how many are left. Nil if it has none of them.
    ///
    /// The entry stays, even if no record is left, because its place tells what was written.
    package func erase(from body: [UInt8]) -> (body: [UInt8], records: Int)? {
        unsafe body.withUnsafeBytes { all in
            var reader = unsafe ByteReader(all)
            guard let entry = try? HistoryEntry.read(version: HistoryEntry.version, from: &reader) else { return nil }
            return erase(from: entry, &reader)
        }
    }

    /// As `erase(from:)`, for an entry whose records a reader is at. A gap has no records, and neither have records
    /// that cannot be read.
    fileprivate func erase(from entry: HistoryEntry, _ records: inout ByteReader) -> (body: [UInt8], records: Int)? {
        guard !entry.isGap else { return nil }
        var kept: [HistoryRecord] = []
        var isErased = false
        while records.remaining > 0 {
            guard let record = try? HistoryRecord.read(version: HistoryRecord.version, from: &records) else {
                return nil
            }
            if contains(where: { $0.covers(record, of: entry) }) { isErased = true } else { kept.append(record) }
        }
        return isErased ? (HistoryBatch.body(entry, kept), kept.count) : nil
    }
}

extension HistoryItem {
    /// The entry without the records that were erased.
    package func without(_ erasures: [HistoryErasure]) -> HistoryItem {
        guard let (body, records) = erasures.erase(from: body) else { return self }
        var item = self
        item.body = body
        item.records = UInt64(records)
        return item
    }
}

/// The files of the history that name a tag are written anew without it.
///
/// A file is written beside the old one, synced and renamed. A crash leaves the one or the other, and the erasure is
/// made again until it is known to be done.
extension HistoryWriter {
    /// Takes the records of tags that were forgotten out of every file.
    package mutating func erase<Files: JournalStorage>(_ erasures: [HistoryErasure], in files: Files) -> Outcome {
        var outcome = Outcome()
        do throws(StorageError) {
            for month in try files.historyMonths() {
                do throws(StorageError) {
                    guard try isNamed(erasures, in: month, of: files) else { continue }
                    forgetEnd(of: month)
                    try rewrite(month, without: erasures, in: files, &outcome)
                } catch {
                    // The others are written anew all the same. The oldest may be removed meanwhile.
                    if !error.isNotFound { outcome.failure = outcome.failure ?? error }
                }
            }
            // An earlier attempt may have renamed files and failed then.
            try files.syncDirectory()
        } catch { outcome.failure = outcome.failure ?? error }
        if outcome.failure == nil { outcome.done = erasures.count }
        return outcome
    }

    /// Whether a file has a record that is to be erased.
    private func isNamed<Files: JournalStorage>(
        _ erasures: [HistoryErasure], in month: HistoryMonth, of files: Files
    ) throws(StorageError) -> Bool {
        var reader = try opened(month, in: files)
        var (isNamed, isMore) = (false, true)
        while isMore, !isNamed {
            isMore = try reader.readPiece(from: files) { found, records in
                isNamed = erasures.erase(from: found.entry, &records) != nil
                return !isNamed
            }
        }
        return isNamed
    }

    private func opened<Files: JournalStorage>(
        _ month: HistoryMonth, in files: Files
    ) throws(StorageError) -> HistoryReader {
        var reader = HistoryReader(month)
        if let newer = reader.checkHead(try files.read(month.file, at: 0, length: HistoryHeader.bytes)) {
            throw StorageError(operation: "write anew", path: month.file, code: EINVAL, reason: newer)
        }
        return reader
    }

    private func rewrite<Files: JournalStorage>(
        _ month: HistoryMonth, without erasures: [HistoryErasure], in files: Files, _ outcome: inout Outcome
    ) throws(StorageError) {
        try? files.remove(month.partial)
        do throws(StorageError) {
            let file = try files.create(month.partial)
            var head = ByteWriter(capacity: HistoryHeader.bytes)
            FileHead.write(HistoryHeader(month), into: &head)
            try file.append(head.bytes)
            var (reader, length, last) = (try opened(month, in: files), HistoryHeader.bytes, HistoryEntry())
            var isMore = true
            while isMore {
                var batch = HistoryBatch()
                isMore = try reader.readPiece(from: files) { found, records in
                    last = found.entry
                    // All of the file is on disk before it gets its name.
                    batch.append(
                        found.body(&records, without: erasures), synced: length + batch.bytes.count)
                    return true
                }
                try file.append(batch.bytes)
                length += batch.bytes.count
            }
            var gaps = HistoryBatch()
            for damage in reader.damage where damage.offset > 0 {
                outcome.damage.append("\(month.file), byte \(damage.offset): \(damage.what)")
                gaps.append(last.gap(for: damage, in: month), synced: length + gaps.bytes.count)
            }
            try file.append(gaps.bytes)
            try file.sync()
            try files.rename(month.partial, to: month.file)
        } catch {
            try? files.remove(month.partial)
            throw error
        }
    }
}

extension HistoryReader.Found {
    /// The body of the entry without the records that were erased. What cannot be read stays as it is.
    fileprivate func body(_ records: inout ByteReader, without erasures: [HistoryErasure]) -> [UInt8] {
        var whole = copy records
        if let (body, _) = erasures.erase(from: entry, &records) { return body }
        var writer = ByteWriter(capacity: 4_096)
        entry.encode(into: &writer)
        if let rest = try? unsafe whole.readBytes(whole.remaining) { unsafe writer.write(contentsOf: rest) }
        return writer.bytes
    }
}

extension HistoryEntry {
    /// The body of an entry that tells a damaged place, which is not taken over because it may name the tag. It has the
    /// place of the last good entry.
    fileprivate func gap(for damage: HistoryReader.Damage, in month: HistoryMonth) -> [UInt8] {
        var gap = HistoryGap()
        gap.lastDay = UInt8(month.lastDay - month.firstDay + 1)
        gap.reason = "a damaged place was given up when a tag was forgotten"
        return HistoryBatch.body(self, gap)
    }
}

extension StorageFile {
    func append(_ bytes: [UInt8]) throws(StorageError) {
        let failure: StorageError? = unsafe bytes.withUnsafeBytes { all in
            do throws(StorageError) {
                try unsafe write(all)
                return nil
            } catch { return error }
        }
        if let failure { throw failure }
    }
}

extension HistoryMonth {
    private static let partialSuffix = ".partial"

    /// The name of the file while it is written anew.
    var partial: String { file + Self.partialSuffix }

    /// Whether a file was to become one of the history, and is not whole.
    static func isPartial(_ file: String) -> Bool {
        file.hasSuffix(partialSuffix) && HistoryMonth(file: String(file.dropLast(partialSuffix.count))) != nil
    }
}
