import FuseboxWire

/// Whether a report has reached the daemon.
public enum Delivery: Sendable, Equatable {
    /// The daemon has the report.
    case delivered
    /// The daemon is away. The report is kept and sent when the daemon is back.
    case queued
    /// The report was sent, but the daemon took too long or has forgotten this worker. The report may have counted, at
    /// most once.
    case unknown
}

// The failure policy: how decisions and reports are answered while the daemon is away.

extension FuseboxClient {
    var failsOpen: Bool { configuration.failurePolicy != .failClosed }

    /// Whether reports are kept while the daemon is away.
    var keepsReports: Bool { failsOpen || configuration.keepsReports }

    /// Returns if the failure policy lets an answer be assumed after this error.
    ///
    /// - Throws: the error, otherwise
    private func allowAssumption(after error: ClientError) throws(ClientError) {
        guard failsOpen, error.meansAway else { throw error }
    }

    /// Asks for an admission, which may wait for its turn. Nil if the answer is to be assumed.
    func admit(_ admit: borrowing Admit) throws(ClientError) -> Admit.Reply? {
        do throws(ClientError) {
            return try perform(copy admit, isReport: false, waiting: Int(admit.waitMilliseconds))
        } catch { try allowAssumption(after: error) }
        return nil
    }

    /// Asks for an admission, which may wait for its turn. Nil if the answer is to be assumed.
    ///
    /// A cancelled task ends its wait. It takes the answer to an admission that does not wait, so that the permit can be
    /// given back.
    ///
    /// - Parameter heedsCancellation: whether the task does not even wait for that
    func admit(_ admit: Admit, heedsCancellation: Bool) async throws(ClientError) -> Admit.Reply? {
        do throws(ClientError) {
            return try await perform(
                admit, isReport: false, waiting: Int(admit.waitMilliseconds),
                heedsCancellation: heedsCancellation || admit.waitMilliseconds > 0)
        } catch { try allowAssumption(after: error) }
        return nil
    }

    /// Asks for a decision. Nil if the answer is to be assumed.
    func decide<C: Command>(_ command: C) throws(ClientError) -> C.Reply? {
        do throws(ClientError) { return try call(command) } catch { try allowAssumption(after: error) }
        return nil
    }

    /// Asks for a decision. Nil if the answer is to be assumed.
    func decide<C: Command>(_ command: C) async throws(ClientError) -> C.Reply? {
        try await decide(command, heedsCancellation: true)
    }

    /// Asks for a decision. Nil if the answer is to be assumed.
    ///
    /// - Parameter heedsCancellation: whether the wait ends when the task is cancelled
    func decide<C: Command>(_ command: C, heedsCancellation: Bool) async throws(ClientError) -> C.Reply? {
        do throws(ClientError) {
            return try await perform(command, isReport: false, heedsCancellation: heedsCancellation)
        } catch { try allowAssumption(after: error) }
        return nil
    }

    /// A report's reply, if the daemon gave one, and what became of the report.
    struct Reported<Reply: Sendable>: Sendable {
        var reply: Reply?
        var delivery: Delivery

        init(_ reply: Reply?) {
            self.reply = reply
            delivery = reply == nil ? .queued : .delivered
        }

        init(_ delivery: Delivery) { self.delivery = delivery }
    }

    /// Sends a report, or keeps it.
    func report<C: Command>(_ command: C) throws(ClientError) -> Reported<C.Reply> {
        do throws(ClientError) { return Reported(try perform(command, isReport: keepsReports)) } catch {
            guard keepsReports, error.meansAway else { throw error }
        }
        return Reported(.unknown)
    }

    /// Sends a report, or keeps it.
    func report<C: Command>(_ command: C) async throws(ClientError) -> Reported<C.Reply> {
        try await report(command, heedsCancellation: true)
    }

    /// Sends a report, or keeps it.
    ///
    /// - Parameter heedsCancellation: whether the wait ends when the task is cancelled
    func report<C: Command>(
        _ command: C, heedsCancellation: Bool
    ) async throws(ClientError) -> Reported<C.Reply> {
        do throws(ClientError) {
            return Reported(
                try await perform(command, isReport: keepsReports, heedsCancellation: heedsCancellation))
        } catch { guard keepsReports, error.meansAway else { throw error } }
        return Reported(.unknown)
    }

    // MARK: Settling

    /// Settles a permit, or keeps the settle for the daemon's return.
    func settle(_ settle: Settle, of permit: Permit, isKept: Bool) throws(ClientError) -> Settling {
        do throws(ClientError) { return try perform(settle, of: permit, isKept: isKept) } catch {
            guard isKept, error.meansAway else { throw error }
        }
        return Settling(nil, nil, .unknown)
    }

    /// Settles a permit, or keeps the settle for the daemon's return.
    func settle(
        _ settle: Settle, of permit: Permit, isKept: Bool, heedsCancellation: Bool
    ) async throws(ClientError) -> Settling {
        do throws(ClientError) {
            return try await perform(settle, of: permit, isKept: isKept, heedsCancellation: heedsCancellation)
        } catch {
            guard isKept, error.meansAway else { throw error }
        }
        return Settling(nil, nil, .unknown)
    }
}
