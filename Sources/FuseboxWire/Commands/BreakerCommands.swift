/// What a breaker lets through, as a word.
public enum BreakerState: UInt8, WireEnumeration {
    /// Everything passes.
    case closed = 0
    /// A share passes, and the last outcome was a failure.
    case degraded = 1
    /// A share passes, and the last outcome was a success.
    case recovering = 2
    /// Nothing passes.
    case open = 3
}

/// A breaker as it stands at a moment.
public struct BreakerStatus: WireRecord {
    public var state: BreakerState = .closed
    public var consecutiveFailures: UInt32 = 0
    public var failureThreshold: UInt32 = 0
    public var share: Double = 0
    public var totalFailures: UInt64 = 0
    public var totalSuccesses: UInt64 = 0
    public var totalRequests: UInt64 = 0
    public var lastFailure: Timestamp?
    public var lastSuccess: Timestamp?
    public var lastRequest: Timestamp?
    public var nextAttempt: Timestamp?

    @inlinable public init() {}

    /// Whether everything passes.
    public var isHealthy: Bool { state == .closed }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("state", &state, "closed at share 1, open at 0, else recovering or degraded")
        try visitor.field(
            "consecutiveFailures", &consecutiveFailures, "failures less successes and decay; the place on the curve")
        try visitor.field("failureThreshold", &failureThreshold, "failures at which it opens")
        try visitor.field("share", &share, "the share of traffic admitted, 0 to 1")
        try visitor.field("totalFailures", &totalFailures, "failures since the last reset")
        try visitor.field("totalSuccesses", &totalSuccesses, "successes since the last reset")
        try visitor.field("totalRequests", &totalRequests, "outcomes since the last reset")
        try visitor.field("lastFailure", &lastFailure, "when a failure was last reported")
        try visitor.field("lastSuccess", &lastSuccess, "when a success was last reported")
        try visitor.field("lastRequest", &lastRequest, "when it was last asked")
        try visitor.field(
            "nextAttempt", &nextAttempt, "when decay will next take a failure off; absent if there is none")
    }
}

/// How a breaker reacts.
public struct BreakerConfiguration: WireRecord {
    public var failureThreshold: UInt32 = 5
    public var resetTimeoutMilliseconds: Int64 = 60_000
    public var monitoringPeriodMilliseconds: Int64 = 300_000
    public var minRequests: UInt32 = 3
    public var degradationCurve: [Double] = [1.0, 0.9, 0.7, 0.4, 0.1]

    @inlinable public init() {}

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("failureThreshold", &failureThreshold, "consecutive failures at which it opens; at least 1")
        try visitor.field(
            "resetTimeoutMilliseconds", &resetTimeoutMilliseconds, "quiet time that takes one failure off; at least 1")
        try visitor.field(
            "monitoringPeriodMilliseconds", &monitoringPeriodMilliseconds,
            "length of the monitoring window; kept, not used")
        try visitor.field("minRequests", &minRequests, "kept, not used")
        try visitor.field(
            "degradationCurve", &degradationCurve,
            "share admitted at 0, 1, 2 … consecutive failures, each 0 to 1; at most 32 points")
    }
}

/// The parts of a configuration to set; absent ones keep their value.
public struct BreakerConfigurationChange: WireRecord {
    public var failureThreshold: UInt32?
    public var resetTimeoutMilliseconds: Int64?
    public var monitoringPeriodMilliseconds: Int64?
    public var minRequests: UInt32?
    public var degradationCurve: [Double]?

    @inlinable public init() {}

