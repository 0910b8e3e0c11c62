/// A cursor over bytes that somebody else owns: it never reads beyond them.
///
/// It holds a pointer, so it may be used only while those bytes stand still: inside the `withBytes` that lent
/// them. Every read is checked against what is left.
@safe public struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    public private(set) var position = 0

    public init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = bytes }

    public var remaining: Int { unsafe bytes.count - position }

    private mutating func take(_ length: Int) throws(Refusal) -> UnsafeRawBufferPointer {
        guard length <= remaining else {
            throw Refusal(
                .malformed,
                "the payload ends at byte \(position + remaining), inside a value that begins at byte \(position)")
        }
        let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[position..<position + length])
        position += length
        return unsafe part
    }

    public mutating func read<Number: FixedWidthInteger & BitwiseCopyable>(
        _: Number.Type = Number.self
    ) throws(Refusal) -> Number {
        let source = try unsafe take(MemoryLayout<Number>.size)
        return unsafe Number(littleEndian: source.loadUnaligned(as: Number.self))
    }

    public mutating func readDouble() throws(Refusal) -> Double {
        Double(bitPattern: try read(UInt64.self))
    }

    /// The next bytes, in place.
    public mutating func readBytes(_ length: Int) throws(Refusal) -> UnsafeRawBufferPointer {
        try unsafe take(length)
    }

    /// Checks that nothing is left.
    public func finish() throws(Refusal) {
        guard remaining == 0 else {
            throw Refusal(.trailingBytes, "\(remaining) bytes follow the last field, from byte \(position) on")
        }
    }
}
