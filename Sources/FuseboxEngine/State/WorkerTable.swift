import FuseboxCollections
import FuseboxCore
import FuseboxWire

/// What the daemon remembers of workers, so that a request that is sent again counts once.
///
/// A worker is remembered from its first request that changes state until it says goodbye or must make room. Of its
/// requests, the replies are kept from the lowest on that it has not acknowledged. Everything here is a function of the
/// journal. Who is connected is not here: who must make room is decided by the engine, and journaled.
struct WorkerTable: Sendable {
    struct Worker: Sendable {
        let id: WorkerID
        /// The peer user that it runs as: nobody else may resume it.
        let user: UInt32
        /// Its highest sequence number.
        var lastSequence: UInt64 = 0
        /// When it last changed state: who makes room first.
        var lastSeen: Timestamp
        var kept = KeptReplies()
        /// Where its user's share is.
        fileprivate(set) var share = 0

        init(id: WorkerID, user: UInt32, lastSeen: Timestamp) {
            self.id = id
            self.user = user
            self.lastSeen = lastSeen
        }
    }

    /// What the workers of one user take of the table.
    struct Share: Sendable, Equatable {
        let user: UInt32
        var workers = 0
        /// The bytes of the replies that are kept for them.
        var bytes = 0
    }

    private var workers = SlotTable<Worker>()
    private var index = HashIndex()
    /// How many had to make room, in the life of the state.
    var evictions: UInt64 = 0
    /// One for each user with workers.
    private(set) var shares = SlotTable<Share>()
    private var shareOfUser: [UInt32: Int] = [:]
    /// The bytes of all replies that are kept.
    private(set) var bytes = 0

    var count: Int { workers.count }

    /// The slot of a worker; nil if it is not remembered.
    func find(_ id: WorkerID) -> Int? {
        index.find(id.hashValue) { workers[$0].id == id }
    }

    /// The worker in a slot that `find` has given.
    subscript(slot: Int) -> Worker {
        _read { yield workers[slot] }
    }

    /// What a user takes of the table.
    func share(of user: UInt32) -> Share { shareOfUser[user].map { shares[$0] } ?? Share(user: user) }

    /// What the user of a worker takes of the table.
    func share(ofWorkerIn slot: Int) -> Share { shares[self[slot].share] }

    /// Remembers a worker that is not remembered yet.
    mutating func add(_ worker: Worker) -> Int {
        var worker = worker
        worker.share = openShare(of: worker.user)
        shares[worker.share].workers += 1
        change(bytes: worker.kept.byteCount, of: worker.share)
        let slot = workers.insert(worker)
        index.insert(slot, hash: worker.id.hashValue)
        return slot
    }

    /// Notes a request that has been applied, with its reply.
    ///
    /// - Parameter digest: the CRC32C of the request's own fields
    mutating func keep(
        _ reply: UnsafeRawBufferPointer, to number: RequestSequence, command: UInt16, digest: UInt32,
        at now: Timestamp, in slot: Int
    ) {
        // One change in place, for finding a worker costs more than this.
        let (share, change) = unsafe workers[slot].keep(reply, to: number, command: command, digest: digest, at: now)
        self.change(bytes: change, of: share)
    }

    /// - Parameter isEvicted: whether it had to make room; then it is counted, so that who was not known can tell whether it
    ///   ever was
    mutating func forget(_ id: WorkerID, isEvicted: Bool) {
        guard let slot = find(id) else { return }
        if isEvicted { evictions += 1 }
        let (share, length) = (self[slot].share, self[slot].kept.byteCount)
        index.remove(slot, hash: id.hashValue)
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
    ///   - limit: how many at the most
    ///   - keptOnly: whether only those count for whom replies are kept
    ///   - mayGo: whether one may be among them
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
    /// Notes a request that has been applied, with its reply; returns whose share grows, and by how much.
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
