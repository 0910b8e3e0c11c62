import FuseboxCollections
import FuseboxWire

/// The end, and the reports that are left in the spool.
extension ExchangeMachine {
    /// What a closed exchange leaves.
    struct Closing: ~Copyable {
        /// Reports that have no reply, in the order in which they are to be sent. Their bytes are still there until the actions
        /// are carried out.
        var left: [LeftRequest] = []
        /// Whose they are.
        var worker = WorkerID()
        /// The highest number that the worker has used, those of what is left included.
        var lastSequence: UInt64 = 0
        var acquaintance: Acquaintance?
        var actions = ExchangeActions()
    }

    /// A report that has no reply.
    struct LeftRequest: Equatable {
        var id: RequestID
        var sequence: UInt64
        var command: UInt16
        /// Whether the daemon may have counted it.
        var mayHaveLeft: Bool
        var substitute: Request.Substitute?
    }

    /// Whether something is under way that goodbye should wait for.
    var hasUnanswered: Bool {
        if case .closed = phase { return false }
        let hasOutput = link.map { $0.sent < $0.written } ?? false
        return hasOutput || !identity.window.isQuiet || !backlog.isEmpty
    }

    /// Ends everything; says goodbye, unless that has been done.
    ///
    /// A worker that leaves reports says no goodbye: what it has sent must count once when it is sent again.
    ///
    /// - Parameters:
    ///   - keepsReports: whether reports that have no reply are given out, and not given up
    ///   - fresh: an id that nobody else has, for a client that has none
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

    /// Takes the reports that have no reply. All have their numbers then.
    private mutating func takeReports() -> [LeftRequest] {
        let numbered = requests.ids { $0.sequence != 0 && Self.isLeft($0) }
            .sorted { requests[$0].sequence < requests[$1].sequence }
        let waiting = backlog.filter { requests[$0].sequence == 0 && Self.isLeft(requests[$0]) }
        return (numbered + waiting).map { leave($0) }
    }

    /// Whether a request is a report that may not have counted, and that its caller has left to the client.
    private static func isLeft(_ request: Request) -> Bool {
        guard request.delivery != .idle, CommandTable.declaration(request.command)?.report != nil else { return false }
        if request.isReport || request.interest == .kept { return true }
        // Its caller was told that it counts once at the most, and may have it counted.
        return request.interest == .none && request.mayHaveLeft
    }

    /// The client is done with a report: the spool has it.
    private mutating func leave(_ id: RequestID) -> LeftRequest {
        let request = requests[id]
        let left = LeftRequest(
            id: id, sequence: request.sequence != 0 ? request.sequence : identity.window.issue(),
            command: request.command, mayHaveLeft: request.mayHaveLeft, substitute: request.substitute)
        identity.window.settle(left.sequence)
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
    /// Whether the daemon may have something of it.
    fileprivate var mayHaveLeft: Bool {
        switch delivery {
        case .idle: false
        case .queued(let mayHaveArrived): mayHaveArrived
        case .sent: true
        }
    }
}
