import FuseboxWire

/// How a request is queued, is abandoned by its caller, and ends. All inputs use these transitions.
extension ExchangeMachine {
    /// Appends the request to the backlog, where it waits for a connection or for room in the window.
    mutating func enqueue(_ id: RequestID) {
        requests.change(id) {
            $0.delivery = .queued(mayHaveArrived: false)
            $0.attemptsBefore = attempts
        }
        backlog.append(id)
    }

    /// Ends a request that was answered, refused or given up. The request must not be in the backlog.
    ///
    /// Settles its number, gives its caller the outcome, and counts a kept report that failed as dropped. Frees its
    /// place if its caller has gone.
    mutating func end(_ id: RequestID, _ outcome: RequestOutcome) {
        closeNumber(id)
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

    /// Ends the requests of the backlog that meet a condition.
    mutating func endQueued(where condition: (Request) -> Bool, _ failure: RequestFailure) {
        endQueued(backlog.filter { condition(requests[$0]) }, failure)
    }

    /// Ends these requests of the backlog.
    mutating func endQueued(_ ended: [RequestID], _ failure: RequestFailure) {
        guard !ended.isEmpty else { return }
        let gone = Set(ended)
        backlog.removeAll { gone.contains($0) }
        for id in ended { end(id, .failed(failure)) }
    }

    /// The caller stops waiting, for this reason. A request that cannot have reached the daemon is taken back.
    mutating func abandon(_ id: RequestID, _ failure: RequestFailure) {
        complete(id, .failed(failure))
        forget(id)
    }

    /// Nobody waits for the request. If it cannot have reached the daemon, it is taken back. Otherwise its number stays
    /// unacknowledged until the daemon answers.
    mutating func forget(_ id: RequestID) {
        requests.change(id) { $0.interest = .none }
        if case .waiting(let ticket) = requests[id].delivery { actions.append(.withdraw(ticket)) }
        guard requests[id].delivery == .queued(mayHaveArrived: false) else { return freeIfUnused(id) }
        backlog.removeAll { $0 == id }
        end(id, .failed(.cancelled))
        drain()
    }

    /// Keeps a report for later. Its caller stops waiting.
    mutating func keep(_ id: RequestID) { complete(id, .kept) }

    /// Gives a request its outcome, and wakes the thread or task that waits for it.
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

    /// Drops the oldest kept reports above the queue's limit. Reports that may have arrived do not count here: the
    /// number of replies that the daemon keeps bounds them.
    mutating func dropExcessReports() {
        while requests.waitingReports > policy.queueLimit,
            let oldest = backlog.first(where: { requests[$0].isWaitingReport })
        {
            backlog.removeAll { $0 == oldest }
            end(oldest, .failed(.absent))
        }
    }

    /// Closes the request's number: the daemon has answered it, or the request is given up.
    mutating func closeNumber(_ id: RequestID) {
        guard requests[id].sequence != 0 else { return }
        identity.window.close(requests[id].sequence)
        requests.change(id) { $0.sequence = 0 }
    }

    /// Frees the request's place if neither its caller nor the daemon will refer to it again.
    mutating func freeIfUnused(_ id: RequestID) {
        guard !requests[id].isOwned, requests[id].delivery == .idle else { return }
        stand(id, .none)
        requests.free(id)
        actions.append(.free(id))
    }
}
