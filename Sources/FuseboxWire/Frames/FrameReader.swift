/// Cuts a stream of bytes into frames.
///
/// Bytes are read straight into its memory (`spare`, `commit`) and frames are lent out of it. It never holds more
/// than one frame of the allowed length plus what one read brings, and it gives the memory of a large frame back.
public struct FrameReader: ~Copyable {
    /// What it holds while frames are small.
    @inlinable public static var restingCapacity: Int { 4096 }

    @usableFromInline var buffer: ByteWriter
    /// The longest frame it takes, in bytes after the length field.
    public var frameLimit: Int

    /// Begins at the first byte of a stream.
    public init(frameLimit: Int = WireLimits.frameLength) {
        buffer = ByteWriter(capacity: Self.restingCapacity)
        self.frameLimit = frameLimit
    }

    /// Room for the next bytes of the stream: at least as many as the frame under way still lacks, within reason.
    public mutating func spare() -> UnsafeMutableRawBufferPointer {
        unsafe buffer.spare(max(min(missing, 64 * 1024), 1024))
    }

    /// Takes bytes that were read into `spare`.
    public mutating func commit(_ length: Int) { buffer.commit(length) }

    /// Takes bytes by copying them.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) { unsafe buffer.write(contentsOf: bytes) }

    /// Bytes that were taken and belong to no complete frame yet.
    public var pending: Int { buffer.count }

    /// Bytes of memory held.
    public var footprint: Int { buffer.footprint }

    /// The bytes that the frame under way still lacks; its header's if that is not there yet.
    private var missing: Int {
        guard let length = announcedLength else { return FrameHeader.lengthBytes + FrameHeader.bytes - buffer.count }
        return max(0, min(length, frameLimit) + FrameHeader.lengthBytes - buffer.count)
    }

    /// What the length field of the frame under way says; nil if it is not there yet.
    @inlinable var announcedLength: Int? {
        guard buffer.count >= FrameHeader.lengthBytes else { return nil }
        return unsafe Int(UInt32(littleEndian: buffer.contents.loadUnaligned(as: UInt32.self)))
    }

    /// The length of the frame that comes next, in bytes after the length field; 0 if it is not known yet.
    public var nextLength: Int { announcedLength ?? 0 }

    /// The command of the frame that comes next; 0 if it is not known yet.
    public var nextCommand: UInt16 {
        guard buffer.count >= FrameHeader.lengthBytes + 2 else { return 0 }
        return unsafe UInt16(
            littleEndian: buffer.contents.loadUnaligned(fromByteOffset: FrameHeader.lengthBytes, as: UInt16.self))
    }

    /// Whether a complete frame is waiting, or bytes that can never become one.
    public var isReady: Bool {
        guard let length = announcedLength else { return false }
        return length > frameLimit || length < FrameHeader.bytes
            || buffer.count >= length + FrameHeader.lengthBytes
    }

    /// Calls `body` with the next complete frame; returns nil if there is none yet.
    ///
    /// The payload is valid only during the call. After a refusal the stream has no meaning any more.
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
