import FuseboxCollections
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Synchronization
import Testing

/// A worker on its own thread that speaks the bare protocol. It records what was acknowledged, and after each lost
/// connection it sends the rest again.
final class ResendingWorker: Sendable {
    /// The acknowledged changes.
    struct Books: Equatable {
        var records: UInt64 = 0
        var nanodollars: Int64 = 0
        var successes: UInt64 = 0
    }

    private struct State {
        var thread = pthread_t()
        var books = Books()
        var isPaused = false
        var isIdle = false
        var connections = 0
        var failure: String?
    }

    private struct Outstanding {
        let sequence: UInt64
        /// The cost of a record; nil for a success.
        let nanodollars: Int64?
    }

    private static let inFlight = 64

    let name: String
    private let path: String
    private let isStopping = Atomic(false)
    private let state = Lock(State())

    init(_ path: String, number: Int) {
        self.path = path
        name = "worker-\(number)"
        let context = Unmanaged.passRetained(self).toOpaque()
        state.withLock { state in
            _ = pthread_create(
                &state.thread, nil,
                { context in
                    Unmanaged<ResendingWorker>.fromOpaque(context!).takeRetainedValue().run()
                    return nil
                }, context)
        }
    }

    var books: Books { state.withLock { $0.books } }
    /// Why it stopped, if it did.
    var failure: String? { state.withLock { $0.failure } }
    var connections: Int { state.withLock { $0.connections } }
    /// Whether it is paused and all its requests are acknowledged.
    var isIdle: Bool { state.withLock { $0.isPaused && $0.isIdle } }

    func pause() { state.withLock { $0.isPaused = true } }

    func resume() {
        state.withLock { state in
            state.isPaused = false
            state.isIdle = false
        }
    }

    func join() {
        isStopping.store(true, ordering: .relaxed)
        pthread_join(state.withLock { $0.thread }, nil)
    }

    // MARK: The thread

    private func run() {
        let worker = WorkerID(high: .random(in: 1 ... .max), low: .random(in: 0 ... .max))
        var outstanding: [Outstanding] = []
        var last: UInt64 = 0
        while !isStopping.load(ordering: .relaxed), failure == nil {
            guard let peer = RawPeer(ifListening: path) else {
                _ = poll(nil, 0, 2)
                continue
            }
            state.withLock { $0.connections += 1 }
            do { try converse(peer, worker, &outstanding, &last) } catch {
                state.withLock { $0.failure = "\(error)" }
            }
        }
    }

    /// Runs one connection until it breaks.
    private func converse(
        _ peer: RawPeer, _ worker: WorkerID, _ outstanding: inout [Outstanding], _ last: inout UInt64
    ) throws {
        peer.send(RawPeer.frame(Hello(worker: worker, lastSequence: last, client: name), sequence: 0))
        guard let hello = try peer.next() else { return }
        guard hello.status == .ok else { throw TestFailure("hello: \(hello.message)") }
        let standing = try hello.reply(Hello.Reply.self).worker
        // The daemon may not have received the first requests. Then it does not know this worker, and nothing was
        // acknowledged.
        guard standing == .resumed || books == Books() else { throw TestFailure("\(name) was forgotten") }
        var batch = ByteWriter()
        for request in outstanding { write(request, outstanding[0].sequence, into: &batch) }
        peer.send(batch.bytes)
        while !isStopping.load(ordering: .relaxed) {
            if !state.withLock({ $0.isPaused }) { submit(peer, &outstanding, &last) }
            state.withLock { $0.isIdle = outstanding.isEmpty }
            guard !outstanding.isEmpty else {
                _ = poll(nil, 0, 1)
                if peer.hasInput(withinMilliseconds: 0), try peer.next() == nil { return }
                continue
            }
            guard let reply = try peer.next() else { return }
            try settle(reply, &outstanding)
            while peer.hasFrame, let more = try peer.next() { try settle(more, &outstanding) }
        }
    }

    private func submit(_ peer: RawPeer, _ outstanding: inout [Outstanding], _ last: inout UInt64) {
        var batch = ByteWriter()
        while outstanding.count < Self.inFlight {
            last += 1
            let isRecord = last % 3 != 0
            let request = Outstanding(sequence: last, nanodollars: isRecord ? Int64.random(in: 1...9_999) : nil)
            outstanding.append(request)
            write(request, outstanding[0].sequence, into: &batch)
        }
        if !batch.isEmpty { peer.send(batch.bytes) }
    }

    /// A repeated request has the same bytes, except for the acknowledged number.
    private func write(_ request: Outstanding, _ oldest: UInt64, into writer: inout ByteWriter) {
        guard let subject = try? Name(name) else { preconditionFailure("\(name) is a name") }
        let correlation = UInt32(truncatingIfNeeded: request.sequence)
        if let nanodollars = request.nanodollars {
            let record = LedgerRecord(
                provider: subject, model: subject, cost: Money(nanodollars: nanodollars), inputTokens: 1,
                outputTokens: 2)
            RawPeer.write(
                record, correlation: correlation, sequence: request.sequence, oldest: oldest, into: &writer)
        } else {
            RawPeer.write(
                BreakerSuccess(name: subject), correlation: correlation, sequence: request.sequence, oldest: oldest,
                into: &writer)
        }
    }

    private func settle(_ reply: RawPeer.Frame, _ outstanding: inout [Outstanding]) throws {
        guard reply.status == .ok else { throw TestFailure("\(name) was told: \(reply.message)") }
        guard
            let place = outstanding.firstIndex(where: {
                UInt32(truncatingIfNeeded: $0.sequence) == reply.header.correlation
            })
        else { throw TestFailure("\(name) got a reply to nothing: \(reply.header.correlation)") }
        let request = outstanding.remove(at: place)
        state.withLock { state in
            if let nanodollars = request.nanodollars {
                state.books.records += 1
                state.books.nanodollars += nanodollars
            } else {
                state.books.successes += 1
            }
        }
    }
}
