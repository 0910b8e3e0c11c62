import FuseboxCollections
import FuseboxWire

/// Workers without a connection that hold permits. Each may come back until its deadline.
struct LostWorkers {
    private struct Loss {
        let worker: WorkerID
        let deadline: Timestamp
        /// The session that ended. 0 if it ended with an earlier daemon.
        let session: UInt64
        let isAwaited: Bool
    }

    private var losses = SlotTable<Loss>()
    private var slots: [WorkerID: Int] = [:]
    /// Workers within their grace, by deadline. The grace is the same for all.
    private var awaited = Chain()
    /// Workers whose process has ended, by deadline, which is the moment when that became known.
    private var gone = Chain()
    private var links = ChainLinks()

    /// The earliest deadline.
    var nextDeadline: Timestamp? { first?.deadline }

    /// The session that a lost worker had. Nil if the worker is not lost.
    func session(of worker: WorkerID) -> UInt64? { slots[worker].map { losses[$0].session } }

    /// Adds a worker with a deadline, unless it has an earlier one.
    mutating func add(_ worker: WorkerID, until deadline: Timestamp, since session: UInt64) {
        if let slot = slots[worker], losses[slot].deadline <= deadline { return }
        remove(worker)
        let isAwaited = awaited.last.map { losses[$0].deadline <= deadline } ?? true
        let loss = Loss(worker: worker, deadline: deadline, session: session, isAwaited: isAwaited)
        let slot = losses.insert(loss)
        slots[worker] = slot
        guard !isAwaited else { return awaited.append(slot, &links) }
        // The newest deadline mostly comes last.
        var previous = gone.last
        while let later = previous, losses[later].deadline > deadline { previous = links.previous(before: later) }
        gone.insert(slot, after: previous, &links)
    }

    /// Removes a worker that has come back or holds nothing any more.
    mutating func remove(_ worker: WorkerID) {
        guard let slot = slots.removeValue(forKey: worker) else { return }
        if losses[slot].isAwaited { awaited.remove(slot, &links) } else { gone.remove(slot, &links) }
        losses.remove(at: slot)
    }

    /// A worker whose deadline has passed. Nil if there is none.
    func next(at now: Timestamp) -> WorkerID? {
        guard let first, first.deadline <= now else { return nil }
        return first.worker
    }

    private var first: Loss? {
        // Every turn calls this, and mostly no worker is lost.
        guard !losses.isEmpty else { return nil }
        guard let one = gone.first.map({ losses[$0] }) else { return awaited.first.map { losses[$0] } }
        guard let other = awaited.first.map({ losses[$0] }), other.deadline < one.deadline else { return one }
        return other
    }
}
