import FuseboxWire

/// Who speaks for a connected worker.
struct Speaker: Sendable {
    /// The connection's number.
    let session: UInt64
    /// The peer user that it runs as.
    let user: UInt32
}

/// Whose the ids are of workers that have said hello, and are neither connected nor remembered for what they sent.
///
/// An id is a secret of its process, so that nobody else can guess it; this keeps who has learned one from passing for its
/// worker all the same. It is bounded, and a user who draws many ids pushes out its own: the oldest of the user who has most
/// of them make room. A restart of the daemon forgets them: such a worker has nothing that another could take.
struct WorkerOwners: Sendable {
    private struct Ids {
        /// In the order in which they came, from `head` on; some may have been removed since.
        var queue: [(worker: WorkerID, number: UInt64)] = []
        var head = 0
        /// How many of them are still here.
        var count = 0
    }

    private var owners: [WorkerID: (user: UInt32, number: UInt64)] = [:]
    private var users: [UInt32: Ids] = [:]
    private var lastNumber: UInt64 = 0
    private let limit: Int

    init(limit: Int = Limits().workers) { self.limit = limit }

    var count: Int { owners.count }

    subscript(worker: WorkerID) -> UInt32? { owners[worker]?.user }

    mutating func add(_ worker: WorkerID, of user: UInt32) {
        remove(worker)
        if owners.count >= limit { makeRoom() }
        lastNumber += 1
        owners[worker] = (user, lastNumber)
        users[user, default: Ids()].queue.append((worker, lastNumber))
        users[user, default: Ids()].count += 1
    }

    mutating func remove(_ worker: WorkerID) {
        guard let owner = owners.removeValue(forKey: worker) else { return }
        users[owner.user]?.count -= 1
        guard var ids = users.removeValue(forKey: owner.user), ids.count > 0 else { return }
        compact(&ids)
        users[owner.user] = ids
    }

    /// Drops what has been removed: from the front, and all of it where it is the greater part.
    private func compact(_ ids: inout Ids) {
        while ids.head < ids.queue.count, !isHere(ids.queue[ids.head]) { ids.head += 1 }
        guard ids.queue.count > 2 * ids.count + 16 else { return }
        ids.queue = ids.queue[ids.head...].filter(isHere)
        ids.head = 0
    }

    private func isHere(_ id: (worker: WorkerID, number: UInt64)) -> Bool { owners[id.worker]?.number == id.number }

    private mutating func makeRoom() {
        guard let most = users.max(by: { $0.value.count < $1.value.count })?.key, let ids = users[most] else { return }
        guard let oldest = ids.queue[ids.head...].first(where: isHere) else { return }
        remove(oldest.worker)
    }
}
