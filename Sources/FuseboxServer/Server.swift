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

    private var listener: Listener?
    private var signals: [SignalWatcher] = []
    private var housekeeping: Timer?
    /// Ends the wait for events when time makes something due, and when that is.
    private var alarm: Timer?
    private var alarmAt: Timestamp?
    private var clock: EngineClock
    /// The moment of this turn.
    private(set) var moment: Moment
    /// The number of this turn.
    private(set) var turn: UInt64 = 1
    /// When this turn handles no more requests, on the monotonic clock: the rest is for the next one, after a look at
    /// the sockets, the timers and the snapshot.
    private var turnDeadline: Int64 = .max

    /// Connections by slot; a free slot is nil. The lower half of a session's number is its slot.
    private var connections: [Connection?] = []
    private var freeSlots: [Int] = []
    private var connectionCount = 0
    private var nextSerial: UInt64 = 1
    private var dirty: [Connection] = []
    private var continuing: [Connection] = []

    private var shutdown = Shutdown.notBegun
    private var turnsUntilQuiet = 0
    /// The longest turn so far, in nanoseconds of this thread's processor time, and what is measured for the log.
    private var turnStartedAt: Int64 = 0
    private(set) var longestTurnNanoseconds: Int64 = 0

    private enum Shutdown {
        case notBegun
        /// Nobody is let in any more; what has been received is being answered.
        case draining(since: Timestamp)
        /// The last snapshot is being written.
        case writing
        /// The last replies are being sent.
        case flushing
    }

    /// How long a shutdown goes on reading what clients keep sending.
    private static let drainMilliseconds: Int64 = 250
    /// How long it waits for peers to take their last replies.
    private static let flushMilliseconds: Int64 = 2_000
    private static let housekeepingMilliseconds: Int64 = 1_000
    private static let turnNanoseconds: Int64 = 2_000_000

    private var failure: ServerFailure?

    // MARK: Start

    /// Recovers the state of the data directory.
    public init(_ configuration: ServerConfiguration) throws(ServerFailure) {
        self.configuration = configuration
        log = Log(threshold: configuration.logLevel)
        limits = try Self.limits(configuration, log)
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
        var clock = EngineClock(continuing: recovered.recorded, boottime: boottime, realtime: realtime)
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
    }

    private static func recover(
        _ store: SnapshotStore<DirectoryStorage>, _ configuration: ServerConfiguration, _ limits: Limits, _ log: Log,
        at moment: Moment
    ) throws(ServerFailure) -> Recovered {
        do throws(RecoveryRefusal) {
            return try Recovered.find(
                in: store, profile: configuration.profile, limits: limits, newEpoch: .random(in: 1 ... .max), at: moment
            ) { log(.notice, "\($0) journal entries replayed") }
        } catch { throw ServerFailure(error) }
    }

    /// The configured limits, lowered to what the descriptor limit allows.
    private static func limits(_ configuration: ServerConfiguration, _ log: Log) throws(ServerFailure) -> Limits {
        var limits = configuration.limits
        let descriptors: Int
        do throws(LoopError) { descriptors = try DescriptorLimit.raise() } catch {
            throw .configuration("the limit of descriptors cannot be read or raised: \(error)")
        }
        let possible = descriptors - limits.reservedDescriptors
        guard possible > 0 else {
            throw .configuration("the limit of \(descriptors) descriptors leaves none for clients; raise `ulimit -n`")
        }
        if possible < limits.connections {
            log(
                .warning,
                "the limit of \(descriptors) descriptors allows \(possible) connections, not \(limits.connections)")
            limits.connections = possible
        }
        return limits
    }

    /// Listens and serves until it is told to stop; returns when the last snapshot is on the disk.
    public func run() throws(ServerFailure) {
        SignalWatcher.ignoreBrokenPipes()
        SignalWatcher.unblockAll()
        let inherited = try ServiceManager.inheritedListener()
        do throws(LoopError) {
            try watchSignals()
            let listener = try makeListener(inherited)
            listener.delegate = self
            try listener.start()
            self.listener = listener
            try startHousekeeping()
        } catch {
            throw error.isAddressInUse
                ? .alreadyRunning("somebody listens on \(configuration.socketPath) already: \(error)")
                : .unavailable("cannot listen on \(configuration.socketPath): \(error)")
        }
        readClocks()
        keeper.engine.beginGrace(at: moment)
        ServiceManager.notify("READY=1")
        loop.run()
        if let failure { throw failure }
    }

    private func watchSignals() throws(LoopError) {
        for signal in [SignalWatcher.Signal.terminate, .interrupt] {
            signals.append(
                try SignalWatcher(on: loop, signal) { [unowned self] in
                    log(.notice, "stopping: \(signal)")
                    beginShutdown()
                })
        }
        signals.append(try SignalWatcher(on: loop, .user1) { [unowned self] in tellStatistics() })
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

    /// Sees to it that a turn begins when something is due.
    private func setAlarm() {
        guard let alarm, let wait = keeper.engine.untilDue(at: moment) else { return }
        guard moment.now + wait != alarmAt else { return }
        alarmAt = moment.now + wait
        // The loop's own time is that of the beginning of its turn, or earlier: it may be early, and is then set again.
        loop.updateTime()
        alarm.start(afterMilliseconds: wait)
    }

    /// Whether requests are still being read.
    var isServing: Bool {
        switch shutdown {
        case .notBegun, .draining: true
        case .writing, .flushing: false
        }
    }
}

