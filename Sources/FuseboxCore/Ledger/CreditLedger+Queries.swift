import FuseboxWire

extension CreditLedger {
    /// The window of a burn rate that names none: 24 hours.
    public static let defaultBurnRateWindowMilliseconds: Int64 = 24 * 3_600_000

    /// A model's sums with a provider.
    public func model(_ provider: NameID, _ model: ModelID) -> Sums? {
        findModel(provider, model).map { models[$0].sums }
    }

    /// The name that last answered for a model with a provider, if that was another.
    public func answering(_ provider: NameID, _ model: ModelID) -> ModelID? {
        findModel(provider, model).flatMap { models[$0].answering }
    }

    /// Calls `body` with every model account of a provider.
    public func forEachModel(of provider: NameID, _ body: (ModelID, Sums) -> Void) {
        providers[provider.index]?.models.forEach(modelLinks) { body(models[$0].model, models[$0].sums) }
    }

    /// Calls `body` with every provider that has an account.
    public func forEachProvider(_ body: (NameID) -> Void) {
        providers.forEachIndex { body(NameID(index: $0)) }
    }

    /// What all providers together have cost.
    ///
    /// - Throws: `overflow` if the sum leaves the range of money
    public func totalSpend() throws(Refusal) -> Money {
        var total = Money.zero
        try providers.forEachIndex { (index) throws(Refusal) in
            guard let sum = total.adding(Money(nanodollars: providers[existing: index].sums.spend)) else {
                throw Refusal(.overflow, "the total leaves the range of money; ask for single providers")
            }
            total = sum
        }
        return total
    }

    /// How many calls of all providers together have a cost that nobody told. The sum stops at the end of its range.
    public func totalUnpriced() -> Int64 {
        var total: Int64 = 0
        providers.forEachIndex { index in
            total = total.saturatingAdd(providers[existing: index].sums.parts.unpriced)
        }
        return total
    }

    /// How many calls of a provider have a cost that nobody told, since a moment of the wall clock. The stretch of recent
    /// use that contains the moment counts in full.
    func unpriced(of provider: NameID, since wall: Timestamp) -> Int64 {
        guard let recent = providers[provider.index]?.recent else { return 0 }
        return recents.sum(of: recent, since: wall).unpriced
    }

    /// What a provider has spent within the newest part of its history.
    public func spend(
        of provider: NameID, windowMilliseconds: Int64, at now: Timestamp, under profile: Profile = .fusebox
    ) -> SpendSum {
        let cutoff = now - windowMilliseconds
        if profile.sharesHistory { return sharedHistory.sum(of: provider, since: cutoff) }
        guard var list = providers[provider.index]?.history else { return SpendSum() }
        // The window that is asked for most, of every provider in each overview, has its sum at hand.
        if windowMilliseconds == SpendPool.rollingWindowMilliseconds {
            return histories.rollingSum(of: &list, at: now)
        }
        return histories.sum(of: list, since: cutoff)
    }

    /// Brings the sum of the last 24 hours up to date, so that queries find it.
    mutating func advanceHistory(of provider: NameID, to now: Timestamp, under profile: Profile) {
        guard !profile.sharesHistory, providers.contains(provider.index) else { return }
        _ = histories.rollingSum(of: &providers[existing: provider.index].history, at: now)
    }

    /// Whether there is any history of a provider's spend.
    public func hasHistory(_ provider: NameID, under profile: Profile = .fusebox) -> Bool {
        if profile.sharesHistory { return sharedHistory.contains(provider) }
        return (providers[provider.index]?.history.count ?? 0) > 0
    }

    /// Calls `body` with a provider's history, oldest first.
    public func forEachEntry(of provider: NameID, _ body: (SpendEntry) -> Void) {
        guard let list = providers[provider.index]?.history else { return }
        histories.forEach(of: list, body)
    }

    /// What a provider costs per hour and day, over the newest part of its history; no rate while that part is too short.
    public func burnRate(
        _ provider: NameID, windowMilliseconds: Int64 = defaultBurnRateWindowMilliseconds, at now: Timestamp,
        under profile: Profile = .fusebox
    ) -> BurnRate {
        BurnRate(
            spend(of: provider, windowMilliseconds: windowMilliseconds, at: now, under: profile),
            windowMilliseconds: windowMilliseconds,
            baseMilliseconds: base(of: provider, windowMilliseconds: windowMilliseconds, at: now, under: profile),
            under: profile)
    }

    /// How much of a window a provider's spend has been seen in: all of it, or the time since its first record.
    func base(
        of provider: NameID, windowMilliseconds: Int64, at now: Timestamp, under profile: Profile
    ) -> Int64 {
        guard profile.measuresBurnRates else { return windowMilliseconds }
        guard let list = providers[provider.index]?.history else { return 0 }
        return histories.observed(list, windowMilliseconds: windowMilliseconds, at: now)
    }
}

extension BurnRate {
    /// - Parameter baseMilliseconds: the part of the window that the sum was spent in
    init(_ sum: SpendSum, windowMilliseconds: Int64, baseMilliseconds: Int64, under profile: Profile) {
        self.init()
        let dollars = sum.dollars ?? Money(nanodollars: sum.cost).dollars
        let shortest = profile.measuresBurnRates ? min(windowMilliseconds, Self.shortestBaseMilliseconds) : 0
        if baseMilliseconds > 0, baseMilliseconds >= shortest {
            costPerHour = dollars / (Double(baseMilliseconds) / 3_600_000)
            costPerDay = dollars / (Double(baseMilliseconds) / 86_400_000)
        } else if !profile.measuresBurnRates {
            (costPerHour, costPerDay) = (0, 0)
        }
        self.windowMilliseconds = windowMilliseconds
        self.baseMilliseconds = baseMilliseconds
        sampleCount = UInt64(clamping: sum.count)
        isApproximate = sum.isApproximate
    }
}
