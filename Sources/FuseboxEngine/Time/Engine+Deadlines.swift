import FuseboxCore
import FuseboxWire

extension Engine {
    /// Takes back what lost workers held, applies what is due, and records the time.
    ///
    /// - Throws: the refusal, if it cannot be journaled now; what is due stays due
    mutating func doWhatIsDue(at moment: Moment) throws(Refusal) {
        try reclaim(at: moment)
        let last = state.machine.lastMoment
        if state.machine.isDue(at: moment) {
            try applyOwn(Advance(), at: moment)
        } else if Self.isStale(last, at: moment, after: sequence - commit.progress.lastChange),
            state.machine.awaitsTime
        {
            try recordTime(at: moment)
        }
    }

    /// Takes back the permits of lost workers. It is bounded by the work of a turn and by the events that a subscriber
    /// can be told at once. The rest follows in the next turn.
    private mutating func reclaim(at moment: Moment) throws(Refusal) {
        let firstEvent = commit.outputs.events.nextNumber
        for _ in 0..<Bounds.reclaimsPerTurn where commit.outputs.events.nextNumber - firstEvent < Bounds.duePerTurn {
            guard let worker = lost.next(at: now) else { return }
            if state.machine.permits.hasCallsInFlight(worker) {
                try applyOwn(ReclaimPermits(worker: worker), at: moment)
            }
            guard !state.machine.permits.hasCallsInFlight(worker) else { return }
            lost.remove(worker)
            queue.forget(worker, &state.machine)
        }
    }

    // A restart adds the wall-clock time since the last recorded moment to the steady clock. If the wall clock is set
    // back while the daemon is down, the time since the last record is lost, and timers run longer by as much. While
    // timers run, an idle daemon therefore records the time after ten seconds, then twenty, then forty, so that at most
    // half of an idle time is lost. A daemon without timers records nothing.

    /// Whether the last recorded moment is too long ago for running timers, after this number of records of the time
    /// alone.
    private static func isStale(_ last: Moment, at moment: Moment, after timeOnlyInputs: UInt64) -> Bool {
        moment.now - last.now >= recordedTimeMilliseconds << Int64(min(timeOnlyInputs, 20))
    }

    /// How far the recorded time may lie behind at first, in milliseconds.
    private static var recordedTimeMilliseconds: Int64 { 10_000 }

    /// Journals the present time although nothing is due. This does not call for a snapshot.
    mutating func recordTime(at moment: Moment) throws(Refusal) {
        guard moment.now > state.machine.lastMoment.now else { return }
        let lastChange = commit.progress.lastChange
        try applyOwn(Advance(), at: moment)
        commit.progress.timeAlone(since: lastChange)
    }

    /// The time until something is due, in milliseconds. Nil if nothing will be.
    package func untilDue(at moment: Moment) -> Int64? {
        if let advanceAgainAt { return max(0, advanceAgainAt - moment.now) }
        var state = state.machine.untilDue(at: moment)
        if let wakes = calendarsWake { state = min(state ?? .max, max(0, wakes - moment.now)) }
        if !queue.isEmpty {
            let wake = queue.isDue(self.state.machine) ? moment.now : queue.nextWake
            let turns = max(wake ?? moment.now, turnsAgainAt ?? moment.now)
            state = min(state ?? .max, max(0, turns - moment.now))
        }
        guard let worker = lost.nextDeadline else { return state }
        return min(state ?? .max, max(0, worker - moment.now))
    }

    /// Applies and journals an input of the engine.
    ///
    /// - Throws: the refusal, if it cannot be journaled now
    mutating func applyOwn<C: StateCommand>(_ command: C, at moment: Moment) throws(Refusal) {
        let placement = try commit.reserve(payload: Bounds.ownPayload)
        _ = try state.machine.apply(command, at: moment, effects: &state.effects)
        recordOwn(command, placement)
        if !queue.isEmpty { noteChange(by: C.declaration.command) }
    }

    // MARK: Workers that are gone

    /// Begins the grace of workers that had calls in flight when the daemon ended. Call it when clients can connect,
    /// because recovery may take longer than the grace.
    package mutating func beginGrace(at moment: Moment) {
        now = moment.now
        let deadline = now + state.machine.bounds.workerGraceMilliseconds
        var workers: [WorkerID] = []
        state.machine.permits.forEachHolder { workers.append($0) }
        for worker in workers where speakers[worker] == nil { lost.add(worker, until: deadline, since: 0) }
    }

    /// Notes that a connection is gone.
    ///
    /// - Parameter processIsGone: whether the peer process is known to have ended; its permits are then taken back
    ///   without a grace
    package mutating func sessionEnded(_ session: borrowing Session, processIsGone: Bool = false) {
        upload.discard(session.id)
        commit.outputs.forget(session)
        if !session.topics.isEmpty { subscribers -= 1 }
        guard speakers[session.worker]?.session == session.id else { return }
        depart(session)
        queue.setAway(session.worker, true)
        let grace = state.machine.bounds.workerGraceMilliseconds
        lose(session.worker, after: processIsGone ? 0 : grace, since: session.id)
        if !queue.isEmpty { takeTurns(at: clock.moment) }
    }

    /// Whether the worker of an ended session has permits and may still come back.
    package func awaits(_ worker: WorkerID, since session: UInt64) -> Bool { lost.session(of: worker) == session }

    /// Notes that the peer process of an ended session has ended too. Unless its worker has come back, its permits are
    /// taken back at once.
    package mutating func processEnded(of worker: WorkerID, since session: UInt64) {
        guard awaits(worker, since: session) else { return }
        lose(worker, after: 0, since: session)
    }

    /// Takes back the permits of a worker, and ends its waits, after a time, unless it comes back.
    mutating func lose(_ worker: WorkerID, after milliseconds: Int64, since session: UInt64) {
        guard state.machine.permits.hasCallsInFlight(worker) || queue.contains(worker) else { return }
        lost.add(worker, until: now + milliseconds, since: session)
    }
}
