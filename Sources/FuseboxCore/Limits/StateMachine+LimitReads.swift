import FuseboxWire

extension StateMachine {
    // MARK: Telling

    /// A limit and how it stands.
    ///
    /// - Parameters:
    ///   - entry: the place of its use; nil for a template or an unused limit
    ///   - asCounted: whether a window that has ended is reported as it was last counted
    func limitEntry(_ rule: Int, _ entry: Int?, asCounted: Bool = false, at moment: Moment) -> LimitEntry {
        let set = limitTable.rules[rule]
        var told = LimitEntry()
        told.limit = set.limit
        if let raise = set.raise {
            told.raisedAmount = raise.amount
            told.raisedMilliseconds = max(0, raise.until - moment.now)
        }
        guard let entry else {
            told.scope = scope(of: set)
            if set.prefix != nil { told.uses = UInt32(clamping: set.uses) }
            return told
        }
        let use = limitTable.entries[entry]
        told.scope = scope(of: use.key)
        told.template = set.prefix.map { Self.template($0) }
        told.held = Int64(clamping: use.held)
        let isOver = !asCounted && limitTable.isOver(entry, at: moment.now)
        told.used = Int64(clamping: isOver ? 0 : use.slide == nil ? use.used : limitTable.used(entry, at: moment.now))
        // An import may have brought less than was assumed here.
        told.assumed = isOver ? 0 : min(told.used, Int64(clamping: limitTable.assumed(entry, at: moment.now)))
        told.share = limitTable.share(entry, at: moment.now)
        told.toldTier = isOver ? .none : use.fired
        told.startedAt = isOver ? nil : use.start
        told.wouldHaveDenied = use.wouldHaveDenied
        told.endsInMilliseconds = limitTable.untilWindowEnds(entry, at: moment)
        return told
    }

    /// Reports thresholds that were reached.
    ///
    /// - Returns: those that a reply reports too
    mutating func tellCrossings(at moment: Moment, _ effects: inout [Event]) -> [LimitReached] {
        guard !limitTable.crossings.isEmpty else { return [] }
        var reached: [LimitReached] = []
        for crossing in limitTable.crossings where limitTable.entries.contains(crossing.entry) {
            var event = LimitReached()
            let rule = limitTable.entries[crossing.entry].rule
            event.entry = limitEntry(rule, crossing.entry, at: moment)
            event.tier = crossing.tier
            effects.append(.limitReached(event))
            if reached.count < LedgerRecordReply.reachedLimits { reached.append(event) }
        }
        limitTable.crossings.removeAll(keepingCapacity: true)
        return reached
    }

    /// Calls `body` with every limit and its scope, in the order in which they were set first.
    public func forEachLimit(_ body: (Scope, Limit) -> Void) {
        limitTable.ruleOrder.forEach { place in
            body(scope(of: limitTable.rules[place]), limitTable.rules[place].limit)
            return true
        }
    }

    // MARK: Listing

    /// A limit of a scope, found by its dimension and window. Changes nothing.
    ///
    /// - Parameter asCounted: whether a window that has ended is reported as it was last counted
    /// - Throws: `outOfRange` for a scope of a shape that does not exist
    public func limit(
        _ scope: Scope, like limit: Limit, asCounted: Bool = false, at moment: Moment
    ) throws(Refusal) -> LimitEntry? {
        try scope.validate()
        guard let target = try find(scope) else {
            return listUnused(scope, at: moment).entries.first { $0.limit.isSame(as: limit) }
        }
        if let entry = target.prefix == nil ? limitTable.findEntry(like: limit, in: target.key) : nil {
            return limitEntry(limitTable.entries[entry].rule, entry, asCounted: asCounted, at: moment)
        }
        if let rule = limitTable.findRule(target.key, target.prefix, limit) { return limitEntry(rule, nil, at: moment) }
        return listUnused(scope, at: moment).entries.first { $0.limit.isSame(as: limit) }
    }

    fileprivate mutating func get(
        _ command: LimitGet, _ application: Application
    ) throws(Refusal) -> LimitGet.Reply {
        try command.limit.validate()
        try checkReader(ofLimits: command.scope, application)
        if profile.readsChangeState, let target = try find(command.scope),
            let entry = limitTable.findEntry(like: command.limit, in: target.key),
            limitTable.isOver(entry, at: application.now)
        {
            limitTable.beginWindow(entry, at: application.now)
        }
        var reply = LimitGet.Reply()
        reply.entry = try limit(command.scope, like: command.limit, at: application.moment)
        return reply
    }

