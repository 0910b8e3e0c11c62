import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxTestSupport
import FuseboxWire

/// A bug that is planted in the daemon. The simulator must find it.
package enum PlantedBug: String, Sendable, CaseIterable {
    case none
    /// Durable requests are acknowledged when the sync begins and not when it has ended.
    case acknowledgesBeforeSync
    /// Requests are acknowledged before the turn's entries are written.
    case acknowledgesBeforeWrite
    /// The directory is never synced.
    case forgetsDirectorySync
    /// The position up to which the journal was on disk is recorded only in the journal.
    case forgetsMarks
    /// Calls cost more than their estimates, against which no limit can protect. It is visible in the sums.
    case underestimates
    /// The limits do not learn how some calls have ended. It is visible in what is used and held.
    case losesSettles
    /// The daemon does not learn that connections have ended, so calls wait on whose workers are gone.
    case missesEnds
}

/// Why a daemon has ended.
enum Ending: Error {
    /// It died, or it stopped because the journal failed.
    case death
    /// It refused to start.
    case refused(String)
}

/// The daemon on simulated storage. It does what the server does on a loop, in turns that the simulation counts.
///
/// Work of the server's thread pool is done some turns later, and its completion is called some turns after that, or
/// never.
final class SimulatedDaemon {
    struct Options {
        var storekeeping = StorekeepingOptions()
        var bounds = Bounds()
        var bug = PlantedBug.none

        init() {
            storekeeping.segmentLength = 16 * 1024
            storekeeping.snapshotIntervalMilliseconds = 1_000
        }
    }

    /// Work that is not done yet, or whose completion was not called yet.
    private struct Task {
        var due: Int
        /// The number of the last write when the sync began. The sync covers the writes up to it.
        let horizon: UInt64
        /// Does the work, and returns its completion.
        let run: () -> () -> Void
    }

    private let storage: SimulatedStorage
    private let options: Options
    private let keeper: Storekeeper<SimulatedStorage>
    private var random: SplitMix64
    private var reading: ClockReading
    private(set) var moment: Moment
    /// The recovered state.
    let recoveredSequence: UInt64
    let situation: RecoveryCase

    private var turn = 0
    private var tasks: [Task] = []
    private var endings: [(due: Int, tell: () -> Void)] = []
    private var hasFailed = false
    private var lastKeeping: Timestamp

    /// How a frame leaves the daemon.
    enum Departure {
        case atOnce
        /// At once, as a kept reply to a resent request.
        case repeated
        /// After a wait for the journal.
        case held
    }

    /// Called with each frame that leaves the daemon.
    var send: (_ session: UInt64, _ frame: [UInt8], _ departure: Departure) -> Void = { _, _, _ in }
    /// Called with the lines of the log.
    var tell: (StorekeeperNews) -> Void = { _ in }

    // MARK: Start

    init(
        _ storage: SimulatedStorage, _ options: Options, newEpoch: UInt64, boottime: Int64, realtime: Int64,
        seed: UInt64
    ) throws(Ending) {
        self.storage = storage
        self.options = options
        random = SplitMix64(seed: seed)
        let store = SnapshotStore(storage)
        let recovered: Recovered
        do throws(RecoveryRefusal) {
            recovered = try Recovered.find(
                in: store, profile: .fusebox, bounds: options.bounds, newEpoch: newEpoch,
                at: Moment(milliseconds: realtime))
        } catch { throw .refused(error.description) }
        recoveredSequence = recovered.sequence
        situation = recovered.situation
        reading = ClockReading(boottime: boottime, realtime: realtime, isSynchronised: true)
        let clock = EngineClock(continuing: recovered.time, reading)
        let moment = clock.moment
        guard recovered.recorded.map({ $0.now <= moment.now && $0.wall <= moment.wall }) ?? true else {
            throw .refused("time went backwards")
        }
        self.moment = moment
        lastKeeping = moment.now
        let identity = Engine.Identity(
            server: "simulated", processID: 1, epoch: recovered.epoch, salt: UInt32(truncatingIfNeeded: random.next()))
        do throws(SnapshotFailure) {
            keeper = try Storekeeper(recovered, in: store, identity: identity, options.storekeeping, clock: clock)
        } catch { throw .death }
        keeper.delegate = self
        keeper.engine.beginGrace(at: moment)
    }

    // MARK: Turns

    /// Begins a turn: applies deadlines and calls the completions of finished work.
    func beginTurn(boottime: Int64, realtime: Int64) throws(Ending) {
        turn += 1
        do throws(StorageError) { try storage.writeDelayed() } catch { hasFailed = true }
        reading = ClockReading(boottime: boottime, realtime: realtime, isSynchronised: true)
        keeper.beginTurn(reading)
        moment = keeper.engine.clock.moment
        if moment.now - lastKeeping >= 1_000 {
            lastKeeping = moment.now
            keeper.keepHouse()
        }
        runTasks()
        try checkLife()
    }

