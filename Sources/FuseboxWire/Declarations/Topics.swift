/// The topics of events. A subscriber selects a set of them.
public struct Topics: OptionSet, Sendable, Hashable {
    /// The bits on the wire.
    public let rawValue: UInt32
    /// The set of these bits. Bits without a topic are kept.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Breaker transitions.
    public static let breaker = Topics(rawValue: 1)
    /// Exhaustion marks and their expiry.
    public static let exhaustion = Topics(rawValue: 2)
    /// Thresholds of limits, projected depletion, raised limits that go back, and accounts that were reset.
    public static let ledger = Topics(rawValue: 4)
    /// Permits that end without being settled, and limits that begin to deny.
    public static let admission = Topics(rawValue: 8)

    /// Each topic with its name on the command line.
    public static let named: [(name: String, topic: Topics)] = [
        ("breaker", .breaker), ("exhaustion", .exhaustion), ("ledger", .ledger), ("admission", .admission),
    ]

    /// Every topic.
    public static let all = named.reduce(into: Topics()) { $0.formUnion($1.topic) }

    /// The bits with their names as a list in a sentence: `1 breaker, 2 exhaustion`.
    public static var spelling: String { named.map { "\($0.topic.rawValue) \($0.name)" }.joined(separator: ", ") }
}
