import FuseboxCore
import FuseboxStore
import FuseboxWire

extension Engine {
    /// Says whether a worker that connects is remembered, and makes this session the one that speaks for it.
    ///
    /// An older session of the same worker is fenced: what it may still send must not come after what this one sends.
    func standing(of hello: Hello) -> (WorkerStanding, lastSequence: UInt64) {
        guard let slot = state.workers.find(hello.worker) else {
            return (hello.lastSequence > 0 ? .forgotten : .new, 0)
        }
        return (.resumed, state.workers[slot].lastSequence)
    }

    /// - Throws: `outOfRange` if the worker id is zero, `notPermitted` if the worker is another user's
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
        speakers[hello.worker] = Speaker(session: session.id, user: session.peer.user)
        owners.remove(hello.worker)
        lost.remove(hello.worker)
        return standing(of: hello)
    }

    /// Tells that the fenced sessions have been ended.
    public mutating func fencingDone() { fenced.removeAll(keepingCapacity: true) }

    /// The user whose process said hello first with this id; nil if none has.
    private func owner(of worker: WorkerID) -> UInt32? {
        if let speaker = speakers[worker] { return speaker.user }
        if let slot = state.workers.find(worker) { return state.workers[slot].user }
        return owners[worker]
    }

    /// The connection of a worker is gone: its id stays its user's.
    mutating func depart(_ session: borrowing Session) {
        speakers[session.worker] = nil
        if state.workers.find(session.worker) == nil { owners.add(session.worker, of: session.peer.user) }
    }

    /// A worker has said goodbye: its id belongs to no user any more.
    mutating func leave(_ session: borrowing Session) {
        guard speakers[session.worker]?.session == session.id else { return }
        speakers[session.worker] = nil
    }

    /// Forgets a worker with the replies that are kept for it.
    ///
    /// - Parameter isEvicted: whether it has to make room; its id stays its user's then
    mutating func forget(_ worker: WorkerID, isEvicted: Bool) throws(Refusal) {
        guard let slot = state.workers.find(worker) else { return }
        let placement = try commit.reserve(payload: Limits.ownPayload)
        if isEvicted { owners.add(worker, of: state.workers[slot].user) }
        state.workers.forget(worker, isEvicted: isEvicted)
        recordOwn(ForgetWorker(worker: worker, isEvicted: isEvicted), placement)
    }
}
