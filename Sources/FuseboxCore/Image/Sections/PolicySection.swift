import FuseboxWire

/// What the policy has set.
enum PolicySection: SnapshotSection {
    static let kind: UInt32 = 29
    static let name = "policy"
    static let summary =
        "what the policy has set, as it said it last, one part a record: its limits, prices, aliases and breakers by their names, then what it says once"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        let owned = machine.owned
        for (identity, limit) in owned.limits.sorted(by: { $0.key < $1.key }) {
            part.add(PolicyImage(limit: PolicyLimitImage(identity.scope, limit)))
        }
        for (route, price) in owned.prices.sorted(by: { $0.key < $1.key }) {
            part.add(PolicyImage(price: PolicyPriceImage(route, price)))
        }
        for (alias, model) in owned.aliases.sorted(by: { $0.key < $1.key }) {
            part.add(PolicyImage(alias: PolicyAliasImage(alias, model)))
        }
        for (route, change) in owned.breakers.sorted(by: { $0.key < $1.key }) {
            part.add(PolicyImage(breaker: PolicyBreakerImage(route, change)))
        }
        if owned.rules != PolicyRules() { part.add(PolicyImage(rules: PolicyRulesImage(owned.rules))) }
    }

    static func add(_ image: PolicyImage, to state: inout StateImage) throws(Refusal) {
        guard image.partCount == 1 else {
            throw Refusal(.damagedData, "a record of the policy has \(image.partCount) parts, and must have one")
        }
        let isNew = try add(image, to: &state.builder.machine.owned)
        guard isNew else { throw Refusal(.damagedData, "the policy has an item twice") }
    }

    /// Returns whether the item is new.
    private static func add(_ image: PolicyImage, to owned: inout OwnedPolicy) throws(Refusal) -> Bool {
        if let image = image.limit {
            let limit = image.limit
            try limit.validate()
            return owned.limits.updateValue(limit, forKey: LimitIdentity(image.scope, limit)) == nil
        }
        if let image = image.price {
            let route = PolicyRoute(provider: image.provider, model: image.model)
            try StateMachine.validate(
                PriceEntry(provider: image.provider, model: image.model, price: image.price))
            return owned.prices.updateValue(image.price, forKey: route) == nil
        }
        if let image = image.alias {
            let alias = PolicyRoute(provider: image.provider, model: image.name)
            return owned.aliases.updateValue(image.model, forKey: alias) == nil
        }
        if let image = image.breaker {
            let route = PolicyRoute(
                provider: image.provider, deployment: image.deployment, model: image.model)
            let change = image.change
            // A rate of slow calls may be told without from when on a call is slow.
            var whole = change
            whole.slowCallMilliseconds = max(1, change.slowCallMilliseconds ?? 1)
            _ = try BreakerConfiguration().applying(whole)
            return owned.breakers.updateValue(change, forKey: route) == nil
        }
        guard let image = image.rules else { return true }
        if let cooldown = image.cooldownMilliseconds { try validateDuration(cooldown, "the default cooldown") }
        if let longest = image.longestMarkMilliseconds { try validateLongestMark(longest) }
        guard owned.rules == PolicyRules() else { return false }
        owned.rules = image.rules
        return true
    }
}

/// One part of what the policy has set.
struct PolicyImage: VersionedRecord {
    var limit: PolicyLimitImage?
    var price: PolicyPriceImage?
    var alias: PolicyAliasImage?
    var breaker: PolicyBreakerImage?
    var rules: PolicyRulesImage?

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("limit", &limit, "a limit")
        try visitor.field("price", &price, "a price")
        try visitor.field("alias", &alias, "a name of a model that stands for another")
        try visitor.field("breaker", &breaker, "parts of a breaker's configuration")
        try visitor.field("rules", &rules, "what a policy says once")
    }

    fileprivate var partCount: Int {
        [limit != nil, price != nil, alias != nil, breaker != nil, rules != nil].count { $0 }
    }
}

