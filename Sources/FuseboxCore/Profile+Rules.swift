import FuseboxWire

/// The points in which `fusebox` differs from `llm-providers`, each with its reason.
extension Profile {
    /// In the reference a rejected acquire restarts the reset timeout, so that steady traffic keeps an open breaker
    /// open for ever. Only admitted traffic can show that a provider is not quiet.
    var rejectionRestartsDecay: Bool { self == .llmProviders }

    /// In the reference failures past the threshold keep counting, so that n workers in flight make recovery n reset
    /// timeouts longer. Open is open.
    var clampsFailures: Bool { self == .fusebox }

    /// In the reference each caller flips a coin for a degraded share, and small shares come in bursts and droughts.
    /// One owner can give the exact share over all workers.
    var usesDraw: Bool { self == .llmProviders }

    /// In the reference outcomes do not look at the clock: the next question does.
    var outcomesSynchronise: Bool { self == .fusebox }

    /// In the reference the decay clock runs from the last acquire only: failures of calls longer than the reset
    /// timeout decay at once, and those of callers that only report never do.
    var failureRestartsDecay: Bool { self == .fusebox }

    /// In the reference naming a breaker creates it and a look at it synchronises it. Reads of `fusebox` are pure.
    public var readsChangeState: Bool { self == .llmProviders }

    /// In the reference a shorter mark replaces a longer one: a worker's guess overrides what the provider said.
    var marksOnlyExtend: Bool { self == .fusebox }

    /// In the reference a period ends by hand only, and that also clears rate windows and history, whose time has
    /// nothing to do with the budget's.
    public var periodsRollOver: Bool { self == .fusebox }
    var resetClearsWindowsAndHistory: Bool { self == .llmProviders }

    /// In the reference fired depletion tiers are forgotten at a restore, and the events fire again.
    var keepsDepletionTiers: Bool { self == .fusebox }

    /// In the reference 2,000 entries of history are shared by all providers, and under load a burn rate misses most
    /// of its window.
    public var sharesHistory: Bool { self == .llmProviders }

    /// In the reference a burn rate is the spend of a window over the window's length, however much of it anything was
    /// recorded in: the first call of a day that cost a cent is a cent a day. A rate is over the time it was measured in.
    var measuresBurnRates: Bool { self == .fusebox }

    /// In the reference sums, ratios and differences are those of doubles of dollars, and a threshold that records hit
    /// exactly may lie a rounding error away: 0.72 / 0.9 is less than 0.8. Billionths are whole numbers, and a hit is a
    /// hit. Under the reference's rules accounts keep both sums: the exact one is told, the other one decides.
    var reckonsInDollars: Bool { self == .llmProviders }

    /// In the reference a record may cost anything. A call of more than `WireLimits.callCost` is a mistake of units, and one such
    /// record would use up every budget. Sums are checked either way.
    var boundsRecords: Bool { self == .fusebox }

    /// Spend over budget; 0 without a budget above 0.
    ///
    /// - Parameter dollars: the spend as a sum of doubles
    func utilization(of budget: Money, spend: Int64, dollars: Double) -> Double {
        guard budget > .zero else { return 0 }
        return reckonsInDollars ? dollars / budget.dollars : Double(spend) / Double(budget.nanodollars)
    }
}

extension CreditLedger.Provider {
    /// How far a budget is used; 0 without one above 0.
    func utilization(of budget: Money, under profile: Profile) -> Double {
        profile.utilization(of: budget, spend: sums.spend, dollars: dollars)
    }
}
