import FuseboxWire

extension StateMachine {
    // MARK: Setting

    mutating func set(
        _ command: LimitSet, _ application: Application, _ effects: inout [Event], opensAccounts: Bool = true
    ) throws(Refusal) -> LimitSet.Reply {
        try validate(command)
        try checkNames(of: command.scope, by: application)
        let route = opensAccounts && command.scope.tag == nil ? command.scope.route : nil
        if let route { try checkAccounts(of: self.route(by: route), by: application) }
        try checkLimits(command)
        let mark = limitTable.newestGeneration
        let target = try intern(command.scope, by: application.user)
        if let route, let provider = names.find(route.provider) {
            openAccounts(provider, target.key.model, application)
        }
        var rules: [(place: Int, before: Limit?)] = []
        for limit in command.limits {
            let (place, before) = limitTable.set(target.key, target.prefix, limit, &tags, at: application.now)
            if before == nil {
                retainNames(of: target.key)
            }
            rules.append((place, before))
        }
        let new = rules.filter { $0.before == nil }.map(\.place)
        if !new.isEmpty {
            if let prefix = target.prefix {
                tags.renewTemplates(beginning: prefix, limitTable)
                limitTable.reassignUses(to: new, tags, at: application.now)
            }
            chargeKnownCalls(newerThan: mark, target, at: application.moment)
            for place in new { countPastUse(of: place, newerThan: mark, at: application.moment) }
        }
        _ = tellCrossings(at: application.moment, &effects)
        var reply = LimitSet.Reply()
        for (place, before) in rules {
            var change = LimitChange()
            change.before = before
            let entry = limitTable.findEntry(like: limitTable.rules[place].limit, in: target.key)
            change.entry = limitEntry(place, target.prefix == nil ? entry : nil, at: application.moment)
            reply.changes.append(change)
        }
        return reply
    }

    private func validate(_ command: LimitSet) throws(Refusal) {
        try command.scope.validate()
        guard (1...WireLimits.limitsPerRequest).contains(command.limits.count) else {
            throw Refusal(
                .outOfRange,
                "a request sets 1 to \(WireLimits.limitsPerRequest) limits, not \(command.limits.count)")
        }
        for (place, limit) in command.limits.enumerated() {
            try limit.validate()
            if let same = command.limits[..<place].first(where: { $0.isSame(as: limit) }) {
                throw Refusal(
                    .outOfRange,
                    "'\(same)' and '\(limit)' are the same limit: they have the same dimension and window; tell one")
            }
            guard limit.window.kind != .calendar || limitTable.findCalendar(limit.window) != nil else {
                throw Refusal(.outOfRange, "the calendar of '\(limit)' is not known here")
            }
        }
    }

    /// Checks that there is room for the limits of a request that are new.
    private func checkLimits(_ command: LimitSet) throws(Refusal) {
        let target = try find(command.scope)
        let new = command.limits.count { limit in
            target.map { limitTable.findRule($0.key, $0.prefix, limit) == nil } ?? true
        }
        guard limitTable.rules.count + new <= bounds.limits else {
            throw Refusal(
                .limitReached, "\(limitTable.rules.count) limits are set, and \(bounds.limits) can be; remove some")
        }
        let isTemplate = command.scope.tag.map(TagText.isTemplate) ?? false
        guard !isTemplate || limitTable.templates.count + new <= bounds.templates else {
            throw Refusal(
                .limitReached,
                "\(limitTable.templates.count) limits on templates are set, and \(bounds.templates) can be; remove some"
            )
        }
        let there = target.map { rules(of: $0).count } ?? 0
        guard there + new <= bounds.limitsPerScope else {
            throw Refusal(
                .limitReached,
                "\(there) limits are set on \(command.scope), and \(bounds.limitsPerScope) can be; remove some")
        }
    }

    /// The limits that were set on a scope, in the order in which they were set first.
    func rules(of target: LimitTarget) -> [Int] {
        var places: [Int] = []
        if target.prefix != nil {
            places = limitTable.templates.filter {
                limitTable.rules[$0].prefix == target.prefix && limitTable.rules[$0].key == target.key
            }
        } else {
            limitTable.forEachEntry(of: target.key) { entry in
                let rule = limitTable.entries[entry].rule
                if limitTable.rules[rule].prefix == nil { places.append(rule) }
            }
        }
        return places.sorted { limitTable.rules[$0].number < limitTable.rules[$1].number }
    }