    public init(
        failureThreshold: UInt32? = nil, resetTimeoutMilliseconds: Int64? = nil,
        monitoringPeriodMilliseconds: Int64? = nil, minRequests: UInt32? = nil, degradationCurve: [Double]? = nil
    ) {
        self.failureThreshold = failureThreshold
        self.resetTimeoutMilliseconds = resetTimeoutMilliseconds
        self.monitoringPeriodMilliseconds = monitoringPeriodMilliseconds
        self.minRequests = minRequests
        self.degradationCurve = degradationCurve
    }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "failureThreshold", &failureThreshold, "consecutive failures at which it opens; 0 counts as 1")
        try visitor.field(
            "resetTimeoutMilliseconds", &resetTimeoutMilliseconds,
            "quiet time that takes one failure off; 1 ms to 366 days")
        try visitor.field(
            "monitoringPeriodMilliseconds", &monitoringPeriodMilliseconds,
            "length of the monitoring window; kept, not used")
        try visitor.field("minRequests", &minRequests, "kept, not used")
        try visitor.field(
            "degradationCurve", &degradationCurve,
            "share admitted at 0, 1, 2 … failures, clamped to 0 to 1; an empty one stands for the default")
    }
}

/// A breaker with everything that it remembers: what serialize gives and deserialize takes.
public struct BreakerRecord: WireRecord {
    public var name = Name.blank
    public var configuration = BreakerConfiguration()
    public var isConfigured = false
    public var consecutiveFailures: UInt32 = 0
    public var totalFailures: UInt64 = 0
    public var totalSuccesses: UInt64 = 0
    public var totalRequests: UInt64 = 0
    public var lastFailure: Timestamp?
    public var lastSuccess: Timestamp?
    public var lastRequest: Timestamp?
    public var lastDecay: Timestamp?
    public var windowStart = Timestamp(milliseconds: 0)
    public var shareCredit: UInt32 = 0

    @inlinable public init() {}

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
        try visitor.field("configuration", &configuration, "how it reacts")
        try visitor.field("isConfigured", &isConfigured, "whether the configuration is its own, not the default's")
        try visitor.field("consecutiveFailures", &consecutiveFailures, "its place on the curve")
        try visitor.field("totalFailures", &totalFailures, "failures since the last reset")
        try visitor.field("totalSuccesses", &totalSuccesses, "successes since the last reset")
        try visitor.field("totalRequests", &totalRequests, "outcomes since the last reset")
        try visitor.field("lastFailure", &lastFailure, "when a failure was last reported")
        try visitor.field("lastSuccess", &lastSuccess, "when a success was last reported")
        try visitor.field("lastRequest", &lastRequest, "when it was last asked")
        try visitor.field("lastDecay", &lastDecay, "where the decay clock stands; absent if it does not run")
        try visitor.field("windowStart", &windowStart, "when the monitoring window began")
        try visitor.field("shareCredit", &shareCredit, "the part of an admission saved up, in billionths")
    }
}

public struct BreakerAcquire: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            16, "breaker.acquire", .written, "Asks whether a call may go out now. An unknown breaker is created.")
    }

    public var name = Name.blank
    public var draw: Double?

    @inlinable public init() {}
    public init(name: Name, draw: Double? = nil) {
        self.name = name
        self.draw = draw
    }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
        try visitor.field(
            "draw", &draw,
            "a random number in [0, 1): under the profile llm-providers a share admits where it is not above the share; else ignored"
        )
    }

    public struct Reply: WireRecord {
        public var admitted = false
        public var retryAfterMilliseconds: Int64 = 0
        public var consecutiveFailures: UInt32 = 0
        public var share: Double = 0
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("admitted", &admitted, "whether the call may go out")
            try visitor.field(
                "retryAfterMilliseconds", &retryAfterMilliseconds,
                "time until decay lets traffic through again; 0 if admitted, or if the next call may pass")
            try visitor.field("consecutiveFailures", &consecutiveFailures, "its place on the curve")
            try visitor.field("share", &share, "the share of traffic admitted, 0 to 1")
        }
    }
}

public struct BreakerSuccess: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(17, "breaker.success", .written, "Reports that a call succeeded.")
    }
    public typealias Reply = Done
    public var name = Name.blank
    @inlinable public init() {}
    public init(name: Name) { self.name = name }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
    }
}

