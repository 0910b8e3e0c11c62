import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxWire

/// A fault put into the daemon on purpose: the simulator has to find it.
public enum PlantedBug: String, Sendable, CaseIterable {
    case none
    /// Durable requests are acknowledged when the sync begins, not when it has ended.
    case acknowledgesBeforeSync
    /// Requests are acknowledged before the turn's entries are written.
    case acknowledgesBeforeWrite
    /// The directory is never synced.
    case forgetsDirectorySync
}

/// Why a daemon has ended.
enum Ending: Error {
    /// It died, or the journal failed and it stopped.
    case death
    /// It refused to start.
    case refused(String)
}

/// The daemon over simulated storage: engine, journal and snapshots in the order in which the server drives them.
///
/// What the server does on other threads is done here some turns later, in one go.
final class SimulatedDaemon {
    struct Options {
        var segmentLength = 16 * 1024
        var snapshotIntervalMilliseconds: Int64 = 1_000
        var limits = Limits()
        var bug = PlantedBug.none
    }

    private let storage: SimulatedStorage
    private let store: SnapshotStore<SimulatedStorage>
    private let options: Options
    private(set) var engine: Engine
    private var journal: Journal<SimulatedStorage>
    private var clock: EngineClock
    private(set) var moment: Moment
    /// The state that the recovery found.
    let recoveredSequence: UInt64
    let situation: RecoveryCase

    /// Why the last attempt at a spare segment failed, if it did.
    private var failure: String?
    private var turn = 0
    private var syncing: (due: Int, horizon: UInt64, covered: UInt64, task: @Sendable () -> StorageError?)?
    private var preparing: (due: Int, task: @Sendable () -> Result<SpareSegment<SimulatedFile>, StorageError>)?
    private var writing: (due: Int, capture: SnapshotCapture)?
    private var lastKeeping: Timestamp

    /// Called with each frame that leaves the daemon, and whether it waited for the journal.
    var send: (_ session: UInt64, _ frame: [UInt8], _ wasHeld: Bool) -> Void = { _, _, _ in }

    // MARK: Start

    init(
        _ storage: SimulatedStorage, _ options: Options, newEpoch: UInt64, boottime: Int64, realtime: Int64
    ) throws(Ending) {
        self.storage = storage
        self.options = options
        store = SnapshotStore(storage)
        let recovered: Recovered
        do throws(RecoveryRefusal) {
            recovered = try Recovered.find(
                in: store, profile: .fusebox, limits: options.limits, newEpoch: newEpoch,
                at: Moment(milliseconds: realtime))
        } catch { throw .refused(error.description) }
        recoveredSequence = recovered.sequence
        situation = recovered.situation
        do throws(StorageError) {
            try recovered.settle(store)
            var failure: String?
            journal = try Self.openJournal(store.files, recovered, options.segmentLength, &failure)
            self.failure = failure
        } catch { throw .death }
        var clock = EngineClock(continuing: recovered.recorded, boottime: boottime, realtime: realtime)
        let moment = clock.moment(boottime: boottime, realtime: realtime).moment
        self.moment = moment
        self.clock = clock
        lastKeeping = moment.now
        guard recovered.recorded.map({ $0.now <= moment.now && $0.wall <= moment.wall }) ?? true else {
            throw .refused("time went backwards")
        }
        let needsSnapshot = recovered.needsSnapshot
        let identity = Engine.Identity(server: "simulated", processID: 1, epoch: recovered.epoch)
        engine = Engine(
            recovered, identity: identity, durability: .commit,
            snapshotIntervalMilliseconds: options.snapshotIntervalMilliseconds, at: moment)
        guard needsSnapshot else { return }
        do throws(SnapshotFailure) {
            _ = engine.snapshotEnded(.success(try engine.capture(at: moment).write(to: store)))
        } catch { throw .death }
    }

    private static func openJournal(
        _ files: SimulatedStorage, _ recovered: borrowing Recovered, _ segmentLength: Int,
        _ failure: inout String?
    ) throws(StorageError) -> Journal<SimulatedStorage> {
        var journal = try Journal(
            files, epoch: recovered.epoch, segmentLength: segmentLength, resuming: recovered.resumption)
        switch journal.spareTask()() {
        case .success(let spare): journal.add(spare)
        case .failure(let error): failure = error.description
        }
        if !journal.isOpen, journal.hasSpare {
            let sequence = recovered.sequence
            try journal.rotate(next: sequence + 1, synced: sequence, isRebased: !recovered.isJournalContinuous)
            if let error = journal.syncTask()() { throw error }
        }
        return journal
    }

    // MARK: Turns

    private var rotationRoom: Int { min(1024 * 1024, options.segmentLength / 4) }
    private var leastRoom: Int { min(16 * 1024, options.segmentLength / 4) }

    /// Begins a turn: what is due is done, and what was done elsewhere has come back.
    func beginTurn(boottime: Int64, realtime: Int64, _ random: inout SplitMix64) throws(Ending) {
        turn += 1
        moment = clock.moment(boottime: boottime, realtime: realtime).moment
        let room = journal.room
        engine.beginTurn(room: room, storageFailure: room < leastRoom ? failure : nil)
        engine.advance(to: moment)
        if moment.now - lastKeeping >= 1_000 {
            lastKeeping = moment.now
            prepareSpare(again: true, &random)
            if engine.hasUnsynced { beginSync(&random) }
        }
        try finishTasks(&random)
    }

    /// Whether a request of this length can be handled now.
    func canTake(frameLength: Int) -> Bool { engine.canTake(frameLength: frameLength) }

