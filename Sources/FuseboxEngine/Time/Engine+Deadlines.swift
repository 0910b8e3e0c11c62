import FuseboxCore
import FuseboxWire

extension Engine {
    /// Does what time alone makes due. Call it once a turn, before any frame.
    ///
    /// - Parameter reading: the readings of the clocks that the moment comes from; nil: the moment's own
    public mutating func advance(to moment: Moment, _ reading: ClockReading? = nil) {
        now = moment.now
        if let advanceAgainAt, now < advanceAgainAt { return }
        advanceAgainAt = nil
        do throws(Refusal) {
            try turnCalendars(reading ?? ClockReading(moment), at: moment)
            try reclaim(at: moment)
            if state.machine.isDue(at: moment) {
                try applyOwn(Advance(), at: moment)
            } else if Self.isStepped(moment, since: state.machine.lastMoment)
                || (Self.isStale(
                    state.machine.lastMoment, at: moment, after: sequence - commit.progress.lastChange)
                    && state.machine.awaitsTime)
            {
                try recordTime(at: moment)
            }
        } catch {
            // The journal has no room: what is due stays due.
            advanceAgainAt = now + Self.retryMilliseconds
        }
    }

    /// Takes back what lost workers hold. What is more than a turn may take, and than a subscriber can be told at once,
    /// follows in the next turn.
    private mutating func reclaim(at moment: Moment) throws(Refusal) {
        let firstEvent = commit.outputs.events.nextNumber
        for _ in 0..<Limits.reclaimsPerTurn where commit.outputs.events.nextNumber - firstEvent < Limits.duePerTurn {
            guard let worker = lost.next(at: now) else { return }
            if state.machine.permits.hasCallsInFlight(worker) {
                try applyOwn(ReclaimPermits(worker: worker), at: moment)
            }
            guard !state.machine.permits.hasCallsInFlight(worker) else { return }
            lost.remove(worker)
        }
    }

    private static var retryMilliseconds: Int64 { 1_000 }

    // A restart goes on from the last recorded moment by the wall clock's word. So a step of the wall clock is written
    // down: otherwise it would count as time that passed. Without a step the word is good, unless the clock is set back
    // later or while the daemon is down. Then what has passed since the last record is lost, and what runs takes as much
    // longer. That is bounded at half of an idle time while something runs: it is written down after ten seconds, twenty,
    // forty. A daemon for which nothing runs writes nothing.

    /// Whether the wall clock was stepped since the last recorded moment.
    private static func isStepped(_ moment: Moment, since last: Moment) -> Bool {
        (moment.wall - moment.now) - (last.wall - last.now) >= EngineClock.reportedStepMilliseconds
    }

    /// Whether the last recorded moment is too long ago for what runs, after so many records of nothing but the time.
    private static func isStale(_ last: Moment, at moment: Moment, after timeOnlyInputs: UInt64) -> Bool {
        moment.now - last.now >= recordedTimeMilliseconds << Int64(min(timeOnlyInputs, 20))
    }

    /// How far the recorded time may lie behind at first.
    private static var recordedTimeMilliseconds: Int64 { 10_000 }

    /// Journals that time has passed, though nothing is due. That alone calls for no snapshot.
    mutating func recordTime(at moment: Moment) throws(Refusal) {
        guard moment.now > state.machine.lastMoment.now else { return }
        let lastChange = commit.progress.lastChange
        try applyOwn(Advance(), at: moment)
        commit.progress.timeAlone(since: lastChange)
    }

    /// The time until something is due, in milliseconds; nil if nothing will be.
    public func untilDue(at moment: Moment) -> Int64? {
        if let advanceAgainAt { return max(0, advanceAgainAt - moment.now) }
        var state = state.machine.untilDue(at: moment)
        if let calendar = calendars?.untilDue { state = min(state ?? .max, calendar) }
        guard let worker = lost.nextDeadline else { return state }
        return min(state ?? .max, max(0, worker - moment.now))
    }

    /// Applies and journals an input of the engine's own. Throws if it cannot be journaled now.
    mutating func applyOwn<C: StateCommand>(_ command: C, at moment: Moment) throws(Refusal) {
        let placement = try commit.reserve(payload: Limits.ownPayload)
        _ = try state.machine.apply(command, at: moment, effects: &state.effects)
        recordOwn(command, placement)
    }

    // MARK: Workers that are gone

    /// Gives every worker that had calls in flight when the daemon ended the time to come back. Call it when clients can
    /// connect: recovery may have taken longer than that time.
    public mutating func beginGrace(at moment: Moment) {
        now = moment.now
        let deadline = now + state.machine.limits.workerGraceMilliseconds
        var workers: [WorkerID] = []
        state.machine.permits.forEachHolder { workers.append($0) }
        for worker in workers where speakers[worker] == nil { lost.add(worker, until: deadline, since: 0) }
    }

    /// Tells that a connection is gone.
    ///
    /// - Parameter processIsGone: whether the process at its other end is known to have ended: then what it holds is not
    ///   kept for it to come back
    public mutating func sessionEnded(_ session: borrowing Session, processIsGone: Bool = false) {
        upload.discard(session.id)
        commit.outputs.forget(session)
        if !session.topics.isEmpty { subscribers -= 1 }
        guard speakers[session.worker]?.session == session.id else { return }
        depart(session)
        let grace = state.machine.limits.workerGraceMilliseconds
        lose(session.worker, after: processIsGone ? 0 : grace, since: session.id)
    }

    /// Whether a worker may still come back that held something when this session of it ended.
    public func awaits(_ worker: WorkerID, since session: UInt64) -> Bool { lost.session(of: worker) == session }

    /// Tells that the process at the other end of a session has ended, which had ended before: its worker is waited for no
    /// more, unless it has come back.
    public mutating func processEnded(of worker: WorkerID, since session: UInt64) {
        guard awaits(worker, since: session) else { return }
        lose(worker, after: 0, since: session)
    }

    /// Takes back what a worker holds after a time, unless it comes back.
    mutating func lose(_ worker: WorkerID, after milliseconds: Int64, since session: UInt64) {
        guard state.machine.permits.hasCallsInFlight(worker) else { return }
        lost.add(worker, until: now + milliseconds, since: session)
    }
}
