import FuseboxWire

extension CreditLedger {
    /// The sums of one account, since it began or was reset.
    public struct Sums: Sendable, Equatable {
        /// What was spent, in nano-dollars.
        public var spend: Int64 = 0
        /// Tokens sent: all of them, from a cache or not.
        public var inputTokens: Int64 = 0
        /// Tokens received: all of them, with reasoning.
        public var outputTokens: Int64 = 0
        /// The number of calls.
        public var requests: Int64 = 0
        /// When the first call was counted. Nil if there is none.
        public var firstRecorded: Timestamp?
        /// When the last call was counted. Nil if there is none.
        public var lastRecorded: Timestamp?
        /// What of the tokens, and of the calls, was of a kind of its own.
        public var parts = Parts()

        /// The sums of an account without a call.
        public init() {}
    }

    /// Parts of the sums of an account, or of a call.
    public struct Parts: Sendable, Equatable {
        /// Tokens sent that were read from a cache.
        public var cachedInput: Int64 = 0
        /// Tokens sent that were written to a cache.
        public var cacheWrite: Int64 = 0
        /// Tokens received that were reasoning.
        public var reasoning: Int64 = 0
        /// Calls that used something, and whose cost nobody told.
        public var unpriced: Int64 = 0

        /// No part.
        public init() {}

        /// One call whose cost nobody told.
        static var unpriced: Parts {
            var parts = Parts()
            parts.unpriced = 1
            return parts
        }

        /// Adds other parts. The range's end stands for what lies beyond it.
        mutating func add(_ other: Parts) {
            cachedInput = cachedInput.saturatingAdd(other.cachedInput)
            cacheWrite = cacheWrite.saturatingAdd(other.cacheWrite)
            reasoning = reasoning.saturatingAdd(other.reasoning)
            unpriced = unpriced.saturatingAdd(other.unpriced)
        }
    }

    /// An account of the host, of a deployment or of a tag.
    ///
    /// Its sums stop at the end of their range, $9.2 billion of spend. A provider's account refuses a call that would
    /// exceed it. This account has the calls of many providers, and no call is refused because of another provider.
    struct Account: Sendable {
        var sums = Sums()
        var recent = RecentUse()
        var open = OpenDay()
        /// Of a tag: the users whose calls have named it lately.
        var users = TagUsers()
    }

    /// What one call costs.
    public struct Charge: Sendable {
        /// What the call cost, $0 to `WireLimits.callCost`; the profile `llm-providers` knows no upper end. Nil: nobody
        /// told it.
        public var cost: Money?
        /// Tokens sent, from a cache or not, at least 0; nil: nobody told them.
        public var inputTokens: Int64?
        /// Tokens received, with reasoning, at least 0; nil: nobody told them.
        public var outputTokens: Int64?
        /// What of them was of a kind of its own.
        public var parts = Parts()

        /// What one call cost, and the tokens that it used.
        public init(cost: Money?, inputTokens: Int64?, outputTokens: Int64?) {
            self.cost = cost
            self.inputTokens = inputTokens
            self.outputTokens = outputTokens
        }

        /// What a call has told.
        init(cost: Money?, _ tokens: TokenUsage) {
            self.init(cost: cost, inputTokens: tokens.sent, outputTokens: tokens.received)
            parts.cachedInput = Int64(tokens.cachedInput ?? 0)
            parts.cacheWrite = Int64(tokens.cacheWrite ?? 0)
            parts.reasoning = Int64(tokens.reasoning ?? 0)
            if cost == nil, inputTokens ?? 0 > 0 || outputTokens ?? 0 > 0 { parts.unpriced = 1 }
        }

        /// The sums of this charge alone.
        ///
        /// - Parameter requests: 0 if the request was counted at its admission
        func sums(requests: Int64) -> UseSums {
            UseSums(
                cost: cost?.nanodollars ?? 0, requests: requests, inputTokens: inputTokens ?? 0,
                outputTokens: outputTokens ?? 0)
        }
    }
}

