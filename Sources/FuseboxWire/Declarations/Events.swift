/// Something that happened, as `apply` tells it and as subscribers receive it.
public enum Event: Sendable, Equatable {
    /// A breaker changed its state.
    case breakerTransition(BreakerTransition)
    /// A provider's mark began or was extended.
    case providerExhausted(ProviderExhausted)
    /// A provider's mark ended.
    case providerRestored(ProviderRestored)
    /// A provider's spend crossed a threshold of its budget.
    case thresholdCrossed(ThresholdCrossed)
    /// A provider's budget will be used up soon.
    case depletionProjected(DepletionProjected)
    /// A budget period ended and a new one began.
    case periodRolledOver(PeriodRolledOver)
    /// An enforced budget began to deny calls.
    case budgetDenied(BudgetDenied)
    /// A permit ended without being settled.
    case permitLapsed(PermitLapsed)

    /// The highest number that an event has.
    public static let highestNumber: UInt16 = 8

    /// The event of this number with the fields that the source gives its record; nil if there is none.
    private static func make(_ number: UInt16, _ source: inout some RecordSource) throws(Refusal) -> Event? {
        switch number {
        case 1: .breakerTransition(try source.record())
        case 2: .providerExhausted(try source.record())
        case 3: .providerRestored(try source.record())
        case 4: .thresholdCrossed(try source.record())
        case 5: .depletionProjected(try source.record())
        case 6: .periodRolledOver(try source.record())
        case 7: .budgetDenied(try source.record())
        case 8: .permitLapsed(try source.record())
        default: nil
        }
    }

    private var record: any EventRecord {
        switch self {
        case .breakerTransition(let record): record
        case .providerExhausted(let record): record
        case .providerRestored(let record): record
        case .thresholdCrossed(let record): record
        case .depletionProjected(let record): record
        case .periodRolledOver(let record): record
        case .budgetDenied(let record): record
        case .permitLapsed(let record): record
        }
    }

    /// What there is to say of it beside its fields.
    public var declaration: EventDeclaration {
        switch self {
        case .breakerTransition: BreakerTransition.declaration
        case .providerExhausted: ProviderExhausted.declaration
        case .providerRestored: ProviderRestored.declaration
        case .thresholdCrossed: ThresholdCrossed.declaration
        case .depletionProjected: DepletionProjected.declaration
        case .periodRolledOver: PeriodRolledOver.declaration
        case .budgetDenied: BudgetDenied.declaration
        case .permitLapsed: PermitLapsed.declaration
        }
    }

    /// Its number in the header of an event frame. Never reused.
    public var number: UInt16 { declaration.number }

    /// What a subscriber asks for to receive it.
    public var topic: Topics { declaration.topic }

    /// The event's name in the reference.
    public var name: String { declaration.name }

    /// Writes an event's own fields, those after `EventEnvelope`.
    public func encode(into writer: inout ByteWriter) {
        switch self {
        case .breakerTransition(let record): record.encode(into: &writer)
        case .providerExhausted(let record): record.encode(into: &writer)
        case .providerRestored(let record): record.encode(into: &writer)
        case .thresholdCrossed(let record): record.encode(into: &writer)
        case .depletionProjected(let record): record.encode(into: &writer)
        case .periodRolledOver(let record): record.encode(into: &writer)
        case .budgetDenied(let record): record.encode(into: &writer)
        case .permitLapsed(let record): record.encode(into: &writer)
        }
    }

    /// Reads an event's own fields, those after `EventEnvelope`.
    ///
    /// - Throws: `unknownCommand` if there is no such event, else what is wrong with its fields.
    public init(number: UInt16, from reader: inout ByteReader) throws(Refusal) {
        guard let event = try Event.make(number, &reader) else {
            throw Refusal(.unknownCommand, "no event has the number \(number)")
        }
        self = event
    }
}

// MARK: Text, examples, reference

extension Event {
    /// The fields as text formats see them.
    public var rendered: Rendered { record.rendered }

    /// The event of this number that a vector spells; nil if it spells none.
    public init?(number: UInt16, rendered: Rendered) {
        var source = RenderedSource(rendered: rendered)
        guard let event = try? Event.make(number, &source) else { return nil }
        self = event
    }

    /// An example of the event of this number: 0 is the smallest, 1 typical, 2 large.
    public static func sample(_ number: UInt16, variant: Int) -> Event? {
        var source = SampleSource(variant: variant)
        return try? make(number, &source)
    }

    /// The fields of every event, in the order of their numbers, for the reference.
    public static func describe(into schema: inout Schema) -> [(number: UInt16, name: String, fields: [Schema.Field])] {
        (1...highestNumber).compactMap { number in
            guard let event = sample(number, variant: 0) else { return nil }
            func fields<R: WireRecord>(_ record: R) -> [Schema.Field] { schema.fields(of: R.self) }
            return (number, event.name, fields(event.record))
        }
    }
}

/// Where an event's fields come from.
private protocol RecordSource {
    mutating func record<Record: WireRecord>() throws(Refusal) -> Record
}

extension ByteReader: RecordSource {
    fileprivate mutating func record<Record: WireRecord>() throws(Refusal) -> Record {
        var record = Record()
        try record.decode(from: &self)
        return record
    }
}

private struct RenderedSource: RecordSource {
    let rendered: Rendered

    mutating func record<Record: WireRecord>() throws(Refusal) -> Record {
        guard let record = Record(rendered: rendered) else {
            throw Refusal(.malformed, "this spells no \(Record.wireType)")
        }
        return record
    }
}

private struct SampleSource: RecordSource {
    let variant: Int

    mutating func record<Record: WireRecord>() throws(Refusal) -> Record { .sample(variant) }
}
