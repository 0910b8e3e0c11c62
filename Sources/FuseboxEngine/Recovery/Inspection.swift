import FuseboxCore
import FuseboxStore
import FuseboxWire

/// The examination of a data directory: every file, every problem, and what a start would find. It changes nothing.
package struct Inspection: Sendable {
    /// A problem and its place.
    package struct Problem: Sendable, Equatable, CustomStringConvertible {
        /// The name of the file.
        package let file: String
        /// The byte at which the problem was found. Nil if it concerns the whole file.
        package let offset: Int?
        /// What is wrong, as a clause.
        package let what: String

        package var description: String { offset.map { "\(file), byte \($0): \(what)" } ?? "\(file): \(what)" }
    }

    /// A snapshot file.
    package struct SnapshotFile: Sendable {
        /// The name of the file.
        package let name: SnapshotName
        /// The length of the file in bytes. 0 if it cannot be read.
        package let bytes: Int
        /// The header. Nil if it cannot be read.
        package let header: SnapshotHeader?
        /// The problems of this file.
        package let problems: [Problem]
    }

    /// A segment file of the journal.
    package struct SegmentFile: Sendable {
        /// The name of the file.
        package let name: JournalName
        /// The length of the file in bytes. 0 if it cannot be read.
        package let bytes: Int
        /// The header. Nil if it is not good.
        package let header: JournalHeader?
        /// The number of good entries, without the seal.
        package let entries: UInt64
        /// The sequence of the last good entry. Nil if there is none.
        package let lastSequence: UInt64?
        /// How the entries end. Nil if the header is not good.
        package let end: JournalEnd?
        /// The problems of this file.
        package let problems: [Problem]
    }

    /// A file of the history.
    package struct HistoryFile: Sendable {
        /// The files of the history in a directory, oldest first.
        package static func all<Files: Storage>(in files: Files) throws(StorageError) -> [HistoryFile] {
            var found: [HistoryFile] = []
            for month in try files.historyMonths() {
                if let file = try Inspection.look(at: month, in: files) { found.append(file) }
            }
            return found
        }

        /// The month.
        package let month: HistoryMonth
        /// The length of the file in bytes. 0 if it cannot be read.
        package let bytes: Int
        /// The number of good entries.
        package let entries: UInt64
        /// The number of records that the entries say could not be written.
        package let missing: UInt64
        /// The offset of an entry at the end that was not written completely. Nil if there is none.
        package let torn: Int?
        /// The place of the last good entry of each epoch.
        let last: [UInt64: HistoryPlace]
        /// The problems of this file.
        package let problems: [Problem]

        /// The file, as a start would find it that has these entries to write.
        ///
        /// An entry is held until it is on disk. So if nothing is left to be written to the file, a bad entry at its end
        /// was on disk once.
        func judged(holding items: [HistoryItem]) -> HistoryFile {
            let isAwaited = items.contains { item in
                item.month == month && (last[item.epoch].map { item.place > $0 } ?? true)
            }
            guard let torn, !isAwaited else { return self }
            let problem = Problem(file: month.file, offset: torn, what: "the entry is damaged; it was on disk once")
            return HistoryFile(
                month: month, bytes: bytes, entries: entries, missing: missing, torn: nil, last: last,
                problems: problems + [problem])
        }
    }

    /// The files of the history, oldest first.
    package let history: [HistoryFile]
    /// The snapshots, newest first.
    package let snapshots: [SnapshotFile]
    /// The journal's segments, oldest first.
    package let segments: [SegmentFile]
    /// The length in bytes of the spare segment. Nil if there is none.
    package let spare: Int?
    /// The names of other files: those that were set aside, and half-written ones.
    package let others: [String]
    /// What a start would find, and the sequence and epoch of its state. Nil if the start would be refused.
    package let recovery: (situation: RecoveryCase, sequence: UInt64, epoch: UInt64)?
    /// The totals of permits in that state. Nil if the start would be refused.
    package let permits: PermitTotals?
    /// Why a start would be refused. Nil if it would not.
    package let refusal: RecoveryRefusal?
    /// Sums in the recovered state that do not agree.
    package let imbalances: [Problem]

    /// All problems.
    package var problems: [Problem] {
        snapshots.flatMap(\.problems) + segments.flatMap(\.problems) + history.flatMap(\.problems) + imbalances
    }

    /// Whether there is no problem. A torn end that was never synced is no problem.
    package var isGood: Bool { refusal == nil && problems.isEmpty }

    /// Reads a whole directory. Files that a running daemon removes meanwhile are left out.
    ///
    /// - Throws: the error of a file operation
    package init<Files: Storage>(of store: SnapshotStore<Files>) throws(StorageError) {
        let names = try store.files.list()
        var snapshots: [SnapshotFile] = []
        for name in try store.list() {
            if let snapshot = try Self.look(at: name, in: store) { snapshots.append(snapshot) }
        }
        self.snapshots = snapshots
        let journal = try store.files.segments()
        var segments: [SegmentFile] = []
        for name in journal {
            let isLast = name == journal.last
            if let segment = try Self.look(at: name, isLast: isLast, in: store.files) { segments.append(segment) }
        }
        self.segments = segments
        others = names.filter {
            SnapshotName(file: $0) == nil && JournalName(file: $0) == nil && $0 != SyncMark.fileName
                && $0 != JournalName.spare && HistoryMonth(file: $0) == nil
        }.sorted()
        spare = try Self.spare(in: store.files)
        var history = try HistoryFile.all(in: store.files)
        do throws(RecoveryRefusal) {
            let found = try Recovered.find(in: store)
            do throws(StorageError) {
                for (place, file) in history.enumerated() where file.torn != nil {
                    // A daemon may have written the rest meanwhile.
                    let again = try Self.look(at: file.month, in: store.files)
                    history[place] = (again ?? file).judged(holding: found.state.history.items)
                }
            } catch { throw .unreadable(.storage(error)) }
            // The snapshots were checked by themselves. This checks the state after the replay.
            imbalances = found.machine.imbalances(in: "the recovered state")
            recovery = (found.situation, found.replayedSequence, found.epoch)
            permits = found.machine.permits.totals
            refusal = nil
        } catch {
            imbalances = []
            recovery = nil
            permits = nil
            refusal = error
        }
        self.history = history
    }

    private static func look<Files: Storage>(
        at name: SnapshotName, in store: SnapshotStore<Files>
    ) throws(StorageError) -> SnapshotFile? {
        do throws(StorageError) {
            let bytes = try store.files.read(name.file)
            var header: SnapshotHeader?
            var problems: [Problem] = []
            do throws(SnapshotDamage) {
                let reader = try SnapshotReader(bytes)
                header = reader.header
                problems = try reader.contents(bounds: .unbounded).machine.imbalances(in: name.file)
                if reader.header.sequence != name.sequence {
                    problems.append(
                        Problem(
                            file: name.file, offset: nil,
                            what: "it holds \(Quantity.count(reader.header.sequence, "change"))"))
                }
            } catch {
                problems = [Problem(file: name.file, offset: error.offset, what: error.description)]
            }
            return SnapshotFile(name: name, bytes: bytes.count, header: header, problems: problems)
        } catch {
            guard let problem = try unreadable(name.file, error) else { return nil }
            return SnapshotFile(name: name, bytes: 0, header: nil, problems: [problem])
        }
    }

    private static func look<Files: Storage>(
        at month: HistoryMonth, in files: Files
    ) throws(StorageError) -> HistoryFile? {
        var reader = HistoryReader(month)
        var (entries, missing) = (0 as UInt64, 0 as UInt64)
        var last: [UInt64: HistoryPlace] = [:]
        var problems: [Problem] = []
        do throws(StorageError) {
            let bytes = try files.length(of: month.file)
            if let newer = reader.checkHead(try files.read(month.file, at: 0, length: HistoryHeader.bytes)) {
                problems.append(Problem(file: month.file, offset: 0, what: newer))
            } else {
                try reader.readAll(from: files) { found, records in
                    entries += 1
                    last[found.entry.epoch] = max(last[found.entry.epoch] ?? found.entry.place, found.entry.place)
                    do throws(Refusal) {
                        missing += try found.missing(in: &records)
                    } catch {
                        problems.append(Problem(file: month.file, offset: found.offset, what: error.message))
                    }
                }
            }
            problems += reader.damage.map { Problem(file: month.file, offset: $0.offset, what: $0.what) }
            return HistoryFile(
                month: month, bytes: bytes, entries: entries, missing: missing,
                torn: reader.isTorn ? reader.end : nil, last: last, problems: problems)
        } catch {
            guard let problem = try unreadable(month.file, error) else { return nil }
            return HistoryFile(
                month: month, bytes: 0, entries: 0, missing: 0, torn: nil, last: [:], problems: [problem])
        }
    }

    /// The length of the spare segment in bytes. Nil if there is none.
    private static func spare<Files: Storage>(in files: Files) throws(StorageError) -> Int? {
        do throws(StorageError) { return try files.length(of: JournalName.spare) } catch {
            guard error.isNotFound else { throw error }
            return nil
        }
    }

    /// The problem of a file that cannot be read. Nil if the file was removed meanwhile.
    ///
    /// - Throws: the error, if permission was denied, because that says nothing about the file
    private static func unreadable(_ file: String, _ error: StorageError) throws(StorageError) -> Problem? {
        guard !error.isNotFound else { return nil }
        guard !error.isNotPermitted else { throw error }
        return Problem(file: file, offset: nil, what: error.reason)
    }

    private static func look<Files: Storage>(
        at name: JournalName, isLast: Bool, in files: Files
    ) throws(StorageError) -> SegmentFile? {
        let bytes: [UInt8]
        do throws(StorageError) { bytes = try files.read(name.file) } catch {
            guard let problem = try unreadable(name.file, error) else { return nil }
            return SegmentFile(
                name: name, bytes: 0, header: nil, entries: 0, lastSequence: nil, end: nil, problems: [problem])
        }
        let reader: JournalReader
        do throws(JournalDamage) { reader = try JournalReader(bytes) } catch {
            // The header of the last segment may not be on disk yet. Recovery decides on that.
            let isTorn = isLast && JournalReader.highestSequence(in: bytes, from: 0) == nil
            let problem = Problem(file: name.file, offset: 0, what: error.description)
            return SegmentFile(
                name: name, bytes: bytes.count, header: nil, entries: 0, lastSequence: nil,
                end: isTorn ? .torn(offset: 0) : nil, problems: isTorn ? [] : [problem])
        }
        var entries: UInt64 = 0
        var last: UInt64?
        let end = unsafe reader.forEach { entry, _, _ in
            entries += 1
            last = entry.sequence
        }
        var problems: [Problem] = []
        if reader.header.firstSequence != name.firstSequence {
            let sentence = "it is a copy under a wrong name: its entries begin with \(reader.header.firstSequence)"
            problems.append(Problem(file: name.file, offset: nil, what: sentence))
        }
        if case .damaged(let offset) = end {
            problems.append(
                Problem(file: name.file, offset: offset, what: "the entry is damaged; it was on disk once"))
        }
        return SegmentFile(
            name: name, bytes: bytes.count, header: reader.header, entries: entries, lastSequence: last, end: end,
            problems: problems)
    }
}