extension TokenUsage {
    /// Tokens sent, from a cache or not; nil: nobody told them.
    fileprivate var sent: Int64? {
        guard input != nil || cachedInput != nil || cacheWrite != nil else { return nil }
        return Int64(input ?? 0) + Int64(cachedInput ?? 0) + Int64(cacheWrite ?? 0)
    }

    /// Tokens received, with reasoning; nil: nobody told them.
    fileprivate var received: Int64? {
        guard output != nil || reasoning != nil else { return nil }
        return Int64(output ?? 0) + Int64(reasoning ?? 0)
    }
}

extension CreditLedger.Sums {
    /// Whether what is used fits the range of each sum.
    @inline(__always)
    func hasRoom(for use: UseSums) -> Bool {
        !spend.addingReportingOverflow(use.cost).overflow && !requests.addingReportingOverflow(use.requests).overflow
            && !inputTokens.addingReportingOverflow(use.inputTokens).overflow
            && !outputTokens.addingReportingOverflow(use.outputTokens).overflow
    }

    /// Adds what is used, and parts of it. The range's end stands for what lies beyond it.
    mutating func add(_ use: UseSums, _ parts: CreditLedger.Parts, at now: Timestamp) {
        self.parts.add(parts)
        add(use, at: now)
    }

    /// Adds what is used. The range's end stands for what lies beyond it.
    mutating func add(_ use: UseSums, at now: Timestamp) {
        spend = spend.saturatingAdd(use.cost)
        inputTokens = inputTokens.saturatingAdd(use.inputTokens)
        outputTokens = outputTokens.saturatingAdd(use.outputTokens)
        requests = requests.saturatingAdd(use.requests)
        if firstRecorded == nil { firstRecorded = now }
        lastRecorded = now
    }

    /// Adds other sums. Sums stop at the end of their range.
    ///
    /// It is a call of its own: inside a loop over accounts, the compiler's alias analysis takes longer than ten minutes.
    @inline(never)
    mutating func add(_ other: Self) {
        spend = spend.saturatingAdd(other.spend)
        inputTokens = inputTokens.saturatingAdd(other.inputTokens)
        outputTokens = outputTokens.saturatingAdd(other.outputTokens)
        requests = requests.saturatingAdd(other.requests)
        parts.add(other.parts)
        if let first = other.firstRecorded { firstRecorded = min(first, firstRecorded ?? first) }
        if let last = other.lastRecorded { lastRecorded = max(last, lastRecorded ?? last) }
    }

    /// The sums as the protocol's record.
    public var usage: AccountUsage {
        var usage = AccountUsage()
        usage.spend = Money(nanodollars: spend)
        usage.inputTokens = Self.rest(of: inputTokens, without: parts.cachedInput.saturatingAdd(parts.cacheWrite))
        usage.outputTokens = Self.rest(of: outputTokens, without: parts.reasoning)
        usage.requests = requests
        usage.firstRecorded = firstRecorded
        usage.lastRecorded = lastRecorded
        usage.cachedInputTokens = parts.cachedInput
        usage.cacheWriteTokens = parts.cacheWrite
        usage.reasoningTokens = parts.reasoning
        usage.unpriced = parts.unpriced
        return usage
    }

    private static func rest(of whole: Int64, without part: Int64) -> Int64 {
        let (rest, overflow) = whole.subtractingReportingOverflow(part)
        return overflow ? .min : rest
    }

    /// The sums that the wire has told. The range's end stands for what lies beyond it.
    public init(_ usage: AccountUsage) {
        spend = usage.spend.nanodollars
        inputTokens = usage.sentTokens
        outputTokens = usage.receivedTokens
        requests = usage.requests
        firstRecorded = usage.firstRecorded
        lastRecorded = usage.lastRecorded
        parts.cachedInput = usage.cachedInputTokens
        parts.cacheWrite = usage.cacheWriteTokens
        parts.reasoning = usage.reasoningTokens
        parts.unpriced = usage.unpriced
    }
}
