/// Cuts a stream of bytes into frames.
///
/// Bytes are read straight into its memory (`spare`, `commit`) and frames are lent out of it. It never holds more
/// than one frame of the allowed length plus what one read brings, and it gives the memory of a large frame back.
public struct FrameReader: ~Copyable {
    /// What it holds while frames are small.
    public static let restingCapacity = 4096

    private var buffer: ByteWriter
    /// The longest frame it takes, in bytes after the length field.
    public var frameLimit: Int

    public init(frameLimit: Int = Limits.frameLength) {
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

    private var announcedLength: Int? {
        guard buffer.count >= FrameHeader.lengthBytes else { return nil }
        return unsafe buffer.withBytes { Int(unsafe UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self))) }
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
    public mutating func next<Result>(
        _ body: (FrameHeader, UnsafeRawBufferPointer) -> Result
    ) throws(Refusal) -> Result? {
        guard let length = announcedLength else { return nil }
        guard length <= frameLimit else {
            throw Refusal(
                .frameTooLarge,
                "a frame of \(length) bytes is too long; the limit is \(frameLimit) bytes after the length field")
        }
        guard length >= FrameHeader.bytes else {
            throw Refusal(.malformed, "a frame of \(length) bytes is too short for its header of \(FrameHeader.bytes)")
        }
        guard buffer.count >= length + FrameHeader.lengthBytes else { return nil }
        let result: Swift.Result<Result, Refusal> = unsafe buffer.withBytes { bytes in
            let frame = unsafe UnsafeRawBufferPointer(
                rebasing: bytes[FrameHeader.lengthBytes..<FrameHeader.lengthBytes + length])
            var reader = unsafe ByteReader(frame)
            do throws(Refusal) {
                let header = try FrameHeader(from: &reader)
                return .success(
                    unsafe body(header, UnsafeRawBufferPointer(rebasing: frame[FrameHeader.bytes...])))
            } catch {
                return .failure(error)
            }
        }
        buffer.removeFirst(length + FrameHeader.lengthBytes)
        if buffer.isEmpty { buffer.shrink(to: Self.restingCapacity) }
        return try result.get()
    }
}
