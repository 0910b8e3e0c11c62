/// What kind of frame it is: who sends it and what its third byte means.
public enum FrameKind: UInt8, Sendable {
    /// From client to server; the detail byte is 0.
    case request = 0
    /// From server to client, with the request's correlation id; the detail byte is the status.
    case reply = 1
    /// From server to client without a request; the detail byte is 0.
    case event = 2
}

/// The eight bytes after a frame's length: command, kind, status and correlation id.
public struct FrameHeader: Sendable, Equatable {
    /// The command's number; in an event, the event's.
    public var command: UInt16
    /// A `FrameKind`, as it came: a peer may have sent any byte.
    public var kind: UInt8
    /// The status in a reply, else 0.
    public var detail: UInt8
    /// Chosen by the client; a reply carries its request's.
    public var correlation: UInt32

    /// The bytes of the length field.
    @inlinable public static var lengthBytes: Int { 4 }
    /// The bytes of the header after the length field.
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
    @inlinable
    public init(from reader: inout ByteReader) throws(Refusal) {
        command = try reader.read()
        kind = try reader.read()
        detail = try reader.read()
        correlation = try reader.read()
    }
}

extension ByteWriter {
    /// Begins a frame whose length is written by `endFrame`; returns where it stands.
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

    /// Ends the frame that began at `start`.
    @inlinable
    public mutating func endFrame(_ start: Int) {
        overwrite(UInt32(count - start - FrameHeader.lengthBytes), at: start)
    }

    /// Writes the reply of a refused request as one frame.
    public mutating func writeRefusal(_ refusal: Refusal, command: UInt16, correlation: UInt32) {
        let start = beginFrame(
            FrameHeader(
                command: command, kind: .reply, detail: refusal.status.rawValue, correlation: correlation))
        refusal.message.encode(into: &self)
        endFrame(start)
    }
}