/// A limit that the policy has set.
struct PolicyLimitImage: WireRecord {
    var provider: Name?
    var deployment: Name?
    var model: Name?
    var tag: Name?
    var dimension: LimitDimensionImage = .cost
    var amount: Int64 = 0
    var window = LimitWindowImage()
    var mode: LimitModeImage = .deny
    var onLapse: LapseRuleImage = .charge
    var thresholds: ThresholdsImage?
    var skipsCacheReads = false

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider of its scope; absent: any")
        try visitor.field("deployment", &deployment, "the deployment of its scope; absent: any")
        try visitor.field("model", &model, "the model of its scope; absent: any")
        try visitor.field("tag", &tag, "the tag of its scope, or `prefix*` of a template; absent: any call")
        try visitor.field("dimension", &dimension, "what it bounds")
        try visitor.field(
            "amount", &amount, "nano-dollars for `cost`, else a count; of a prepaid limit what was paid in first")
        try visitor.field("window", &window, "the stretch of time")
        try visitor.field("mode", &mode, "what it does with a call that would exceed it")
        try visitor.field("onLapse", &onLapse, "what becomes of the estimate of a call that was never settled")
        try visitor.field(
            "thresholds", &thresholds, "the shares of the amount at which events are sent; absent: those of any limit")
        try visitor.field("skipsCacheReads", &skipsCacheReads, "whether tokens read from a cache do not count")
    }
}

/// A price that the policy has set.
struct PolicyPriceImage: WireRecord {
    var provider: Name?
    var model: Name?
    var input: Money?
    var cachedInput: Money?
    var cacheWrite: Money?
    var output: Money?
    var reasoning: Money?
    var request: Money?

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider; absent: every one")
        try visitor.field("model", &model, "the model; absent: every one")
        try visitor.field("input", &input, "per million tokens sent; absent: not known")
        try visitor.field("cachedInput", &cachedInput, "per million tokens read from a cache; absent: that of input")
        try visitor.field("cacheWrite", &cacheWrite, "per million tokens written to a cache; absent: that of input")
        try visitor.field("output", &output, "per million tokens received; absent: not known")
        try visitor.field("reasoning", &reasoning, "per million tokens of reasoning; absent: that of output")
        try visitor.field("request", &request, "per request; absent: nothing")
    }
}

/// An alias that the policy has set.
struct PolicyAliasImage: WireRecord {
    var provider = Name.blank
    var name = Name.blank
    var model = Name.blank

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider whose model it is")
        try visitor.field("name", &name, "the name that stands for another")
        try visitor.field("model", &model, "the model that is charged")
    }
}

/// The parts of a breaker's configuration that the policy has set.
struct PolicyBreakerImage: WireRecord {
    var provider: Name?
    var deployment: Name?
    var model: Name?
    var failureThreshold: UInt32?
    var resetTimeoutMilliseconds: Int64?
    var monitoringPeriodMilliseconds: Int64?
    var minRequests: UInt32?
    var degradationCurve: [Double]?
    var maxProbes: UInt32?
    var minWorkers: UInt32?
    var failureRate: Double?
    var slowCallRate: Double?
    var slowCallMilliseconds: Int64?
    var maxResetTimeoutMilliseconds: Int64?
    var byModel: Bool?

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider; absent: the configuration of new breakers")
        try visitor.field("deployment", &deployment, "the deployment; absent: it is not the breaker of one")
        try visitor.field("model", &model, "the model; absent: it is not the breaker of one")
        try visitor.field("failureThreshold", &failureThreshold, "as in a breaker; absent, here and below: not set")
        try visitor.field("resetTimeoutMilliseconds", &resetTimeoutMilliseconds, "as in a breaker")
        try visitor.field("monitoringPeriodMilliseconds", &monitoringPeriodMilliseconds, "as in a breaker")
        try visitor.field("minRequests", &minRequests, "as in a breaker")
        try visitor.field("degradationCurve", &degradationCurve, "as in a breaker")
        try visitor.field("maxProbes", &maxProbes, "as in a breaker")
        try visitor.field("minWorkers", &minWorkers, "as in a breaker")
        try visitor.field("failureRate", &failureRate, "as in a breaker")
        try visitor.field("slowCallRate", &slowCallRate, "as in a breaker")
        try visitor.field("slowCallMilliseconds", &slowCallMilliseconds, "as in a breaker")
        try visitor.field("maxResetTimeoutMilliseconds", &maxResetTimeoutMilliseconds, "as in a breaker")
        try visitor.field("byModel", &byModel, "as in a breaker")
    }
}

/// What the policy says once.
struct PolicyRulesImage: WireRecord {
    var cooldownMilliseconds: Int64?
    var longestMarkMilliseconds: Int64?
    var isStrict: Bool?
    var requiredTags: [Name]?

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "cooldownMilliseconds", &cooldownMilliseconds,
            "how long a mark without a reported end lasts; absent, here and below: not set")
        try visitor.field("longestMarkMilliseconds", &longestMarkMilliseconds, "how long a mark lasts at most")
        try visitor.field("isStrict", &isStrict, "whether workers may name only providers that are known")
        try visitor.field("requiredTags", &requiredTags, "what the tags of each call must match")
    }
}

