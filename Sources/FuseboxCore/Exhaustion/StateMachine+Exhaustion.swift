import FuseboxWire

/// Checks that a duration is in the range of cooldowns.
///
/// - Throws: `outOfRange`. The message begins with `what`.
func validateDuration(_ milliseconds: Int64, _ what: StaticString) throws(Refusal) {
    guard ValueRanges.cooldown.contains(milliseconds) else {
        throw Refusal(.outOfRange, "\(what) \(milliseconds) ms must lie between 0 and 366 days")
    }
}

/// Checks a moment in an imported record. It must be within the range of clocks, extended by the longest duration at
/// both ends.
///
/// - Throws: `outOfRange`. The message begins with `what`.
func validateMoment(_ moment: Timestamp, _ what: StaticString) throws(Refusal) {
    let earliest = Timestamp.earliest - ValueRanges.longestMilliseconds
    let latest = Timestamp.latest + ValueRanges.longestMilliseconds
    guard earliest <= moment, moment <= latest else {
        throw Refusal(
            .outOfRange, "\(what), \(moment.milliseconds) ms, must lie between the years 1969 and 275761")
    }
}

extension StateMachine {
    /// A mark with the name of its provider.
    func entry(_ id: NameID, _ mark: ExhaustionRegistry.Mark) -> ExhaustionEntry {
        ExhaustionEntry(provider: names[id], exhaustedAt: mark.exhaustedAt, resetsAt: mark.resetsAt)
    }

    fileprivate mutating func mark(
        _ command: ExhaustionMark, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> ExhaustionMark.Reply {
        if let milliseconds = command.resetAfterMilliseconds {
            try validateDuration(milliseconds, "resetAfter")
        }
        try checkName(command.provider, by: application)
        let id = names.intern(command.provider, by: application.user)
        var reply = ExhaustionMark.Reply()
        reply.resetsAt = mark(id, for: command.resetAfterMilliseconds, application, &effects).resetsAt
        return reply
    }

    /// Marks a provider whose name is known. Reports a mark that is new or extended.
    ///
    /// - Parameter milliseconds: how long the mark lasts; nil means the default cooldown
    /// - Returns: the provider's mark
    @discardableResult
    mutating func mark(
        _ id: NameID, for milliseconds: Int64?, _ application: Application, _ effects: inout [Event]
    ) -> ExhaustionRegistry.Mark {
        if !exhaustion.contains(id) { names.retain(id) }
        let (mark, changed) = exhaustion.mark(id, for: milliseconds, at: application.now, under: profile)
        setDeadline(ofMark: id)
        if changed, mark.resetsAt > application.now {
            effects.append(.providerExhausted(ProviderExhausted(entry: entry(id, mark))))
        }
        return mark
    }

    fileprivate mutating func clearMark(_ id: NameID, _ application: Application, _ effects: inout [Event]) {
        guard exhaustion.contains(id) else { return }
        if exhaustion.clear(id, at: application.now) {
            effects.append(.providerRestored(ProviderRestored(provider: names[id], expired: false)))
        }
        setDeadline(ofMark: id)
        news.note(id)
        names.release(id)
    }
}

extension ExhaustionMark: StateCommand {
    /// Marks the provider.
    ///
    /// - Throws: `outOfRange` for a duration outside its range; `notFound` if the provider is new and workers may not
    ///   add one; `limitReached` if it is new and there is no room for its name.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.mark(self, application, &effects)
    }
}

extension ExhaustionClear: StateCommand {
    /// Removes the provider's mark.
    ///
    /// - Throws: `notFound` if the name must be known and is not.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        try machine.find(provider, ifItMustBeKnown: mustBeKnown)
        if let id = machine.names.find(provider) { machine.clearMark(id, application, &effects) }
        return Done()
    }
}

extension ExhaustionReset: StateCommand {
    /// Removes every mark.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        while let (id, _) = machine.exhaustion.next(from: 0) { machine.clearMark(id, application, &effects) }
        return Done()
    }
}

extension ExhaustionSetDefault: StateCommand {
    /// Sets the default cooldown.
    ///
    /// - Throws: `outOfRange` for a duration outside its range.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        try validateDuration(cooldownMilliseconds, "the default cooldown")
        machine.exhaustion.defaultCooldownMilliseconds = cooldownMilliseconds
        return Done()
    }
}

extension ExhaustionGet: StateCommand {
    /// Returns the provider's mark, if one is in force.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        if let id = machine.names.find(provider), let mark = machine.exhaustion.mark(id, at: application.now) {
            reply.entry = machine.entry(id, mark)
        }
        return reply
    }
}

extension ExhaustionList: StateCommand {
    /// Returns a page of the marks in force.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        var index = Int(cursor)
        while let (id, mark) = machine.exhaustion.next(from: index) {
            index = id.index + 1
            guard mark.isInForce(at: application.now) else { continue }
            guard reply.entries.count < WireLimits.pageLength else {
                reply.next = UInt32(id.index)
                break
            }
            reply.entries.append(machine.entry(id, mark))
        }
        return reply
    }
}

extension ExhaustionDefault: StateCommand {
    /// Returns the default cooldown.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        reply.cooldownMilliseconds = machine.exhaustion.defaultCooldownMilliseconds
        return reply
    }
}