    // MARK: Removing, raising, resetting

    mutating func remove(
        _ command: LimitRemove, _ application: Application
    ) throws(Refusal) -> LimitRemove.Reply {
        try command.scope.validate()
        guard command.removesAll ? command.limits.isEmpty : !command.limits.isEmpty else {
            throw Refusal(.outOfRange, "name the limits to remove, or all of them")
        }
        var removed: [Int] = []
        if command.removesAll {
            removed = try find(command.scope).map { rules(of: $0) } ?? []
            guard !removed.isEmpty else { throw Refusal(.notFound, "no limit is set on \(command.scope)") }
        }
        for limit in command.limits {
            let rule = try rule(command.scope, limit)
            if !removed.contains(rule) { removed.append(rule) }
        }
        var reply = LimitRemove.Reply()
        for rule in removed {
            let set = limitTable.rules[rule]
            let entry = limitTable.ownEntry(of: set)
            reply.removed.append(limitEntry(rule, entry, at: application.moment))
        }
        for rule in removed { removeLimit(rule, at: application.now) }
        return reply
    }

    /// The place of a limit that was set on a scope.
    ///
    /// - Throws: `notFound`
    private func rule(_ scope: Scope, _ limit: Limit) throws(Refusal) -> Int {
        try limit.validate()
        guard let target = try find(scope), let rule = limitTable.findRule(target.key, target.prefix, limit) else {
            throw Refusal(.notFound, "no limit of \(limit.identity) is set on \(scope)")
        }
        return rule
    }

