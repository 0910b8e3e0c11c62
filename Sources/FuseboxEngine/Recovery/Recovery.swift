import FuseboxCore
import FuseboxStore
import FuseboxWire

/// The state that a data directory holds.
public struct Recovered: ~Copyable {
    public private(set) var situation: RecoveryCase
    var state: DurableState
    /// The last moment that the state knows; nil if it is new.
    public private(set) var recorded: Moment?
    public let epoch: UInt64
    /// The newest snapshot that is good.
    public internal(set) var snapshot: SnapshotInfo?
    /// The last segment that was read and where its good entries end, if it was left open.
    var openSegment: (name: JournalName, offset: Int)?
    var damaged: [SnapshotName] = []
    var dropped: [JournalName] = []
    var foreignSnapshots: [SnapshotName] = []
    var foreignSegments: [JournalName] = []
    var hasNewerSequence = false
    var hasOtherProfile = false
    /// Workers that were forgotten because more was kept for them than the limits of this start allow.
    var trimmedWorkers = 0
    /// The last sequence that the journal holds; nil if there is no journal.
    var lastJournaled: UInt64?

    public var machine: StateMachine { state.machine }
    public var sequence: UInt64 { state.sequence }
    /// The sequence of the last input that is in the state. `sequence` is above it if inputs are known to be lost.
    public private(set) var replayedSequence: UInt64 = 0
    /// The snapshots that cannot be read and are newer than the one that could.
    public var damagedSnapshots: [SnapshotName] { damaged }

    /// The state as it was recovered, to be written as a snapshot of another sequence.
    func capture(sequence: UInt64) -> SnapshotCapture {
        SnapshotCapture(
            state.machine, state.workers,
            header: SnapshotHeader(
                epoch: epoch, sequence: sequence, moment: recorded ?? state.machine.lastMoment,
                profile: state.machine.profile))
    }
}

extension Recovered {
    /// Finds the state of a data directory, and changes nothing there.
    ///
    /// - Parameters:
    ///   - newEpoch: the epoch if the state is new
    ///   - moment: when a new state begins
    ///   - acceptsLostTail: whether a journal that ends too early is taken for what is left, as a repair does
    ///   - progress: called now and then with the entries replayed so far
    public static func find<Files: Storage>(
        in store: SnapshotStore<Files>, profile: Profile, limits: Limits, newEpoch: UInt64, at moment: Moment,
        acceptsLostTail: Bool = false, progress: (UInt64) -> Void = { _ in }
    ) throws(RecoveryRefusal) -> Recovered {
        let marks: [SyncMark]
        let names: [SnapshotName]
        let segments: [JournalName]
        do throws(StorageError) {
            // The marks first: beside a running daemon the journal goes on meanwhile.
            marks = try SyncMark.all(in: store.files)
            names = try store.list()
            segments = try store.files.segments()
        } catch { throw .unreadable(.storage(error)) }
        if let file = impossible(names, segments) { throw .impossibleSequence(file: file) }
        var damaged: [(name: SnapshotName, failure: SnapshotFailure)] = []
        for name in names {
            let base: Base
            do throws(SnapshotFailure) { base = try Base(name, from: store, limits: limits) } catch {
                if case .damaged(let file, let damage) = error, case .unknownVersion = damage {
                    throw .newerVersion(file: file, damage)
                }
                if case .storage = error { throw .unreadable(error) }
                damaged.append((name, error))
                continue
            }
            var recovered = Recovered(base, name, damaged: damaged)
            recovered.situation.marked = marks.highest(epoch: recovered.epoch)
            let own = try recovered.separate(segments, names, in: store)
            try recovered.replay(own, from: store.files, newest: names[0], progress)
            if recovered.isTailLost, !acceptsLostTail {
                throw .lostTail(after: recovered.sequence, marked: recovered.situation.marked)
            }
            recovered.adopt(profile, limits, newest: names[0])
            return recovered
        }
        guard damaged.isEmpty else { throw .allDamaged(damaged.map(\.failure)) }
        // A journal without entries is nothing that could be lost.
        for name in segments where try hasEntries(name, in: store.files) { throw .journalWithoutBase(file: name.file) }
        if !marks.isEmpty { throw .journalWithoutBase(file: SyncMark.fileName) }
        var recovered = Recovered(StateMachine(profile: profile, limits: limits, at: moment), epoch: newEpoch)
        recovered.dropped = segments
        return recovered
    }

