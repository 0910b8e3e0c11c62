import FuseboxWire

/// Calls that wait for their turn: tickets, the pushes that end them, withdrawals.
///
/// A request that may wait stays open after its reply if that is a ticket. The end of the wait is pushed:
///
/// | input | what follows |
/// |---|---|
/// | a push with a permit, or with the end of the time | the request ends with it |
/// | a push `refused` | the request is sent again without a wait, and the daemon tells why |
/// | the connection is lost | the request is sent again, and continues the wait of its ticket; also a withdrawn one, whose permit may have been granted meanwhile |
/// | a push for a ticket whose request is under way, for the first time or again | nothing: the reply tells what counts |
/// | the daemon is away | a request that has waited goes on until its deadline |
/// | the task is cancelled, the deadline passes | the wait is withdrawn; the push that follows ends the request |
/// | a permit that nobody waits for any more | it is given back |
extension ExchangeMachine {
    /// What a frame says of a waiting call: the reply to an admission, or a push.
    struct Announcement: Equatable {
        /// The ticket; nil if the call does not wait.
        var ticket: UInt64?
        var standing: TicketStanding = .waiting
        /// The permit, if the call has one.
        var permit: UInt64?
    }

    /// Takes a reply to an admission that may wait. Returns false if it ends the request.
    mutating func takeTicket(_ id: RequestID, _ said: Announcement) -> Bool {
        if requests[id].interest == .none, let permit = said.permit { actions.append(.giveBack(permit)) }
        guard let ticket = said.ticket else { return false }
        closeNumber(id)
        tickets[ticket] = id
        requests.change(id) {
            $0.delivery = .waiting(ticket: ticket)
            $0.hasWaited = true
            $0.resumes = 0
        }
        if requests[id].interest == .none || requests[id].isWithdrawn { actions.append(.withdraw(ticket)) }
        return true
    }

    /// Takes the push that ends a wait.
    mutating func takePush(_ said: Announcement) {
        guard let ticket = said.ticket, let id = tickets.removeValue(forKey: ticket) else {
            if let ticket = said.ticket, isAsked(for: ticket) { return }
            if let permit = said.permit { actions.append(.giveBack(permit)) }
            return
        }
        if requests[id].interest == .none, let permit = said.permit { actions.append(.giveBack(permit)) }
        switch said.standing {
        case .granted, .expired: end(id, .pushed)
        case .withdrawn: end(id, .failed(.cancelled))
        case .refused where requests[id].interest == .open:
            requests.change(id) { $0.hasWaited = false }
            actions.append(.askAgain(id, ticket: 0))
            send(id)
        case .refused, .waiting, .forgotten, .unknown: end(id, .failed(.outcomeUnknown))
        }
    }

    /// Whether a request under way was answered with this ticket on an earlier connection, or continues its wait.
    ///
    /// Its reply has the permit that the push tells of. Or it has a new wait, whose ticket may be the same: the daemon
    /// sends that behind the push.
    private func isAsked(for ticket: UInt64) -> Bool {
        !requests.ids(where: { $0.mayWait && ($0.sequence == ticket || $0.resumes == ticket) }).isEmpty
    }

    /// The task of a request that may wait was cancelled. Returns false if the request has not been sent.
    mutating func withdraw(_ id: RequestID) -> Bool {
        switch requests[id].delivery {
        case .idle, .queued: return false
        case .sent: break
        case .waiting(let ticket): actions.append(.withdraw(ticket))
        }
        requests.change(id) { $0.isWithdrawn = true }
        return true
    }

    /// Takes the waiting requests of a lost connection. Returns those that continue their waits on the next one.
    mutating func takeWaiting() -> [RequestID] {
        guard !tickets.isEmpty else { return [] }
        var again: [RequestID] = []
        for (ticket, id) in tickets.sorted(by: { $0.key < $1.key }) {
            if requests[id].isWithdrawn, requests[id].interest == .open { complete(id, .failed(.cancelled)) }
            let isWaitedFor = requests[id].interest == .open
            requests.change(id) {
                // One that nobody waits for any more is sent all the same: its permit may have been granted.
                $0.delivery = .queued(mayHaveArrived: !isWaitedFor)
                $0.resumes = ticket
            }
            actions.append(.askAgain(id, ticket: ticket))
            again.append(id)
        }
        tickets.removeAll()
        return again
    }
}
