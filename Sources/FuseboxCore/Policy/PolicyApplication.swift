import FuseboxWire

/// Applies a policy to a copy of the state, item by item, with the commands that change one thing each.
///
/// First goes what an earlier policy has set and this one does not name, if that is removed at all: it may stand in the
/// way of what follows. Aliases come before limits and breakers, which are those of the models that aliases stand for.
/// If an item is refused, the copy is dropped, so nothing has changed.
struct PolicyApplication {
    var machine: StateMachine
    let policy: Policy
    let prunes: Bool
    /// Whether the copy will be dropped.
    let isPreview: Bool
    let application: Application
    var effects: [Event] = []
    var report = PolicyReport()
    /// The bytes of the changes that are listed.
    var listed = 0
    /// The breakers that the policy says something of, or has said before.
    var breakers: PolicyBreakers
    /// The models that names stand for once the policy is applied.
    private var models: [PolicyRoute: Name] = [:]
    /// The calendars that were known before. One that goes with a limit that is removed may be needed by another.
    private let calendars: [LimitTable.Calendar]

    init(_ policy: Policy, to machine: StateMachine, prunes: Bool, isPreview: Bool, _ application: Application) {
        self.machine = machine
        self.policy = policy
        self.prunes = prunes
        self.isPreview = isPreview
        self.application = application
        calendars = Array(machine.limitTable.calendars)
        breakers = PolicyBreakers(machine.owned.breakers)
    }

    /// Applies the policy.
    ///
    /// - Throws: the refusal of an item, which names it
    mutating func run() throws(Refusal) {
        try checkAliases()
        for breaker in policy.breakers { breakers.add(breaker.change, of: breakerRoute(breaker)) }
        if prunes { try removeUnnamed() }
        try applyRules()
        for (item, alias) in policy.aliases.enumerated() {
            try at("aliases", item) { (run) throws(Refusal) in try run.apply(alias, item) }
        }
        try applyLimits()
        try applyPrices()
        try applyBreakers()
        try checkRoom()
    }

    /// Checks that what policies have set has room. Without pruning it also has what was removed by hand.
    ///
    /// - Throws: `limitReached`
    private func checkRoom() throws(Refusal) {
        let (owned, bounds) = (machine.owned, machine.bounds)
        let kinds = [
            ("limits", owned.limits.count, bounds.limits), ("prices", owned.prices.count, bounds.prices),
            ("aliases", owned.aliases.count, bounds.aliases),
            ("breakers", owned.breakers.count, bounds.names + bounds.modelBreakers),
        ]
        for (what, count, limit) in kinds where count > limit {
            throw Refusal(
                .limitReached,
                "policies would have set \(count) \(what), and \(limit) have room; those that were removed by hand count until a policy is applied that prunes"
            )
        }
    }

    /// Carries out what concerns an item. A refusal names the item.
    mutating func at(
        _ list: String, _ item: Int, _ body: (inout Self) throws(Refusal) -> Void
    ) throws(Refusal) {
        do throws(Refusal) { try body(&self) } catch { throw error.inside("\(list)[\(item)]") }
    }

    mutating func note(
        _ subject: PolicySubject, _ action: PolicyAction?, item: Int?, _ scope: Scope, from before: String?,
        to after: String?
    ) {
        guard let action else {
            report.unchanged += 1
            return
        }
        report.add(PolicyChange(subject, action, item: item, scope, from: before, to: after), &listed)
    }

    /// What becomes of an item that is there.
    ///
    /// - Parameters:
    ///   - isThere: whether something like it is set; what has its default value is not
    ///   - isSo: whether it is as the policy wants it
    ///   - said: whether the policy said the same before; nil: it said nothing of it
    /// - Returns: nil if nothing becomes of it
    static func action(isThere: Bool, isSo: Bool, said: Bool?) -> PolicyAction? {
        switch (isThere, isSo, said) {
        case (_, true, true): nil
        case (true, _, nil), (true, true, false): .takenOver
        case (false, _, nil): .added
        case (_, false, true): .setBack
        case (_, false, false), (false, true, false): .changed
        }
    }

    // MARK: Names

    /// Notes the models that names will stand for.
    ///
    /// - Throws: `outOfRange` if a name is told twice
    private mutating func checkAliases() throws(Refusal) {
        for (item, alias) in policy.aliases.enumerated() {
            try at("aliases", item) { (run) throws(Refusal) in
                guard run.models.updateValue(alias.model, forKey: PolicyRoute(alias)) == nil else {
                    throw Refusal(.outOfRange, "the name '\(alias.name)' of \(alias.provider) comes twice")
                }
            }
        }
    }

    /// The scope with the model that its name will stand for.
    func charged(_ scope: Scope) -> Scope {
        guard let provider = scope.provider, let model = scope.model else { return scope }
        let alias = PolicyRoute(provider: provider, model: model)
        var scope = scope
        if let model = models[alias] {
            scope.model = model
        } else if !prunes || machine.owned.aliases[alias] == nil {
            scope = machine.rules.charged(scope)
        }
        return scope
    }

    // MARK: Removing

