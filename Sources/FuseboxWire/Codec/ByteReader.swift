/// A cursor over borrowed bytes. It never reads beyond their end.
///
/// It holds a pointer, so it is valid only inside the `withBytes` call that lent the bytes. Every read checks how many
/// bytes are left.
///
/// It, `ByteWriter` and the `fields` of every record are inlinable. The module that dispatches on a command then
/// decodes it with specialised code, without generic witness calls.
@safe public struct ByteReader {
    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline var offset = 0
    /// The offset at which reading ends: that of all bytes, or that of the open record that is being read.
    @usableFromInline var end: Int
    /// Whether it skips what only newer peers know: fields at the end, and values of enumerations.
    ///
    /// Replies and events are read this way. In requests and files both are errors.
    public let skipsUnknown: Bool
    /// The protocol version that the bytes are in.
    public let version: UInt16

    /// A reader at the first byte.
    @inlinable
    public init(
        _ bytes: UnsafeRawBufferPointer, skipsUnknown: Bool = false, version: UInt16 = ProtocolVersion.highest
    ) {
        unsafe self.bytes = bytes
        end = bytes.count
        self.skipsUnknown = skipsUnknown
        self.version = version
    }

    /// The number of bytes read.
    @inlinable public var position: Int { offset }

    /// The number of bytes not read yet; inside an open record, the number of its unread bytes.
    @inlinable public var remaining: Int { end &- offset }

    @inlinable @inline(__always)
    mutating func take(_ length: Int) throws(Refusal) -> UnsafeRawBufferPointer {
        // One comparison refuses negative lengths too.
        guard UInt(bitPattern: length) <= UInt(bitPattern: remaining) else { throw endsTooEarly() }
        let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[offset..<offset &+ length])
        offset &+= length
        return unsafe part
    }

    /// Reads a little-endian integer.
    ///
    /// - Throws: `malformed` if fewer bytes are left than it takes.
    @inlinable
    public mutating func read<Number: FixedWidthInteger & BitwiseCopyable>(
        _: Number.Type = Number.self
    ) throws(Refusal) -> Number {
        let source = try unsafe take(MemoryLayout<Number>.size)
        return unsafe Number(littleEndian: source.loadUnaligned(as: Number.self))
    }

    /// Reads an IEEE 754 binary64. Infinities and NaN are accepted.
    ///
    /// - Throws: `malformed` if fewer than eight bytes are left.
    @inlinable
    public mutating func readDouble() throws(Refusal) -> Double {
        Double(bitPattern: try read(UInt64.self))
    }

    /// Reads the next `length` bytes without copying them.
    ///
    /// - Throws: `malformed` if fewer are left.
    @inlinable
    public mutating func readBytes(_ length: Int) throws(Refusal) -> UnsafeRawBufferPointer {
        try unsafe take(length)
    }

    /// Checks that every byte was read. A reader that skips the unknown accepts unread bytes.
    ///
    /// - Throws: `trailingBytes` if bytes are left.
    @inlinable
    public func finish() throws(Refusal) {
        guard remaining == 0 || skipsUnknown else { throw goesOn() }
    }

    // MARK: Open records

    /// Reads the length of an open record and enters it. Until `leave`, reading ends with the record.
    ///
    /// - Returns: the argument for `leave`
    /// - Throws: `malformed` if the record is longer than what is left.
    @inlinable
    mutating func enter() throws(Refusal) -> Int {
        let length = Int(try read(UInt16.self))
        guard length <= remaining else { throw endsTooEarly() }
        let outer = end
        end = offset &+ length
        return outer
    }

    /// Leaves the record that `enter` entered. The next read begins after its end.
    ///
    /// - Throws: `trailingBytes` if bytes of the record are unread and the reader does not skip the unknown.
    @inlinable
    mutating func leave(_ outer: Int) throws(Refusal) {
        try finish()
        offset = end
        end = outer
    }

    @usableFromInline @inline(never)
    func endsTooEarly() -> Refusal {
        Refusal(
            .malformed, "the payload ends at byte \(end), inside a value that begins at byte \(offset)")
    }

    @usableFromInline @inline(never)
    func goesOn() -> Refusal {
        Refusal(
            .trailingBytes,
            "\(remaining) \(remaining == 1 ? "byte follows" : "bytes follow") the last field, from byte \(offset) on")
    }
}
