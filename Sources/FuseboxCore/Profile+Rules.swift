import FuseboxWire

/// The rules in which `fusebox` differs from `llm-providers`, the reference library, each with its reason.
extension Profile {
    /// In the reference a rejected acquire restarts the reset timeout, so steady traffic keeps an open breaker open
    /// forever. Under `fusebox` only admitted traffic restarts it.
    var rejectionRestartsDecay: Bool { self == .llmProviders }

    /// In the reference failures past the threshold keep counting, so n calls in flight make recovery n reset timeouts
    /// longer. Under `fusebox` the count stops at the threshold.
    var clampsFailures: Bool { self == .fusebox }

    /// In the reference each caller draws a random number for a degraded share, so small shares come in bursts and
    /// gaps. Under `fusebox` the share is exact over all workers.
    var usesDraw: Bool { self == .llmProviders }

    /// In the reference an outcome does not apply the decay that is due; the next acquire does. Under `fusebox` an
    /// outcome applies it first.
    var outcomesSynchronise: Bool { self == .fusebox }

    /// In the reference the decay clock runs from the last acquire only. Failures of calls that take longer than the
    /// reset timeout then decay at once, and failures that are only reported never decay. Under `fusebox` a failure
    /// restarts it.
    var failureRestartsDecay: Bool { self == .fusebox }

    /// In the reference a result moves the breaker whenever it comes. Calls that were sent before an outage and time out
    /// late then open a breaker that has recovered. Under `fusebox` only results of the present episode move it.
    var hasEpisodes: Bool { self == .fusebox }

    /// In the reference only consecutive failures open a breaker, and `minRequests` has no effect. Under `fusebox` rates
    /// can open it, if they are configured.
    var hasRates: Bool { self == .fusebox }

    /// In the reference a breaker keeps the default configuration that it was created with. Old and new breakers then
    /// differ, although nobody has configured any. Under `fusebox` those without a configuration of their own have the
    /// present default.
    var defaultReachesExisting: Bool { self == .fusebox }

    /// In the reference a read creates a breaker that does not exist, and applies the decay that is due. Under
    /// `fusebox` reads change nothing.
    @inlinable public var readsChangeState: Bool { self == .llmProviders }

    /// In the reference a shorter mark replaces a longer one, so a worker's guess overrides what the provider reported.
    /// Under `fusebox` a mark is only extended.
    var marksOnlyExtend: Bool { self == .fusebox }

    /// In the reference a mark lasts as long as was told, and nothing but time ends it. One that is wrong then keeps
    /// calls away for days. It is of the whole provider, so a model that has run out stops all others. Under `fusebox`
    /// a mark is as narrow as the route, has a longest time, is probed, and ends with a success that was admitted after
    /// it.
    var doubtsMarks: Bool { self == .fusebox }

    /// In the reference a reset also clears rate windows and history. Under `fusebox` they stay, because they do not
    /// depend on what is reset.
    var resetClearsWindowsAndHistory: Bool { self == .llmProviders }

    /// In the reference a rate window begins when its limit is set or its end is noticed. Under `fusebox` a fixed window
    /// begins with the first use that counts.
    var windowsBeginUnused: Bool { self == .llmProviders }

    /// In the reference a threshold that has fired stays fired when a budget is raised. Under `fusebox` a change of the
    /// amount arms it again.
    var rearmsThresholds: Bool { self == .fusebox }

    /// In the reference fired depletion tiers are lost at a restore, and their events fire again. Under `fusebox` they
    /// are kept.
    var keepsDepletionTiers: Bool { self == .fusebox }

    /// In the reference all providers share a history of 2,000 entries, so a burn rate misses most of its window under
    /// load. Under `fusebox` each provider has a history of its own.
    public var sharesHistory: Bool { self == .llmProviders }

    /// In the reference a burn rate is the spend of a window over the whole window, even if spend was seen in a small
    /// part of it only. The first call of a day then sets the day's rate. Under `fusebox` it is the spend over the time
    /// in which spend was seen.
    var measuresBurnRates: Bool { self == .fusebox }

    /// In the reference sums, ratios and differences are computed with doubles of dollars. A threshold that records hit
    /// exactly may be missed by a rounding error: 0.72 / 0.9 is less than 0.8. Under `fusebox` they are computed with
    /// whole nano-dollars. Under `llm-providers` accounts keep both sums: the exact one is reported, the other one
    /// decides.
    var reckonsInDollars: Bool { self == .llmProviders }

    /// In the reference a record may have any cost. Under `fusebox` a call of more than `WireLimits.callCost` is
    /// refused as a mistake in the unit, because one such record would use up every limit. Sums are checked under
    /// both.
    var boundsRecords: Bool { self == .fusebox }
}