    /// The first file whose name no daemon has given it.
    private static func impossible(_ snapshots: [SnapshotName], _ segments: [JournalName]) -> String? {
        snapshots.first { $0.sequence > SequenceBound.highest }?.file
            ?? segments.first { $0.firstSequence > SequenceBound.highest }?.file
    }

    /// A new state.
    private init(_ machine: StateMachine, epoch: UInt64) {
        situation = RecoveryCase(base: .empty)
        state = DurableState(machine, sequence: 0)
        self.epoch = epoch
        snapshot = nil
        recorded = nil
        openSegment = nil
    }

    /// What a snapshot holds.
    private struct Base {
        let header: SnapshotHeader
        let machine: StateMachine
        let workers: WorkerTable
        let info: SnapshotInfo

        init<Files: Storage>(
            _ name: SnapshotName, from store: SnapshotStore<Files>, limits: Limits
        ) throws(SnapshotFailure) {
            let reader = try store.load(name)
            header = reader.header
            info = try store.info(name)
            // What was taken once is not refused now, whatever the limits have become. Those that refuse nothing, such as how
            // much is remembered, are the ones that the journal was written under.
            var unbounded = limits
            unbounded.admitEverything()
            do throws(SnapshotDamage) { (machine, workers) = try reader.contents(limits: unbounded) } catch {
                throw .damaged(name.file, error)
            }
        }
    }

    /// The state of a snapshot.
    private init(
        _ base: Base, _ name: SnapshotName, damaged: [(name: SnapshotName, failure: SnapshotFailure)]
    ) {
        state = DurableState(base.machine, workers: base.workers, sequence: base.header.sequence)
        situation = RecoveryCase(
            base: damaged.isEmpty ? .newest(name) : .fellBack(to: name, damaged: damaged.map(\.failure)))
        recorded = base.header.moment
        epoch = base.header.epoch
        snapshot = base.info
        openSegment = nil
        self.damaged = damaged.map(\.name)
    }

    /// Goes on with the profile and the limits of this start.
    private mutating func adopt(_ profile: Profile, _ limits: Limits, newest: SnapshotName) {
        hasOtherProfile = state.machine.profile != profile
        state.machine = state.machine.under(profile)
        state.machine.limits = limits
        trimmedWorkers = state.workers.trim(to: limits)
        replayedSequence = state.sequence
        // Another profile is a change like any other: the snapshot that holds it must not have the name of one that is
        // there already, and entries from before do not lead to it.
        if hasOtherProfile || trimmedWorkers > 0 { state.sequence += 1 }
        guard state.sequence < newest.sequence else { return }
        // What the damaged snapshot held is lost. Sequences go on above every one that was ever written.
        state.sequence = newest.sequence + 1
        hasNewerSequence = true
    }
}

// MARK: Other lives

