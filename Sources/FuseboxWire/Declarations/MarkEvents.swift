/// A route was marked, or its mark was put off.
public struct ProviderExhausted: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .providerExhausted, "providerExhausted", .exhaustion, .written, "A route was marked, or its mark was put off.")
    /// The record as an event.
    public var event: Event { .providerExhausted(self) }

    /// The mark.
    public var entry = ExhaustionEntry()
    /// Every field has its default.
    @inlinable public init() {}
    /// An event about this mark.
    public init(entry: ExhaustionEntry) { self.entry = entry }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entry", &entry, "the mark")
    }
}

/// Why a mark ended.
public enum MarkEnd: OpenEnumeration {
    /// Its time has passed.
    case expired
    /// An operator has removed it.
    case cleared
    /// A call by its route that was admitted after it has succeeded.
    case succeeded
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [MarkEnd] = [.expired, .cleared, .succeeded]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .expired: 0
        case .cleared: 1
        case .succeeded: 2
        case .unknown(let number): number
        }
    }
}

/// A mark ended.
public struct ProviderRestored: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .providerRestored, "providerRestored", .exhaustion, .written, "A mark ended.")
    /// The record as an event.
    public var event: Event { .providerRestored(self) }

    /// The provider.
    public var provider = Name.blank
    /// The deployment. Nil: the mark was not of one.
    public var deployment: Name?
    /// The model. Nil: the mark was not of one.
    public var model: Name?
    /// Why it ended.
    public var end: MarkEnd = .expired
    /// Every field has its default.
    @inlinable public init() {}
    /// An event about the mark of this route.
    public init(provider: Name, deployment: Name? = nil, model: Name? = nil, end: MarkEnd) {
        self.provider = provider
        self.deployment = deployment
        self.model = model
        self.end = end
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("deployment", &deployment, "the deployment; absent: the mark was not of one")
        try visitor.field("model", &model, "the model; absent: the mark was not of one")
        try visitor.field("end", &end, "why it ended")
    }
}

/// An operator has paused a route, or changed its pause.
public struct RoutePaused: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .routePaused, "routePaused", .exhaustion, .durable, "An operator has paused a route, or changed its pause.")
    /// The record as an event.
    public var event: Event { .routePaused(self) }

    /// The pause.
    public var entry = PauseEntry()
    /// Every field has its default.
    @inlinable public init() {}
    /// An event about this pause.
    public init(entry: PauseEntry) { self.entry = entry }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entry", &entry, "the pause")
    }
}

/// A pause ended.
public struct RouteResumed: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .routeResumed, "routeResumed", .exhaustion, .durable, "A pause ended.")
    /// The record as an event.
    public var event: Event { .routeResumed(self) }

    /// The pause that ended.
    public var entry = PauseEntry()
    /// Whether its time had passed; otherwise an operator has resumed the route.
    public var expired = false
    /// Every field has its default.
    @inlinable public init() {}
    /// An event about the end of this pause.
    public init(entry: PauseEntry, expired: Bool) {
        self.entry = entry
        self.expired = expired
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entry", &entry, "the pause that ended")
        try visitor.field(
            "expired", &expired, "whether its time had passed; otherwise an operator has resumed the route")
    }
}
