/// The kind of a frame: who sends it and what the detail byte means.
public enum FrameKind: UInt8, Sendable {
    /// From client to server; the detail byte is 0.
    case request = 0
    /// From server to client, with the request's correlation id; the detail byte is the status.
    case reply = 1
    /// From server to client without a request; the detail byte is 0.
    case event = 2
    /// From server to client without a request, for this connection's worker alone; the detail byte is 0. The command's
    /// number tells whose reply it continues.
    case push = 3
}

/// The eight bytes after a frame's length: command, kind, status and correlation id.
public struct FrameHeader: Sendable, Equatable {
    /// The command's number; in an event, the event's.
    public var command: UInt16
    /// The number of a `FrameKind`, or any other byte that a peer has sent.
    public var kind: UInt8
    /// The status in a reply, else 0.
    public var detail: UInt8
    /// Chosen by the client. A reply has that of its request.
    public var correlation: UInt32

    /// The size of the length field, in bytes.
    @inlinable public static var lengthBytes: Int { 4 }
    /// The size of the header after the length field, in bytes.
    @inlinable public static var bytes: Int { 8 }

    /// A header to be sent.
    @inlinable
    public init(command: UInt16, kind: FrameKind, detail: UInt8 = 0, correlation: UInt32) {
        self.command = command
        self.kind = kind.rawValue
        self.detail = detail
        self.correlation = correlation
    }

    /// Reads the header's eight bytes.
    ///
    /// - Throws: `malformed` if they are fewer.
    @inlinable
    public init(from reader: inout ByteReader) throws(Refusal) {
        command = try reader.read()
        kind = try reader.read()
        detail = try reader.read()
        correlation = try reader.read()
    }
}

extension ByteWriter {
    /// Begins a frame. `endFrame` writes its length.
    ///
    /// - Returns: where the frame begins: the argument for `endFrame`
    @inlinable
    public mutating func beginFrame(_ header: FrameHeader) -> Int {
        let start = count
        write(0 as UInt32)
        write(header.command)
        write(header.kind)
        write(header.detail)
        write(header.correlation)
        return start
    }

    /// Ends the frame that begins at `start`.
    @inlinable
    public mutating func endFrame(_ start: Int) {
        overwrite(UInt32(count - start - FrameHeader.lengthBytes), at: start)
    }

    /// Writes the reply to a refused request as one frame.
    public mutating func writeRefusal(_ refusal: Refusal, command: UInt16, correlation: UInt32) {
        let start = beginFrame(
            FrameHeader(
                command: command, kind: .reply, detail: refusal.status.rawValue, correlation: correlation))
        refusal.message.encode(into: &self)
        endFrame(start)
    }
}
