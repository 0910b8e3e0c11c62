import FuseboxCollections
import FuseboxWire

/// Workers that may come back until their deadline.
struct LostWorkers {
    private struct Loss {
        let worker: WorkerID
        let deadline: Timestamp
        /// The session that ended; 0 if that was in an earlier life of the daemon.
        let session: UInt64
        let isAwaited: Bool
    }

    private var losses = SlotTable<Loss>()
    private var slots: [WorkerID: Int] = [:]
    /// Those that are waited for, all equally long, by deadline.
    private var awaited = Chain()
    /// Those that are not, by deadline: that is the moment when they were known to be gone.
    private var gone = Chain()
    private var links = ChainLinks()

    /// The first deadline.
    var nextDeadline: Timestamp? { first?.deadline }

    /// The session whose end has lost a worker; nil if it is not lost.
    func session(of worker: WorkerID) -> UInt64? { slots[worker].map { losses[$0].session } }

    /// Lets a worker wait until a deadline, unless it waits for an earlier one.
    mutating func add(_ worker: WorkerID, until deadline: Timestamp, since session: UInt64) {
        if let slot = slots[worker], losses[slot].deadline <= deadline { return }
        remove(worker)
        let isAwaited = awaited.last.map { losses[$0].deadline <= deadline } ?? true
        let loss = Loss(worker: worker, deadline: deadline, session: session, isAwaited: isAwaited)
        let slot = losses.insert(loss)
        slots[worker] = slot
        guard !isAwaited else { return awaited.append(slot, &links) }
        // The newest is mostly the last here too.
        var previous = gone.last
        while let later = previous, losses[later].deadline > deadline { previous = links.previous(before: later) }
        gone.insert(slot, after: previous, &links)
    }

    /// Forgets a worker: it came back, or holds nothing any more.
    mutating func remove(_ worker: WorkerID) {
        guard let slot = slots.removeValue(forKey: worker) else { return }
        if losses[slot].isAwaited { awaited.remove(slot, &links) } else { gone.remove(slot, &links) }
        losses.remove(at: slot)
    }

    /// A worker whose deadline is over.
    func next(at now: Timestamp) -> WorkerID? {
        guard let first, first.deadline <= now else { return nil }
        return first.worker
    }

    private var first: Loss? {
        // Every turn asks, and mostly nobody is lost.
        guard !losses.isEmpty else { return nil }
        guard let one = gone.first.map({ losses[$0] }) else { return awaited.first.map { losses[$0] } }
        guard let other = awaited.first.map({ losses[$0] }), other.deadline < one.deadline else { return one }
        return other
    }
}
