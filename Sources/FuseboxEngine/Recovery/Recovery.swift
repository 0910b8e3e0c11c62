import FuseboxCore
import FuseboxStore
import FuseboxWire

/// The state that was recovered from a data directory.
///
/// Every decision of recovery is a row of a table in `RecoveryRows.swift`. The code here answers the rows' questions
/// and does what the row says.
package struct Recovered: ~Copyable {
    /// The case of recovery.
    package internal(set) var situation: RecoveryCase
    var state: DurableState
    /// The last moment that the state recorded. Nil if the state is new.
    package internal(set) var recorded: Moment?
    /// What the state knows of time. Nil if it is new.
    package var time: RecordedTime? { recorded.map { RecordedTime($0, lead: state.lead) } }
    /// The epoch of the state.
    package let epoch: UInt64
    /// The newest good snapshot.
    package internal(set) var snapshot: SnapshotInfo?
    /// The last segment that was read, if it was left open, and the offset at which its good entries end.
    var openSegment: (name: JournalName, offset: Int)?
    var damaged: [SnapshotName] = []
    var dropped: [JournalName] = []
    var foreignSnapshots: [SnapshotName] = []
    var foreignSegments: [JournalName] = []
    var hasNewerSequence = false
    var hasOtherProfile = false
    /// The number of workers that were forgotten because the limits of this start are lower than before.
    var trimmedWorkers = 0
    /// The last sequence in the journal. Nil if there is no journal.
    var lastJournaled: UInt64?

    /// The state machine.
    package var machine: StateMachine { state.machine }
    /// The sequence from which the daemon continues.
    package var sequence: UInt64 { state.sequence }
    /// The sequence of the last input in the state. `sequence` is higher if inputs are known to be lost.
    package private(set) var replayedSequence: UInt64 = 0
    /// The damaged snapshots that are newer than the one that was used.
    package var damagedSnapshots: [SnapshotName] { damaged }

    /// The recovered state, to be written as a snapshot with this sequence.
    func capture(sequence: UInt64) -> SnapshotCapture {
        SnapshotCapture(
            state.machine, state.workers, state.history,
            header: SnapshotHeader(
                epoch: epoch, sequence: sequence, moment: recorded ?? state.machine.lastMoment,
                lead: state.lead, profile: state.machine.profile))
    }
}

extension Recovered {
    /// Finds the state of a data directory. Changes nothing there.
    ///
    /// - Parameters:
    ///   - newEpoch: the epoch of a new state
    ///   - moment: the first moment of a new state
    ///   - acceptsLostTail: whether a journal that ends too early is accepted, as a repair does
    ///   - progress: called at intervals with the number of entries replayed so far
    /// - Throws: why the directory cannot be recovered
    package static func find<Files: Storage>(
        in store: SnapshotStore<Files>, profile: Profile, bounds: Bounds, newEpoch: UInt64, at moment: Moment,
        acceptsLostTail: Bool = false, progress: (UInt64) -> Void = { _ in }
    ) throws(RecoveryRefusal) -> Recovered {
        var search = try SnapshotSearch(store, bounds: bounds)
        guard var recovered = try search.run() else {
            var recovered = Recovered(StateMachine(profile: profile, bounds: bounds, at: moment), epoch: newEpoch)
            recovered.dropped = search.segments
            return recovered
        }
        let newest = search.names[0]
        let own = try recovered.separate(search.segments, search.names, in: store)
        try recovered.replay(own, from: store.files, newest: newest, progress)
        try recovered.endJournal(acceptsLostTail: acceptsLostTail)
        recovered.adopt(profile, bounds, newest: newest)
        return recovered
    }

    /// A new state.
    private init(_ machine: StateMachine, epoch: UInt64) {
        situation = RecoveryCase(base: .empty)
        state = DurableState(machine, epoch: epoch, sequence: 0)
        self.epoch = epoch
        snapshot = nil
        recorded = nil
        openSegment = nil
    }

    /// The state of a snapshot.
    fileprivate init(_ base: SnapshotBase, as situation: RecoveryCase.Base, damaged: [SnapshotName], marked: UInt64) {
        state = DurableState(
            base.machine, workers: base.workers, history: base.history, epoch: base.header.epoch,
            sequence: base.header.sequence, lead: base.header.lead)
        self.situation = RecoveryCase(base: situation)
        self.situation.marked = marked
        recorded = base.header.moment
        epoch = base.header.epoch
        snapshot = base.info
        openSegment = nil
        self.damaged = damaged
    }

