import FuseboxTestSupport
import FuseboxWire

/// Policies whose items usually go together, where random ones rarely do.
extension RandomValues {
    /// The policy that was applied last, as it was or with some items changed, added or left out.
    mutating func nextPolicy() -> Policy {
        var next = policy
        if random.once(in: 8) { return next }
        if random.once(in: 4) { next = Policy() }
        next.limits.removeAll { _ in random.once(in: 4) }
        next.prices.removeAll { _ in random.once(in: 4) }
        next.aliases.removeAll { _ in random.once(in: 4) }
        next.breakers.removeAll { _ in random.once(in: 4) }
        for _ in 0..<random.below(3) { next.limits.append(PolicyLimit(scope: scope(), limit: limit())) }
        for place in next.limits.indices where random.once(in: 4) {
            let amount = next.limits[place].limit.amount
            next.limits[place].limit.amount = amount < .max / 2 ? amount + Int64(random.below(100)) : amount / 3
        }
        if random.once(in: 2) {
            var price = Price()
            price.input = Money(nanodollars: Int64(random.below(3)))
            next.prices.append(
                PriceEntry(provider: random.once(in: 4) ? nil : name(), model: name(), price: price))
        }
        if random.once(in: 4) {
            next.aliases.append(ModelAlias(provider: name(), name: name(), model: name()))
        }
        if random.once(in: 2) { next.breakers.append(breaker()) }
        if random.once(in: 4) {
            next.cooldownMilliseconds = random.once(in: 2) ? Int64(random.below(3)) * 60_000 : nil
            next.longestMarkMilliseconds = random.once(in: 2) ? Int64(random.within(1...3)) * 3_600_000 : nil
            next.isStrict = random.once(in: 2) ? random.once(in: 8) : nil
            next.requiredTags = random.once(in: 2) ? (random.once(in: 8) ? [name()] : []) : nil
        }
        return next
    }

    private mutating func breaker() -> PolicyBreaker {
        var breaker = PolicyBreaker()
        if !random.once(in: 4) { breaker.provider = name() }
        if breaker.provider != nil, random.once(in: 4) { breaker.deployment = name() }
        if breaker.provider != nil, random.once(in: 8) { breaker.model = name() }
        breaker.change.minRequests = UInt32(random.within(1...4))
        if random.once(in: 2) { breaker.change.maxProbes = UInt32(random.below(3)) }
        if random.once(in: 4) { breaker.change.failureThreshold = UInt32(random.below(9)) }
        if breaker.deployment == nil, breaker.model == nil, random.once(in: 3) {
            breaker.change.byModel = random.once(in: 2)
        }
        return breaker
    }
}
