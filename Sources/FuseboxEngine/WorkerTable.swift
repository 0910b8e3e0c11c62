import FuseboxCore
import FuseboxWire

/// What the daemon remembers of workers, so that a request that is sent again counts once.
///
/// A worker is remembered from its first request that changes state until it says goodbye or must make room. Of its
/// requests, the replies are kept from the lowest on that it has not acknowledged. Everything here but the connections
/// is a function of the journal.
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

        /// Notes a request that has been applied, with its reply. One call, for finding a worker costs more than this.
        mutating func keep(
            _ reply: UnsafeRawBufferPointer, to number: RequestSequence, command: UInt16, digest: UInt32,
            at now: Timestamp
        ) {
            lastSequence = number.sequence
            lastSeen = now
            kept.acknowledge(below: number.oldestUnacknowledged)
            unsafe kept.keep(number.sequence, command: command, digest: digest, payload: reply)
        }
    }

    private var workers = ChunkedArray<Worker?>()
    private var index = HashIndex()
    private var free: [Int] = []
    /// How many had to make room, in the life of the state.
    var evictions: UInt64 = 0

    var count: Int { index.count }

    private static func id(at slot: Int, of workers: borrowing ChunkedArray<Worker?>) -> WorkerID {
        guard let worker = workers[slot] else { preconditionFailure("the index names workers only") }
        return worker.id
    }

    /// The slot of a worker; nil if it is not remembered.
    func find(_ id: WorkerID) -> Int? {
        index.find(id.hashValue) { Self.id(at: $0, of: workers) == id }
    }

    subscript(slot: Int) -> Worker {
        get {
            guard let worker = workers[slot] else { preconditionFailure("no worker is in slot \(slot)") }
            return worker
        }
        _modify { yield &workers[slot]! }
    }

    /// Remembers a worker that is not remembered yet.
    mutating func add(_ worker: Worker) -> Int {
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            workers[slot] = worker
        } else {
            slot = workers.count
            workers.append(worker)
        }
        index.insert(slot, hash: worker.id.hashValue)
        return slot
    }

    /// - Parameter isEvicted: whether it had to make room; then it is counted, so that who was not known can tell whether it
    ///   ever was
    mutating func forget(_ id: WorkerID, isEvicted: Bool) {
        guard let slot = find(id) else { return }
        if isEvicted { evictions += 1 }
        index.remove(slot, hash: id.hashValue)
        workers[slot] = nil
        free.append(slot)
    }

    /// Calls `body` with every worker, in the order of their slots.
    func forEach<Failure: Error>(_ body: (Worker) throws(Failure) -> Void) throws(Failure) {
        for slot in 0..<workers.count {
            if let worker = workers[slot] { try body(worker) }
        }
    }

    /// The worker that has been quiet for the longest among those for which `mayGo` holds.
    func quietest(where mayGo: (WorkerID) -> Bool) -> WorkerID? {
        var quietest: Worker?
        forEach { worker in
            guard mayGo(worker.id) else { return }
            if let found = quietest, found.lastSeen <= worker.lastSeen { return }
            quietest = worker
        }
        return quietest?.id
    }
}

/// The replies of one worker that it has not acknowledged, oldest first, one after the other in one run of bytes.
struct KeptReplies: Sendable {
    /// Sequence (8 bytes), command (2), length (4) and the request's digest (4) before each payload.
    private static let headBytes = 18

    private var bytes: [UInt8] = []
    /// Where the oldest begins; what is before it has been acknowledged.
    private var start = 0
    private(set) var count = 0

    /// Keeps the reply to a request with a higher sequence than all before.
    ///
    /// - Parameter digest: the CRC32C of the request's own fields
    mutating func keep(_ sequence: UInt64, command: UInt16, digest: UInt32, payload: UnsafeRawBufferPointer) {
        append(sequence)
        append(command)
        append(UInt32(payload.count))
        append(digest)
        unsafe bytes.append(contentsOf: payload)
        count += 1
    }

    /// Forgets the replies below a sequence: the worker has seen them.
    mutating func acknowledge(below sequence: UInt64) {
        while count > 0, number(at: start, as: UInt64.self) < sequence {
            start += Self.headBytes + Int(number(at: start + 10, as: UInt32.self))
            count -= 1
        }
        if count == 0 {
            bytes.removeAll(keepingCapacity: true)
            start = 0
        } else if start > bytes.count / 2, start > 4096 {
            bytes.removeFirst(start)
            start = 0
        }
    }

    /// Calls `body` with the command, the request's digest and the payload of a reply that is kept; returns nil if it
    /// is not.
    func find<Result>(_ sequence: UInt64, _ body: (UInt16, UInt32, UnsafeRawBufferPointer) -> Result) -> Result? {
        var place = start
        for _ in 0..<count {
            let length = Int(number(at: place + 10, as: UInt32.self))
            if number(at: place, as: UInt64.self) == sequence {
                let payload = (place + Self.headBytes)..<(place + Self.headBytes + length)
                let command = number(at: place + 8, as: UInt16.self)
                let digest = number(at: place + 14, as: UInt32.self)
                return unsafe bytes.withUnsafeBytes {
                    unsafe body(command, digest, UnsafeRawBufferPointer(rebasing: $0[payload]))
                }
            }
            place += Self.headBytes + length
        }
        return nil
    }

    /// Calls `body` with every reply, oldest first.
    func forEach<Failure: Error>(
        _ body: (UInt64, UInt16, UInt32, ArraySlice<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        var place = start
        for _ in 0..<count {
            let length = Int(number(at: place + 10, as: UInt32.self))
            let payload = bytes[(place + Self.headBytes)..<(place + Self.headBytes + length)]
            try body(
                number(at: place, as: UInt64.self), number(at: place + 8, as: UInt16.self),
                number(at: place + 14, as: UInt32.self), payload)
            place += Self.headBytes + length
        }
    }

    private mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        unsafe withUnsafeBytes(of: number.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    private func number<Number: FixedWidthInteger>(at place: Int, as: Number.Type) -> Number {
        var number: Number = 0
        for byte in 0..<(Number.bitWidth / 8) { number |= Number(bytes[place + byte]) << Number(8 * byte) }
        return number
    }
}
