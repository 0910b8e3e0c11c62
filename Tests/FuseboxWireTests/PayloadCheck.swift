import FuseboxInterop
import FuseboxWire

/// Decodes payloads as a peer would, and sees to it that what is accepted is what was sent.
struct PayloadCheck: ~Copyable, CommandVisitor {
    private var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    private var header = FrameHeader(command: 0, kind: .request, correlation: 0)
    private var writer = ByteWriter(capacity: 4_096)
    private var skipsUnknown = false

    enum Verdict {
        case refused
        /// The values encode to the very bytes that they were decoded from.
        case accepted
        /// Values were accepted that other bytes stand for: two spellings of one thing.
        case ambiguous
    }

    /// What becomes of these bytes as the payload of a frame with this header.
    ///
    /// - Parameter skipsUnknown: whether they are read as a client reads replies and events. Then what is accepted may be
    ///   more than what its values encode to.
    mutating func verdict(
        _ header: FrameHeader, _ bytes: UnsafeRawBufferPointer, skipsUnknown: Bool = false
    ) -> Verdict {
        self.skipsUnknown = skipsUnknown
        self.bytes = bytes
        self.header = header
        writer.removeAll()
        if header.kind == FrameKind.event.rawValue { return check { (self) throws(Refusal) in try self.event() } }
        if header.kind == FrameKind.push.rawValue { return check { (self) throws(Refusal) in try self.push() } }
        if header.detail != 0 { return check { (self) throws(Refusal) in try self.refusalText() } }
        return CommandTable.dispatch(header.command, &self) ?? .refused
    }

    mutating func visit<C: Command>(_ command: C.Type) -> Verdict {
        check { (self) throws(Refusal) in
            var reader = ByteReader(self.bytes, skipsUnknown: self.skipsUnknown)
            guard self.header.kind == FrameKind.request.rawValue else {
                try self.through(C.Reply(), &reader)
                return try reader.finish()
            }
            if C.declaration.isSequenced { try self.through(RequestSequence(), &reader) }
            try self.through(C(), &reader)
            try reader.finish()
        }
    }

    private mutating func event() throws(Refusal) {
        var reader = ByteReader(bytes, skipsUnknown: skipsUnknown)
        try through(EventEnvelope(), &reader)
        try Event(number: header.command, from: &reader).encode(into: &writer)
        try reader.finish()
    }

    private mutating func push() throws(Refusal) {
        var reader = ByteReader(bytes, skipsUnknown: skipsUnknown)
        try through(TicketEntry(), &reader)
        try reader.finish()
    }

    private mutating func refusalText() throws(Refusal) {
        var reader = ByteReader(bytes, skipsUnknown: skipsUnknown)
        try through("", &reader)
        try reader.finish()
    }

    /// Reads one value and writes it again.
    private mutating func through<Value: WireValue>(_ blank: Value, _ reader: inout ByteReader) throws(Refusal) {
        var value = blank
        try value.decode(from: &reader)
        value.encode(into: &writer)
    }

    private mutating func check(_ body: (inout PayloadCheck) throws(Refusal) -> Void) -> Verdict {
        do throws(Refusal) { try body(&self) } catch { return .refused }
        let bytes = bytes
        return writer.withBytes { $0.elementsEqual(bytes) } ? .accepted : .ambiguous
    }
}
