import FuseboxWire
import Glibc
import Synchronization

/// A worker's connection to the daemon.
///
/// One client serves all threads and tasks of a process. Requests are pipelined on one connection, and replies may come
/// in any order. After a lost connection the next call connects again. It first resends the requests that change state
/// and were not answered, and the daemon counts each once.
///
/// After a fork the child's client is another worker. It makes a connection of its own at its next blocking call.
/// Swift's tasks do not survive a fork.
///
/// Every command has a method, grouped by subject (`admission`, `breakers`, `exhaustion`, `ledger`, `snapshots`). Each
/// method has a blocking and an async form. A call ends within `requestTimeoutMilliseconds`.
public final class FuseboxClient: Sendable {
    /// The configuration that the client was made with.
    public let configuration: Configuration
    /// The path of the daemon's socket.
    public let path: String

    /// The exchange of this process. A forked child finds its parent's exchange here and replaces it by its own.
    private let current: SharedReference<Exchange>
    private let wasClosed = Atomic(false)

    private init(_ exchange: Exchange) {
        path = exchange.path
        configuration = exchange.configuration
        current = SharedReference(exchange)
    }

    deinit {
        let exchange = current.object
        if exchange.isOfThisProcess { exchange.close() } else { current.leak() }
    }

    /// Connects to the daemon.
    ///
    /// - Parameters:
    ///   - path: the path of the daemon's socket. Nil stands for `defaultPath`.
    ///   - configuration: how the client behaves
    /// - Throws: `unavailable` if no daemon answers in time. A client that fails open does not throw this: it begins
    ///   without a connection.
    public static func connect(
        to path: String? = nil, configuration: Configuration = Configuration()
    ) throws(ClientError) -> FuseboxClient {
        let exchange = Exchange(path: path ?? defaultPath, configuration: configuration)
        do throws(ClientError) { try exchange.connectFirst() } catch {
            guard configuration.failurePolicy != .failClosed, error.meansAway else { throw error }
        }
        return FuseboxClient(exchange)
    }

    /// Connects to the daemon, and waits for one that is not there yet: a service that starts with the host may be there
    /// before the daemon.
    ///
    /// - Parameters:
    ///   - path: the path of the daemon's socket. Nil stands for `defaultPath`.
    ///   - configuration: how the client behaves
    ///   - time: how long the daemon is waited for; with zero it is asked once
    /// - Throws: `unavailable` or `timedOut` if no daemon has answered in this time; what no time helps against is thrown at
    ///   once. A client that fails open begins without a connection after this time, and throws neither.
    public static func connect(
        to path: String? = nil, configuration: Configuration = Configuration(), waitingUntilReady time: Duration
    ) throws(ClientError) -> FuseboxClient {
        let client = FuseboxClient(Exchange(path: path ?? defaultPath, configuration: configuration))
        let end = ContinuousClock.now + time
        while true {
            do throws(ClientError) {
                _ = try client.ping()
                return client
            } catch {
                guard error.meansAway else { throw error }
                guard ContinuousClock.now < end else { return try client.withoutDaemon(error) }
            }
            _ = poll(nil, 0, Int32(Self.readinessInterval.wholeMilliseconds))
        }
    }

    /// Connects to the daemon, and waits for one that is not there yet. The blocking form documents the details.
    ///
    /// - Throws: as the blocking form; and `cancelled` if the task is cancelled meanwhile.
    public static func connect(
        to path: String? = nil, configuration: Configuration = Configuration(), waitingUntilReady time: Duration
    ) async throws(ClientError) -> FuseboxClient {
        let client = FuseboxClient(Exchange(path: path ?? defaultPath, configuration: configuration))
        let end = ContinuousClock.now + time
        while true {
            do throws(ClientError) {
                _ = try await client.ping()
                return client
            } catch {
                guard error.meansAway else { throw error }
                guard ContinuousClock.now < end else { return try client.withoutDaemon(error) }
            }
            do { try await Task.sleep(for: Self.readinessInterval) } catch { throw .cancelled }
        }
    }

