import FuseboxCore
import FuseboxWire

/// Who must make room in the table of workers, and who is asked to wait.
///
/// | what is full | who makes room | if nobody can |
/// |---|---|---|
/// | the replies of a worker | nobody: it has to acknowledge some | `busy` |
/// | the replies of a user's workers | that user's workers that are not connected | `busy` |
/// | all replies | the same of the user who has the most | `busy` |
/// | the workers | the same of the user who has the most | `limitReached` |
///
/// The one that has been quiet for the longest goes first. Nobody who has less than the one who asks makes room for it. Who
/// goes is told so when it comes back; it is journaled, so that a replay need not decide again.
extension Engine {
    /// Makes room for the reply to a request, and for its worker if it is not remembered yet.
    ///
    /// - Parameter slot: where the worker is, if it is remembered
    mutating func makeRoom(
        for session: borrowing Session, _ number: RequestSequence, _ slot: Int?, at moment: Moment
    ) throws(Refusal) {
        let limits = state.machine.limits
        if let slot {
            let share = state.workers.share(ofWorkerIn: slot)
            if state.workers[slot].kept.count >= limits.keptReplies
                || state.workers[slot].kept.byteCount >= limits.keptBytesPerWorker
            {
                try checkKept(of: slot, from: number.oldestUnacknowledged)
            }
            guard share.bytes >= limits.keptBytesPerUser || state.workers.bytes >= limits.keptBytes else { return }
            // What it acknowledges is given back by this very request.
            let kept = state.workers[slot].kept
            let freed = kept.byteCount - kept.remaining(from: number.oldestUnacknowledged).bytes
            return try makeRoomForReplies(session, freed: freed, at: moment)
        }
        let open = session.peer.isOperator ? limits.workers : Limits.open(limits.workers)
        if state.workers.count >= open { try makeRoomForWorker(session, at: moment) }
        try makeRoomForReplies(session, freed: 0, at: moment)
    }

    /// Checks that one worker's replies are within their bounds but for what it acknowledges.
    private func checkKept(of slot: Int, from oldest: UInt64) throws(Refusal) {
        let limits = state.machine.limits
        let (count, bytes) = state.workers[slot].kept.remaining(from: oldest)
        guard count < limits.keptReplies else {
            throw Refusal(
                .busy, "\(limits.keptReplies) replies are unacknowledged, which is the limit; read them first")
        }
        guard bytes < limits.keptBytesPerWorker else {
            throw Refusal(
                .busy,
                "unacknowledged replies take \(bytes) bytes; the limit is \(limits.keptBytesPerWorker) for one worker; read them first"
            )
        }
    }

    private mutating func makeRoomForReplies(
        _ session: borrowing Session, freed: Int, at moment: Moment
    ) throws(Refusal) {
        let limits = state.machine.limits
        let user = session.peer.user
        if state.workers.share(of: user).bytes - freed >= limits.keptBytesPerUser {
            try forgetQuietest(of: [user], at: moment) { $0.share(of: user).bytes - freed < limits.keptBytesPerUser }
            let bytes = state.workers.share(of: user).bytes - freed
            guard bytes < limits.keptBytesPerUser else {
                throw Refusal(
                    .busy,
                    "unacknowledged replies take \(bytes) bytes; the limit is \(limits.keptBytesPerUser) for user \(user); let its workers read them first"
                )
            }
        }
        guard state.workers.bytes - freed >= limits.keptBytes else { return }
        let users = state.workers.users(before: user, by: \.bytes)
        try forgetQuietest(of: users, at: moment) { $0.bytes - freed < limits.keptBytes }
        guard state.workers.bytes - freed < limits.keptBytes else {
            throw Refusal(
                .busy,
                "unacknowledged replies take \(state.workers.bytes) bytes, and \(limits.keptBytes) is the limit for all; try again"
            )
        }
    }

    /// - Throws: `limitReached` if all that could go are connected
    private mutating func makeRoomForWorker(_ session: borrowing Session, at moment: Moment) throws(Refusal) {
        let connected = speakers
        for user in state.workers.users(before: session.peer.user, by: \.workers) {
            let quietest = state.workers.quietest(of: user, atMost: 1) { connected[$0] == nil }
            if let worker = quietest.first { return try forget(worker, isEvicted: true) }
        }
        throw Refusal(
            .limitReached,
            "\(Quantity.count(state.workers.count, "worker is", plural: "workers are")) remembered, which is the limit, and none that could make room is away; try again later"
        )
    }

    /// Forgets workers for whom replies are kept, user after user, until it is enough or nobody is left who may go.
    private mutating func forgetQuietest(
        of users: [UInt32], at moment: Moment, until isEnough: (WorkerTable) -> Bool
    ) throws(Refusal) {
        let connected = speakers
        var left = Limits.forgottenPerRequest
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
    /// The users who make room before this one, the one who has the most first, and this one itself.
    func users(before user: UInt32, by amount: KeyPath<Share, Int>) -> [UInt32] {
        let own = share(of: user)[keyPath: amount]
        let larger = shares.filter { $0.user != user && $0[keyPath: amount] > own }
        return larger.sorted { ($0[keyPath: amount], $1.user) > ($1[keyPath: amount], $0.user) }.map(\.user) + [user]
    }
}
