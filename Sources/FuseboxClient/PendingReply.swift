import FuseboxWire
import Synchronization

/// The reply to a command that was sent with `submit`. It may not have come yet.
///
/// A program that drops this value without waiting gives up the reply. The command is carried out all the same.
public final class PendingReply<Reply: Sendable>: Sendable {
    typealias Conclusion = @Sendable (Exchange, Waiter) throws(ClientError) -> Reply?

    private let exchange: Exchange
    private let waiter: Waiter
    private let timeoutMilliseconds: Int
    /// Reads the reply. A closure, because only `submit` knows the type of the command.
    private let conclude: Conclusion
    private let isTaken = Atomic(false)

    init(_ exchange: Exchange, _ waiter: Waiter, timeoutMilliseconds: Int, conclude: @escaping Conclusion) {
        self.exchange = exchange
        self.waiter = waiter
        self.timeoutMilliseconds = timeoutMilliseconds
        self.conclude = conclude
    }

    deinit {
        // In a forked child the exchange belongs to the parent and must not be touched.
        guard exchange.isOfThisProcess else { return }
        if !isTaken.load(ordering: .acquiring) { exchange.release(waiter) }
    }

    /// Blocks until the reply has come. The request timeout counts from here.
    ///
    /// - Throws: as `FuseboxClient.call`; `alreadyAwaited` the second time.
    public func wait() throws(ClientError) -> Reply {
        try take()
        exchange.wait(for: waiter, until: .after(milliseconds: timeoutMilliseconds))
        return try result()
    }

    /// Suspends the task until the reply has come. The request timeout counts from here.
    ///
    /// - Throws: as `FuseboxClient.call`; `alreadyAwaited` the second time.
    public func wait() async throws(ClientError) -> Reply {
        try take()
        await exchange.attend(waiter, until: .after(milliseconds: timeoutMilliseconds))
        return try result()
    }

    private func take() throws(ClientError) {
        guard exchange.isOfThisProcess else { throw .forked }
        guard !isTaken.exchange(true, ordering: .acquiringAndReleasing) else { throw .alreadyAwaited }
    }

    private func result() throws(ClientError) -> Reply {
        guard let reply = try conclude(exchange, waiter) else { preconditionFailure("only reports are kept") }
        return reply
    }
}
