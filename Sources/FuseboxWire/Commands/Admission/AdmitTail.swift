/// The end of an encoded `Admit`, whose fields have fixed places.
///
/// The daemon reads there whether a call waits, and notes there what the queue has decided, without decoding the names.
package enum AdmitTail {
    /// The bytes of the last three fields, which the daemon sets.
    package static let decidedBytes = 2 + 8 + 1
    /// The bytes of the fields before them that concern waiting.
    private static let askedBytes = 8 + 1 + 8
    private static let bytes = askedBytes + decidedBytes

    /// How long the call may wait. Nil if the payload is too short to be a request.
    package static func waitMilliseconds(in payload: UnsafeRawBufferPointer) -> Int64? {
        guard payload.count >= bytes else { return nil }
        return unsafe Int64(
            littleEndian: payload.loadUnaligned(fromByteOffset: payload.count - bytes, as: Int64.self))
    }

    /// Notes what the queue has decided.
    package static func write(
        passed: UInt16, milliseconds: Int64, queue: QueueDecision, into payload: inout [UInt8]
    ) {
        let start = payload.count - decidedBytes
        write(passed, at: start, into: &payload)
        write(milliseconds, at: start + 2, into: &payload)
        payload[start + 10] = queue.rawValue
    }

    /// Whether the queue has taken the call. False if the payload is too short to be a request.
    package static func isQueued(in payload: UnsafeRawBufferPointer) -> Bool {
        guard payload.count >= bytes else { return false }
        return unsafe payload[payload.count - 1] == QueueDecision.joins.rawValue
    }

    /// Turns a request into one that continues the wait of a ticket.
    package static func write(resumes ticket: UInt64, waitMilliseconds: Int64, into payload: inout [UInt8]) {
        let start = payload.count - bytes
        write(waitMilliseconds, at: start, into: &payload)
        write(ticket, at: start + 9, into: &payload)
    }

    /// The ticket whose wait a request continues; 0: none.
    package static func resumes(in payload: UnsafeRawBufferPointer) -> UInt64 {
        guard payload.count >= bytes else { return 0 }
        return unsafe UInt64(
            littleEndian: payload.loadUnaligned(fromByteOffset: payload.count - bytes + 9, as: UInt64.self))
    }

    private static func write<Number: FixedWidthInteger>(
        _ number: Number, at start: Int, into payload: inout [UInt8]
    ) {
        precondition(start >= 0, "an encoded request has its last fields")
        for place in 0..<Number.bitWidth / 8 {
            payload[start + place] = UInt8(truncatingIfNeeded: number >> Number(place * 8))
        }
    }
}
