import FuseboxCore
import FuseboxStore
import FuseboxWire

extension Engine {
    /// Whether the worker of a hello is new, remembered or forgotten, and its highest sequence number.
    func standing(of hello: Hello) -> (WorkerStanding, lastSequence: UInt64) {
        guard let slot = state.workers.find(hello.worker) else {
            return (hello.lastSequence > 0 ? .forgotten : .new, 0)
        }
        return (.resumed, state.workers[slot].lastSequence)
    }

    /// Makes this session the one of its worker, and returns the worker's standing.
    ///
    /// An older session of the same worker is fenced, because its requests must not come after those of this session.
    ///
    /// - Throws: `outOfRange` if the worker id is zero, `notPermitted` if it belongs to another user
    mutating func greet(
        _ hello: Hello, _ session: borrowing Session
    ) throws(Refusal) -> (WorkerStanding, lastSequence: UInt64) {
        guard hello.worker != WorkerID(high: 0, low: 0) else {
            throw Refusal(.outOfRange, "the worker id must not be zero; draw 128 random bits")
        }
        if let owner = owner(of: hello.worker), owner != session.peer.user {
            throw Refusal(.notPermitted, "this worker id belongs to another user's process; draw 128 random bits")
        }
        if let older = speakers[hello.worker] { fenced.append(older.session) }
        speakers[hello.worker] = Speaker(
            session: session.id, user: session.peer.user, version: hello.commonVersion ?? ProtocolVersion.lowest)
        owners.remove(hello.worker)
        lost.remove(hello.worker)
        queue.setAway(hello.worker, false)
        return standing(of: hello)
    }

    /// Notes that the owner has ended the fenced sessions.
    package mutating func fencingDone() { fenced.removeAll(keepingCapacity: true) }

    /// The user whose process first said hello with this id. Nil if none has.
    private func owner(of worker: WorkerID) -> UInt32? {
        if let speaker = speakers[worker] { return speaker.user }
        if let slot = state.workers.find(worker) { return state.workers[slot].user }
        return owners[worker]
    }

    /// Notes that a worker's connection is gone. Its id still belongs to its user.
    mutating func depart(_ session: borrowing Session) {
        speakers[session.worker] = nil
        if state.workers.find(session.worker) == nil { owners.add(session.worker, of: session.peer.user) }
    }

    /// Notes that a worker has said goodbye. Its id belongs to no user any more.
    mutating func leave(_ session: borrowing Session) {
        guard speakers[session.worker]?.session == session.id else { return }
        speakers[session.worker] = nil
    }

    /// Forgets a worker with the replies that are kept for it.
    ///
    /// - Parameter isEvicted: whether the worker makes room for another; its id then still belongs to its user
    mutating func forget(_ worker: WorkerID, isEvicted: Bool) throws(Refusal) {
        guard let slot = state.workers.find(worker) else { return }
        let placement = try commit.reserve(payload: Bounds.ownPayload)
        if isEvicted { owners.add(worker, of: state.workers[slot].user) }
        state.workers.forget(worker, isEvicted: isEvicted)
        recordOwn(ForgetWorker(worker: worker, isEvicted: isEvicted), placement)
    }
}
