import FuseboxWire

/// The few ways in which a request waits, is given up by its caller, and ends. All inputs use these.
extension ExchangeMachine {
    /// It waits for a connection, or for room in the window.
    mutating func enqueue(_ id: RequestID) {
        requests.change(id) { $0.delivery = .queued(mayHaveArrived: false) }
        backlog.append(id)
    }

    /// Nothing more will come of it: it was answered, refused or given up. It is not in the backlog any more.
    ///
    /// Its number is settled, its caller learns the outcome, a report that was kept and has not counted is dropped, and its
    /// place is free if its caller has gone.
    mutating func end(_ id: RequestID, _ outcome: RequestOutcome) {
        settleNumber(id)
        switch requests[id].interest {
        case .open: complete(id, outcome)
        case .kept: if outcome != .answered(status: Status.ok.rawValue) { droppedReports += 1 }
        case .none: break
        }
        requests.change(id) {
            $0.interest = .none
            $0.delivery = .idle
        }
        freeIfUnused(id)
    }

    /// Ends what waits in the backlog and meets a condition.
    mutating func endQueued(where condition: (Request) -> Bool, _ failure: RequestFailure) {
        let ended = backlog.filter { condition(requests[$0]) }
        guard !ended.isEmpty else { return }
        let gone = Set(ended)
        backlog.removeAll { gone.contains($0) }
        for id in ended { end(id, .failed(failure)) }
    }

    /// Its caller waits no longer, for this reason. What the daemon cannot have is taken back.
    mutating func abandon(_ id: RequestID, _ failure: RequestFailure) {
        complete(id, .failed(failure))
        forget(id)
    }

    /// Nobody waits for it. What the daemon cannot have is taken back; what it may have keeps its number until it has answered.
    mutating func forget(_ id: RequestID) {
        requests.change(id) { $0.interest = .none }
        guard requests[id].delivery == .queued(mayHaveArrived: false) else { return freeIfUnused(id) }
        backlog.removeAll { $0 == id }
        end(id, .failed(.cancelled))
        drain()
    }

    /// The report stays; its caller need not wait for it.
    mutating func keep(_ id: RequestID) { complete(id, .kept) }

    /// Gives a request its outcome, and wakes who waits for it.
    mutating func complete(_ id: RequestID, _ outcome: RequestOutcome) {
        requests.change(id) { $0.interest = outcome == .kept ? .kept : .none }
        actions.append(.complete(id, outcome))
        switch requests[id].attendance {
        case .none, .thread: break
        case .parked: actions.append(.wake(id))
        case .task:
            stand(id, .none)
            actions.append(.resume(id))
        }
    }

    /// Keeps the queue within its limit. Reports that may have arrived are bounded by what the daemon keeps.
    mutating func dropExcessReports() {
        while requests.waitingReports > policy.queueLimit,
            let oldest = backlog.first(where: { requests[$0].isWaitingReport })
        {
            backlog.removeAll { $0 == oldest }
            end(oldest, .failed(.absent))
        }
    }

    /// The daemon has answered the number, or it is given up.
    mutating func settleNumber(_ id: RequestID) {
        guard requests[id].sequence != 0 else { return }
        identity.window.settle(requests[id].sequence)
        requests.change(id) { $0.sequence = 0 }
    }

    /// Gives the place back if neither a caller nor the daemon will come back to it.
    mutating func freeIfUnused(_ id: RequestID) {
        guard !requests[id].isOwned, requests[id].delivery == .idle else { return }
        stand(id, .none)
        requests.free(id)
        actions.append(.free(id))
    }
}
