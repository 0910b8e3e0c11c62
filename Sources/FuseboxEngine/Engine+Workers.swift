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

    /// - Throws: `outOfRange` for a worker id of zeros, `notPermitted` if the worker is another user's
    mutating func greet(
        _ hello: Hello, _ session: borrowing Session
    ) throws(Refusal) -> (WorkerStanding, lastSequence: UInt64) {
        guard hello.worker != WorkerID(high: 0, low: 0) else {
            throw Refusal(.outOfRange, "a worker id of zeros is nobody's; draw 128 random bits")
        }
        if let slot = state.workers.find(hello.worker), state.workers[slot].user != session.peer.user {
            throw Refusal(.notPermitted, "this worker id belongs to another user's process; draw 128 random bits")
        }
        if let older = speakers[hello.worker] { fenced.append(older) }
        speakers[hello.worker] = session.id
        lost.remove(hello.worker)
        return standing(of: hello)
    }

    /// Tells that the fenced sessions have been ended.
    public mutating func fencingDone() { fenced.removeAll(keepingCapacity: true) }

    /// Forgets a worker with the replies that are kept for it.
    mutating func forget(_ worker: WorkerID, at moment: Moment) throws(Refusal) {
        guard state.workers.find(worker) != nil else { return }
        let isJournaled = try reserve(payload: 64)
        state.workers.forget(worker)
        guard isJournaled else {
            state.sequence += 1
            needsRebase = needsRebase || isJournaling
            return
        }
        var payload = ByteWriter(capacity: 16)
        ForgetWorker(worker: worker).encode(into: &payload)
        unsafe payload.withBytes { unsafe record(ForgetWorker.declaration.number, $0, nil, by: 0) }
    }
}
