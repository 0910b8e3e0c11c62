import FuseboxCollections
import FuseboxCore
import FuseboxEngine
import FuseboxLoop
import FuseboxStore
import FuseboxWire
import Glibc

/// The engine on the loop: listens, lends the engine to connections, and ends in order.
///
/// All of it lives on the loop's thread; only what waits for the disk runs elsewhere.
public final class Server {
    let configuration: ServerConfiguration
    let log: Log
    let loop: EventLoop
    /// The engine with its journal and its snapshots.
    let keeper: Storekeeper<DirectoryStorage>
    let limits: Limits
    /// What the syncs of the journal run in.
    let syncWork = RepeatedWork()

    var listener: Listener?
    var socketFileWatch = SocketFileWatch()
    var clockComplaint = Complaint()
    var signals: [SignalWatcher] = []
    var housekeeping: Timer?
    /// Ends the wait for events when time makes something due, and when that is.
    var alarm: Timer?
    var alarmAt: Timestamp?
    var clock: EngineClock
    /// The moment of this turn.
    var moment: Moment
    /// The number of this turn.
    var turn: UInt64 = 1
    /// Whose requests are handled in this turn; the rest is for the next one, after a look at the sockets, the timers and
    /// the snapshot.
    var schedule = TurnSchedule()
    /// What each user takes of connections and memory.
    var quotas: UserQuotas

    /// The lower half of a session's number is the slot of its connection.
    var connections = SlotTable<Connection?>()
    var nextSerial: UInt64 = 1
    var dirty: [Connection] = []
    /// The slot of the connection that is the next to be told of events.
    var nextListener = 0
    /// Connections that may still be accepted in this turn, and whether others wait for the next one.
    var acceptsLeft = 0
    var hasCallers = false

    var shutdown = Shutdown.notBegun
    var turnsUntilQuiet = 0
    /// The longest turn so far, in nanoseconds of this thread's processor time, and what is measured for the log.
    var turnStartedAt: Int64 = 0
    var longestTurnNanoseconds: Int64 = 0

    enum Shutdown {
        case notBegun
        /// Nobody is let in any more; what has been received is being answered.
        case draining(since: Timestamp)
        /// The last snapshot is being written.
        case writing
        /// The last replies are being sent.
        case flushing
    }

    private static let housekeepingMilliseconds: Int64 = 1_000

    var failure: ServerFailure?

    // MARK: Start

    /// Recovers the state of the data directory.
    public init(_ configuration: ServerConfiguration) throws(ServerFailure) {
        self.configuration = configuration
        log = Log(threshold: configuration.logLevel)
        limits = try Self.limits(configuration, log)
        quotas = UserQuotas(limits)
        let directory: DirectoryStorage
        do throws(DirectoryError) {
            directory = try DirectoryStorage(configuration.dataDirectory, .owning)
            try directory.checkPermissions()
        } catch { throw ServerFailure(error) }
        do throws(LoopError) { loop = try EventLoop() } catch { throw .unavailable(error.description) }

        let store = SnapshotStore(directory)
        let boottime = SystemClock.bootMilliseconds
        let realtime = SystemClock.wallMilliseconds
        let begun = SystemClock.threadNanoseconds
        let recovered = try Self.recover(store, configuration, limits, log, at: Moment(milliseconds: realtime))
        var clock = EngineClock(
            continuing: recovered.recorded, boottime: boottime, realtime: realtime,
            isSynchronised: SystemClock.isSynchronised)
        moment = clock.moment(boottime: boottime, realtime: realtime).moment
        self.clock = clock
        log(recovered.isWhole ? .notice : .critical, recovered.report(of: configuration.dataDirectory))
        let identity = Engine.Identity(
            server: serverVersion, processID: UInt32(getpid()), epoch: recovered.epoch, salt: .random(in: 0 ... .max))
        do throws(SnapshotFailure) {
            keeper = try Storekeeper(recovered, in: store, identity: identity, configuration.storekeeping, at: moment)
        } catch { throw .storage(error.description) }
        keeper.engine.hasUsed(processorNanoseconds: SystemClock.threadNanoseconds - begun)
        keeper.delegate = self
        keeper.tellStart()
        loop.delegate = self
        keeper.engine.census.dataDirectory = Self.absolute(configuration.dataDirectory)
        measure()
        if clock.isDoubting { tellDoubt() }
    }