    func handle(_ frame: [UInt8], _ session: inout Session) -> Verdict {
        var output = ByteWriter()
        let verdict = frame.withUnsafeBytes { bytes in
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[FrameHeader.lengthBytes...]))
            guard let header = try? FrameHeader(from: &reader), let rest = try? reader.readBytes(reader.remaining)
            else { preconditionFailure("simulated clients send whole frames") }
            return engine.handle(header, rest, &session, &output, at: moment)
        }
        if !output.isEmpty { send(session.id, output.bytes, false) }
        return verdict
    }

    /// Ends a turn: its entries are written, and what waited for that goes out.
    func endTurn(_ random: inout SplitMix64) throws(Ending) {
        try commit(&random)
        engine.eventsDelivered()
        if writing == nil, let capture = engine.captureIfDue(at: moment) { write(capture, &random) }
    }

    private func commit(_ random: inout SplitMix64) throws(Ending) {
        if options.bug == .acknowledgesBeforeWrite { engine.batchWritten(deliver) }
        do throws(StorageError) {
            if engine.hasBatch { try engine.writeBatch(to: &journal) }
            engine.batchWritten(deliver)
            if engine.wantsSync { beginSync(&random) }
            if journal.isOpen, journal.room < rotationRoom, journal.hasSpare, !engine.needsRebase {
                try journal.rotate(next: engine.sequence + 1, synced: engine.durableSequence)
            }
        } catch { throw .death }
        prepareSpare(&random)
    }

    private func deliver(_ session: UInt64, _ frame: UnsafeRawBufferPointer) { send(session, Array(frame), true) }

    // MARK: Elsewhere

    private func beginSync(_ random: inout SplitMix64) {
        let covered = engine.beginSync()
        syncing = (turn + random.below(4), storage.lastWrite, covered, journal.syncTask())
        if options.bug == .acknowledgesBeforeSync { engine.endSync(covering: covered, deliver) }
    }

    private func prepareSpare(again: Bool = false, _ random: inout SplitMix64) {
        guard journal.wantsSpare, preparing == nil, failure == nil || again else { return }
        preparing = (turn + random.below(6), journal.spareTask())
    }

    private func write(_ capture: SnapshotCapture, _ random: inout SplitMix64) {
        writing = (turn + random.below(8), capture)
    }

    private func finishTasks(_ random: inout SplitMix64) throws(Ending) {
        if let (due, horizon, covered, task) = syncing, due <= turn {
            syncing = nil
            storage.syncHorizon = horizon
            let failure = task()
            storage.syncHorizon = .max
            guard failure == nil else { throw .death }
            if options.bug != .acknowledgesBeforeSync { engine.endSync(covering: covered, deliver) }
        }
        if let (due, task) = preparing, due <= turn {
            preparing = nil
            try took(task(), &random)
        }
        if let (due, capture) = writing, due <= turn {
            writing = nil
            try wrote(capture)
            try beginRebaseIfNeeded(&random)
        }
    }

    private func took(
        _ spare: Result<SpareSegment<SimulatedFile>, StorageError>, _ random: inout SplitMix64
    ) throws(Ending) {
        switch spare {
        case .success(let spare):
            failure = nil
            journal.add(spare)
            try beginRebaseIfNeeded(&random)
            guard !journal.isOpen else { return }
            do throws(StorageError) {
                try journal.rotate(next: engine.sequence + 1, synced: engine.durableSequence)
            } catch { throw .death }
        case .failure(let error):
            guard !storage.isDead else { throw .death }
            failure = error.description
        }
    }

    private func wrote(_ capture: SnapshotCapture) throws(Ending) {
        do throws(SnapshotFailure) {
            let info = try capture.write(to: store)
            try store.retireJournal()
            _ = engine.snapshotEnded(.success(info))
            if engine.isRebasing { engine.endRebase() }
        } catch {
            guard !storage.isDead else { throw .death }
            _ = engine.snapshotEnded(.failure(error))
        }
    }

    private func beginRebaseIfNeeded(_ random: inout SplitMix64) throws(Ending) {
        guard engine.needsRebase, journal.hasSpare, writing == nil else { return }
        do throws(StorageError) {
            if engine.hasBatch { try engine.writeBatch(to: &journal) }
            engine.beginRebase()
            try journal.rotate(next: engine.sequence + 1, synced: engine.durableSequence, isRebased: true)
        } catch { throw .death }
        write(engine.capture(at: moment), &random)
    }

    // MARK: End

    /// Stops in order: everything is answered, the last snapshot written and the journal completed.
    func stop(_ random: inout SplitMix64) throws(Ending) {
        try endTurn(&random)
        while syncing != nil || writing != nil || engine.hasHeldReplies {
            turn += 8
            try finishTasks(&random)
            try commit(&random)
            // A full disk may keep the snapshot of a rebase from being written: then there is nothing to wait for.
            if engine.isRebasing, writing == nil { return }
        }
        if !engine.isSnapshotCurrent { try wrote(engine.capture(at: moment)) }
        do throws(StorageError) {
            if engine.hasBatch { try engine.writeBatch(to: &journal) }
            guard !engine.needsRebase else { return }
            try journal.seal(next: engine.sequence + 1, synced: engine.durableSequence)
            if let error = journal.syncTask()() { throw error }
        } catch { throw .death }
    }

    func ended(_ session: borrowing Session) { engine.sessionEnded(session) }

    /// The sessions that a newer one has taken over since the last call.
    func takeFenced() -> [UInt64] {
        defer { engine.fencingDone() }
        return engine.fenced
    }

    /// The state as bytes: two states are the same if these are.
    var image: [UInt8] { engine.machine.image }
}

extension StateMachine {
    var image: [UInt8] { SnapshotCapture(self, header: SnapshotHeader()).bytes() }
}
