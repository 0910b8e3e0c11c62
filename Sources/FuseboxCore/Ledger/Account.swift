import FuseboxWire

extension CreditLedger {
    /// The sums of one account, since it began or was reset.
    public struct Sums: Sendable, Equatable {
        /// What was spent, in nano-dollars.
        public var spend: Int64 = 0
        /// Tokens sent.
        public var inputTokens: Int64 = 0
        /// Tokens received.
        public var outputTokens: Int64 = 0
        /// The number of calls.
        public var requests: Int64 = 0
        /// When the first call was counted. Nil if there is none.
        public var firstRecorded: Timestamp?
        /// When the last call was counted. Nil if there is none.
        public var lastRecorded: Timestamp?

        /// The sums of an account without a call.
        public init() {}
    }

    /// An account of the host, of a deployment or of a tag.
    ///
    /// Its sums stop at the end of their range, $9.2 billion of spend. A provider's account refuses a call that would
    /// exceed it. This account has the calls of many providers, and no call is refused because of another provider.
    struct Account: Sendable {
        var sums = Sums()
        var recent = RecentUse()
    }

    /// What one call costs.
    public struct Charge: Sendable {
        /// What the call cost, $0 to `WireLimits.callCost`; the profile `llm-providers` has no upper end.
        public var cost: Money
        /// Tokens sent, at least 0.
        public var inputTokens: Int64
        /// Tokens received, at least 0.
        public var outputTokens: Int64

        /// What one call cost, and the tokens that it used.
        public init(cost: Money, inputTokens: Int64, outputTokens: Int64) {
            self.cost = cost
            self.inputTokens = inputTokens
            self.outputTokens = outputTokens
        }

        /// The reported use of a call.
        init<Text: NameText>(_ usage: borrowing CallUsageOf<Text>) {
            self.init(
                cost: usage.cost, inputTokens: Int64(usage.inputTokens), outputTokens: Int64(usage.outputTokens))
        }

        /// The sums of this charge alone.
        ///
        /// - Parameter requests: 0 if the request was counted at its admission
        func sums(requests: Int64) -> UseSums {
            UseSums(
                cost: cost.nanodollars, requests: requests, inputTokens: inputTokens, outputTokens: outputTokens)
        }
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

    /// Adds what is used. Sums stop at the end of their range.
    mutating func add(_ use: UseSums, at now: Timestamp) {
        spend = spend.saturatingAdd(use.cost)
        inputTokens = inputTokens.saturatingAdd(use.inputTokens)
        outputTokens = outputTokens.saturatingAdd(use.outputTokens)
        requests = requests.saturatingAdd(use.requests)
        if firstRecorded == nil { firstRecorded = now }
        lastRecorded = now
    }

    /// Adds other sums. Sums stop at the end of their range.
    mutating func add(_ other: Self) {
        spend = spend.saturatingAdd(other.spend)
        inputTokens = inputTokens.saturatingAdd(other.inputTokens)
        outputTokens = outputTokens.saturatingAdd(other.outputTokens)
        requests = requests.saturatingAdd(other.requests)
        if let first = other.firstRecorded { firstRecorded = min(first, firstRecorded ?? first) }
        if let last = other.lastRecorded { lastRecorded = max(last, lastRecorded ?? last) }
    }

    /// The sums as the protocol's record.
    public var usage: AccountUsage {
        var usage = AccountUsage()
        usage.spend = Money(nanodollars: spend)
        usage.inputTokens = inputTokens
        usage.outputTokens = outputTokens
        usage.requests = requests
        usage.firstRecorded = firstRecorded
        usage.lastRecorded = lastRecorded
        return usage
    }

    /// The sums of the protocol's record.
    public init(_ usage: AccountUsage) {
        spend = usage.spend.nanodollars
        inputTokens = usage.inputTokens
        outputTokens = usage.outputTokens
        requests = usage.requests
        firstRecorded = usage.firstRecorded
        lastRecorded = usage.lastRecorded
    }
}