    /// How often a daemon that is waited for is asked. The backoff of the client is a bound of its own.
    private static let readinessInterval = Duration.milliseconds(20)

    /// The client if it fails open.
    private func withoutDaemon(_ error: ClientError) throws(ClientError) -> FuseboxClient {
        guard configuration.failurePolicy != .failClosed else { throw error }
        return self
    }

    /// The path in `$FUSEBOX_SOCKET`, otherwise `/run/fusebox/fusebox.sock`.
    public static var defaultPath: String {
        guard let path = unsafe getenv("FUSEBOX_SOCKET"), unsafe path.pointee != 0 else {
            return "/run/fusebox/fusebox.sock"
        }
        return unsafe String(cString: path)
    }

    /// The daemon's reply to hello on the present connection. Nil while there is none.
    public var hello: Hello.Reply? {
        do throws(ClientError) { return try exchange().hello } catch { return nil }
    }

    /// The number of reports that wait for the daemon's return. Reports that were sent and not answered do not count.
    ///
    /// A client that fails closed keeps only settles of `withPermit`, unless `Configuration.keepsReports` is set.
    public var queuedReports: Int {
        do throws(ClientError) { return try exchange().queuedReports } catch { return 0 }
    }

    /// The number of kept reports that were dropped: pushed out of a full queue, refused on the daemon's return, or
    /// sent to a daemon that has forgotten this worker, so that it is not known whether they counted. Refused settles
    /// of `withPermit` count too.
    public var droppedReports: UInt64 {
        // The reports that close() dropped count too, so a closed client still answers.
        let exchange = current.object
        return exchange.isOfThisProcess ? exchange.droppedReports : 0
    }

    /// The reports that `close` has left in the user's spool and their file, or why that failed. Reports that could not
    /// be left count as dropped.
    public var spooling: Spooling {
        let exchange = current.object
        return exchange.isOfThisProcess ? exchange.spooling : Spooling()
    }

    /// Waits until the files that were in the spool at the connect are delivered, or cannot be.
    package func waitForSpool(atMost time: Duration) {
        let exchange = try? exchange()
        exchange?.waitForSpool(until: .after(milliseconds: Int(clamping: time.wholeMilliseconds)))
    }

    func noteDroppedReport() {
        let exchange = current.object
        if exchange.isOfThisProcess { exchange.noteDroppedReport() }
    }

    /// Closes the client.
    ///
    /// Requests under way and queued reports first get a request timeout, at most a second. Calls without a reply by
    /// then, and later ones, throw `closed`. Kept reports without a reply are left in the user's spool, and the next
    /// client of this user delivers them; see `spooling`. Without a spool they are dropped.
    ///
    /// A client that goes out of scope is closed. A process that ends with an open client does not close it.
    public func close() {
        guard !wasClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        let exchange = current.object
        if exchange.isOfThisProcess { exchange.close() }
    }

    // MARK: Calls

    /// Carries a command out and blocks until its reply has come.
    ///
    /// The failure policy does not apply here. It applies to the methods that are grouped by subject.
    ///
    /// - Throws: `unavailable`, `timedOut`, `outcomeUnknown`, `refused`, `closed` and the like; see `ClientError`.
    public func call<C: Command>(_ command: C) throws(ClientError) -> C.Reply {
        try answered(try perform(command, isReport: false))
    }

    /// Carries a command out and suspends the task until its reply has come.
    ///
    /// - Throws: as the blocking `call`; and `cancelled` if the task is cancelled meanwhile.
    public func call<C: Command>(_ command: C) async throws(ClientError) -> C.Reply {
        try answered(try await perform(command, isReport: false, heedsCancellation: true))
    }

