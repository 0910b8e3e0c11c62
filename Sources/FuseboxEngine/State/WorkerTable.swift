import FuseboxCollections
import FuseboxCore
import FuseboxWire

/// The workers that the daemon remembers, so that a request that is sent again counts once.
///
/// A worker is remembered from its first request that changes state until it says goodbye or is evicted. Its replies
/// are kept from the lowest unacknowledged one on. The journal determines the whole table. The table does not know
/// which workers are connected. So the engine decides on evictions, and journals them.
struct WorkerTable: Sendable {
    struct Worker: Sendable {
        let id: WorkerID
        /// The user that the peer process runs as. No other user may resume the worker.
        let user: UInt32
        /// The worker's highest sequence number.
        var lastSequence: UInt64 = 0
        /// When it last changed state. The worker with the earliest time is evicted first.
        var lastSeen: Timestamp
        var kept = KeptReplies()
        /// The slot of its user's share.
        fileprivate(set) var share = 0

        init(id: WorkerID, user: UInt32, lastSeen: Timestamp) {
            self.id = id
            self.user = user
            self.lastSeen = lastSeen
        }
    }

    /// The share of the table that the workers of one user have.
    struct Share: Sendable, Equatable {
        let user: UInt32
        var workers = 0
        /// The bytes of their kept replies.
        var bytes = 0
    }

    private var workers = SlotTable<Worker>()
    private var index = HashIndex()
    /// The number of evicted workers in this epoch.
    var evictions: UInt64 = 0
    /// The share of each user with workers.
    private(set) var shares = SlotTable<Share>()
    private var shareOfUser: [UInt32: Int] = [:]
    /// The bytes of all kept replies.
    private(set) var bytes = 0

    var count: Int { workers.count }

    /// The slot of a worker. Nil if it is not remembered.
    func find(_ id: WorkerID) -> Int? {
        index.find(KeyedHash.of(id)) { workers[$0].id == id }
    }

    /// The worker in a slot that `find` has given.
    subscript(slot: Int) -> Worker {
        _read { yield workers[slot] }
    }

    /// The share of a user.
    func share(of user: UInt32) -> Share { shareOfUser[user].map { shares[$0] } ?? Share(user: user) }

    /// The share of a worker's user.
    func share(ofWorkerIn slot: Int) -> Share { shares[self[slot].share] }

    /// Adds a worker that is not remembered yet. Returns its slot.
    mutating func add(_ worker: Worker) -> Int {
        var worker = worker
        worker.share = openShare(of: worker.user)
        shares[worker.share].workers += 1
        change(bytes: worker.kept.byteCount, of: worker.share)
        let slot = workers.insert(worker)
        index.insert(slot, hash: KeyedHash.of(worker.id))
        return slot
    }

    /// Notes a request that has been applied, with its reply.
    ///
    /// - Parameter digest: the CRC32C of the request's own fields
    mutating func keep(
        _ reply: UnsafeRawBufferPointer, to number: RequestSequence, command: UInt16, digest: UInt32,
        at now: Timestamp, in slot: Int
    ) {
        // One change in place, because the lookup of a worker costs more than the change.
        let (share, change) = unsafe workers[slot].keep(reply, to: number, command: command, digest: digest, at: now)
        self.change(bytes: change, of: share)
    }

    /// Forgets a worker with its kept replies.
    ///
    /// - Parameter isEvicted: whether the worker makes room for another; it is then counted in `evictions`, by which a
    ///   client that is not known can tell whether it was forgotten
    mutating func forget(_ id: WorkerID, isEvicted: Bool) {
        guard let slot = find(id) else { return }
        if isEvicted { evictions += 1 }
        let (share, length) = (self[slot].share, self[slot].kept.byteCount)
        index.remove(slot, hash: KeyedHash.of(id))
        workers[slot].kept = KeptReplies()
        workers.remove(at: slot)
        change(bytes: -length, of: share)
        shares[share].workers -= 1
        if shares[share].workers == 0 { shareOfUser[shares.remove(at: share).user] = nil }
    }

    private mutating func change(bytes change: Int, of share: Int) {
        bytes += change
        shares[share].bytes += change
    }

    private mutating func openShare(of user: UInt32) -> Int {
        if let known = shareOfUser[user] { return known }
        let place = shares.insert(Share(user: user))
        shareOfUser[user] = place
        return place
    }

    /// Calls `body` with every worker, in the order of their slots.
    func forEach<Failure: Error>(_ body: (Worker) throws(Failure) -> Void) throws(Failure) {
        try workers.forEachSlot { (slot) throws(Failure) in try body(workers[slot]) }
    }

    /// The workers of a user that have been quiet for the longest, the quietest first.
    ///
    /// - Parameters:
    ///   - limit: the largest number of workers
    ///   - keptOnly: whether only workers with kept replies count
    ///   - mayGo: whether a worker may be among them
    func quietest(
        of user: UInt32, atMost limit: Int, keptOnly: Bool = false, where mayGo: (WorkerID) -> Bool
    ) -> [WorkerID] {
        guard let share = shareOfUser[user] else { return [] }
        var found: [(seen: Timestamp, id: WorkerID)] = []
        for slot in 0..<workers.end where workers.contains(slot) && workers[slot].share == share {
            let seen = workers[slot].lastSeen
            if let last = found.last, found.count == limit, last.seen <= seen { continue }
            guard !keptOnly || self[slot].kept.byteCount > 0, mayGo(self[slot].id) else { continue }
            if found.count == limit { found.removeLast() }
            let place = found.lastIndex { $0.seen <= seen }.map { $0 + 1 } ?? 0
            found.insert((seen, self[slot].id), at: place)
        }
        return found.map(\.id)
    }
}

extension WorkerTable.Worker {
    /// Notes a request that has been applied, with its reply. Returns the slot of the user's share and the change of
    /// its bytes.
    fileprivate mutating func keep(
        _ reply: UnsafeRawBufferPointer, to number: RequestSequence, command: UInt16, digest: UInt32, at now: Timestamp
    ) -> (share: Int, bytes: Int) {
        let before = kept.byteCount
        lastSequence = number.sequence
        lastSeen = now
        kept.acknowledge(below: number.oldestUnacknowledged)
        unsafe kept.keep(number.sequence, command: command, digest: digest, payload: reply)
        return (share, kept.byteCount - before)
    }
}
