import FuseboxCore
import FuseboxStore
import FuseboxWire

/// The replay of the journal. The rows of `SegmentStep` apply before a segment is read, those of `EntriesStep` after
/// it, and those of `JournalEndStep` at the end.
extension Recovered {
    /// Applies the entries after the snapshot.
    mutating func replay<Files: Storage>(
        _ segments: [JournalName], from files: Files, newest: SnapshotName, _ progress: (UInt64) -> Void
    ) throws(RecoveryRefusal) {
        let needed = segments.dropFirst(try firstNeeded(of: segments, in: files))
        for index in needed.indices {
            let opened = try OpenedSegment(needed[index], from: files)
            let replays = try begin(opened, needed[index...], in: files, newest: newest)
            guard replays, let reader = opened.reader else { return }
            let goesOn = try apply(reader, opened.name, before: needed[(index + 1)...], in: files, progress)
            guard goesOn else { return }
        }
    }

    /// Decides on a segment before its entries are read.
    ///
    /// - Parameter rest: the segment and those after it
    /// - Returns: whether the segment's entries are applied
    private mutating func begin<Files: Storage>(
        _ segment: OpenedSegment, _ rest: ArraySlice<JournalName>, in files: Files, newest: SnapshotName
    ) throws(RecoveryRefusal) -> Bool {
        let sequence = state.sequence
        let place = misplacement(of: segment)
        let missing = segment.reader == nil ? segment.name.firstSequence : missing
        let isTailLost = isTailLost
        let row = try SegmentStep.decide { (question) throws(RecoveryRefusal) in
            switch question {
            case .isKnown: return segment.newer == nil
            case .hasGoodHead: return segment.reader != nil
            case .isInPlace: return place == nil
            case .follows: return segment.firstSequence <= sequence + 1
            case .isRebased: return segment.reader?.header.isRebased == true
            case .hadSnapshot: return newest.sequence + 1 >= segment.firstSequence
            case .isProven:
                if isTailLost { return true }
                return try Self.proves(missing, rest, in: files)
            case .hasOwnSemantics: return segment.hasOwnSemantics(after: sequence)
            }
        }
        let file = segment.name.file
        switch row.action {
        case .replay: return true
        case .drop: drop(rest, file: file, offset: 0)
        case .dropUnacknowledged:
            situation.tail = .unacknowledged(file: file)
            dropped = Array(rest)
        case .refuseVersion: throw .newerVersion(file: file, segment.newer?.description ?? "")
        case .refuseHead: throw .damagedJournal(file: file, offset: 0, "its header is not good")
        case .refusePlace: throw .misplaced(file: file, place ?? "")
        case .refuseGap: throw .gap(after: sequence, file: file)
        case .refuseLostBase: throw .lostBase(file: file)
        case .refuseSemantics:
            throw .otherSemantics(file: file, version: segment.reader?.header.semantics ?? 0)
        }
        return false
    }

    /// Applies the entries of a segment, and decides on their end.
    ///
    /// - Parameter later: the segments after this one
    /// - Returns: whether the replay continues with the next segment
    private mutating func apply<Files: Storage>(
        _ reader: JournalReader, _ name: JournalName, before later: ArraySlice<JournalName>, in files: Files,
        _ progress: (UInt64) -> Void
    ) throws(RecoveryRefusal) -> Bool {
        lastJournaled = name.firstSequence - 1
        let entries = apply(reader, progress)
        let (missing, isTailLost) = (missing, isTailLost)
        let row = try EntriesStep.decide { (question) throws(RecoveryRefusal) in
            switch question {
            case .areApplied: return entries.isApplied
            case .areWhole: return entries.isWhole
            case .isProvenHere: return entries.isDamaged
            case .isProvenLater:
                if isTailLost { return true }
                return try Self.proves(missing, later, in: files)
            }
        }
        let offset = entries.offset ?? 0
        switch row.action {
        case .goOn:
            openSegment = entries.offset.map { (name, $0) }
            return true
        case .drop:
            openSegment = (name, offset)
            drop(later, file: name.file, offset: offset)
            return false
        case .refuseEntry: throw .damagedJournal(file: name.file, offset: offset, entries.reason ?? "")
        case .refuseDamage:
            throw .damagedJournal(file: name.file, offset: offset, "the entry after \(missing - 1) is not good")
        }
    }

    /// Decides on the journal as a whole.
    mutating func endJournal(acceptsLostTail: Bool) throws(RecoveryRefusal) {
        let isComplete = acceptsLostTail || !isTailLost
        let (isDropped, isReplayed) = (situation.tail != .none, situation.replayed > 0)
        let row = JournalEndStep.decide { question in
            switch question {
            case .isComplete: isComplete
            case .isDropped: isDropped
            case .isReplayed: isReplayed
            }
        }
        switch row.action {
        case .leave: break
        case .noteWhole: situation.tail = .whole
        case .refuse: throw .lostTail(after: state.sequence, marked: situation.marked)
        }
    }
}

// MARK: A segment

/// A segment whose header was read.
private struct OpenedSegment {
    let name: JournalName
    /// The reader of the segment. Nil if the header is not good, or if a newer program wrote it.
    var reader: JournalReader?
    /// The damage that shows that a newer program wrote the segment.
    var newer: JournalDamage?

    init<Files: Storage>(_ name: JournalName, from files: Files) throws(RecoveryRefusal) {
        self.name = name
        let bytes = try JournalReader.bytes(of: name, in: files)
        do throws(JournalDamage) { reader = try JournalReader(bytes) } catch {
            if error.isNewer { newer = error }
        }
    }

