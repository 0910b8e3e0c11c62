/// The fields of one kind of event, and its declaration.
///
/// Each event is declared once, as one type; `EventTable` lists them all. The reference, the vectors, JSON and the client
/// derive from these.
public protocol EventRecord: OpenRecord {
    static var declaration: EventDeclaration { get }
    /// The record as an event.
    var event: Event { get }
}

/// What there is to say of an event beside its fields.
public struct EventDeclaration: Sendable {
    /// When an event is told.
    public enum Promise: String, Sendable {
        /// Once what caused it survives the death of the daemon.
        case written
        /// Once what caused it survives power loss.
        case durable
    }

    /// Which event it is of.
    public var event: EventNumber
    /// Its name in the reference.
    public var name: String
    /// What a subscriber asks for to receive it.
    public var topic: Topics
    /// When it is told at the earliest. It is told later where what caused it promises more.
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

/// Something that is done with the type of an event's record.
public protocol EventVisitor: ~Copyable {
    associatedtype Result
    mutating func visit<Record: EventRecord>(_ record: Record.Type) -> Result
}

/// Something that is done with an event's record once its type is known.
public protocol EventRecordVisitor: ~Copyable {
    associatedtype Result
    mutating func visit<Record: EventRecord>(_ record: Record) -> Result
}

extension EventTable {
    /// Calls the visitor with the type of the event that a frame names; returns nil if there is none.
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
    /// What there is to say of it beside its fields.
    public var declaration: EventDeclaration {
        var visitor = Declare()
        return accept(&visitor)
    }

    private struct Declare: EventRecordVisitor {
        mutating func visit<Record: EventRecord>(_ record: Record) -> EventDeclaration { Record.declaration }
    }

    /// Its number in the header of an event frame. Never reused.
    public var number: UInt16 { declaration.number }

    /// What a subscriber asks for to receive it.
    public var topic: Topics { declaration.topic }

    /// The event's name in the reference.
    public var name: String { declaration.name }
}

// MARK: Bytes

extension Event {
    /// Writes an event's own fields, those after `EventEnvelope`.
    public func encode(into writer: inout ByteWriter) { accept(&writer) }

    /// Reads an event's own fields, those after `EventEnvelope`.
    ///
    /// - Throws: `unknownCommand` if there is no such event, else what is wrong with its fields.
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
    /// The fields as text formats see them.
    public var rendered: Rendered {
        var visitor = Render()
        return accept(&visitor)
    }

    private struct Render: EventRecordVisitor {
        mutating func visit<Record: EventRecord>(_ record: Record) -> Rendered { record.rendered }
    }

    /// The event of this number that a vector spells; nil if it spells none.
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