extension Recovered {
    /// Notes the files of another epoch; returns the segments that are of this one.
    ///
    /// The newest snapshot tells which life this is, for a restore writes it before it moves anything. When it is damaged,
    /// segments of another epoch may be what came after it, and nobody can tell.
    private mutating func separate<Files: Storage>(
        _ segments: [JournalName], _ names: [SnapshotName], in store: SnapshotStore<Files>
    ) throws(RecoveryRefusal) -> [JournalName] {
        var own: [JournalName] = []
        do throws(StorageError) {
            for name in segments {
                let other = try store.files.epoch(of: name).map { $0 != epoch } ?? false
                if other { foreignSegments.append(name) } else { own.append(name) }
            }
            if case .newest = situation.base {
                for name in names.dropFirst() where try store.epoch(of: name).map({ $0 != epoch }) ?? false {
                    foreignSnapshots.append(name)
                }
            }
        } catch { throw .unreadable(.storage(error)) }
        if case .fellBack = situation.base, let file = foreignSegments.first?.file { throw .foreignJournal(file: file) }
        situation.foreign = foreignSnapshots.map(\.file) + foreignSegments.map(\.file)
        return own
    }
}

// MARK: Replay

extension Recovered {
    private mutating func replay<Files: Storage>(
        _ segments: [JournalName], from files: Files, newest: SnapshotName, _ progress: (UInt64) -> Void
    ) throws(RecoveryRefusal) {
        let first = try firstNeeded(of: segments, in: files)
        let needed = Array(segments.dropFirst(first))
        for (index, name) in needed.enumerated() {
            guard let reader = try Self.open(name, from: files) else {
                // Its header never reached the disk, unless an entry proves that it did.
                guard try !proves(name.firstSequence, needed[index...], in: files) else {
                    throw .damagedJournal(file: name.file, offset: 0, "its header is not good")
                }
                drop(needed[index...], file: name.file, offset: 0)
                return
            }
            try checkPlace(of: name, reader.header, isFirst: index == 0)
            if reader.header.firstSequence > state.sequence + 1 {
                guard reader.header.isRebased else {
                    // The segment before may have lost its unsynced end while the name of this one was kept.
                    guard try !proves(missing, needed[index...], in: files) else {
                        throw .gap(after: state.sequence, file: name.file)
                    }
                    drop(needed[index...], file: name.file, offset: 0)
                    return
                }
                guard newest.sequence + 1 < reader.header.firstSequence else { throw .lostBase(file: name.file) }
                situation.tail = .unacknowledged(file: name.file)
                dropped = Array(needed[index...])
                return
            }
            guard
                reader.header.semantics == JournalHeader.currentSemantics
                    || !Self.hasEntries(reader, after: state.sequence)
            else { throw .otherSemantics(file: name.file, version: reader.header.semantics) }
            lastJournaled = name.firstSequence - 1
            let end = try replay(reader, name, progress)
            if situation.tail == .none, situation.replayed > 0 { situation.tail = .whole }
            switch end {
            case .sealed: openSegment = nil
            case .open(let offset):
                openSegment = (name, offset)
                guard index == needed.count - 1 else { continue }
            case .damaged(let offset):
                throw .damagedJournal(file: name.file, offset: offset, "the entry after \(state.sequence) is not good")
            case .torn(let offset):
                guard try !proves(missing, needed[(index + 1)...], in: files) else {
                    throw .damagedJournal(file: name.file, offset: offset, "the entry after \(missing - 1) is not good")
                }
                openSegment = (name, offset)
                drop(needed[(index + 1)...], file: name.file, offset: offset)
                return
            }
        }
    }

    /// The segment that the replay begins with: the last one that begins at or before the entry after the snapshot.
    ///
    /// If its header is not good it may be a stray file. The entries are then in the one before it.
    private func firstNeeded<Files: Storage>(
        of segments: [JournalName], in files: Files
    ) throws(RecoveryRefusal) -> Int {
        guard let last = segments.lastIndex(where: { $0.firstSequence <= state.sequence + 1 }) else { return 0 }
        var good = last
        do throws(StorageError) {
            while good >= 0, try files.epoch(of: segments[good]) == nil { good -= 1 }
        } catch { throw .unreadable(.storage(error)) }
        guard good >= 0, good != last, let reader = try Self.open(segments[good], from: files) else { return last }
        return Self.hasEntries(reader, after: state.sequence) ? good : last
    }