    /// The sequence of the first entry, from the header, otherwise from the name.
    var firstSequence: UInt64 { reader?.header.firstSequence ?? name.firstSequence }

    /// Whether this program knows the semantics of the entries. The semantics do not matter if the snapshot holds all
    /// of them.
    func hasOwnSemantics(after sequence: UInt64) -> Bool {
        guard let reader, reader.header.semantics != JournalHeader.currentSemantics else { return true }
        return !reader.hasEntries(after: sequence)
    }
}

extension JournalReader {
    fileprivate static func bytes<Files: Storage>(
        of name: JournalName, in files: Files
    ) throws(RecoveryRefusal) -> [UInt8] {
        do throws(StorageError) { return try files.read(name.file) } catch { throw .unreadable(.storage(error)) }
    }

    /// Whether a segment has a good entry at any offset.
    static func hasEntries<Files: Storage>(_ name: JournalName, in files: Files) throws(RecoveryRefusal) -> Bool {
        proves(0, in: try bytes(of: name, in: files))
    }

    fileprivate func hasEntries(after sequence: UInt64) -> Bool {
        var found = false
        _ = unsafe forEach { entry, _, _ in found = found || entry.sequence > sequence }
        return found
    }
}

/// The result of applying the entries of a segment.
private enum AppliedEntries {
    case ended(JournalEnd)
    /// An entry at this offset was refused.
    case refused(offset: Int, String)

    var isApplied: Bool {
        if case .refused = self { false } else { true }
    }

    var isWhole: Bool {
        switch self {
        case .ended(.sealed), .ended(.open): true
        case .ended(.torn), .ended(.damaged), .refused: false
        }
    }

    var isDamaged: Bool {
        if case .ended(.damaged) = self { true } else { false }
    }

    /// The offset at which the good entries end. Nil if the segment is complete.
    var offset: Int? {
        switch self {
        case .ended(.sealed): nil
        case .ended(.open(let offset)), .ended(.torn(let offset)), .ended(.damaged(let offset)),
            .refused(let offset, _):
            offset
        }
    }

    var reason: String? {
        guard case .refused(_, let reason) = self else { return nil }
        return reason
    }
}

extension Recovered {
    /// The segment that the replay begins with. It is the last one that begins at or before the entry after the
    /// snapshot.
    ///
    /// A segment without a good header may be a stray file. The entries are then in the segment before it.
    private func firstNeeded<Files: Storage>(
        of segments: [JournalName], in files: Files
    ) throws(RecoveryRefusal) -> Int {
        guard let last = segments.lastIndex(where: { $0.firstSequence <= state.sequence + 1 }) else { return 0 }
        var good = last
        do throws(StorageError) {
            while good >= 0, try files.epoch(of: segments[good]) == nil { good -= 1 }
        } catch { throw .unreadable(.storage(error)) }
        guard good >= 0, good != last, let reader = try OpenedSegment(segments[good], from: files).reader else {
            return last
        }
        return reader.hasEntries(after: state.sequence) ? good : last
    }

    private mutating func apply(_ reader: JournalReader, _ progress: (UInt64) -> Void) -> AppliedEntries {
        var place = 0
        do throws(Refusal) {
            let end = try unsafe reader.forEach { (entry, payload, offset) throws(Refusal) in
                lastJournaled = entry.sequence
                guard entry.sequence > state.sequence else { return }
                place = offset
                try unsafe state.replay(entry, payload)
                // Only one input takes dates back. With all others dates go forward.
                let takesBack = entry.command == TakeClockBack.declaration.number
                let wall = takesBack ? entry.wall : max(entry.wall, recorded?.wall ?? entry.wall)
                recorded = Moment(now: max(entry.now, recorded?.now ?? entry.now), wall: wall)
                situation.replayed += 1
                if situation.replayed % Bounds.entriesPerReport == 0 { progress(situation.replayed) }
            }
            return .ended(end)
        } catch { return .refused(offset: place, error.message) }
    }

    /// The first entry that the journal lacks. The snapshot may hold it already.
    private var missing: UInt64 { (lastJournaled ?? state.sequence) + 1 }

    /// Whether the marks name a higher sequence than was found. If not, the snapshot or the journal holds all marked
    /// inputs.
    private var isTailLost: Bool { situation.marked > state.sequence }

    /// Whether an entry in these segments proves that an entry with this sequence was synced.
    private static func proves<Files: Storage>(
        _ sequence: UInt64, _ segments: ArraySlice<JournalName>, in files: Files
    ) throws(RecoveryRefusal) -> Bool {
        for name in segments where JournalReader.proves(sequence, in: try JournalReader.bytes(of: name, in: files)) {
            return true
        }
        return false
    }

    /// Why a segment does not match its name. Nil if it does.
    private func misplacement(of segment: OpenedSegment) -> String? {
        guard segment.firstSequence == segment.name.firstSequence else {
            return "its entries begin with \(segment.firstSequence)"
        }
        guard let lastJournaled, segment.name.firstSequence <= lastJournaled else { return nil }
        return "it begins before the end of the segment before it, which is \(lastJournaled)"
    }

    /// Ends the replay at a torn write. Nothing after it can have been acknowledged.
    private mutating func drop(_ segments: ArraySlice<JournalName>, file: String, offset: Int) {
        situation.tail = .torn(file: file, offset: offset)
        situation.isTornEndCovered = missing <= state.sequence
        dropped = Array(segments)
    }
}
