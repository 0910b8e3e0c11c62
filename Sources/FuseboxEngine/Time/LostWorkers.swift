import FuseboxCollections
import FuseboxWire

/// Workers that may come back until their deadline.
struct LostWorkers {
    private struct Wait {
        let worker: WorkerID
        let deadline: Timestamp
    }

    private var waits = SlotTable<Wait>()
    private var slots: [WorkerID: Int] = [:]
    /// By deadline, the first one first.
    private var order = Chain()
    private var links = ChainLinks()

    /// The first deadline.
    var nextDeadline: Timestamp? { order.first.map { waits[$0].deadline } }

    /// Lets a worker wait until a deadline, unless it waits for an earlier one.
    mutating func add(_ worker: WorkerID, until deadline: Timestamp) {
        if let slot = slots[worker], waits[slot].deadline <= deadline { return }
        remove(worker)
        // All wait equally long, so that the newest is the last; only one that does not wait goes before others.
        var previous = order.last
        while let later = previous, waits[later].deadline > deadline { previous = links.previous(before: later) }
        let slot = waits.insert(Wait(worker: worker, deadline: deadline))
        slots[worker] = slot
        order.insert(slot, after: previous, &links)
    }

    /// Forgets a worker: it came back, or holds nothing any more.
    mutating func remove(_ worker: WorkerID) {
        guard let slot = slots.removeValue(forKey: worker) else { return }
        order.remove(slot, &links)
        waits.remove(at: slot)
    }

    /// A worker whose deadline is over.
    func next(at now: Timestamp) -> WorkerID? {
        guard let first = order.first, waits[first].deadline <= now else { return nil }
        return waits[first].worker
    }
}
