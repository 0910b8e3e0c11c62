import FuseboxCollections
import FuseboxCore
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

    init(limit: Int = Limits().workers) { self.limit = limit }

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
