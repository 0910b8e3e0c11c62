import FuseboxWire

/// What a call takes of each dimension: estimated at its admission, or used when it ends.
struct CallNeed: Sendable, Equatable {
    /// In nano-dollars.
    var cost: Int64 = 0
    var requests: Int64 = 1
    var inputTokens: Int64 = 0
    var outputTokens: Int64 = 0
    /// Tokens of every kind.
    var tokens: Int64 = 0
    /// Tokens that were read from a cache, of those that were sent. 0 for an estimate.
    private(set) var cachedInput: Int64 = 0
    /// The dimensions for which no estimate was given, a bit each. The call takes nothing of them, but a limit of such
    /// a dimension must not be used up.
    private(set) var unknown: UInt8 = 0

    /// What a call takes; `tokens` are those of both kinds.
    init(cost: Int64 = 0, requests: Int64 = 1, inputTokens: Int64 = 0, outputTokens: Int64 = 0) {
        self.cost = cost
        self.requests = requests
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        // Each is below 2³⁴, so the sum fits.
        tokens = inputTokens + outputTokens
    }

    /// What a call is estimated to take at most.
    init(_ estimate: Estimate) {
        // A bare total of tokens counts in full against limits of either kind.
        let input = estimate.inputTokens ?? estimate.tokens
        let output = estimate.outputTokens ?? estimate.tokens
        self.init(
            cost: estimate.cost?.nanodollars ?? 0, inputTokens: Int64(input ?? 0), outputTokens: Int64(output ?? 0))
        if let all = estimate.tokens { tokens = Int64(all) }
        if estimate.cost == nil { unknown |= Self.bit(.cost) }
        if input == nil { unknown |= Self.bit(.inputTokens) }
        if output == nil { unknown |= Self.bit(.outputTokens) }
        if input == nil, output == nil { unknown |= Self.bit(.tokens) }
    }

    /// What a call has used, as far as it was told.
    init(_ charge: CreditLedger.Charge) {
        self.init(
            cost: charge.cost?.nanodollars ?? 0, inputTokens: charge.inputTokens ?? 0,
            outputTokens: charge.outputTokens ?? 0)
        cachedInput = charge.parts.cachedInput
    }

    /// What a call has used. What nobody told is what was estimated.
    init(_ charge: CreditLedger.Charge, orAs estimate: CallNeed) {
        self.init(
            cost: charge.cost?.nanodollars ?? estimate.cost, inputTokens: charge.inputTokens ?? estimate.inputTokens,
            outputTokens: charge.outputTokens ?? estimate.outputTokens)
        cachedInput = charge.parts.cachedInput
        guard charge.inputTokens == nil || charge.outputTokens == nil, estimate.isOneSum else { return }
        // The estimate is one number for both kinds.
        tokens = max(estimate.tokens, charge.inputTokens ?? charge.outputTokens ?? 0)
    }

    /// Whether both kinds of tokens are one number, which counts in full as either.
    private var isOneSum: Bool { tokens != inputTokens + outputTokens }

    private static func bit(_ dimension: LimitDimension) -> UInt8 { 1 << (dimension.rawValue & 7) }

    /// What the call takes.
    subscript(dimension: LimitDimension) -> Int64 {
        switch dimension {
        case .cost: cost
        case .requests: requests
        case .tokens: tokens
        case .inputTokens: inputTokens
        case .outputTokens: outputTokens
        case .inFlight: requests
        case .unknown: 0
        }
    }

    /// What the call takes of a limit.
    func amount(of limit: borrowing Limit) -> Int64 {
        limit.skipsCacheReads ? self[limit.dimension] - cachedInput : self[limit.dimension]
    }

    /// What a limit must have room for. A call without an estimate needs at least one unit.
    func room(_ dimension: LimitDimension) -> Int64 {
        unknown & Self.bit(dimension) == 0 ? self[dimension] : max(1, self[dimension])
    }
}
