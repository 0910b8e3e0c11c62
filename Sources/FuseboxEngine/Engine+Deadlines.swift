import FuseboxCore
import FuseboxWire

extension Engine {
    /// Does what time alone makes due. Call it once a turn, before any frame.
    public mutating func advance(to moment: Moment) {
        now = moment.now
        if let advanceAgainAt, now < advanceAgainAt { return }
        advanceAgainAt = nil
        do throws(Refusal) {
            try reclaim(at: moment)
            if state.machine.isDue(at: moment) {
                try applyOwn(Advance(), at: moment)
            } else if Self.isStepped(moment, since: state.machine.lastMoment)
                || (Self.isStale(state.machine.lastMoment, at: moment, after: timeOnlyInputs)
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
        let firstEvent = events.nextNumber
        for _ in 0..<Self.reclaimsPerTurn where events.nextNumber - firstEvent < Limits.duePerTurn {
            guard let worker = lost.next(at: now) else { return }
            if state.machine.permits.hasCallsInFlight(worker) {
                try applyOwn(ReclaimPermits(worker: worker), at: moment)
            }
            guard !state.machine.permits.hasCallsInFlight(worker) else { return }
            lost.remove(worker)
        }
    }

    private static var retryMilliseconds: Int64 { 1_000 }
    private static var reclaimsPerTurn: Int { 16 }

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
        let before = timeOnlyInputs
        try applyOwn(Advance(), at: moment)
        timeOnlyInputs = before + 1
    }

    /// The time until something is due, in milliseconds; nil if nothing will be.
    public func untilDue(at moment: Moment) -> Int64? {
        if let advanceAgainAt { return max(0, advanceAgainAt - moment.now) }
        let state = state.machine.untilDue(at: moment)
        guard let worker = lost.nextDeadline else { return state }
        return min(state ?? .max, max(0, worker - moment.now))
    }

    /// Applies and journals an input of the engine's own. Throws if it cannot be journaled now.
    mutating func applyOwn<C: StateCommand>(_ command: C, at moment: Moment) throws(Refusal) {
        var payload = ByteWriter(capacity: 32)
        command.encode(into: &payload)
        try room.reserve(payload: payload.count)
        _ = try state.machine.apply(command, at: moment, effects: &state.effects)
        unsafe payload.withBytes { unsafe record(C.declaration.number, $0, nil, by: 0) }
    }

    // MARK: Workers that are gone

    /// Gives every worker that had calls in flight when the daemon ended the time to come back. Call it when clients can
    /// connect: recovery may have taken longer than that time.
    public mutating func beginGrace(at moment: Moment) {
        now = moment.now
        let deadline = now + state.machine.limits.workerGraceMilliseconds
        var workers: [WorkerID] = []
        state.machine.permits.forEachHolder { workers.append($0) }
        for worker in workers where speakers[worker] == nil { lost.add(worker, until: deadline) }
    }

    /// Tells that a connection is gone.
    ///
    /// - Parameter processIsGone: whether the process at its other end is known to have ended: then what it holds is not
    ///   kept for it to come back
    public mutating func sessionEnded(_ session: borrowing Session, processIsGone: Bool = false) {
        upload.discard(session.id)
        commits.forget(session)
        if !session.topics.isEmpty { subscribers -= 1 }
        guard speakers[session.worker]?.session == session.id else { return }
        depart(session)
        lose(session.worker, after: processIsGone ? 0 : state.machine.limits.workerGraceMilliseconds)
    }

    /// Takes back what a worker holds after a time, unless it comes back.
    mutating func lose(_ worker: WorkerID, after milliseconds: Int64) {
        guard state.machine.permits.hasCallsInFlight(worker) else { return }
        lost.add(worker, until: now + milliseconds)
    }
}

/// Workers that may come back until their deadline.
struct LostWorkers {
    private var deadlines: [WorkerID: Timestamp] = [:]
    /// By deadline. A worker that came back is still in it, and has no deadline any more or a later one.
    private var queue: [(worker: WorkerID, deadline: Timestamp)] = []
    /// Where the queue begins.
    private var head = 0

    /// The first deadline.
    var nextDeadline: Timestamp? { head < queue.count ? queue[head].deadline : nil }

    mutating func add(_ worker: WorkerID, until deadline: Timestamp) {
        if let earlier = deadlines[worker], earlier <= deadline { return }
        deadlines[worker] = deadline
        // All wait equally long, so that the newest is the last; only one that does not wait goes before others.
        let place = queue[head...].lastIndex { $0.deadline <= deadline }.map { $0 + 1 } ?? head
        queue.insert((worker, deadline), at: place)
        dropReturned()
    }

    /// Forgets a worker: it came back, or holds nothing any more.
    mutating func remove(_ worker: WorkerID) {
        guard deadlines.removeValue(forKey: worker) != nil else { return }
        dropReturned()
    }

    /// A worker whose deadline is over.
    func next(at now: Timestamp) -> WorkerID? {
        guard let deadline = nextDeadline, deadline <= now else { return nil }
        return queue[head].worker
    }

    private mutating func dropReturned() {
        while head < queue.count, deadlines[queue[head].worker] != queue[head].deadline { head += 1 }
        guard head > 1_024, head > queue.count / 2 else { return }
        queue.removeFirst(head)
        head = 0
    }
}
