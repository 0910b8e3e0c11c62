/// A kind of event: its fields and its declaration.
///
/// Each event is one type, and `EventTable` lists all of them. The reference, the vectors, JSON and the client derive
/// from these types.
public protocol EventRecord: OpenRecord {
    /// Number, name, topic, promise and summary.
    static var declaration: EventDeclaration { get }
    /// The record as an event.
    var event: Event { get }
}

/// The properties of an event, apart from its fields.
public struct EventDeclaration: Sendable {
    /// When an event is sent.
    public enum Promise: String, Sendable {
        /// Once its cause survives the death of the daemon.
        case written
        /// Once its cause survives power loss.
        case durable
    }

    /// The event.
    public var event: EventNumber
    /// Its name in the reference.
    public var name: String
    /// The topic whose subscribers receive it.
    public var topic: Topics
    /// When it is sent at the earliest. It is sent later if the command that caused it promises more.
    public var promise: Promise
    /// One line for the reference.
    public var summary: String

    init(_ event: EventNumber, _ name: String, _ topic: Topics, _ promise: Promise, _ summary: String) {
        self.event = event
        self.name = name
        self.topic = topic
        self.promise = promise
        self.summary = summary
    }

    /// Its number in the header of an event frame. Never reused.
    public var number: UInt16 { event.rawValue }
}

/// Code that is generic over the types of events.
public protocol EventVisitor: ~Copyable {
    /// What a visit returns.
    associatedtype Result
    /// Is called with the type of the event's record.
    mutating func visit<Record: EventRecord>(_ record: Record.Type) -> Result
}

/// Code that is generic over the records of events.
public protocol EventRecordVisitor: ~Copyable {
    /// What a visit returns.
    associatedtype Result
    /// Is called with the event's record.
    mutating func visit<Record: EventRecord>(_ record: Record) -> Result
}

extension EventTable {
    /// Calls the visitor with the type of the event of this number; returns nil if there is none.
    public static func dispatch<Visitor: EventVisitor & ~Copyable>(
        _ number: UInt16, _ visitor: inout Visitor
    ) -> Visitor.Result? {
        guard let number = EventNumber(rawValue: number) else { return nil }
        return dispatch(number, &visitor)
    }

    /// Calls the visitor with every event, in the order of their numbers.
    public static func forEach<Visitor: EventVisitor & ~Copyable>(_ visitor: inout Visitor) {
        for number in EventNumber.allCases { _ = dispatch(number, &visitor) }
    }
}

// MARK: Of an event

extension Event {
    /// The properties of the event, apart from its fields.
    public var declaration: EventDeclaration {
        var visitor = Declare()
        return accept(&visitor)
    }

    private struct Declare: EventRecordVisitor {
        mutating func visit<Record: EventRecord>(_ record: Record) -> EventDeclaration { Record.declaration }
    }

    /// Its number in the header of an event frame. Never reused.
    public var number: UInt16 { declaration.number }

    /// The topic whose subscribers receive it.
    public var topic: Topics { declaration.topic }

    /// The event's name in the reference.
    public var name: String { declaration.name }
}

// MARK: Bytes

extension Event {
    /// Writes the fields of the event. In a frame they follow an `EventEnvelope`.
    public func encode(into writer: inout ByteWriter) { accept(&writer) }

    /// Reads the fields of an event. In a frame they follow an `EventEnvelope`.
    ///
    /// - Throws: `unknownCommand` if no event has this number; otherwise what is wrong with its fields.
    public init(number: UInt16, from reader: inout ByteReader) throws(Refusal) {
        guard let event = EventTable.dispatch(number, &reader) else {
            throw Refusal(.unknownCommand, "no event has the number \(number)")
        }
        self = try event.get()
    }
}

extension ByteWriter: EventRecordVisitor {
    /// Writes the record's fields.
    public mutating func visit<Record: EventRecord>(_ record: Record) { record.encode(into: &self) }
}

extension ByteReader: EventVisitor {
    /// Reads the record's fields.
    public mutating func visit<Record: EventRecord>(_ type: Record.Type) -> Result<Event, Refusal> {
        var record = Record()
        do throws(Refusal) { try record.decode(from: &self) } catch { return .failure(error) }
        return .success(record.event)
    }
}

// MARK: Text, examples, reference

extension Event {
    /// The fields as a vector spells them.
    public var rendered: Rendered {
        var visitor = Render()
        return accept(&visitor)
    }

    private struct Render: EventRecordVisitor {
        mutating func visit<Record: EventRecord>(_ record: Record) -> Rendered { record.rendered }
    }

    /// The event of this number that a vector spells; nil if there is no such event or the fields are not its own.
    public init?(number: UInt16, rendered: Rendered) {
        var visitor = Parse(rendered: rendered)
        guard let event = EventTable.dispatch(number, &visitor) ?? nil else { return nil }
        self = event
    }

    private struct Parse: EventVisitor {
        let rendered: Rendered
        mutating func visit<Record: EventRecord>(_ type: Record.Type) -> Event? { Record(rendered: rendered)?.event }
    }

    /// An example of an event: 0 is the smallest, 1 typical, 2 large.
    public static func sample(_ number: EventNumber, variant: Int) -> Event {
        var visitor = Sample(variant: variant)
        return EventTable.dispatch(number, &visitor)
    }

    private struct Sample: EventVisitor {
        let variant: Int
        mutating func visit<Record: EventRecord>(_ type: Record.Type) -> Event { Record.sample(variant).event }
    }
}