extension Recovered {
    /// Finds the state of a data directory, under the profile that it was written under.
    ///
    /// - Parameters:
    ///   - acceptsLostTail: whether a journal that ends too early is accepted
    ///   - progress: called at intervals with the number of entries replayed so far
    package static func find<Files: Storage>(
        in store: SnapshotStore<Files>, acceptsLostTail: Bool = false, progress: (UInt64) -> Void = { _ in }
    ) throws(RecoveryRefusal) -> Recovered {
        var profile = Profile.fusebox
        do throws(StorageError) {
            for name in try store.list() {
                let head = try store.files.read(name.file, at: 0, length: 256)
                guard let header = (try? SnapshotReader(head))?.header else { continue }
                profile = header.profile
                break
            }
        } catch { throw .unreadable(.storage(error)) }
        return try find(
            in: store, profile: profile, bounds: Bounds(), newEpoch: 0, at: Moment(milliseconds: 0),
            acceptsLostTail: acceptsLostTail, progress: progress)
    }
}

extension Bounds {
    /// Limits that nothing reaches, so that no file is refused for its size.
    static var unbounded: Bounds {
        var bounds = Bounds()
        bounds.allowEverything()
        return bounds
    }
}

extension StateMachine {
    /// Sums that do not agree: every granted permit must be settled, expired, reclaimed, revoked or in force.
    ///
    /// Accounts have no such sums. A correction or a reset may be of a provider alone or of one of its models, and a
    /// call that names no model counts for its provider before a model answers.
    ///
    /// - Parameter file: the file that the problems name
    func imbalances(in file: String) -> [Inspection.Problem] {
        var problems: [Inspection.Problem] = []
        let totals = permits.totals
        let accounted =
            totals.settled &+ totals.expired &+ totals.reclaimed &+ totals.revoked &+ totals.outstanding
        if totals.granted != accounted {
            let sentence =
                "\(Quantity.count(totals.granted, "permit was", plural: "permits were")) granted, and their ends and those in force add up to \(accounted)"
            problems.append(Inspection.Problem(file: file, offset: nil, what: sentence))
        }
        return problems
    }
}
