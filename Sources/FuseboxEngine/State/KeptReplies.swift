import FuseboxCore
import FuseboxWire

/// The unacknowledged replies of one worker, oldest first, in one contiguous buffer.
struct KeptReplies: Sendable {
    /// The bytes before each payload: sequence (8), command (2), length (4) and the request's digest (4).
    private static let headBytes = 18

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
        while passed < count, number(at: place, as: UInt64.self) < sequence {
            place += length(at: place)
            passed += 1
        }
        return (count - passed, bytes.count - place)
    }

    /// Keeps the reply to a request. Its sequence must be higher than all before.
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

    /// Forgets the replies below a sequence, because the worker has seen them.
    mutating func acknowledge(below sequence: UInt64) {
        while count > 0, number(at: start, as: UInt64.self) < sequence {
            start += length(at: start)
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

    /// The bytes of the reply at an offset, with its head.
    private func length(at place: Int) -> Int { Self.headBytes + Int(number(at: place + 10, as: UInt32.self)) }

    private mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        unsafe withUnsafeBytes(of: number.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    private func number<Number: FixedWidthInteger>(at place: Int, as: Number.Type) -> Number {
        var number: Number = 0
        for byte in 0..<(Number.bitWidth / 8) { number |= Number(bytes[place + byte]) << Number(8 * byte) }
        return number
    }
}