// MARK: Turns

extension Server: EventLoopDelegate {
    public func turnBegins(_ loop: EventLoop) {
        turnStartedAt = SystemClock.threadNanoseconds
        turn += 1
        readClocks()
        keeper.beginTurn(at: moment)
        turnDeadline = SystemClock.monotonicNanoseconds + Self.turnNanoseconds
        continueRequests()
    }

    private func readClocks() {
        let (moment, step) = clock.moment(
            boottime: SystemClock.bootMilliseconds, realtime: SystemClock.wallMilliseconds)
        self.moment = moment
        if let step {
            log(.warning, "the wall clock was stepped by \(step) ms; windows and cooldowns are not affected")
        }
    }

    /// Handles what the last turns have left over. Whoever had to wait longest comes first.
    private func continueRequests() {
        guard !continuing.isEmpty else { return }
        let leftOver = continuing
        continuing.removeAll(keepingCapacity: true)
        var next = 0
        while next < leftOver.count, !isTurnOver {
            leftOver[next].isContinuing = false
            leftOver[next].process()
            next += 1
        }
        continuing.insert(contentsOf: leftOver[next...], at: 0)
    }

    /// Whether this turn handles no more requests.
    var isTurnOver: Bool { SystemClock.monotonicNanoseconds > turnDeadline }

    public func turnEnds(_ loop: EventLoop) {
        keeper.endTurn()
        if keeper.engine.hasEvents {
            for case let connection? in connections where !connection.session.topics.isEmpty {
                connection.deliverEvents()
            }
            keeper.engine.eventsDelivered()
        }
        flushAll()
        if !continuing.isEmpty { loop.runAgain() }
        keeper.writeSnapshotIfDue()
        continueShutdown()
        if isServing { setAlarm() }
        let nanoseconds = SystemClock.threadNanoseconds - turnStartedAt
        keeper.engine.hasUsed(processorNanoseconds: nanoseconds)
        longestTurnNanoseconds = max(longestTurnNanoseconds, nanoseconds)
    }

    private func flushAll() {
        // Closing a connection can make another dirty only in a later turn.
        guard !dirty.isEmpty else { return }
        for connection in dirty {
            connection.isDirty = false
            connection.flush()
        }
        dirty.removeAll(keepingCapacity: true)
    }

    func markDirty(_ connection: Connection) {
        guard !connection.isDirty else { return }
        connection.isDirty = true
        dirty.append(connection)
    }

    func continueLater(_ connection: Connection) {
        guard !connection.isContinuing else { return }
        connection.isContinuing = true
        continuing.append(connection)
        loop.runAgain()
    }

    private func keepHouse() {
        for case let connection? in connections { connection.checkDeadlines(at: moment.now) }
        keeper.keepHouse()
    }

    /// Logs what SIGUSR1 asks for, and begins to look for the longest turn anew.
    private func tellStatistics() {
        log(
            .notice,
            "\(connectionCount) connections, \(keeper.engine.requests) requests; longest turn \(longestTurnNanoseconds / 1000) µs of processor time"
        )
        longestTurnNanoseconds = 0
    }
}

// MARK: Connections

extension Server: ListenerDelegate {
    public func connectionWaits(at listener: Listener) {
        do throws(LoopError) {
            while let stream = try listener.accept() { try admit(stream) }
        } catch {
            log(.error, "a connection could not be accepted: \(error)")
        }
    }

    public func listener(_ listener: Listener, didFail error: LoopError) {
        log(.error, "a connection could not be accepted: \(error)")
    }

    private func admit(_ stream: Stream) throws(LoopError) {
        guard connectionCount < limits.connections else { return turnAway(stream) }
        let peer = try peer(of: stream)
        let slot = freeSlots.popLast() ?? connections.count
        if slot == connections.count { connections.append(nil) }
        let session = Session(id: nextSerial << 32 | UInt64(slot), peer: peer)
        nextSerial += 1
        let connection = Connection(stream, session, self)
        connections[slot] = connection
        connectionCount += 1
        takeCensus()
        do throws(LoopError) { try connection.startReading() } catch { drop(connection, "reading failed: \(error)") }
    }

