/// Cuts a stream of bytes into frames.
///
/// Bytes are read straight into its memory (`spare`, `commit`), and frames are lent from it. It holds at most one frame
/// of the allowed length and the bytes of one read. It releases the memory of a large frame.
public struct FrameReader: ~Copyable {
    /// The size of its memory while frames are small, in bytes.
    @inlinable public static var restingCapacity: Int { 4096 }

    @usableFromInline var buffer: ByteWriter
    /// The longest frame that is accepted, in bytes after the length field.
    public var frameLimit: Int

    /// A reader at the first byte of a stream.
    public init(frameLimit: Int = WireLimits.frameLength) {
        buffer = ByteWriter(capacity: Self.restingCapacity)
        self.frameLimit = frameLimit
    }

    /// Memory for the next bytes of the stream. It has room for the rest of the incomplete frame, but at least 1 KiB,
    /// and need not have more than 64 KiB.
    public mutating func spare() -> UnsafeMutableRawBufferPointer {
        unsafe buffer.spare(max(min(missing, 64 * 1024), 1024))
    }

    /// Accepts the first `length` bytes of the memory that `spare` returned.
    public mutating func commit(_ length: Int) { buffer.commit(length) }

    /// Accepts a copy of these bytes.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) { unsafe buffer.write(contentsOf: bytes) }

    /// The number of bytes that were accepted and not returned in a frame.
    public var pending: Int { buffer.count }

    /// The size of its memory, in bytes.
    public var footprint: Int { buffer.footprint }

    /// How many bytes the incomplete frame lacks; before its length is known, how many its header lacks.
    private var missing: Int {
        guard let length = announcedLength else { return FrameHeader.lengthBytes + FrameHeader.bytes - buffer.count }
        return max(0, min(length, frameLimit) + FrameHeader.lengthBytes - buffer.count)
    }

    /// The length field of the next frame; nil until its four bytes are there.
    @inlinable var announcedLength: Int? {
        guard buffer.count >= FrameHeader.lengthBytes else { return nil }
        return unsafe Int(UInt32(littleEndian: buffer.contents.loadUnaligned(as: UInt32.self)))
    }

    /// The length of the next frame, in bytes after the length field; 0 until it is known.
    public var nextLength: Int { announcedLength ?? 0 }

    /// The command of the next frame; 0 until it is known.
    public var nextCommand: UInt16 {
        guard buffer.count >= FrameHeader.lengthBytes + 2 else { return 0 }
        return unsafe UInt16(
            littleEndian: buffer.contents.loadUnaligned(fromByteOffset: FrameHeader.lengthBytes, as: UInt16.self))
    }

    /// Whether `next` returns a frame or throws.
    public var isReady: Bool {
        guard let length = announcedLength else { return false }
        return length > frameLimit || length < FrameHeader.bytes
            || buffer.count >= length + FrameHeader.lengthBytes
    }

    /// Calls `body` with the next complete frame; returns nil if there is none yet.
    ///
    /// The payload is valid only during the call. After a refusal no further frame can be found in the stream.
    ///
    /// - Throws: `frameTooLarge`, or `malformed` for a frame too short to hold its header.
    @inlinable
    public mutating func next<Result>(
        _ body: (FrameHeader, UnsafeRawBufferPointer) -> Result
    ) throws(Refusal) -> Result? {
        guard let length = announcedLength else { return nil }
        guard length >= FrameHeader.bytes, length <= frameLimit else { throw impossible(length) }
        guard buffer.count >= length + FrameHeader.lengthBytes else { return nil }
        let frame = unsafe UnsafeRawBufferPointer(
            rebasing: buffer.contents[FrameHeader.lengthBytes..<FrameHeader.lengthBytes + length])
        var reader = unsafe ByteReader(frame)
        let header = try FrameHeader(from: &reader)
        let result = unsafe body(header, UnsafeRawBufferPointer(rebasing: frame[FrameHeader.bytes...]))
        buffer.removeFirst(length + FrameHeader.lengthBytes)
        if buffer.isEmpty { buffer.shrink(to: Self.restingCapacity) }
        return result
    }

    @usableFromInline @inline(never)
    func impossible(_ length: Int) -> Refusal {
        length > frameLimit
            ? Refusal(
                .frameTooLarge,
                "a frame of \(length) bytes is too long; the limit is \(frameLimit) bytes after the length field")
            : Refusal(
                .malformed,
                "a frame of \(Quantity.count(length, "byte")) is too short for its header of \(FrameHeader.bytes)")
    }
}
