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

    /// Begins at the first of these bytes.
    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = bytes }

    /// The number of bytes read.
    @inlinable public var position: Int { offset }

    /// The number of bytes not read yet.
    @inlinable public var remaining: Int { unsafe bytes.count - offset }

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

    /// Checks that nothing is left.
    ///
    /// - Throws: `trailingBytes` if something is.
    @inlinable
    public func finish() throws(Refusal) {
        guard remaining == 0 else { throw goesOn() }
    }

    @usableFromInline @inline(never)
    func endsTooEarly() -> Refusal {
        Refusal(
            .malformed, "the payload ends at byte \(offset + remaining), inside a value that begins at byte \(offset)")
    }

    @usableFromInline @inline(never)
    func goesOn() -> Refusal {
        Refusal(
            .trailingBytes,
            "\(remaining) \(remaining == 1 ? "byte follows" : "bytes follow") the last field, from byte \(offset) on")
    }
}
