import FuseboxWire

/// Example frames with their decoded contents, for tests of clients in other languages.
///
/// `files` returns the contents of `proto-docs/vectors`, and a test compares the two. The frames are derived from the
/// command table.
package enum ProtocolVectors {
    /// A valid frame.
    package struct Vector: Sendable {
        /// A description for people.
        package var name: String
        /// The frame's bytes, from its length field on.
        package var bytes: [UInt8]
        /// The decoded frame.
        package var frame: ProtocolFrame

        /// The vector in the format of its file.
        package var json: JSONValue {
            .object([("name", .string(name)), ("hex", .string(Hexadecimal.text(bytes)))] + (frame.json.members ?? []))
        }
    }

    /// An invalid frame.
    package struct RefusedVector: Sendable {
        /// A description for people.
        package var name: String
        /// The bytes, from the length field on. They may be less than a frame.
        package var bytes: [UInt8]
        /// The status with which a server must refuse it.
        package var status: Status

        /// The vector in the format of its file.
        package var json: JSONValue {
            [
                "name": .string(name), "hex": .string(Hexadecimal.text(bytes)), "status": .string("\(status)"),
                "detail": JSONValue(status.rawValue),
            ]
        }
    }

    /// The files of `proto-docs/vectors`: one for each subject, one for events, one for pushes, one for errors, one conversation.
    package static func files() -> [(name: String, contents: String)] {
        let subjects = CommandSubject.allCases.map { subject in
            file(subject.rawValue, ["vectors": list(commands(of: subject).map(\.json))])
        }
        return subjects + [
            file("events", ["vectors": list(events().map(\.json))]),
            file("pushes", ["vectors": list(pushes().map(\.json))]),
            file("errors", ["vectors": list(errors().map(\.json)), "refused": list(refused().map(\.json))]),
            file("conversation", ["vectors": list(conversation().map(\.json))]),
        ]
    }

    /// All valid frames.
    package static func all() -> [Vector] {
        CommandSubject.allCases.flatMap { commands(of: $0) } + events() + pushes() + errors() + conversation()
    }

    private static func list(_ vectors: [JSONValue]) -> JSONValue { .array(vectors) }

    private static func file(_ name: String, _ contents: JSONValue) -> (name: String, contents: String) {
        ("\(name).json", contents.text(pretty: true) + "\n")
    }

    /// The three vectors of each kind of frame: all values small, all typical, all large.
    private static let variants = ["small", "typical", "large"]

    private static func correlation(_ variant: Int) -> UInt32 { [0, 7, UInt32.max][variant] }

    // MARK: Commands

    /// Three requests and three replies of each command of a subject.
    package static func commands(of subject: CommandSubject) -> [Vector] {
        var collector = CommandCollector(subject: subject)
        CommandTable.forEach(&collector)
        return collector.vectors
    }

    private struct CommandCollector: CommandVisitor {
        let subject: CommandSubject
        var vectors: [Vector] = []

        mutating func visit<C: Command>(_ command: C.Type) {
            guard C.declaration.subject == subject else { return }
            for (variant, word) in variants.enumerated() {
                vectors.append(
                    request("\(C.declaration.name) request, \(word)", C.sample(variant), correlation(variant), variant))
            }
            for (variant, word) in variants.enumerated() {
                vectors.append(
                    reply("\(C.declaration.name) reply, \(word)", C.self, C.Reply.sample(variant), correlation(variant))
                )
            }
        }
    }

    static func request<C: Command>(
        _ name: String, _ request: C, _ correlation: UInt32, _ variant: Int
    ) -> Vector {
        let numbers: [(sequence: UInt64, oldest: UInt64)] = [(1, 1), (1_200, 1_197), (.max, .max)]
        let sequence = RequestSequence(
            sequence: numbers[variant].sequence, oldestUnacknowledged: numbers[variant].oldest)
        return Self.request(name, request, correlation, sequence)
    }

    static func request<C: Command>(
        _ name: String, _ request: C, _ correlation: UInt32, _ sequence: RequestSequence
    ) -> Vector {
        let header = FrameHeader(command: C.declaration.number, kind: .request, correlation: correlation)
        let isSequenced = C.declaration.isSequenced
        return vector(
            name,
            ProtocolFrame(header: header, sequence: isSequenced ? sequence.rendered : nil, fields: request.rendered)
        ) { writer in
            if isSequenced { sequence.encode(into: &writer) }
            request.encode(into: &writer)
        }
    }

    static func reply<C: Command>(
        _ name: String, _: C.Type, _ reply: C.Reply, _ correlation: UInt32
    ) -> Vector {
        let header = FrameHeader(command: C.declaration.number, kind: .reply, correlation: correlation)
        return vector(name, ProtocolFrame(header: header, fields: reply.rendered)) { reply.encode(into: &$0) }
    }

    private static func vector(
        _ name: String, _ frame: ProtocolFrame, _ writePayload: (inout ByteWriter) -> Void
    ) -> Vector {
        var writer = ByteWriter()
        let start = writer.beginFrame(frame.header)
        writePayload(&writer)
        writer.endFrame(start)
        return Vector(name: name, bytes: writer.bytes, frame: frame)
    }

    // MARK: Events

    /// Three frames of every event.
    package static func events() -> [Vector] {
        EventNumber.allCases.flatMap { number in
            variants.indices.map { variant in
                let event = Event.sample(number, variant: variant)
                return Self.event("\(event.name), \(variants[variant])", event, EventEnvelope.sample(variant))
            }
        }
    }

    static func event(_ name: String, _ event: Event, _ envelope: EventEnvelope) -> Vector {
        let header = FrameHeader(command: event.number, kind: .event, correlation: 0)
        return vector(
            name, ProtocolFrame(header: header, envelope: envelope.rendered, fields: event.rendered)
        ) { writer in
            envelope.encode(into: &writer)
            event.encode(into: &writer)
        }
    }

    /// The end of a wait.
    package static func pushes() -> [Vector] {
        variants.indices.map { variant in
            let entry = TicketEntry.sample(variant)
            let header = FrameHeader(command: Tickets.declaration.number, kind: .push, correlation: 0)
            return vector(
                "the end of a wait, \(variants[variant])", ProtocolFrame(header: header, fields: entry.rendered)
            ) { writer in entry.encode(into: &writer) }
        }
    }

    // MARK: Errors

    /// A refusal with each status.
    package static func errors() -> [Vector] {
        Status.allCases.filter { $0 != .ok }.map { status in
            refusal(
                "\(status)", Refusal(status, status.meaning), command: BreakerAcquire.declaration.number,
                correlation: UInt32(status.rawValue))
        }
    }

    static func refusal(_ name: String, _ refusal: Refusal, command: UInt16, correlation: UInt32) -> Vector {
        let header = FrameHeader(
            command: command, kind: .reply, detail: refusal.status.rawValue, correlation: correlation)
        let text = ProtocolFrame.RefusalText(message: refusal.message)
        return vector(name, ProtocolFrame(header: header, fields: text.rendered)) { text.encode(into: &$0) }
    }
}