    /// Tells a client for which there is no room why, as far as its socket takes it.
    private func turnAway(_ stream: Stream) {
        var output = ByteWriter()
        output.writeRefusal(
            Refusal(
                .tooManyConnections, "\(limits.connections) clients are connected, which is the limit; try again later"),
            command: 0, correlation: 0)
        _ = try? unsafe output.withBytes { try unsafe stream.tryWrite($0) }
        stream.close()
    }

    private func peer(of stream: Stream) throws(LoopError) -> Peer {
        let credentials = try stream.peer
        let isAdmin = configuration.adminGroup.map { credentials.groupID == $0 || stream.peerGroups.contains($0) }
        return Peer(
            processID: credentials.processID, user: credentials.userID,
            isOperator: credentials.userID == 0 || credentials.userID == geteuid() || isAdmin == true)
    }

    private func takeCensus() {
        keeper.engine.census.connections = UInt32(connectionCount)
        keeper.engine.census.connectionLimit = UInt32(limits.connections)
    }

    /// The connection of a session, if it is still there.
    func connection(_ session: UInt64) -> Connection? {
        let slot = Int(session & 0xFFFF_FFFF)
        guard slot < connections.count, let connection = connections[slot], connection.session.id == session else {
            return nil
        }
        return connection
    }

    /// Closes a connection because something is wrong with it.
    func drop(_ connection: Connection, _ reason: String) {
        log(.info, "dropped \(connection.session.client) (process \(connection.session.peer.processID)): \(reason)")
        remove(connection)
    }

    /// Closes a connection.
    func remove(_ connection: Connection) {
        guard connection.stream.isOpen else { return }
        connection.stream.close()
        keeper.engine.sessionEnded(
            connection.session, processIsGone: Processes.hasEnded(connection.session.peer.processID))
        let slot = Int(connection.session.id & 0xFFFF_FFFF)
        connections[slot] = nil
        freeSlots.append(slot)
        connectionCount -= 1
        takeCensus()
    }

    func bytesArrived() { turnsUntilQuiet = 2 }

    /// Ends the connections whose worker has connected anew.
    func endFenced() {
        guard !keeper.engine.fenced.isEmpty else { return }
        let fenced = keeper.engine.fenced
        keeper.engine.fencingDone()
        let refusal = Refusal(.fenced, "the same worker has connected anew; this connection is over")
        for session in fenced { connection(session)?.finish(refusal) }
    }
}

// MARK: Shutdown

extension Server {
    /// Lets nobody in any more, answers what was received, writes the last snapshot and ends.
    func beginShutdown() {
        guard case .notBegun = shutdown else { return }
        ServiceManager.notify("STOPPING=1")
        listener?.close()
        shutdown = .draining(since: moment.now)
        turnsUntilQuiet = 2
        loop.runAgain()
    }

    private func continueShutdown() {
        switch shutdown {
        case .notBegun: return
        case .draining(let since):
            // What clients had sent is in their sockets: it is read until two turns bring nothing new.
            turnsUntilQuiet -= 1
            if (turnsUntilQuiet <= 0 && continuing.isEmpty) || moment.now - since > Self.drainMilliseconds {
                finishRequests()
            } else {
                loop.runAgain()
            }
        case .writing:
            guard keeper.isQuiet else { return }
            if let failure = keeper.stopFailure {
                fail(.storage("the last snapshot could not be written: \(failure)"))
            }
            shutdown = .flushing
            let refusal = Refusal(.shuttingDown, "the daemon is stopping; reconnect in a moment")
            for case let connection? in connections { connection.finish(refusal) }
            flushAll()
            armFlushDeadline()
            continueShutdown()
        case .flushing:
            if connectionCount == 0 { end() }
        }
    }

    /// Handles every complete request that has been read, and captures the last state.
    private func finishRequests() {
        // Fairness is for those who stay: each gets all of its requests handled.
        turnDeadline = .max
        repeat {
            continuing.removeAll()
            turn += 1
            for case let connection? in connections {
                connection.isContinuing = false
                connection.process()
            }
        } while !continuing.isEmpty
        shutdown = .writing
        for case let connection? in connections { connection.stream.stopReading() }
        flushAll()
        keeper.stop()
        loop.runAgain()
    }

    private func armFlushDeadline() {
        housekeeping?.close()
        guard let deadline = try? Timer(on: loop, action: { [unowned self] in end() }) else { return end() }
        deadline.start(afterMilliseconds: Self.flushMilliseconds)
        housekeeping = deadline
    }

    private func end() {
        for case let connection? in connections { remove(connection) }
        housekeeping?.close()
        alarm?.close()
        for signal in signals { signal.close() }
        keeper.seal()
        log(
            .notice,
            "stopped after \(keeper.engine.requests) requests; longest turn \(longestTurnNanoseconds / 1000) µs of processor time"
        )
        loop.stop()
    }

    private func fail(_ failure: ServerFailure) {
        self.failure = failure
        log(.critical, failure.description)
    }
}