public struct BreakerFailure: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(18, "breaker.failure", .written, "Reports that a call failed.")
    }
    public typealias Reply = Done
    public var name = Name.blank
    @inlinable public init() {}
    public init(name: Name) { self.name = name }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
    }
}

public struct BreakerGet: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(19, "breaker.get", .read, "A breaker's state, health and statistics.")
    }
    public var name = Name.blank
    @inlinable public init() {}
    public init(name: Name) { self.name = name }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
    }

    public struct Reply: WireRecord {
        public var exists = false
        public var status = BreakerStatus()
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("exists", &exists, "whether it is known; if not, the status is that of a new one")
            try visitor.field("status", &status, "as it stands now")
        }
    }
}

public struct BreakerList: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(20, "breaker.list", .read, "A page of all breakers.")
    }
    public var cursor = Page.end
    @inlinable public init() {}
    public init(cursor: UInt32) { self.cursor = cursor }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    public struct Entry: WireRecord {
        public static var wireType: String { "BreakerEntry" }
        public var name = Name.blank
        public var status = BreakerStatus()
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("name", &name, "the breaker")
            try visitor.field("status", &status, "as it stands now")
        }
    }

    public struct Reply: WireRecord {
        public var entries: [Entry] = []
        public var next = Page.end
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entries", &entries, "at most 256")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

public struct BreakerForceOpen: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            21, "breaker.forceOpen", .durable, .operator, "Opens a breaker by hand; decay closes it again.")
    }
    public typealias Reply = Done
    public var name = Name.blank
    @inlinable public init() {}
    public init(name: Name) { self.name = name }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
    }
}

public struct BreakerReset: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            22, "breaker.reset", .durable, .operator,
            "Closes a breaker and forgets its failures and statistics; its configuration stays.")
    }
    public typealias Reply = Done
    public var name = Name.blank
    @inlinable public init() {}
    public init(name: Name) { self.name = name }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
    }
}

public struct BreakerResetAll: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(23, "breaker.resetAll", .durable, .operator, "Resets every breaker.")
    }
    public typealias Reply = Done
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

public struct BreakerConfigure: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            24, "breaker.configure", .durable, .operator,
            "Changes a breaker's configuration; its failures stay. An unknown breaker is created.")
    }
    public typealias Reply = Done
    public var name = Name.blank
    public var change = BreakerConfigurationChange()
    @inlinable public init() {}
    public init(name: Name, change: BreakerConfigurationChange) {
        self.name = name
        self.change = change
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
        try visitor.field("change", &change, "what to set")
    }
}

public struct BreakerConfigurationGet: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            25, "breaker.configuration", .read, "A breaker's configuration; of an unknown one, the default.")
    }
    public typealias Reply = BreakerConfiguration
    public var name = Name.blank
    @inlinable public init() {}
    public init(name: Name) { self.name = name }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
    }
}

public struct BreakerConfigureDefault: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            26, "breaker.configureDefault", .durable, .operator,
            "Changes the configuration that breakers are created with; existing ones keep theirs.")
    }
    public typealias Reply = Done
    public var change = BreakerConfigurationChange()
    @inlinable public init() {}
    public init(change: BreakerConfigurationChange) { self.change = change }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("change", &change, "what to set")
    }
}

public struct BreakerDefault: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(27, "breaker.default", .read, "The configuration that breakers are created with.")
    }
    public typealias Reply = BreakerConfiguration
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

public struct BreakerSerialize: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            28, "breaker.serialize", .read,
            "A breaker with everything it remembers. Refused with `notFound` if unknown.")
    }
    public typealias Reply = BreakerRecord
    public var name = Name.blank
    @inlinable public init() {}
    public init(name: Name) { self.name = name }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
    }
}

public struct BreakerDeserialize: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            29, "breaker.deserialize", .durable, .operator,
            "Puts a serialized breaker in the place of the one of its name.")
    }
    public typealias Reply = Done
    public var record = BreakerRecord()
    @inlinable public init() {}
    public init(record: BreakerRecord) { self.record = record }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("record", &record, "what serialize gave")
    }
}