    /// Sends a command and returns when its frame was sent. `PendingReply.wait` gives the reply.
    ///
    /// Many requests may be under way. The daemon receives them in the order of `submit`.
    ///
    /// - Throws: as `call`.
    public func submit<C: Command>(_ command: C) throws(ClientError) -> PendingReply<C.Reply> {
        let exchange = try exchange()
        let waiter = try exchange.prepare(command, isReport: false)
        let timeout = exchange.timeoutMilliseconds(of: C.declaration)
        try exchange.send(waiter, until: .after(milliseconds: timeout))
        return PendingReply(exchange, waiter, timeoutMilliseconds: timeout) { exchange, waiter throws(ClientError) in
            try exchange.conclude(waiter, C.self)
        }
    }

    private func answered<Reply>(_ reply: Reply?) throws(ClientError) -> Reply {
        guard let reply else { preconditionFailure("only reports are kept") }
        return reply
    }

    /// As `call`. Nil for a report that is kept for the daemon's return.
    ///
    /// - Parameter waiting: how long an admission may wait for its turn, in milliseconds, in addition to the timeout
    func perform<C: Command>(_ command: C, isReport: Bool, waiting: Int = 0) throws(ClientError) -> C.Reply? {
        let exchange = try exchange()
        let waiter = try exchange.prepare(command, isReport: isReport, waiting: waiting)
        let timeout = exchange.timeoutMilliseconds(of: C.declaration)
        exchange.perform(waiter, until: .after(milliseconds: timeout) + waiting)
        return try exchange.conclude(waiter, C.self)
    }

    /// As `call`. Nil for a report that is kept for the daemon's return.
    func perform<C: Command>(
        _ command: C, isReport: Bool, waiting: Int = 0, heedsCancellation: Bool
    ) async throws(ClientError) -> C.Reply? {
        let exchange = try exchange()
        let waiter = try exchange.prepare(command, isReport: isReport, waiting: waiting)
        let timeout = exchange.timeoutMilliseconds(of: C.declaration)
        await exchange.attend(
            waiter, until: .after(milliseconds: timeout) + waiting, heedsCancellation: heedsCancellation)
        return try exchange.conclude(waiter, C.self)
    }

    /// As `call`, for a settle; see `Exchange.prepare(_:orElse:permitOf:isReport:)`.
    func perform(_ settle: Settle, of permit: Permit, isKept: Bool) throws(ClientError) -> Settling {
        let exchange = try exchange()
        exchange.stopRenewing(settle.permit)
        let waiter = try exchange.prepare(
            settle, orElse: Report(of: permit, settle), permitOf: permit.epoch, isReport: isKept)
        exchange.perform(waiter, until: .after(milliseconds: exchange.timeoutMilliseconds(of: Settle.declaration)))
        return try exchange.concludeSettle(waiter)
    }

    /// As `call`, for a settle; see `Exchange.prepare(_:orElse:permitOf:isReport:)`.
    func perform(
        _ settle: Settle, of permit: Permit, isKept: Bool, heedsCancellation: Bool
    ) async throws(ClientError) -> Settling {
        let exchange = try exchange()
        exchange.stopRenewing(settle.permit)
        let waiter = try exchange.prepare(
            settle, orElse: Report(of: permit, settle), permitOf: permit.epoch, isReport: isKept)
        let timeout = exchange.timeoutMilliseconds(of: Settle.declaration)
        await exchange.attend(
            waiter, until: .after(milliseconds: timeout), heedsCancellation: heedsCancellation)
        return try exchange.concludeSettle(waiter)
    }

    // MARK: The exchange of this process

    /// The epoch of the daemon's state, as it was last told.
    var epoch: UInt64? {
        do throws(ClientError) { return try exchange().epoch } catch { return nil }
    }

    /// Whether `close` has been called.
    var isClosed: Bool { wasClosed.load(ordering: .acquiring) }

    func exchange() throws(ClientError) -> Exchange {
        guard !isClosed else { throw .closed }
        let exchange = current.object
        if exchange.isOfThisProcess { return exchange }
        return current.replace(exchange, by: Exchange(path: path, configuration: configuration))
    }
}