    private mutating func replay(
        _ reader: JournalReader, _ name: JournalName, _ progress: (UInt64) -> Void
    ) throws(RecoveryRefusal) -> JournalEnd {
        try unsafe reader.forEach { (entry, payload, offset) throws(RecoveryRefusal) in
            lastJournaled = entry.sequence
            guard entry.sequence > state.sequence else { return }
            do throws(Refusal) { try unsafe state.replay(entry, payload) } catch {
                throw .damagedJournal(file: name.file, offset: offset, error.message)
            }
            // Dates go forward but for the one input that takes them back.
            let takesBack = entry.command == TakeClockBack.declaration.number
            let wall = takesBack ? entry.wall : max(entry.wall, recorded?.wall ?? entry.wall)
            recorded = Moment(now: max(entry.now, recorded?.now ?? entry.now), wall: wall)
            situation.replayed += 1
            if situation.replayed % 100_000 == 0 { progress(situation.replayed) }
        }
    }

    /// The entry that the journal lacks first. It may be one that the snapshot holds already.
    private var missing: UInt64 { (lastJournaled ?? state.sequence) + 1 }

    /// Whether the marks tell of more than has been found. Where they do not, the snapshot holds what they tell of.
    private var isTailLost: Bool { situation.marked > state.sequence }

    /// Whether an entry in these segments proves that one of this sequence was on the disk, or a mark that more was than
    /// has been found.
    private func proves<Files: Storage>(
        _ sequence: UInt64, _ segments: ArraySlice<JournalName>, in files: Files
    ) throws(RecoveryRefusal) -> Bool {
        if isTailLost { return true }
        for name in segments where JournalReader.proves(sequence, in: try Self.read(name, from: files)) { return true }
        return false
    }

    /// A segment holds what its name tells, and begins after the end of the one before it.
    private func checkPlace(
        of name: JournalName, _ header: JournalHeader, isFirst: Bool
    ) throws(RecoveryRefusal) {
        guard header.firstSequence == name.firstSequence else {
            throw .misplaced(file: name.file, "its entries begin with \(header.firstSequence)")
        }
        guard isFirst || name.firstSequence > lastJournaled ?? 0 else {
            throw .misplaced(
                file: name.file, "it begins before the end of the segment before it, which is \(lastJournaled ?? 0)")
        }
    }

    /// Ends the replay at a write that was cut short, after which nothing can have been acknowledged.
    private mutating func drop(_ segments: ArraySlice<JournalName>, file: String, offset: Int) {
        situation.tail = .torn(file: file, offset: offset)
        situation.isTornEndCovered = missing <= state.sequence
        dropped = Array(segments)
    }

    private static func read<Files: Storage>(_ name: JournalName, from files: Files) throws(RecoveryRefusal) -> [UInt8]
    {
        do throws(StorageError) { return try files.read(name.file) } catch { throw .unreadable(.storage(error)) }
    }

    /// The segment's reader; nil if its header is not good.
    private static func open<Files: Storage>(
        _ name: JournalName, from files: Files
    ) throws(RecoveryRefusal) -> JournalReader? {
        let bytes = try read(name, from: files)
        do throws(JournalDamage) { return try JournalReader(bytes) } catch {
            guard case .unknownVersion = error else { return nil }
            throw .damagedJournal(file: name.file, offset: 0, error.description)
        }
    }

    /// Whether anything good was ever written to a segment, wherever in it.
    private static func hasEntries<Files: Storage>(
        _ name: JournalName, in files: Files
    ) throws(RecoveryRefusal) -> Bool {
        JournalReader.proves(0, in: try read(name, from: files))
    }

    private static func hasEntries(_ reader: JournalReader, after sequence: UInt64) -> Bool {
        var found = false
        _ = unsafe reader.forEach { entry, _, _ in found = found || entry.sequence > sequence }
        return found
    }
}
