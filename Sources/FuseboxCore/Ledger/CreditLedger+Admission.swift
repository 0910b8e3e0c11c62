import FuseboxWire

/// What admission asks of the ledger.
extension CreditLedger {
    /// Whether a rate limit has no room for so many more, and when its window ends.
    func isFull(
        _ dimension: RateDimension, of provider: NameID, for amount: Int64, at now: Timestamp
    ) -> (isFull: Bool, windowEnd: Timestamp, isTooSmall: Bool) {
        guard let window = window(provider, dimension, at: now) else { return (false, now, false) }
        // Whatever is estimated, a full window takes no more.
        let needed = max(1, amount)
        return (
            window.used.saturatingAdd(needed) > window.limit, window.start + dimension.windowMilliseconds,
            needed > window.limit
        )
    }

    /// The enforced budget of a provider.
    func enforcedBudget(of provider: NameID) -> Money? {
        guard providers.contains(provider.index), providers[existing: provider.index].isEnforced else { return nil }
        return providers[existing: provider.index].budget
    }

    /// The enforced budget of a model with a provider.
    func enforcedBudget(of provider: NameID, _ model: ModelID) -> Money? {
        guard let place = budgets.find(provider, model), budgets[place].isEnforced else { return nil }
        return budgets[place].monthly
    }

    /// Whether an estimate is held against an enforced budget.
    func isEnforced(_ provider: NameID, _ model: ModelID?) -> Bool {
        if enforcedBudget(of: provider) != nil { return true }
        guard let model else { return false }
        return enforcedBudget(of: provider, model) != nil
    }

    /// Counts a call against a provider's rate limits; returns those that it was counted against, a bit each.
    mutating func takeFromWindows(_ provider: NameID, tokens: Int64, at now: Timestamp) -> UInt8 {
        guard providers.contains(provider.index) else { return 0 }
        var counted: UInt8 = 0
        for dimension in RateDimension.allCases where providers[existing: provider.index][dimension] != nil {
            counted |= 1 << dimension.rawValue
        }
        count(requests: 1, tokens: tokens, provider, at: now)
        return counted
    }

    /// Corrects what a call was counted for when it was admitted.
    ///
    /// A window that is over is not corrected, but what the call used beyond its estimate counts in the current one.
    mutating func correctWindows(_ grant: PermitRegistry.Grant, requests: Int64, tokens: Int64, at now: Timestamp) {
        guard providers.contains(grant.provider.index) else { return }
        for dimension in RateDimension.allCases {
            guard var window = providers[existing: grant.provider.index][dimension] else { continue }
            window.renew(dimension, at: now)
            let change = dimension.countsTokens ? tokens : requests
            let wasCounted = grant.counted & 1 << dimension.rawValue != 0 && window.start <= grant.grantedAt
            window.used = max(0, window.used.saturatingAdd(wasCounted ? change : max(0, change)))
            providers[existing: grant.provider.index][dimension] = window
        }
    }

    /// Notes that a budget denies a call, or that it takes one; returns whether it began to deny.
    mutating func noteDenial(_ isDenied: Bool, by provider: NameID, _ model: ModelID?) -> Bool {
        guard let place = budgets.find(provider, model), budgets[place].isDenying != isDenied else { return false }
        budgets.setDenying(isDenied, at: place)
        return isDenied
    }
}
