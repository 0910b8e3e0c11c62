import FuseboxCore
import FuseboxWire

/// The digest that tells a request from another one with the same number: the CRC32C of its own fields.
enum RequestDigest {
    /// The digest of a request, as it was sent or as the journal holds it.
    static func of(_ command: UInt16, _ payload: UnsafeRawBufferPointer) -> UInt32 {
        guard command == CommandNumber.admit.rawValue else { return unsafe Checksum.of(payload) }
        // The journal has what the queue has decided at the end of an admission.
        return unsafe Checksum.of(UnsafeRawBufferPointer(rebasing: payload.dropLast(AdmitTail.decidedBytes)))
    }
}

/// The unacknowledged replies of one worker, oldest first, in one contiguous buffer.
struct KeptReplies: Sendable {
    /// What stands before each payload.
    private struct Head: BitwiseCopyable {
        var sequence: UInt64
        /// The length of the payload in bytes.
        var length: UInt32
        /// The CRC32C of the request's own fields.
        var digest: UInt32
        var command: UInt16

        static var bytes: Int { MemoryLayout<Head>.size }
        /// The bytes of the reply with its head.
        var total: Int { Head.bytes + Int(length) }
    }

    private var bytes: [UInt8] = []
    /// The offset of the oldest reply. The bytes before it were acknowledged.
    private var start = 0
    private(set) var count = 0

    /// The number of bytes that are kept.
    var byteCount: Int { bytes.count - start }

    /// The number of replies from this sequence on, and their bytes.
    func remaining(from sequence: UInt64) -> (count: Int, bytes: Int) {
        var place = start
        var passed = 0
        while passed < count {
            let head = head(at: place)
            guard head.sequence < sequence else { break }
            place += head.total
            passed += 1
        }
        return (count - passed, bytes.count - place)
    }

    /// Keeps the reply to a request. Its sequence must be higher than all before.
    ///
    /// - Parameter digest: the CRC32C of the request's own fields
    mutating func keep(_ sequence: UInt64, command: UInt16, digest: UInt32, payload: UnsafeRawBufferPointer) {
        let head = Head(sequence: sequence, length: UInt32(payload.count), digest: digest, command: command)
        unsafe withUnsafeBytes(of: head) { unsafe bytes.append(contentsOf: $0) }
        unsafe bytes.append(contentsOf: payload)
        count += 1
    }

    /// Forgets the replies below a sequence, because the worker has seen them.
    mutating func acknowledge(below sequence: UInt64) {
        while count > 0 {
            let head = head(at: start)
            guard head.sequence < sequence else { break }
            start += head.total
            count -= 1
        }
        if count == 0 {
            bytes.removeAll(keepingCapacity: bytes.capacity <= Bounds.restingKeptBytes)
            start = 0
        } else if start > bytes.count / 2, start > Bounds.restingKeptBytes {
            bytes.removeFirst(start)
            start = 0
        }
    }

    /// Calls `body` with the command, the request's digest and the payload of a kept reply. Returns nil if no reply is
    /// kept for this sequence.
    func find<Result>(_ sequence: UInt64, _ body: (UInt16, UInt32, UnsafeRawBufferPointer) -> Result) -> Result? {
        var place = start
        for _ in 0..<count {
            let head = head(at: place)
            if head.sequence == sequence {
                return unsafe bytes.withUnsafeBytes {
                    unsafe body(
                        head.command, head.digest,
                        UnsafeRawBufferPointer(rebasing: $0[(place + Head.bytes)..<(place + head.total)]))
                }
            }
            place += head.total
        }
        return nil
    }

    /// Calls `body` with every reply, oldest first.
    func forEach<Failure: Error>(
        _ body: (UInt64, UInt16, UInt32, ArraySlice<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        var place = start
        for _ in 0..<count {
            let head = head(at: place)
            let payload = bytes[(place + Head.bytes)..<(place + head.total)]
            try body(head.sequence, head.command, head.digest, payload)
            place += head.total
        }
    }

    /// The head of the reply at an offset.
    private func head(at place: Int) -> Head {
        unsafe bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: place, as: Head.self)
    }
}
