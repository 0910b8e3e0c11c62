import FuseboxCollections
import FuseboxWire

/// Closing, and the reports that are left in the spool.
extension ExchangeMachine {
    /// The result of closing: actions, and the reports that are left.
    struct Closing: ~Copyable {
        /// Reports without a reply, in the order in which they are to be sent. Their bytes are valid until the actions
        /// are carried out.
        var left: [LeftRequest] = []
        /// The worker that the reports belong to.
        var worker = WorkerID()
        /// The highest sequence number of the worker, those of the left reports included.
        var lastSequence: UInt64 = 0
        var acquaintance: Acquaintance?
        var actions = ExchangeActions()
    }

    /// A report without a reply.
    struct LeftRequest: Equatable {
        var id: RequestID
        var sequence: UInt64
        var command: UInt16
        /// Whether the daemon may have counted the report.
        var mayHaveLeft: Bool
        var substitute: Request.Substitute?
    }

    /// Whether requests are under way that goodbye should wait for.
    var hasUnanswered: Bool {
        if case .closed = phase { return false }
        let hasOutput = link.map { $0.sent < $0.written } ?? false
        return hasOutput || !identity.window.isQuiet || !backlog.isEmpty
    }

    /// Ends all requests, and says goodbye unless that was done.
    ///
    /// A worker that leaves reports does not say goodbye. The daemon must remember the worker, so that a report that is
    /// sent again counts once.
    ///
    /// - Parameters:
    ///   - keepsReports: whether reports without a reply are returned, and not dropped
    ///   - fresh: a new worker id, for a client that has none
    mutating func close(isFarewellSaid: Bool, keepsReports: Bool, orAs fresh: WorkerID) -> Closing {
        var closing = Closing()
        guard !isClosed else { return closing }
        if keepsReports { closing.left = takeReports() }
        closing.worker = identity.worker ?? fresh
        closing.lastSequence = identity.window.next - 1
        closing.acquaintance = identity.acquaintance
        if case .open = phase {
            if !isFarewellSaid, closing.left.isEmpty { actions.append(.sayGoodbye) }
            actions.append(.close)
        }
        phase = .closed
        backlog = Fifo()
        for id in requests.ids(where: { $0.isOwned || $0.delivery != .idle }) { end(id, .failed(.closed)) }
        callBackground()
        closing.actions = actions.take()
        return closing
    }

    /// Takes the reports without a reply. Each has a sequence number afterwards.
    private mutating func takeReports() -> [LeftRequest] {
        let numbered = requests.ids { $0.sequence != 0 && Self.isLeft($0) }
            .sorted { requests[$0].sequence < requests[$1].sequence }
        let waiting = backlog.filter { requests[$0].sequence == 0 && Self.isLeft(requests[$0]) }
        return (numbered + waiting).map { leave($0) }
    }

    /// Whether a request is a report that may not have counted, and whose caller relies on the client to deliver it.
    private static func isLeft(_ request: Request) -> Bool {
        guard request.delivery != .idle, CommandTable.declaration(request.command)?.report != nil else { return false }
        if request.isReport || request.interest == .kept { return true }
        // The caller was told that the report counts at most once. So it may still be counted.
        return request.interest == .none && request.mayHaveLeft
    }

    /// Ends a report here, because it goes to the spool.
    private mutating func leave(_ id: RequestID) -> LeftRequest {
        let request = requests[id]
        let left = LeftRequest(
            id: id, sequence: request.sequence != 0 ? request.sequence : identity.window.issue(),
            command: request.command, mayHaveLeft: request.mayHaveLeft, substitute: request.substitute)
        identity.window.close(left.sequence)
        if request.interest == .open { keep(id) }
        requests.change(id) {
            $0.sequence = 0
            $0.interest = .none
            $0.delivery = .idle
        }
        freeIfUnused(id)
        return left
    }
}

extension Request {
    /// Whether the daemon may have received a part of the request.
    fileprivate var mayHaveLeft: Bool {
        switch delivery {
        case .idle, .waiting: false
        case .queued(let mayHaveArrived): mayHaveArrived
        case .sent: true
        }
    }
}