    private mutating func removeUnnamed() throws(Refusal) {
        let owned = machine.owned
        let limits = Set(policy.limits.map { LimitIdentity(charged($0.scope), $0.limit) })
        for identity in owned.limits.keys.sorted() where !limits.contains(identity) {
            guard let said = owned.limits[identity] else { continue }
            let present = machine.presentLimit(identity.scope, like: said)
            if let present {
                _ = try LimitRemove(scope: identity.scope, limits: [present])
                    .apply(to: &machine, application, &effects)
            }
            machine.owned.limits[identity] = nil
            note(
                .limit, .removed, item: nil, identity.scope, from: PolicyWords.text(present ?? said), to: nil)
        }
        let prices = Set(policy.prices.map { PolicyRoute($0) })
        for route in owned.prices.keys.sorted() where !prices.contains(route) {
            let present = machine.presentPrice(route) ?? owned.prices[route]
            if machine.presentPrice(route) != nil {
                _ = try PriceRemove(provider: route.provider, model: route.model)
                    .apply(to: &machine, application, &effects)
            }
            machine.owned.prices[route] = nil
            note(.price, .removed, item: nil, route.scope, from: present.map { PolicyWords.text($0) }, to: nil)
        }
        for alias in owned.aliases.keys.sorted() where models[alias] == nil {
            let present = machine.presentModel(ofAlias: alias)
            if present != nil, let provider = alias.provider, let name = alias.model {
                _ = try AliasRemove(provider: provider, name: name).apply(to: &machine, application, &effects)
            }
            machine.owned.aliases[alias] = nil
            note(
                .alias, .removed, item: nil, alias.scope, from: (present ?? owned.aliases[alias])?.text, to: nil)
        }
        try removeUnnamedBreakers()
    }

    // MARK: Aliases, limits, prices

    private mutating func apply(_ alias: ModelAlias, _ item: Int) throws(Refusal) {
        let route = PolicyRoute(alias)
        let present = machine.presentModel(ofAlias: route)
        let said = machine.owned.aliases[route]
        if present != alias.model { _ = try AliasSet(alias).apply(to: &machine, application, &effects) }
        machine.owned.aliases[route] = alias.model
        let action = Self.action(
            isThere: present != nil, isSo: present == alias.model, said: said.map { $0 == alias.model })
        note(.alias, action, item: item, route.scope, from: present?.text, to: alias.model.text)
    }

    private mutating func applyLimits() throws(Refusal) {
        var known: [LimitIdentity: Int] = [:]
        for (item, told) in policy.limits.enumerated() {
            try at("limits", item) { (run) throws(Refusal) in
                let scope = run.machine.rules.charged(told.scope)
                let identity = LimitIdentity(scope, told.limit)
                if let other = known.updateValue(item, forKey: identity) {
                    throw Refusal(
                        .outOfRange,
                        "'\(told.limit)' on \(scope) is the same limit as limits[\(other)]: they have the same dimension and window; tell one"
                    )
                }
                try run.apply(told.limit, on: scope, identity, item)
            }
        }
    }

    private mutating func apply(
        _ limit: Limit, on scope: Scope, _ identity: LimitIdentity, _ item: Int
    ) throws(Refusal) {
        let present = machine.presentLimit(scope, like: limit)
        let said = machine.owned.limits[identity]
        var wanted = limit
        if limit.window.kind == .prepaid, let present {
            wanted.amount = try Self.prepaid(present.amount, saidBefore: said?.amount, now: limit.amount)
        }
        let isSo = present.map { wanted.isAsSet($0) } ?? false
        if !isSo {
            provideCalendar(of: limit.window)
            _ = try LimitSet(scope: scope, limits: [wanted]).apply(to: &machine, application, &effects)
        }
        machine.owned.limits[identity] = limit
        let action = Self.action(
            isThere: present != nil, isSo: isSo, said: said.map { $0.isAsSet(limit) })
        note(
            .limit, action, item: item, scope, from: present.map { PolicyWords.text($0) },
            to: PolicyWords.text(wanted))
    }

    /// Makes sure that a calendar is known that was before. A preview knows every calendar.
    private mutating func provideCalendar(of window: LimitWindow) {
        guard window.kind == .calendar, machine.limitTable.findCalendar(window) == nil else { return }
        if var known = calendars.first(where: { $0.window.isSameCalendar(as: window) }) {
            known.references = 0
            _ = machine.limitTable.calendars.insert(known)
        } else if isPreview {
            let start = application.moment.wall
            machine.limitTable.begin(window, start: start, end: start + BeginDay.milliseconds, keepsUse: false)
        }
    }

    /// The amount of a prepaid limit. A policy says what was paid in first. What was topped up stays on top, so the
    /// amount moves by what the policy says differently; without an earlier word of the policy it stays.
    private static func prepaid(_ present: Int64, saidBefore before: Int64?, now: Int64) throws(Refusal) -> Int64 {
        guard let before else { return present }
        // Both amounts are at least 0, so the difference has room.
        let (sum, overflow) = present.addingReportingOverflow(now - before)
        guard !overflow else { throw Refusal(.overflow, "a prepaid limit cannot take as much more") }
        return max(0, sum)
    }

    private mutating func applyPrices() throws(Refusal) {
        var known: [PolicyRoute: Int] = [:]
        for (item, entry) in policy.prices.enumerated() {
            try at("prices", item) { (run) throws(Refusal) in
                let route = PolicyRoute(entry)
                if let other = known.updateValue(item, forKey: route) {
                    throw Refusal(.outOfRange, "it is of the same provider and model as prices[\(other)]; tell one")
                }
                let present = run.machine.presentPrice(route)
                let said = run.machine.owned.prices[route]
                if present != entry.price {
                    _ = try PriceSet(prices: [entry]).apply(to: &run.machine, run.application, &run.effects)
                }
                run.machine.owned.prices[route] = entry.price
                let action = Self.action(
                    isThere: present != nil, isSo: present == entry.price, said: said.map { $0 == entry.price })
                run.note(
                    .price, action, item: item, route.scope, from: present.map { PolicyWords.text($0) },
                    to: PolicyWords.text(entry.price))
            }
        }
    }
}
