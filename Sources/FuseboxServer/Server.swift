import FuseboxCollections
import FuseboxCore
import FuseboxEngine
import FuseboxLoop
import FuseboxStore
import FuseboxWire
import Glibc

/// The daemon: the engine on the event loop. It accepts connections, passes their requests to the engine, and shuts
/// down in order.
///
/// Everything runs on the loop's thread, except disk work and the log's thread.
package final class Server {
    let configuration: ServerConfiguration
    let log: Log
    let loop: EventLoop
    /// The engine with its journal and its snapshots.
    let keeper: Storekeeper<DirectoryStorage>
    let bounds: Bounds
    /// The work object for syncs of the journal.
    let syncWork = RepeatedWork()

    /// The service manager, and what it was told last: how the daemon stands, and when it was alive.
    let manager: ServiceManager
    var toldStanding = ""
    var toldAlive = Timestamp(milliseconds: 0)
    var syncComplaint = Complaint()

    var listener: Listener?
    var socketFileWatch = SocketFileWatch()
    var signals: [SignalWatcher] = []
    var house = House()
    /// The timer that begins a turn at the engine's next deadline, and the time that it is set to.
    var alarm: Timer?
    var alarmAt: Timestamp?
    /// Whether the kernel reported a synchronised wall clock when it was last asked.
    var isClockSynchronised: Bool
    /// The time of this turn.
    var moment: Moment
    /// The number of this turn.
    var turn: UInt64 = 1
    /// The order in which users' requests are handled, and their time in this turn.
    var schedule = TurnSchedule()
    /// The connections and the memory of each user.
    var quotas: UserQuotas

    /// The connections. The lower half of a session's number is the slot of its connection.
    var connections = SlotTable<Connection?>()
    var nextSerial: UInt64 = 1
    /// Connections with output to send.
    var dirty: [Connection] = []
    /// The watched processes by their numbers, and the limit of their count.
    var processes: [Int32: PeerProcess] = [:]
    let processLimit: Int
    /// The slot at which the next delivery of events continues.
    var nextSubscriber = 0
    /// The number of connections that may still be accepted in this turn, and whether one waits for the next turn.
    var acceptsLeft = 0
    var hasUnaccepted = false
    /// What was logged last of the zones that limits need.
    var calendarTrouble: String?

    var shutdown = Shutdown.notBegun
    /// The number of turns without received bytes after which a shutdown stops reading.
    var turnsUntilQuiet = 0
    /// The processor time of this thread, in nanoseconds: at the start of this turn, and of the longest turn so far.
    var turnStartedAt: Int64 = 0
    var longestTurnNanoseconds: Int64 = 0

    enum Shutdown {
        case notBegun
        /// No connection is accepted. Received requests are being answered.
        case draining(since: Timestamp)
        /// The last snapshot is being written.
        case writing
        /// The last replies are being sent.
        case flushing
    }

    /// The failure of the last snapshot, which `run` throws at the end.
    var failure: ServerFailure?

    // MARK: Start

    /// Recovers the state in the data directory, and creates the directory if it does not exist.
    ///
    /// - Throws: `configuration`, `damagedData`, `storage`, `alreadyRunning`, or `unavailable` if there is no event
    ///   loop
    package init(_ configuration: ServerConfiguration) throws(ServerFailure) {
        self.configuration = configuration
        manager = ServiceManager()
        log = Log(threshold: configuration.logLevel)
        (bounds, processLimit) = try Self.bounds(configuration, log)
        quotas = UserQuotas(bounds)
        let directory: DirectoryStorage
        do throws(DirectoryError) {
            directory = try DirectoryStorage(configuration.dataDirectory, .owning)
            try directory.checkPermissions()
        } catch { throw ServerFailure(error) }
        do throws(LoopError) { loop = try EventLoop() } catch { throw .unavailable(error.description) }

        let store = SnapshotStore(directory)
        let reading = ClockReading(
            boottime: SystemClock.bootMilliseconds, realtime: SystemClock.wallMilliseconds,
            isSynchronised: SystemClock.isSynchronised)
        isClockSynchronised = reading.isSynchronised
        let begun = SystemClock.threadNanoseconds
        let recovered = try Self.recover(
            store, configuration, bounds, log, manager, at: Moment(milliseconds: reading.realtime))
        let clock = EngineClock(continuing: recovered.time, reading)
        moment = clock.moment
        log(recovered.isWhole ? .notice : .critical, recovered.report(of: configuration.dataDirectory))
        let identity = Engine.Identity(
            server: serverVersion, processID: UInt32(getpid()), epoch: recovered.epoch, salt: .random(in: 0 ... .max))
        do throws(SnapshotFailure) {
            keeper = try Storekeeper(recovered, in: store, identity: identity, configuration.storekeeping, clock: clock)
        } catch { throw .storage(error.description) }
        keeper.engine.hasUsed(processorNanoseconds: SystemClock.threadNanoseconds - begun)
        keeper.delegate = self
        keeper.tellStart()
        loop.delegate = self
        keeper.engine.census.dataDirectory = Self.absolute(configuration.dataDirectory)
        measure()
        logStart(of: clock)
    }

    private static func recover(
        _ store: SnapshotStore<DirectoryStorage>, _ configuration: ServerConfiguration, _ bounds: Bounds, _ log: Log,
        _ manager: ServiceManager, at moment: Moment
    ) throws(ServerFailure) -> Recovered {
        var reported: Int64?
        do throws(RecoveryRefusal) {
            return try Recovered.find(
                in: store, profile: configuration.profile, bounds: bounds, newEpoch: .random(in: 1 ... .max), at: moment
            ) { entries in
                let now = SystemClock.bootMilliseconds
                guard reported.map({ now - $0 >= Bounds.reportMilliseconds }) ?? true else { return }
                reported = now
                log(.notice, "\(Quantity.count(entries, "journal entry", plural: "journal entries")) replayed so far")
                tellReplay(entries, to: manager)
            }
        } catch { throw ServerFailure(error) }
    }

    /// The configured limits, and how many processes may be watched. The limit of connections is lowered if the
    /// descriptor limit requires it. Limits that contradict each other are refused.
    private static func bounds(
        _ configuration: ServerConfiguration, _ log: Log
    ) throws(ServerFailure) -> (Bounds, processes: Int) {
        var bounds = configuration.bounds
        let descriptors: Int
        do throws(LoopError) { descriptors = try DescriptorLimit.raise() } catch {
            throw .configuration("\(error)")
        }
        let possible = descriptors - bounds.reservedDescriptors
        guard possible > 0 else {
            throw .configuration(
                "the limit of \(Quantity.count(descriptors, "descriptor")) leaves none for clients; raise it with `ulimit -n`"
            )
        }
        if possible < bounds.connections {
            log(
                .warning,
                "the limit of \(descriptors) descriptors allows \(Quantity.count(possible, "connection")), not \(bounds.connections); raise it with `ulimit -n` or LimitNOFILE="
            )
            bounds.connections = possible
        }
        let conflicts = bounds.conflicts
        guard conflicts.isEmpty else {
            throw .configuration("the limits cannot be used: \(conflicts.joined(separator: "; "))")
        }
        // A connection is accepted even if its process cannot be watched. Its worker then has the whole grace.
        return (bounds, min(bounds.connections * Bounds.processesPerConnection, possible - bounds.connections))
    }

    /// Listens and serves until a signal stops the daemon. Returns once the last snapshot is on disk.
    ///
    /// - Throws: `unavailable` or `alreadyRunning` if the daemon cannot listen; `configuration` for what the service
    ///   manager passed; `storage` if the last snapshot was not written
    package func run() throws(ServerFailure) {
        let inherited = try ServiceManager.inheritedListener()
        do throws(LoopError) { try watchSignals() } catch { throw ServerFailure(error, on: configuration.socketPath) }
        try listen(on: inherited)
        tellReady()
        OwnProcess.releaseCode()
        loop.run()
        if let failure { throw failure }
    }

    /// Listens at the configured path, or on the socket that was passed. From then on the loop serves.
    ///
    /// - Throws: `unavailable` or `alreadyRunning`
    func listen(on inherited: Int32?) throws(ServerFailure) {
        do throws(LoopError) {
            let listener = try makeListener(inherited)
            listener.delegate = self
            try listener.start()
            self.listener = listener
            // The timer only has to begin a turn. The turn applies the deadlines.
            alarm = try Timer(on: loop) { [unowned self] in alarmAt = nil }
            try startHousekeeping()
        } catch {
            throw ServerFailure(error, on: configuration.socketPath)
        }
        readClocks()
        keeper.engine.beginGrace(at: moment)
        // The first turn writes the journal entries of the lines above.
        loop.runAgain()
        // The log of the start is complete before the daemon reports that it is ready.
        log.flush()
    }

    private func makeListener(_ inherited: Int32?) throws(LoopError) -> Listener {
        if let inherited {
            log(.notice, "listening on the socket that the service manager passed")
            return try Listener(on: loop, inheriting: inherited)
        }
        let listener = try Listener(on: loop, path: configuration.socketPath, mode: configuration.socketMode)
        log(.notice, "listening on \(configuration.socketPath)")
        return listener
    }

    /// Whether requests are still read and handled.
    var isServing: Bool {
        switch shutdown {
        case .notBegun, .draining: true
        case .writing, .flushing: false
        }
    }
}