    /// Continues with the profile and the limits of this start.
    private mutating func adopt(_ profile: Profile, _ bounds: Bounds, newest: SnapshotName) {
        hasOtherProfile = state.machine.profile != profile
        state.machine = state.machine.under(profile)
        state.machine.bounds = bounds
        trimmedWorkers = state.workers.trim(to: bounds)
        replayedSequence = state.sequence
        // A change of the profile takes a sequence of its own. The snapshot with it must not have the name of an
        // existing one, and earlier entries do not lead to it.
        if hasOtherProfile || trimmedWorkers > 0 { state.sequence += 1 }
        guard state.sequence < newest.sequence else { return }
        // The inputs of the damaged snapshot are lost. Sequences continue above every one that was ever written.
        state.sequence = newest.sequence + 1
        hasNewerSequence = true
    }
}

// MARK: The snapshot

/// The contents of a snapshot.
private struct SnapshotBase {
    let header: SnapshotHeader
    let machine: StateMachine
    let workers: WorkerTable
    let history: HistoryOutbox
    let info: SnapshotInfo

    init<Files: Storage>(
        _ name: SnapshotName, from store: SnapshotStore<Files>, bounds: Bounds
    ) throws(SnapshotFailure) {
        let reader = try store.load(name)
        header = reader.header
        info = try store.info(name)
        // A state that was accepted once is not refused now, even if limits are lower. Limits that refuse nothing, such
        // as how much is remembered, must be those that the journal was written under.
        var unbounded = bounds
        unbounded.allowEverything()
        do throws(SnapshotDamage) { (machine, workers, history) = try reader.contents(bounds: unbounded) } catch {
            throw .damaged(name.file, error)
        }
    }
}

/// The search for the snapshot that a start begins with. It asks the rows of `SnapshotStep` for one snapshot after the
/// other.
private struct SnapshotSearch<Files: Storage> {
    let names: [SnapshotName]
    let segments: [JournalName]
    private let store: SnapshotStore<Files>
    private let bounds: Bounds
    private let marks: [SyncMark]
    private let newerMark: UInt32?
    private var damaged: [(name: SnapshotName, failure: SnapshotFailure)] = []
    /// The present snapshot, once it was tried.
    private var candidate: Result<SnapshotBase, SnapshotFailure>?

    init(_ store: SnapshotStore<Files>, bounds: Bounds) throws(RecoveryRefusal) {
        self.store = store
        self.bounds = bounds
        do throws(StorageError) {
            // The marks are read first, because a running daemon may continue the journal meanwhile.
            newerMark = try SyncMark.newerVersion(in: store.files)
            marks = try SyncMark.all(in: store.files)
            names = try store.list()
            segments = try store.files.segments()
        } catch { throw .unreadable(.storage(error)) }
    }

    /// The state of the snapshot that was found. Nil if the state begins empty.
    mutating func run() throws(RecoveryRefusal) -> Recovered? {
        while true {
            let row = try SnapshotStep.decide { (question) throws(RecoveryRefusal) in try answer(question) }
            switch row.action {
            case .adopt: return take { .newest($0) }
            case .fallBack:
                let failures = damaged.map(\.failure)
                return take { .fellBack(to: $0, damaged: failures) }
            case .begin: return nil
            case .lookFurther: passOver()
            case .refuseName: throw .impossibleSequence(file: impossible ?? "")
            case .refuseMarks: throw .newerVersion(file: SyncMark.fileName, newerMarkSentence)
            case .refuseVersion: throw .newerVersion(file: name.file, reason)
            case .refuseUnreadable: throw .unreadable(foundFailure)
            case .refuseDamage: throw .allDamaged(damaged.map(\.failure))
            case .refuseJournal: throw .journalWithoutBase(file: try fileOfJournal() ?? SyncMark.fileName)
            }
        }
    }

    private mutating func answer(_ question: SnapshotStep.Question) throws(RecoveryRefusal) -> Bool {
        switch question {
        case .namesArePossible: return impossible == nil
        case .marksAreKnown: return newerMark == nil
        case .isThere: return damaged.count < names.count
        case .isReadable:
            tryCandidate()
            if case .storage = failure { return false }
            return true
        case .isKnown:
            if case .damaged(_, let damage) = failure { return !damage.isNewer }
            return true
        case .isGood: return failure == nil
        case .wasDamaged: return !damaged.isEmpty
        case .hasJournal:
            if !marks.isEmpty { return true }
            return try fileOfJournal() != nil
        }
    }