    /// Whether a request of this length can be handled now. If not, it asks for room.
    func canTake(frameLength: Int, _ session: Session) -> Bool {
        if keeper.engine.canTake(frameLength: frameLength, from: session) { return true }
        keeper.waitForRoom(session.id, frameLength: frameLength)
        return false
    }

    /// Handles a frame, and starts deferred work.
    func handle(_ frame: [UInt8], _ session: inout Session) -> Verdict {
        var output = ByteWriter()
        let before = sequence
        let verdict = frame.withUnsafeBytes { bytes in
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[FrameHeader.lengthBytes...]))
            guard let header = try? FrameHeader(from: &reader), let rest = try? reader.readBytes(reader.remaining)
            else { preconditionFailure("simulated clients send whole frames") }
            return keeper.engine.handle(header, rest, &session, &output, at: moment)
        }
        if !output.isEmpty { send(session.id, output.bytes, sequence == before ? .repeated : .atOnce) }
        if case .deferred(let ticket, let work) = verdict { keeper.perform(work, for: ticket) }
        return verdict
    }

    /// Ends a turn: writes its entries and sends what waited for them.
    func endTurn() throws(Ending) {
        keeper.endTurn()
        keeper.engine.eventsDelivered()
        try checkLife()
    }

    private func runTasks() {
        while let index = tasks.firstIndex(where: { $0.due <= turn }) {
            let task = tasks.remove(at: index)
            storage.syncHorizon = task.horizon
            let ending = task.run()
            storage.syncHorizon = .max
            endings.append((turn + random.pick([0, 0, 1, 3]), ending))
        }
        while !storage.isDead, !hasFailed, let index = endings.firstIndex(where: { $0.due <= turn }) {
            endings.remove(at: index).tell()
        }
    }

    private func checkLife() throws(Ending) {
        guard !storage.isDead, !hasFailed else { throw .death }
    }

    // MARK: End

    /// Stops in order: answers everything, writes the last snapshot and seals the journal.
    func stop() throws(Ending) {
        keeper.stop()
        repeat {
            turn += 1
            keeper.beginTurn(reading)
            runTasks()
            try endTurn()
        } while !keeper.isQuiet
        keeper.seal()
        try checkLife()
    }

    func ended(_ session: borrowing Session) {
        if options.bug == .missesEnds { return }
        keeper.engine.sessionEnded(session)
    }

    /// The sessions that a newer one has replaced since the last call.
    func takeFenced() -> [UInt64] {
        defer { keeper.engine.fencingDone() }
        return keeper.engine.fenced
    }

    // MARK: Inspection

    var sequence: UInt64 { keeper.engine.sequence }
    var syncedSequence: UInt64 { keeper.syncedSequence }
    /// Whether the journal reaches up to the state, or there is none.
    var isJournalCurrent: Bool { keeper.isContinuous }
    var takesUnjournaledOutcomes: Bool { keeper.takesUnjournaledOutcomes }
    /// The permit that a ticket of a worker was granted; nil if it has none in force.
    func permit(ofTicket ticket: UInt64, of worker: WorkerID) -> UInt64? {
        keeper.engine.machine.admission(ofTicket: ticket, of: worker)?.permit
    }
    /// The day on which use counts.
    var openDay: Int64 { keeper.engine.machine.openDay ?? -1 }
    /// Whether every closed day is in a file.
    var isHistoryWritten: Bool { keeper.isHistoryWritten && !keeper.engine.machine.isClosingDays }
    /// The state as bytes. Equal states have equal bytes.
    var image: [UInt8] { keeper.engine.machine.image }
    /// The state as a snapshot that can be imported.
    var exported: [UInt8] {
        let header = SnapshotHeader(
            epoch: keeper.engine.identity.epoch, sequence: sequence, moment: moment,
            profile: keeper.engine.machine.profile)
        return SnapshotCapture(keeper.engine.machine, header: header).bytes()
    }
}

extension SimulatedDaemon: StorekeeperDelegate {
    func work<Result: Sendable>(_ body: @escaping @Sendable () -> Result, then completion: @escaping (Result) -> Void) {
        tasks.append(
            Task(due: turn + random.below(6), horizon: storage.lastWrite) {
                let result = body()
                return { completion(result) }
            })
    }

    func sync(_ body: @escaping @Sendable () -> Void, then completion: @escaping () -> Void) {
        guard options.bug == .acknowledgesBeforeSync else { return work(body, then: completion) }
        work(body) {}
        completion()
    }

    func deliver(_ frame: UnsafeRawBufferPointer, to target: OutputTarget) {
        send(target.session, Array(frame), .held)
    }

    func complete(_ ticket: Ticket, _ write: (inout ByteWriter) -> Void) {
        var output = ByteWriter()
        write(&output)
        send(ticket.session, output.bytes, .held)
    }

    /// Every session tries again in every turn.
    func goOn(with session: UInt64) {}

    func runAgain() {}

    func note(_ news: StorekeeperNews) { tell(news) }

    func journalFailed(_ error: StorageError) { hasFailed = true }
}

extension StateMachine {
    var image: [UInt8] { SnapshotCapture(self, header: SnapshotHeader()).bytes() }
}
