import FuseboxWire

/// Example frames with their meaning, for those who write a client in another language.
///
/// `files` are what `proto-docs/vectors` holds. They follow from the command table; a test compares.
public enum ProtocolVectors {
    /// A frame that a peer must take.
    public struct Vector: Sendable {
        /// What it is, for people.
        public var name: String
        /// The frame from its length field on.
        public var bytes: [UInt8]
        /// The same frame, taken apart.
        public var frame: ProtocolFrame

        /// The vector as its file holds it.
        public var json: JSONValue {
            .object([("name", .string(name)), ("hex", .string(Hexadecimal.text(bytes)))] + (frame.json.members ?? []))
        }
    }

    /// A frame that a peer must refuse.
    public struct RefusedVector: Sendable {
        /// What it is, for people.
        public var name: String
        /// The frame from its length field on, as far as there is one.
        public var bytes: [UInt8]
        /// What it must be refused with.
        public var status: Status

        /// The vector as its file holds it.
        public var json: JSONValue {
            [
                "name": .string(name), "hex": .string(Hexadecimal.text(bytes)), "status": .string("\(status)"),
                "detail": JSONValue(status.rawValue),
            ]
        }
    }

    /// The files of `proto-docs/vectors`: one for each subject, one for events, one for errors, one conversation.
    public static func files() -> [(name: String, contents: String)] {
        let subjects = CommandSubject.allCases.map { subject in
            file(subject.rawValue, ["vectors": list(commands(of: subject).map(\.json))])
        }
        return subjects + [
            file("events", ["vectors": list(events().map(\.json))]),
            file("errors", ["vectors": list(errors().map(\.json)), "refused": list(refused().map(\.json))]),
            file("conversation", ["vectors": list(conversation().map(\.json))]),
        ]
    }

    /// Every vector that a peer must take.
    public static func all() -> [Vector] {
        CommandSubject.allCases.flatMap { commands(of: $0) } + events() + errors() + conversation()
    }

    private static func list(_ vectors: [JSONValue]) -> JSONValue { .array(vectors) }

    private static func file(_ name: String, _ contents: JSONValue) -> (name: String, contents: String) {
        ("\(name).json", contents.text(pretty: true) + "\n")
    }

    /// The values of one vector are all small, all typical or all large.
    private static let variants = ["small", "typical", "large"]

    private static func correlation(_ variant: Int) -> UInt32 { [0, 7, UInt32.max][variant] }

    // MARK: Commands

    /// Requests and replies of a subject's commands, three of each.
    public static func commands(of subject: CommandSubject) -> [Vector] {
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
    public static func events() -> [Vector] {
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

    // MARK: Errors

    /// A refusing reply of every status.
    public static func errors() -> [Vector] {
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