    private static func recover(
        _ store: SnapshotStore<DirectoryStorage>, _ configuration: ServerConfiguration, _ limits: Limits, _ log: Log,
        at moment: Moment
    ) throws(ServerFailure) -> Recovered {
        do throws(RecoveryRefusal) {
            return try Recovered.find(
                in: store, profile: configuration.profile, limits: limits, newEpoch: .random(in: 1 ... .max), at: moment
            ) { log(.notice, "\(Quantity.count($0, "journal entry", plural: "journal entries")) replayed") }
        } catch { throw ServerFailure(error) }
    }

    /// The configured limits, lowered to what the descriptor limit allows. What has to hold between them holds.
    private static func limits(_ configuration: ServerConfiguration, _ log: Log) throws(ServerFailure) -> Limits {
        var limits = configuration.limits
        let descriptors: Int
        do throws(LoopError) { descriptors = try DescriptorLimit.raise() } catch {
            throw .configuration("the limit of descriptors cannot be read or raised: \(error)")
        }
        let possible = descriptors - limits.reservedDescriptors
        guard possible > 0 else {
            throw .configuration(
                "the limit of \(Quantity.count(descriptors, "descriptor")) leaves none for clients; raise `ulimit -n`")
        }
        if possible < limits.connections {
            log(
                .warning,
                "the limit of \(descriptors) descriptors allows \(Quantity.count(possible, "connection")), not \(limits.connections)"
            )
            limits.connections = possible
        }
        let conflicts = limits.conflicts
        guard conflicts.isEmpty else {
            throw .configuration("the limits cannot be used: \(conflicts.joined(separator: "; "))")
        }
        return limits
    }

    /// Listens and serves until it is told to stop; returns when the last snapshot is on the disk.
    public func run() throws(ServerFailure) {
        let inherited = try ServiceManager.inheritedListener()
        do throws(LoopError) {
            try watchSignals()
            let listener = try makeListener(inherited)
            listener.delegate = self
            try listener.start()
            self.listener = listener
            try startHousekeeping()
        } catch {
            throw ServerFailure(error, on: configuration.socketPath)
        }
        readClocks()
        keeper.beginTurn(at: moment)
        checkClock()
        keeper.engine.beginGrace(at: moment)
        // The first turn writes down what has been done.
        loop.runAgain()
        // Whoever is told that it is ready finds in the log what there was to say of the start.
        log.flush()
        ServiceManager.notify("READY=1")
        loop.run()
        if let failure { throw failure }
    }

    private func makeListener(_ inherited: Int32?) throws(LoopError) -> Listener {
        if let inherited {
            log(.notice, "listening on the socket of the service manager")
            return try Listener(on: loop, inheriting: inherited)
        }
        let listener = try Listener(on: loop, path: configuration.socketPath, mode: configuration.socketMode)
        log(.notice, "listening on \(configuration.socketPath)")
        return listener
    }

    private func startHousekeeping() throws(LoopError) {
        let soonest = min(configuration.snapshotIntervalMilliseconds, limits.helloMilliseconds)
        let interval = min(Self.housekeepingMilliseconds, max(10, soonest))
        let housekeeping = try Timer(on: loop) { [unowned self] in keepHouse() }
        housekeeping.start(afterMilliseconds: interval, repeatingMilliseconds: interval)
        self.housekeeping = housekeeping
        // The turn that it begins does what is due.
        alarm = try Timer(on: loop) { [unowned self] in alarmAt = nil }
    }

    /// Whether requests are still being read.
    var isServing: Bool {
        switch shutdown {
        case .notBegun, .draining: true
        case .writing, .flushing: false
        }
    }
}
