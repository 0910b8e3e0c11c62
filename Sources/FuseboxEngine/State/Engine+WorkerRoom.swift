import FuseboxCore
import FuseboxWire

/// Room in the table of workers: which workers are forgotten, and which requests are refused.
///
/// | bound that is reached | which workers are forgotten | refusal if none can be |
/// |---|---|---|
/// | kept replies of a worker | none: the worker must acknowledge some | `busy` |
/// | kept replies of a user's workers | workers of that user that are not connected | `busy` |
/// | all kept replies | workers of the user with the most, that are not connected | `busy` |
/// | workers | workers of the user with the most, that are not connected | `limitReached` |
///
/// The worker that has been quiet for the longest is forgotten first. No user makes room for a user that has more. A
/// forgotten worker is told so when it comes back. The decision is journaled, so that a replay need not repeat it.
extension Engine {
    /// The bounds, where they are: they are many, and a request needs a few.
    private var bounds: Bounds { _read { yield state.machine.bounds } }

    /// Makes room for the reply to a request, and for its worker if it is not remembered yet.
    ///
    /// - Parameter slot: the worker's slot; nil if it is not remembered yet
    mutating func makeRoom(
        for session: borrowing Session, _ number: RequestSequence, _ slot: Int?, at moment: Moment
    ) throws(Refusal) {
        if let slot {
            let share = state.workers.share(ofWorkerIn: slot)
            if state.workers[slot].kept.count >= bounds.keptReplies
                || state.workers[slot].kept.byteCount >= bounds.keptBytesPerWorker
            {
                try checkKept(of: slot, from: number.oldestUnacknowledged)
            }
            guard share.bytes >= bounds.keptBytesPerUser || state.workers.bytes >= bounds.keptBytes else { return }
            // This request itself frees the replies that it acknowledges.
            let kept = state.workers[slot].kept
            let freed = kept.byteCount - kept.remaining(from: number.oldestUnacknowledged).bytes
            return try makeRoomForReplies(session, freed: freed, at: moment)
        }
        let open = session.peer.isOperator ? bounds.workers : Bounds.open(bounds.workers)
        if state.workers.count >= open { try makeRoomForWorker(session, at: moment) }
        try makeRoomForReplies(session, freed: 0, at: moment)
    }

    /// Checks that one worker's replies are within their bounds, without those that the request acknowledges.
    private func checkKept(of slot: Int, from oldest: UInt64) throws(Refusal) {
        let (count, bytes) = state.workers[slot].kept.remaining(from: oldest)
        guard count < bounds.keptReplies else {
            throw Refusal(
                .busy, "\(bounds.keptReplies) replies are unacknowledged, which is the limit; read them first")
        }
        guard bytes < bounds.keptBytesPerWorker else {
            throw Refusal(
                .busy,
                "unacknowledged replies take \(bytes) bytes; the limit is \(bounds.keptBytesPerWorker) for one worker; read them first"
            )
        }
    }

    private mutating func makeRoomForReplies(
        _ session: borrowing Session, freed: Int, at moment: Moment
    ) throws(Refusal) {
        let user = session.peer.user
        if state.workers.share(of: user).bytes - freed >= bounds.keptBytesPerUser {
            try forgetQuietest(of: [user], at: moment) { [most = bounds.keptBytesPerUser] in
                $0.share(of: user).bytes - freed < most
            }
            let bytes = state.workers.share(of: user).bytes - freed
            guard bytes < bounds.keptBytesPerUser else {
                throw Refusal(
                    .busy,
                    "unacknowledged replies take \(bytes) bytes; the limit is \(bounds.keptBytesPerUser) for user \(user); let its workers read them first"
                )
            }
        }
        guard state.workers.bytes - freed >= bounds.keptBytes else { return }
        let users = state.workers.users(before: user, by: \.bytes)
        try forgetQuietest(of: users, at: moment) { [most = bounds.keptBytes] in $0.bytes - freed < most }
        guard state.workers.bytes - freed < bounds.keptBytes else {
            throw Refusal(
                .busy,
                "unacknowledged replies take \(state.workers.bytes) bytes, and \(bounds.keptBytes) is the limit for all; try again"
            )
        }
    }

    /// Forgets a worker, so that another one can be remembered.
    ///
    /// - Throws: `limitReached` if all workers that could be forgotten are connected
    private mutating func makeRoomForWorker(_ session: borrowing Session, at moment: Moment) throws(Refusal) {
        let connected = speakers
        for user in state.workers.users(before: session.peer.user, by: \.workers) {
            let quietest = state.workers.quietest(of: user, atMost: 1) { connected[$0] == nil }
            if let worker = quietest.first { return try forget(worker, isEvicted: true) }
        }
        throw Refusal(
            .limitReached,
            "\(Quantity.count(state.workers.count, "worker is", plural: "workers are")) remembered, which is the limit, and all that could make room are connected; try again later"
        )
    }

    /// Forgets workers with kept replies, user after user, until there is enough room or no worker is left that may be
    /// forgotten.
    private mutating func forgetQuietest(
        of users: [UInt32], at moment: Moment, until isEnough: (WorkerTable) -> Bool
    ) throws(Refusal) {
        let connected = speakers
        var left = Bounds.forgottenPerRequest
        for user in users {
            let quietest = state.workers.quietest(of: user, atMost: left, keptOnly: true) { connected[$0] == nil }
            for worker in quietest {
                try forget(worker, isEvicted: true)
                left -= 1
                if isEnough(state.workers) || left == 0 { return }
            }
        }
    }
}

extension WorkerTable {
    /// The users that have more than this one, the one with the most first, and then this one.
    func users(before user: UInt32, by amount: KeyPath<Share, Int>) -> [UInt32] {
        let own = share(of: user)[keyPath: amount]
        let larger = shares.filter { $0.user != user && $0[keyPath: amount] > own }
        return larger.sorted { ($0[keyPath: amount], $1.user) > ($1[keyPath: amount], $0.user) }.map(\.user) + [user]
    }
}
