import FuseboxWire

/// A frame in a form for text formats: its header and the decoded parts of its payload.
package struct ProtocolFrame: Sendable, Equatable {
    /// The header: the eight bytes after the length field.
    package var header: FrameHeader
    /// The `RequestSequence` of a sequenced request; else nil.
    package var sequence: Rendered?
    /// The `EventEnvelope` of an event; else nil.
    package var envelope: Rendered?
    /// The fields of the request, reply or event. For a refusal this is its message.
    package var fields: Rendered

    /// A frame with these parts.
    package init(header: FrameHeader, sequence: Rendered? = nil, envelope: Rendered? = nil, fields: Rendered) {
        self.header = header
        self.sequence = sequence
        self.envelope = envelope
        self.fields = fields
    }

    /// The payload of a refused request's reply.
    struct RefusalText: WireRecord {
        var message = ""

        init() {}
        init(message: String) { self.message = message }

        mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("message", &message, "one sentence for a person")
        }
    }
}

// MARK: From bytes

extension ProtocolFrame {
    /// Decodes a whole frame, from its length field to its last byte.
    ///
    /// - Throws: the refusal that a peer would send; `malformed` also if the bytes are not exactly one frame
    package init(decoding bytes: [UInt8]) throws(Refusal) {
        var frames = FrameReader()
        unsafe bytes.withUnsafeBytes { unsafe frames.append($0) }
        let frame: Result<ProtocolFrame, Refusal>? = try unsafe frames.next { header, payload in
            do throws(Refusal) { return .success(try unsafe ProtocolFrame(header, payload)) } catch {
                return .failure(error)
            }
        }
        guard let frame, frames.pending == 0 else { throw Refusal(.malformed, "these bytes are not one whole frame") }
        self = try frame.get()
    }

    private init(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(Refusal) {
        self.init(header: header, fields: .null)
        var reader = unsafe ByteReader(payload)
        switch FrameKind(rawValue: header.kind) {
        case .request:
            var visitor = PartsDecoder(reader: reader, isRequest: true)
            guard let parts = CommandTable.dispatch(header.command, &visitor) else { throw Self.unknown(header) }
            (sequence, fields) = try parts.get()
        case .reply where header.detail == Status.ok.rawValue:
            var visitor = PartsDecoder(reader: reader, isRequest: false)
            guard let parts = CommandTable.dispatch(header.command, &visitor) else { throw Self.unknown(header) }
            (sequence, fields) = try parts.get()
        case .reply:
            fields = try RefusalText.decoded(from: &reader).rendered
            try reader.finish()
        case .event:
            envelope = try EventEnvelope.decoded(from: &reader).rendered
            fields = try Event(number: header.command, from: &reader).rendered
            try reader.finish()
        case .push:
            guard header.command == Tickets.declaration.number else { throw Self.unknown(header) }
            fields = try TicketEntry.decoded(from: &reader).rendered
            try reader.finish()
        case nil:
            throw Refusal(.malformed, "no frame has the kind \(header.kind)")
        }
    }

    private static func unknown(_ header: FrameHeader) -> Refusal {
        Refusal(.unknownCommand, "no command has the number \(header.command)")
    }

    private struct PartsDecoder: CommandVisitor {
        var reader: ByteReader
        let isRequest: Bool

        mutating func visit<C: Command>(_ command: C.Type) -> Result<(Rendered?, Rendered), Refusal> {
            do throws(Refusal) {
                guard isRequest else {
                    let reply = try C.Reply.decoded(from: &reader)
                    try reader.finish()
                    return .success((nil, reply.rendered))
                }
                let sequence =
                    C.declaration.isSequenced ? try RequestSequence.decoded(from: &reader).rendered : nil
                let request = try C.decoded(from: &reader)
                try reader.finish()
                return .success((sequence, request.rendered))
            } catch {
                return .failure(error)
            }
        }
    }
}

extension WireRecord {
    fileprivate static func decoded(from reader: inout ByteReader) throws(Refusal) -> Self {
        var record = Self()
        try record.decode(from: &reader)
        return record
    }
}

// MARK: To bytes

extension ProtocolFrame {
    /// The frame's bytes, from its length field on; nil if the fields do not fit the command in the header.
    package func encoded() -> [UInt8]? {
        var writer = ByteWriter()
        let start = writer.beginFrame(header)
        guard writePayload(into: &writer) else { return nil }
        writer.endFrame(start)
        return writer.bytes
    }

    private func writePayload(into writer: inout ByteWriter) -> Bool {
        switch FrameKind(rawValue: header.kind) {
        case .request:
            write(RequestSequence.self, sequence, into: &writer) && writeFields(isRequest: true, into: &writer)
        case .reply where header.detail == Status.ok.rawValue:
            writeFields(isRequest: false, into: &writer)
        case .reply:
            write(RefusalText.self, fields, into: &writer)
        case .event:
            write(EventEnvelope.self, envelope, into: &writer) && writeEvent(into: &writer)
        case .push:
            write(TicketEntry.self, fields, into: &writer)
        case nil:
            false
        }
    }

    /// Writes a part if it is not nil. Returns false if it is not a record of this type.
    private func write<Record: WireRecord>(
        _ type: Record.Type, _ rendered: Rendered?, into writer: inout ByteWriter
    ) -> Bool {
        guard let rendered else { return true }
        guard let record = Record(rendered: rendered) else { return false }
        record.encode(into: &writer)
        return true
    }

    private func writeEvent(into writer: inout ByteWriter) -> Bool {
        guard let event = Event(number: header.command, rendered: fields) else { return false }
        event.encode(into: &writer)
        return true
    }

    private func writeFields(isRequest: Bool, into writer: inout ByteWriter) -> Bool {
        var visitor = FieldsEncoder(fields: fields, isRequest: isRequest, isSequenced: sequence != nil)
        guard let bytes = CommandTable.dispatch(header.command, &visitor) ?? nil else { return false }
        writer.write(contentsOf: bytes)
        return true
    }

    private struct FieldsEncoder: CommandVisitor {
        let fields: Rendered
        let isRequest: Bool
        let isSequenced: Bool

        mutating func visit<C: Command>(_ command: C.Type) -> [UInt8]? {
            isRequest
                ? isSequenced == C.declaration.isSequenced ? bytes(C.self) : nil
                : bytes(C.Reply.self)
        }

        private func bytes<Record: WireRecord>(_ type: Record.Type) -> [UInt8]? {
            guard let record = Record(rendered: fields) else { return nil }
            var writer = ByteWriter()
            record.encode(into: &writer)
            return writer.bytes
        }
    }
}
