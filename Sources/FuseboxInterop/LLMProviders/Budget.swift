import FuseboxWire

/// A rate limit of `llm-providers`: requests or tokens, in windows of a minute or a day.
public enum RateDimension: UInt8, CaseIterable, Sendable {
    /// Requests per minute.
    case rpm = 0
    /// Requests per day.
    case rpd = 1
    /// Tokens per minute.
    case tpm = 2
    /// Tokens per day.
    case tpd = 3

    /// The limit of this kind with an amount. Its window begins when it is set, or with the first use after its end.
    public func limit(_ amount: Int64) -> Limit {
        switch self {
        case .rpm: Limit(.requests, amount, .fixed(milliseconds: 60_000))
        case .rpd: Limit(.requests, amount, .fixed(milliseconds: 86_400_000))
        case .tpm: Limit(.tokens, amount, .fixed(milliseconds: 60_000))
        case .tpd: Limit(.tokens, amount, .fixed(milliseconds: 86_400_000))
        }
    }
}

/// A budget of `llm-providers`: what a provider, or one of its models, may cost until the next reset, and the rates of
/// the provider. Each of its parts is a limit.
public struct Budget: Sendable, Equatable {
    /// The provider.
    public var provider: Name
    /// The model; nil: the budget is for the provider as a whole.
    public var model: Name?
    /// What may be spent until the next reset, at least $0; nil: none is set. It notifies and denies nothing.
    public var monthly: Money?
    /// The rate limits, in requests or tokens a window, each at least 0. They are always the provider's, also where a
    /// model is named.
    public var rates: [RateDimension: Int64] = [:]

    /// A budget; a part that is not told is not set.
    public init(
        provider: Name, model: Name? = nil, monthly: Money? = nil, rpm: Int64? = nil, rpd: Int64? = nil,
        tpm: Int64? = nil, tpd: Int64? = nil
    ) {
        self.provider = provider
        self.model = model
        self.monthly = monthly
        rates[.rpm] = rpm
        rates[.rpd] = rpd
        rates[.tpm] = tpm
        rates[.tpd] = tpd
    }

    /// What its amount is a limit on.
    public var scope: Scope { Scope(provider: provider, model: model) }

    /// The limit of cost with an amount: until the next reset, and only told. The library has no thresholds for models.
    package static func limit(_ amount: Money, _ model: Name?, _ thresholds: Thresholds? = nil) -> Limit {
        Limit(
            .cost, amount.nanodollars, .manual, mode: .notify, thresholds: model == nil ? thresholds : .never)
    }

    /// The rate limits, in the order of their dimensions.
    package var rateLimits: [Limit] {
        RateDimension.allCases.compactMap { dimension in rates[dimension].map { dimension.limit($0) } }
    }
}

extension Budget {
    /// The limit that is a budget; nil: none is set. As in the library, $0 is none for a model.
    package static func limit(_ entry: LimitEntry?, of model: Name?) -> LimitEntry? {
        guard let entry, model == nil || entry.limit.amount > 0 else { return nil }
        return entry
    }
}

/// The account of a provider with the limits that `llm-providers` knows.
public struct BudgetedAccount: Sendable, Equatable {
    /// The sums.
    public var account: ProviderAccount
    /// The budget; nil: none is set.
    public var budget: Money?
    /// The rate limits with their windows as they were last counted in.
    public var windows: [RateDimension: RateWindow]
}

extension BudgetedAccount {
    /// An account with what its limits tell.
    ///
    /// - Parameter find: the limit of the provider with the same dimension and window
    package init<Failure: Error>(
        _ account: ProviderAccount, at moment: Timestamp, _ find: (Limit) throws(Failure) -> LimitEntry?
    ) throws(Failure) {
        self.init(account: account, windows: [:])
        budget = try find(Budget.limit(.zero, nil)).map { Money(nanodollars: $0.limit.amount) }
        for dimension in RateDimension.allCases {
            windows[dimension] = try find(dimension.limit(0)).map { RateWindow($0, at: moment) }
        }
    }
}

/// A rate limit's current window.
public struct RateWindow: Sendable, Equatable {
    /// Requests or tokens allowed in a window.
    public var limit: Int64
    /// Requests or tokens counted in the window.
    public var used: Int64
    /// When the window began.
    public var windowStart: Timestamp
}

extension RateWindow {
    /// The window of a limit. One that has not begun counts from this moment.
    package init(_ entry: LimitEntry, at moment: Timestamp) {
        self.init(limit: entry.limit.amount, used: entry.used, windowStart: entry.startedAt ?? moment)
    }
}

/// What is left of a budget, and how far it is used.
public struct Balance: Sendable, Equatable {
    /// What is left, below 0 if it is exceeded; nil: there is no budget.
    public var remaining: Money?
    /// Spend over budget; 0 if there is none.
    public var utilization = 0.0
}

extension Balance {
    /// What the limit that is a budget tells; nil: none is set.
    ///
    /// - Throws: `overflow` if what is left leaves the range of money
    package init(_ entry: LimitEntry?) throws(Refusal) {
        self.init()
        guard let entry else { return }
        remaining = Money(nanodollars: entry.limit.amount).subtracting(Money(nanodollars: entry.used))
        guard remaining != nil else {
            throw Refusal(.overflow, "what is left of the budget leaves the range of money")
        }
        utilization = entry.share
    }
}

/// Whether a rate limit has room in its current window.
public struct RateCheck: Sendable, Equatable {
    /// Whether there is room; true if there is no limit.
    public var allowed = true
    /// Requests or tokens counted in the current window.
    public var used: Int64 = 0
    /// Requests or tokens allowed in a window; 0 if there is no limit.
    public var limit: Int64 = 0
}

extension RateCheck {
    /// What a rate limit tells; nil: none is set.
    package init(_ entry: LimitEntry?) {
        self.init()
        guard let entry else { return }
        (allowed, used, limit) = (entry.used < entry.limit.amount, entry.used, entry.limit.amount)
    }
}