// MARK: Between state and file

extension PolicyImage {
    fileprivate init(limit: PolicyLimitImage) { self.limit = limit }
    fileprivate init(price: PolicyPriceImage) { self.price = price }
    fileprivate init(alias: PolicyAliasImage) { self.alias = alias }
    fileprivate init(breaker: PolicyBreakerImage) { self.breaker = breaker }
    fileprivate init(rules: PolicyRulesImage) { self.rules = rules }
}

extension PolicyLimitImage {
    fileprivate init(_ scope: Scope, _ limit: Limit) {
        provider = scope.provider
        deployment = scope.deployment
        model = scope.model
        tag = scope.tag
        dimension = LimitDimensionImage(limit.dimension)
        amount = limit.amount
        window = LimitWindowImage(limit.window)
        mode = LimitModeImage(limit.mode)
        onLapse = LapseRuleImage(limit.onLapse)
        thresholds = limit.thresholds.map(ThresholdsImage.init)
        skipsCacheReads = limit.skipsCacheReads
    }

    fileprivate var scope: Scope { Scope(provider: provider, deployment: deployment, model: model, tag: tag) }

    fileprivate var limit: Limit {
        Limit(
            dimension.value, amount, window.window, mode: mode.value, onLapse: onLapse.value,
            thresholds: thresholds?.thresholds, skipsCacheReads: skipsCacheReads)
    }
}

extension PolicyPriceImage {
    fileprivate init(_ route: PolicyRoute, _ price: Price) {
        provider = route.provider
        model = route.model
        input = price.input
        cachedInput = price.cachedInput
        cacheWrite = price.cacheWrite
        output = price.output
        reasoning = price.reasoning
        request = price.request
    }

    fileprivate var price: Price {
        var price = Price()
        price.input = input
        price.cachedInput = cachedInput
        price.cacheWrite = cacheWrite
        price.output = output
        price.reasoning = reasoning
        price.request = request
        return price
    }
}

extension PolicyAliasImage {
    fileprivate init(_ alias: PolicyRoute, _ model: Name) {
        guard let provider = alias.provider, let name = alias.model else {
            preconditionFailure("an alias has its provider and its name")
        }
        self.provider = provider
        self.name = name
        self.model = model
    }
}

extension PolicyBreakerImage {
    fileprivate init(_ route: PolicyRoute, _ change: BreakerConfigurationChange) {
        provider = route.provider
        deployment = route.deployment
        model = route.model
        failureThreshold = change.failureThreshold
        resetTimeoutMilliseconds = change.resetTimeoutMilliseconds
        monitoringPeriodMilliseconds = change.monitoringPeriodMilliseconds
        minRequests = change.minRequests
        degradationCurve = change.degradationCurve
        maxProbes = change.maxProbes
        minWorkers = change.minWorkers
        failureRate = change.failureRate
        slowCallRate = change.slowCallRate
        slowCallMilliseconds = change.slowCallMilliseconds
        maxResetTimeoutMilliseconds = change.maxResetTimeoutMilliseconds
        byModel = change.byModel
    }

    fileprivate var change: BreakerConfigurationChange {
        BreakerConfigurationChange(
            failureThreshold: failureThreshold, resetTimeoutMilliseconds: resetTimeoutMilliseconds,
            monitoringPeriodMilliseconds: monitoringPeriodMilliseconds, minRequests: minRequests,
            degradationCurve: degradationCurve, maxProbes: maxProbes, minWorkers: minWorkers,
            failureRate: failureRate, slowCallRate: slowCallRate, slowCallMilliseconds: slowCallMilliseconds,
            maxResetTimeoutMilliseconds: maxResetTimeoutMilliseconds, byModel: byModel)
    }
}

extension PolicyRulesImage {
    fileprivate init(_ rules: PolicyRules) {
        cooldownMilliseconds = rules.cooldownMilliseconds
        longestMarkMilliseconds = rules.longestMarkMilliseconds
        isStrict = rules.isStrict
        requiredTags = rules.requiredTags
    }

    fileprivate var rules: PolicyRules {
        var rules = PolicyRules()
        rules.cooldownMilliseconds = cooldownMilliseconds
        rules.longestMarkMilliseconds = longestMarkMilliseconds
        rules.isStrict = isStrict
        rules.requiredTags = requiredTags
        return rules
    }
}
