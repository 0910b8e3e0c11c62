/// Asks whether a call may go out now. An unknown breaker is created.
public struct BreakerAcquireOf<Text: NameText>: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerAcquire, "breaker.acquire", .written,
            "Asks whether a call may go out now. An unknown breaker is created.")
    }
    /// The decision.
    public typealias Reply = BreakerAcquireReply

    /// The provider.
    public var name = Text.blank
    /// A random number in [0, 1): under the profile `llm-providers` the call is admitted if it is not above the share;
    /// absent, and under other profiles: the share is exact over all calls.
    public var draw: Double?

    /// The deployment; nil: the call has none.
    public var deployment: Text?
    /// The model; nil: the call names none. It matters if the provider's breaker is by model.
    public var model: Text?

    /// Every field has its default.
    @inlinable public init() {}
    /// A request for the decision of the breaker of calls by this route.
    public init(name: Text, deployment: Text? = nil, model: Text? = nil, draw: Double? = nil) {
        self.name = name
        self.draw = draw
        self.deployment = deployment
        self.model = model
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the provider")
        try visitor.field(
            "draw", &draw,
            "a random number in [0, 1): under the profile `llm-providers` the call is admitted if it is not above the share; absent, and under other profiles: the share is exact over all calls"
        )
        try visitor.field("deployment", &deployment, "the deployment; absent: the call has none")
        try visitor.field(
            "model", &model,
            "the model; absent: the call names none; it matters if the provider's breaker is by model")
    }
}

/// The decision.
public struct BreakerAcquireReply: WireRecord {
    /// Whether the call may go out.
    public var admitted = false
    /// How long until decay lets traffic through again; 0 if the call is admitted, or if the next call may pass.
    public var retryAfterMilliseconds: Int64 = 0
    /// Failures less successes and decay: the point of the degradation curve that gives the share.
    public var consecutiveFailures: UInt32 = 0
    /// The share of traffic admitted, 0 to 1.
    public var share: Double = 0
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("admitted", &admitted, "whether the call may go out")
        try visitor.field(
            "retryAfterMilliseconds", &retryAfterMilliseconds,
            "how long until decay lets traffic through again; 0 if the call is admitted, or if the next call may pass"
        )
        try visitor.field(
            "consecutiveFailures", &consecutiveFailures,
            "failures less successes and decay: the point of the degradation curve that gives the share")
        try visitor.field("share", &share, "the share of traffic admitted, 0 to 1")
    }
}

/// Reports that a call succeeded.
public struct BreakerSuccessOf<Text: NameText>: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerSuccess, "breaker.success", .written, report: .outcome, "Reports that a call succeeded.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The provider.
    public var name = Text.blank
    /// The deployment; nil: the call has none.
    public var deployment: Text?
    /// The model; nil: the call names none. It matters if the provider's breaker is by model.
    public var model: Text?

    /// Every field has its default.
    @inlinable public init() {}
    /// The success of a call by this route.
    public init(name: Text, deployment: Text? = nil, model: Text? = nil) {
        self.name = name
        self.deployment = deployment
        self.model = model
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the provider")
        try visitor.field("deployment", &deployment, "the deployment; absent: the call has none")
        try visitor.field(
            "model", &model,
            "the model; absent: the call names none; it matters if the provider's breaker is by model")
    }
}

/// Reports that a call failed.
public struct BreakerFailureOf<Text: NameText>: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerFailure, "breaker.failure", .written, report: .outcome, "Reports that a call failed.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The provider.
    public var name = Text.blank
    /// The deployment; nil: the call has none.
    public var deployment: Text?
    /// The model; nil: the call names none. It matters if the provider's breaker is by model.
    public var model: Text?

    /// Every field has its default.
    @inlinable public init() {}
    /// The failure of a call by this route.
    public init(name: Text, deployment: Text? = nil, model: Text? = nil) {
        self.name = name
        self.deployment = deployment
        self.model = model
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the provider")
        try visitor.field("deployment", &deployment, "the deployment; absent: the call has none")
        try visitor.field(
            "model", &model,
            "the model; absent: the call names none; it matters if the provider's breaker is by model")
    }
}

/// `BreakerAcquireOf` with a name that owns its bytes.
public typealias BreakerAcquire = BreakerAcquireOf<Name>
/// `BreakerSuccessOf` with a name that owns its bytes.
public typealias BreakerSuccess = BreakerSuccessOf<Name>
/// `BreakerFailureOf` with a name that owns its bytes.
public typealias BreakerFailure = BreakerFailureOf<Name>
