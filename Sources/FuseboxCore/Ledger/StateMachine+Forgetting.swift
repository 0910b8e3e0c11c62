import FuseboxWire

extension StateMachine {
    /// Forgets a tag. What was spent for it stays in the accounts of the host, of providers and of other tags.
    ///
    /// - Parameter isInHistory: whether days that are over name the tag, although nothing else is known of it
    fileprivate mutating func forget(
        tag name: Name, isInHistory: Bool, at now: Timestamp
    ) throws(Refusal) -> LedgerForget.Reply {
        guard !TagText.isTemplate(name) else {
            throw Refusal(.outOfRange, "'\(name)' stands for many tags; name each of them")
        }
        guard !TagText.isOfUser(name) else {
            throw Refusal(.outOfRange, "'\(name)' is the tag of a user of this host, which the daemon gives itself")
        }
        var reply = LedgerForget.Reply()
        let isOfPolicy = owned.dropLimits(ofTag: name)
        guard let tag = tags.find(name) else {
            guard isInHistory || isOfPolicy else { throw Refusal(.notFound, "nothing is known of the tag '\(name)'") }
            forgottenTags.append(name)
            return reply
        }
        // The tag goes with its last record; this one keeps it until all are gone.
        tags.retain(tag)
        var naming: [Int] = []
        permits.permits.forEachSlot { if permits.permits[$0].grant.scopes.has(tag) { naming.append($0) } }
        for place in naming {
            permits.permits[place].grant.remove(tag)
            tags.release(tag)
        }
        reply.permits = UInt32(naming.count)
        reply.limits = UInt32(removeLimits(of: tag, at: now))
        if ledger.tags.contains(tag.index) {
            reply.account = ledger.tags[existing: tag.index].sums.usage
            ledger.forget(tag)
            tags.release(tag)
        }
        tags.release(tag)
        forgottenTags.append(name)
        return reply
    }

    /// Whether `takeForgottenTags` has something to return.
    public var hasForgottenTags: Bool { !forgottenTags.isEmpty }

    /// The tags that were forgotten since the last call, whose records leave the history. Call it after each input.
    public mutating func takeForgottenTags() -> [Name] {
        defer { forgottenTags = [] }
        return forgottenTags
    }

    /// Removes the limits that were set on a tag, and what it has used of those of templates.
    ///
    /// - Returns: the number of limits that were set on the tag itself
    private mutating func removeLimits(of tag: TagID, at now: Timestamp) -> Int {
        var own: [Int] = []
        limitTable.rules.forEachSlot { if limitTable.rules[$0].key.tag == tag { own.append($0) } }
        own.sort { limitTable.rules[$0].number < limitTable.rules[$1].number }
        for rule in own { removeLimit(rule, at: now) }
        limitTable.removeUses(of: tag, &tags)
        return own.count
    }
}

extension LedgerForget: StateCommand {
    /// Forgets the tag.
    ///
    /// - Throws: `outOfRange` for a template and for a user's tag; `notFound` if nothing is known of the tag, unless only
    ///   the history is to forget it.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.forget(tag: tag, isInHistory: isInHistory, at: application.now)
    }
}
