import FuseboxWire
import Glibc
import Synchronization

/// A worker's connection to the daemon.
///
/// One client serves all threads and tasks of a process: requests are pipelined on one connection, and replies find
/// their callers in whatever order they come. Lost connections are made again by the next call, which first sends again
/// what changes state and was not answered; the daemon counts it once. After a fork the
/// child's client is another worker with a connection of its own, from its next call on (blocking calls; Swift's
/// tasks themselves do not survive a fork).
///
/// Every command has a method, grouped by subject (`admission`, `breakers`, `exhaustion`, `ledger`, `snapshots`), which blocks its
/// thread or, called with `await`, suspends its task. A call ends within `requestTimeoutMilliseconds`.
public final class FuseboxClient: Sendable {
    /// What it was told at the start.
    public let configuration: Configuration
    /// Where the daemon's socket is.
    public let path: String

    /// The requests of this process. A forked child finds its parent's here, and puts its own in its place.
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
    /// - Parameter path: the daemon's socket; nil stands for `$FUSEBOX_SOCKET`, else `/run/fusebox/fusebox.sock`.
    /// - Throws: `unavailable` if no daemon answers in time. Under `FailurePolicy.failOpen` that is no error: the
    ///   client begins without a connection.
    public static func connect(
        to path: String? = nil, configuration: Configuration = Configuration()
    ) throws(ClientError) -> FuseboxClient {
        let exchange = Exchange(path: path ?? defaultPath, configuration: configuration)
        do throws(ClientError) { try exchange.connectFirst() } catch {
            guard configuration.failurePolicy != .failClosed, error.meansAway else { throw error }
        }
        return FuseboxClient(exchange)
    }

    /// `$FUSEBOX_SOCKET`, else `/run/fusebox/fusebox.sock`.
    public static var defaultPath: String {
        guard let path = unsafe getenv("FUSEBOX_SOCKET"), unsafe path.pointee != 0 else {
            return "/run/fusebox/fusebox.sock"
        }
        return unsafe String(cString: path)
    }

    /// What the daemon said when the present connection was made; nil while there is none.
    public var hello: Hello.Reply? {
        do throws(ClientError) { return try exchange().hello } catch { return nil }
    }

    /// Reports that wait for the daemon's return: under `FailurePolicy.failOpen`, and settles of `withPermit` always. Those that were sent and not answered
    /// are not among them.
    public var queuedReports: Int {
        do throws(ClientError) { return try exchange().queuedReports } catch { return 0 }
    }

    /// Reports that were queued and then given up: pushed out of a full queue, refused on the daemon's return, or sent to
    /// a daemon that remembers nothing of it, so that it is not known whether they counted. Settles of `withPermit` that were
    /// refused count too.
    public var droppedReports: UInt64 {
        // What close() gave up counts too.
        let exchange = current.object
        return exchange.isOfThisProcess ? exchange.droppedReports : 0
    }

    /// Reports that `close` has left in the user's spool, and the file that holds them; or why it could not leave them, and then
    /// they count as dropped.
    public var spooling: Spooling {
        let exchange = current.object
        return exchange.isOfThisProcess ? exchange.spooling : Spooling()
    }

    /// Waits until what lay in the spool when the connection was made has been delivered, or cannot be.
    package func waitForSpool(atMost time: Duration) {
        let exchange = try? exchange()
        exchange?.waitForSpool(until: .after(milliseconds: Int(clamping: time.wholeMilliseconds)))
    }

    func noteDroppedReport() {
        let exchange = current.object
        if exchange.isOfThisProcess { exchange.noteDroppedReport() }
    }

    /// Says goodbye and closes. What is under way, queued reports too, is first given a request timeout, at most a
    /// second; calls that have no reply by then and later ones throw `closed`. Reports that are kept and have no reply are left in
    /// the user's spool, for the next client of this user to deliver (see `spooling`); without one they are given up.
    ///
    /// A client that goes out of scope is closed. A process that ends while it still has one is not waited for.
    public func close() {
        guard !wasClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        let exchange = current.object
        if exchange.isOfThisProcess { exchange.close() }
    }

    // MARK: Calls

    /// Carries a command out and blocks until its reply has come.
    ///
    /// The failure policy has no say here: see the methods that are grouped by subject.
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

    /// Sends a command and returns when it has left; `wait` on what is returned gives the reply.
    ///
    /// Many may be under way. The order in which they are submitted is the order in which the daemon gets them.
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

    /// As `call`; nil for a report that is kept for the daemon's return.
    func perform<C: Command>(_ command: C, isReport: Bool) throws(ClientError) -> C.Reply? {
        let exchange = try exchange()
        let waiter = try exchange.prepare(command, isReport: isReport)
        exchange.perform(waiter, until: .after(milliseconds: exchange.timeoutMilliseconds(of: C.declaration)))
        return try exchange.conclude(waiter, C.self)
    }

    /// As `call`; nil for a report that is kept for the daemon's return.
    func perform<C: Command>(
        _ command: C, isReport: Bool, heedsCancellation: Bool
    ) async throws(ClientError) -> C.Reply? {
        let exchange = try exchange()
        let waiter = try exchange.prepare(command, isReport: isReport)
        let timeout = exchange.timeoutMilliseconds(of: C.declaration)
        await exchange.attend(
            waiter, until: .after(milliseconds: timeout), heedsCancellation: heedsCancellation)
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

    /// The life of the daemon's state, as it was told last.
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
