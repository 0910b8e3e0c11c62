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
        for _ in 0..<Self.reclaimsPerTurn where commit.outputs.events.nextNumber - firstEvent < Limits.duePerTurn {
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
        let lastChange = commit.progress.lastChange
        try applyOwn(Advance(), at: moment)
        commit.progress.timeAlone(since: lastChange)
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
        let placement = try commit.reserve(payload: Self.ownPayload)
        _ = try state.machine.apply(command, at: moment, effects: &state.effects)
        recordOwn(command, placement)
    }

    /// No input of the engine's own has a longer payload, in bytes.
    static var ownPayload: Int { 64 }

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

/// Workers that may come back until their deadline.
struct LostWorkers {
    private struct Loss {
        var deadline: Timestamp
        /// The session that ended; 0 if that was in an earlier life of the daemon.
        var session: UInt64
    }

    private var losses: [WorkerID: Loss] = [:]
    /// Those that are waited for, all equally long.
    private var awaited = Line()
    /// Those that are not: their deadline is that of the moment when that was known.
    private var gone = Line()

    /// The first deadline.
    var nextDeadline: Timestamp? { first?.deadline }

    /// The session whose end has lost a worker; nil if it is not lost.
    func session(of worker: WorkerID) -> UInt64? { losses[worker]?.session }

    mutating func add(_ worker: WorkerID, until deadline: Timestamp, since session: UInt64) {
        if let earlier = losses[worker], earlier.deadline <= deadline { return }
        losses[worker] = Loss(deadline: deadline, session: session)
        if let last = awaited.last, last.deadline > deadline {
            gone.add(worker, deadline)
        } else {
            awaited.add(worker, deadline)
        }
        dropReturned()
    }

    /// Forgets a worker: it came back, or holds nothing any more.
    mutating func remove(_ worker: WorkerID) {
        guard losses.removeValue(forKey: worker) != nil else { return }
        dropReturned()
    }

    /// A worker whose deadline is over.
    func next(at now: Timestamp) -> WorkerID? {
        guard let first, first.deadline <= now else { return nil }
        return first.worker
    }

    private var first: Line.Entry? {
        guard let one = gone.first else { return awaited.first }
        guard let other = awaited.first, other.deadline < one.deadline else { return one }
        return other
    }

    private mutating func dropReturned() {
        let losses = losses
        awaited.dropFirst { losses[$0.worker]?.deadline != $0.deadline }
        gone.dropFirst { losses[$0.worker]?.deadline != $0.deadline }
    }

    /// Workers by deadline. One that came back is still in it, and has no deadline any more or another one.
    private struct Line {
        struct Entry {
            var worker: WorkerID
            var deadline: Timestamp
        }

        private var entries: [Entry] = []
        /// Where it begins.
        private var head = 0

        var first: Entry? { head < entries.count ? entries[head] : nil }

        var last: Entry? { head < entries.count ? entries.last : nil }

        /// Adds a worker, mostly at the end.
        mutating func add(_ worker: WorkerID, _ deadline: Timestamp) {
            let place = entries[head...].lastIndex { $0.deadline <= deadline }.map { $0 + 1 } ?? head
            entries.insert(Entry(worker: worker, deadline: deadline), at: place)
        }

        mutating func dropFirst(while isOver: (Entry) -> Bool) {
            while head < entries.count, isOver(entries[head]) { head += 1 }
            guard head == entries.count || (head > 1_024 && head > entries.count / 2) else { return }
            entries.removeFirst(head)
            head = 0
        }
    }
}
