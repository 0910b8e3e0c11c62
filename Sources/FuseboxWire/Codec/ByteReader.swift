/// A cursor over bytes that somebody else owns: it never reads beyond them.
///
/// It holds a pointer, so it may be used only while those bytes stand still: inside the `withBytes` that lent
/// them. Every read is checked against what is left.
///
/// It and `ByteWriter` are inlinable, as are the `fields` of every record: a command is then decoded by straight
/// code in the module that dispatches on it, not by way of generic witnesses.
@safe public struct ByteReader {
    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline var offset = 0
    /// Where it ends: behind the last byte, or behind that of the record that is being read.
    @usableFromInline var end: Int
    /// Whether it passes over what only newer peers know: fields at the end, and values of enumerations.
    ///
    /// Replies and events are read so. Requests and files are read to their last byte.
    public let skipsUnknown: Bool
    /// The protocol version that the bytes are in.
    public let version: UInt16

    /// Begins at the first of these bytes.
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

    /// The number of bytes not read yet; inside an open record, of those that are its own.
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

    /// Reads an IEEE 754 binary64, whatever it is: infinities and NaN too.
    ///
    /// - Throws: `malformed` if fewer than eight bytes are left.
    @inlinable
    public mutating func readDouble() throws(Refusal) -> Double {
        Double(bitPattern: try read(UInt64.self))
    }

    /// The next bytes, in place.
    ///
    /// - Throws: `malformed` if fewer are left.
    @inlinable
    public mutating func readBytes(_ length: Int) throws(Refusal) -> UnsafeRawBufferPointer {
        try unsafe take(length)
    }

    /// Checks that nothing is left, unless it passes over what it does not know.
    ///
    /// - Throws: `trailingBytes` if something is.
    @inlinable
    public func finish() throws(Refusal) {
        guard remaining == 0 || skipsUnknown else { throw goesOn() }
    }

    // MARK: Open records

    /// Reads the length of an open record and goes into it: until `leave` nothing behind it is read.
    ///
    /// - Returns: what `leave` takes
    /// - Throws: `malformed` if the record would end behind what is left.
    @inlinable
    mutating func enter() throws(Refusal) -> Int {
        let length = Int(try read(UInt16.self))
        guard length <= remaining else { throw endsTooEarly() }
        let outer = end
        end = offset &+ length
        return outer
    }

    /// Goes out of the record that `enter` went into, to its end.
    ///
    /// - Throws: `trailingBytes` if it holds more than was read, unless that is passed over.
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
