import FuseboxCollections
import FuseboxCore
import FuseboxWire

/// The session of a connected worker.
struct Speaker: Sendable {
    /// The connection's number.
    let session: UInt64
    /// The user that the peer process runs as.
    let user: UInt32
    /// The protocol version that its hello chose.
    let version: UInt16
}

/// The users of worker ids that have said hello and are neither connected nor remembered.
///
/// An id is a secret of its process and cannot be guessed. If another user learns one all the same, this table stops
/// that user from using it. The table is bounded: the oldest id of the user with the most ids makes room, so a user
/// that draws many ids pushes out its own. A restart of the daemon forgets the table. Such a worker has nothing that
/// another could take.
struct WorkerOwners: Sendable {
    private struct Owner {
        let worker: WorkerID
        let user: UInt32
    }

    private var owners = SlotTable<Owner>()
    private var slots: [WorkerID: Int] = [:]
    /// The slots of each user's ids, in the order in which they came.
    private var idsOfUser: [UInt32: Chain] = [:]
    private var links = ChainLinks()
    private let limit: Int

    init(limit: Int = Bounds().workers) { self.limit = limit }

    var count: Int { owners.count }

    subscript(worker: WorkerID) -> UInt32? { slots[worker].map { owners[$0].user } }

    mutating func add(_ worker: WorkerID, of user: UInt32) {
        remove(worker)
        if owners.count >= limit { makeRoom() }
        let slot = owners.insert(Owner(worker: worker, user: user))
        slots[worker] = slot
        idsOfUser[user, default: Chain()].append(slot, &links)
    }

    mutating func remove(_ worker: WorkerID) {
        guard let slot = slots.removeValue(forKey: worker) else { return }
        let user = owners.remove(at: slot).user
        idsOfUser[user]?.remove(slot, &links)
        if idsOfUser[user]?.isEmpty == true { idsOfUser[user] = nil }
    }

    private mutating func makeRoom() {
        guard let oldest = idsOfUser.values.max(by: { $0.count < $1.count })?.first else { return }
        remove(owners[oldest].worker)
    }
}