    fileprivate mutating func raise(
        _ command: LimitRaise, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> LimitRaise.Reply {
        try command.scope.validate()
        let rule = try rule(command.scope, command.limit)
        let own = limitTable.rules[rule].limit
        guard command.limit.amount >= own.amount else {
            throw Refusal(
                .outOfRange,
                "'\(command.limit)' is below the limit of '\(own)'; a raise never lowers one, `limit set` does")
        }
        let milliseconds: Int64
        switch (command.milliseconds, command.until) {
        case (let told?, nil): milliseconds = told
        case (nil, let until?): milliseconds = min(max(until, .earliest), .latest) - application.moment.wall
        default: throw Refusal(.outOfRange, "tell either how long the limit is raised, or until when")
        }
        guard ValueRanges.raise.contains(milliseconds) else {
            throw Refusal(
                .outOfRange,
                "a limit is raised for 1 ms to 366 days, not for \(milliseconds) ms; the wall clock says \(application.moment.wall.milliseconds)"
            )
        }
        let raise = LimitTable.Raise(amount: command.limit.amount, until: application.now + milliseconds)
        limitTable.raise(rule, raise, at: application.now)
        _ = tellCrossings(at: application.moment, &effects)
        setDeadline(ofRaise: rule)
        let set = limitTable.rules[rule]
        let entry = limitTable.ownEntry(of: set)
        var reply = LimitRaise.Reply()
        reply.entry = limitEntry(rule, entry, at: application.moment)
        return reply
    }

    fileprivate mutating func topUp(
        _ command: LimitTopUp, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> LimitTopUp.Reply {
        try command.scope.validate()
        guard command.limit.window.kind == .prepaid else {
            throw Refusal(
                .outOfRange,
                "only a prepaid limit is topped up; '\(command.limit)' renews by itself, and `limit set` changes its amount"
            )
        }
        guard command.limit.amount > 0 else {
            throw Refusal(.outOfRange, "a limit is topped up by more than nothing; `limit set` lowers its amount")
        }
        let rule = try rule(command.scope, command.limit)
        let set = limitTable.rules[rule]
        var limit = set.limit
        let (amount, overflow) = limit.amount.addingReportingOverflow(command.limit.amount)
        guard !overflow else {
            throw Refusal(.overflow, "the limit of '\(limit)' cannot take as much more")
        }
        limit.amount = amount
        _ = limitTable.set(set.key, set.prefix, limit, &tags, at: application.now)
        _ = tellCrossings(at: application.moment, &effects)
        var reply = LimitTopUp.Reply()
        reply.entry = limitEntry(rule, limitTable.ownEntry(of: set), at: application.moment)
        return reply
    }

    /// Ends a raise.
    mutating func endRaise(_ rule: Int, at moment: Moment, _ effects: inout [Event]) {
        guard let raise = limitTable.rules[rule].raise else { return }
        limitTable.raise(rule, nil, at: moment.now)
        setDeadline(ofRaise: rule)
        let set = limitTable.rules[rule]
        let entry = limitTable.ownEntry(of: set)
        var event = LimitReverted()
        event.entry = limitEntry(rule, entry, at: moment)
        event.raisedAmount = raise.amount
        effects.append(.limitReverted(event))
    }

    /// Removes every limit on a provider, its deployments and its models.
    mutating func removeLimits(of provider: NameID, at now: Timestamp) {
        var places: [Int] = []
        limitTable.rules.forEachSlot { rule in
            guard let place = limitTable.rules[rule].key.place else { return }
            if place == provider || names.parent(of: place) == provider { places.append(rule) }
        }
        for rule in places.sorted(by: { limitTable.rules[$0].number < limitTable.rules[$1].number }) {
            removeLimit(rule, at: now)
        }
    }

    mutating func removeLimit(_ rule: Int, at now: Timestamp) {
        let set = limitTable.rules[rule]
        deadlines.remove(.raise, rule)
        limitTable.remove(rule, &tags, at: now)
        if let prefix = set.prefix { tags.renewTemplates(beginning: prefix, limitTable) }
        releaseNames(of: set.key)
    }
}

extension Limit {
    /// Its dimension and window, for messages: `requests per minute`, `calls in flight`.
    var identity: String {
        if dimension == .inFlight { return "calls in flight" }
        let shadow = mode == .shadow ? " (shadow)" : ""
        return "\(dimension.plural) \(window)\(shadow)"
    }
}

extension LimitDimension {
    fileprivate var plural: String {
        switch self {
        case .cost: "cost"
        case .requests: "requests"
        case .tokens: "tokens"
        case .inputTokens: "input tokens"
        case .outputTokens: "output tokens"
        case .inFlight: "calls in flight"
        case .unknown: "\(self)"
        }
    }
}

// MARK: Commands

extension LimitSet: StateCommand {
    /// Sets the limits, all or none. New ones count the calls in force that they cover.
    ///
    /// - Throws: `outOfRange` for a scope of a shape that does not exist, for a template that is too short or too long,
    ///   for no limit or too many, for a limit whose parts do not go together, for a calendar that is not known, and
    ///   for the same limit twice; `limitReached` if there is no room for a new name or limit.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var command = self
        command.scope = machine.rules.charged(scope)
        let reply = try machine.set(command, application, &effects)
        machine.unlistBudget(of: command.scope, command.limits)
        return reply
    }
}

extension LimitRemove: StateCommand {
    /// Removes the limits, all or none.
    ///
    /// - Throws: `outOfRange` for a scope of a shape that does not exist, a limit whose parts do not go together, and
    ///   if both or neither of limits and `removesAll` are given; `notFound` if a limit is not set.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var command = self
        command.scope = machine.rules.charged(scope)
        let reply = try machine.remove(command, application)
        _ = machine.tellCrossings(at: application.moment, &effects)
        machine.unlistBudget(of: command.scope, reply.removed.map(\.limit))
        return reply
    }
}

extension LimitRaise: StateCommand {
    /// Raises the limit for a while. A deadline ends the raise.
    ///
    /// - Throws: `outOfRange` for a scope of a shape that does not exist, for an amount below the limit's own, and for
    ///   a time outside its range; `notFound` if the limit is not set.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var command = self
        command.scope = machine.rules.charged(scope)
        return try machine.raise(command, application, &effects)
    }
}

extension LimitTopUp: StateCommand {
    /// Adds to the amount of the prepaid limit.
    ///
    /// - Throws: `outOfRange` for a scope of a shape that does not exist, for a limit that is not prepaid and for an
    ///   amount below 1; `notFound` if the limit is not set; `overflow` if its amount would leave its range.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var command = self
        command.scope = machine.rules.charged(scope)
        return try machine.topUp(command, application, &effects)
    }
}