    /// The name of the present snapshot.
    private var name: SnapshotName { names[damaged.count] }

    /// Why the present snapshot cannot be used. Nil if it can.
    private var failure: SnapshotFailure? {
        guard case .failure(let failure) = candidate else { return nil }
        return failure
    }

    private mutating func tryCandidate() {
        do throws(SnapshotFailure) {
            candidate = .success(try SnapshotBase(name, from: store, bounds: bounds))
        } catch { candidate = .failure(error) }
    }

    /// The failure of the present snapshot, for rows that require one.
    private var foundFailure: SnapshotFailure {
        guard let failure else { preconditionFailure("a snapshot that failed has a failure") }
        return failure
    }

    private mutating func passOver() {
        damaged.append((name, foundFailure))
        candidate = nil
    }

    /// Moves the state of the present snapshot out, so that the replay changes it in place.
    private mutating func take(_ situation: (SnapshotName) -> RecoveryCase.Base) -> Recovered? {
        guard case .success(let base) = candidate.take() else { return nil }
        return Recovered(
            base, as: situation(name), damaged: damaged.map(\.name), marked: marks.highest(epoch: base.header.epoch))
    }

    /// The first file with a name that no daemon gives.
    private var impossible: String? {
        names.first { $0.sequence > SequenceBound.highest }?.file
            ?? segments.first { $0.firstSequence > SequenceBound.highest }?.file
    }

    /// The first segment with an entry. A journal without entries holds nothing that could be lost.
    private func fileOfJournal() throws(RecoveryRefusal) -> String? {
        for name in segments where try JournalReader.hasEntries(name, in: store.files) { return name.file }
        return nil
    }

    private var newerMarkSentence: String {
        "its marks have version \(newerMark ?? 0), and this program reads versions up to \(SyncMark.version)"
    }

    private var reason: String {
        switch foundFailure {
        case .storage(let error): error.description
        case .damaged(_, let damage): damage.description
        }
    }
}

// MARK: Other epochs

extension Recovered {
    /// Notes the files of another epoch. Returns the segments of this epoch.
    ///
    /// The newest snapshot tells the epoch, because a restore writes it before it moves other files. If it is damaged,
    /// segments of another epoch may belong to it, and there is no way to find out.
    private mutating func separate<Files: Storage>(
        _ segments: [JournalName], _ names: [SnapshotName], in store: SnapshotStore<Files>
    ) throws(RecoveryRefusal) -> [JournalName] {
        let epoch = epoch
        var own: [JournalName] = []
        var foreign: [JournalName] = []
        do throws(StorageError) {
            for name in segments {
                let isForeign = try store.files.epoch(of: name).map { $0 != epoch } ?? false
                if isForeign { foreign.append(name) } else { own.append(name) }
            }
        } catch { throw .unreadable(.storage(error)) }
        let isNewest = damaged.isEmpty
        let row = try EpochStep.decide { (question) throws(RecoveryRefusal) in
            switch question {
            case .hasForeignSegments: return !foreign.isEmpty
            case .isNewest: return isNewest
            case .hasForeignSnapshots:
                return try !Self.snapshots(names.dropFirst(), notOf: epoch, in: store).isEmpty
            }
        }
        switch row.action {
        case .goOn: break
        case .refuse: throw .foreignJournal(file: foreign[0].file)
        case .setAside:
            foreignSnapshots = try Self.snapshots(names.dropFirst(), notOf: epoch, in: store)
            foreignSegments = foreign
            situation.foreign = foreignSnapshots.map(\.file) + foreign.map(\.file)
        }
        return own
    }

    private static func snapshots<Files: Storage>(
        _ names: ArraySlice<SnapshotName>, notOf epoch: UInt64, in store: SnapshotStore<Files>
    ) throws(RecoveryRefusal) -> [SnapshotName] {
        var found: [SnapshotName] = []
        do throws(StorageError) {
            for name in names where try store.epoch(of: name).map({ $0 != epoch }) ?? false { found.append(name) }
        } catch { throw .unreadable(.storage(error)) }
        return found
    }
}