    fileprivate func list(
        _ command: LimitList, _ application: Application
    ) throws(Refusal) -> LimitList.Reply {
        let moment = application.moment
        guard let scope = command.scope else { return listAll(after: command.cursor, application) }
        try scope.validate()
        try checkReader(ofLimits: scope, application)
        var reply = LimitList.Reply()
        guard let target = try find(scope) else { return listUnused(scope, at: moment) }
        if target.prefix != nil {
            let templates = rules(of: target)
            if command.cursor == 0 { reply.entries = templates.map { limitEntry($0, nil, at: moment) } }
            listUses(of: templates, after: command.cursor, application, &reply)
        } else {
            limitTable.forEachEntry(of: target.key) { entry in
                reply.entries.append(limitEntry(limitTable.entries[entry].rule, entry, at: moment))
            }
            reply.entries += listUnused(scope, at: moment).entries
        }
        return reply
    }

    /// The limits that were set after the one with this number.
    private func listAll(after cursor: UInt64, _ application: Application) -> LimitList.Reply {
        var reply = LimitList.Reply()
        var last = cursor
        limitTable.ruleOrder.forEach(after: cursor) { rule in
            guard reply.entries.count < WireLimits.limitPageLength else {
                reply.next = last
                return false
            }
            let set = limitTable.rules[rule]
            last = set.number
            if let tag = set.key.tag, !mayRead(tag, application) { return true }
            reply.entries.append(limitEntry(rule, limitTable.ownEntry(of: set), at: application.moment))
            return true
        }
        return reply
    }

    /// The uses of templates that began after the one with this number. A bounded number of uses of other limits is
    /// passed over, so a page may have fewer entries than it could, or none, although more follow.
    private func listUses(
        of templates: [Int], after cursor: UInt64, _ application: Application, _ reply: inout LimitList.Reply
    ) {
        let most = max(WireLimits.limitPageLength, reply.entries.count + 1)
        var last = cursor
        var looks = 0
        limitTable.useOrder.forEach(after: cursor) { entry in
            guard reply.entries.count < most, looks < Bounds.usesPerPage else {
                reply.next = last
                return false
            }
            looks += 1
            last = limitTable.entries[entry].generation
            let (rule, tag) = (limitTable.entries[entry].rule, limitTable.entries[entry].key.tag)
            guard templates.contains(rule), tag.map({ mayRead($0, application) }) ?? true else { return true }
            reply.entries.append(limitEntry(rule, entry, at: application.moment))
            return true
        }
    }

    /// The limits of templates that cover a tag which has not used them yet.
    private func listUnused(_ scope: Scope, at moment: Moment) -> LimitList.Reply {
        var reply = LimitList.Reply()
        guard let tag = scope.tag, !TagText.isTemplate(tag) else { return reply }
        var route = scope
        route.tag = nil
        guard let target = try? find(route) else { return reply }
        for template in limitTable.templates(for: tag) where limitTable.rules[template].key == target.key {
            let limit = limitTable.rules[template].limit
            if let known = tags.find(tag) {
                var key = target.key
                key.tag = known
                guard limitTable.findEntry(like: limit, in: key) == nil else { continue }
            }
            var entry = limitEntry(template, nil, at: moment)
            entry.template = entry.scope.tag
            entry.scope = scope
            entry.uses = 0
            entry.endsInMilliseconds = limitTable.untilCalendarEnds(template, at: moment.wall)
            reply.entries.append(entry)
        }
        return reply
    }
}

extension LimitGet: StateCommand {
    /// Returns the limit. Under the profile `llm-providers` a fixed window that has ended begins anew.
    ///
    /// - Throws: `outOfRange` for a scope of a shape that does not exist, and a limit whose parts do not go together;
    ///   `notPermitted` for one on a tag that the caller may not read of.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var command = self
        command.scope = machine.rules.charged(scope)
        return try machine.get(command, application)
    }
}

extension LimitList: StateCommand {
    /// Returns a page of the limits and how they stand.
    ///
    /// - Throws: `outOfRange` for a scope of a shape that does not exist; `notPermitted` for one with a tag that the caller
    ///   may not read of.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var command = self
        command.scope = scope.map { machine.rules.charged($0) }
        return try machine.list(command, application)
    }
}
