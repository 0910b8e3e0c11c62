import FuseboxWire

/// What a policy says once.
extension PolicyApplication {
    /// Sets what is told, and gives up what is not told any more.
    mutating func applyRules() throws(Refusal) {
        let said = machine.owned.rules
        let told = PolicyRules(policy)
        let (usualMarks, usualNames) = (ExhaustionRegistry(), NameRules())

        let cooldown = decide(
            .cooldown, told.cooldownMilliseconds, said.cooldownMilliseconds,
            present: machine.exhaustion.defaultCooldownMilliseconds,
            usual: usualMarks.defaultCooldownMilliseconds, Quantity.text(milliseconds:))
        if let cooldown {
            try inside("cooldownMilliseconds") { (run) throws(Refusal) in
                _ = try ExhaustionSetDefault(cooldownMilliseconds: cooldown)
                    .apply(to: &run.machine, run.application, &run.effects)
            }
        }
        let longest = decide(
            .longestMark, told.longestMarkMilliseconds, said.longestMarkMilliseconds,
            present: machine.exhaustion.longestMilliseconds, usual: usualMarks.longestMilliseconds,
            Quantity.text(milliseconds:))
        if let longest {
            try inside("longestMarkMilliseconds") { (run) throws(Refusal) in
                _ = try ExhaustionSetDefault(longestMilliseconds: longest)
                    .apply(to: &run.machine, run.application, &run.effects)
            }
        }
        let strictness = decide(
            .strictness, told.isStrict, said.isStrict, present: machine.rules.isStrict, usual: usualNames.isStrict
        ) { "\($0)" }
        if let strictness {
            _ = try NamesSetStrict(isStrict: strictness).apply(to: &machine, application, &effects)
        }
        let tags = decide(
            .requiredTags, told.requiredTags, said.requiredTags, present: machine.rules.requiredTags,
            usual: usualNames.requiredTags
        ) { PolicyWords.text($0) }
        if let tags {
            try inside("requiredTags") { (run) throws(Refusal) in
                _ = try NamesRequireTags(tags: tags).apply(to: &run.machine, run.application, &run.effects)
            }
        }
        machine.owned.rules.keep(told, prunes: prunes)
    }

    private mutating func inside(
        _ field: String, _ body: (inout Self) throws(Refusal) -> Void
    ) throws(Refusal) {
        do throws(Refusal) { try body(&self) } catch { throw error.inside(field) }
    }

    /// Decides what becomes of a value that there is once, and notes it.
    ///
    /// - Returns: the value to set; nil if it stays as it is
    private mutating func decide<Value: Equatable>(
        _ subject: PolicySubject, _ told: Value?, _ said: Value?, present: Value, usual: Value,
        _ text: (Value) -> String
    ) -> Value? {
        guard let told else {
            guard prunes, said != nil else { return nil }
            note(subject, .removed, item: nil, .host, from: text(present), to: nil)
            return present == usual ? nil : usual
        }
        // There is always a value. One that is as usual was set by nobody.
        let isThere = present != usual
        let action = Self.action(isThere: isThere, isSo: present == told, said: said.map { $0 == told })
        note(subject, action, item: nil, .host, from: isThere || said != nil ? text(present) : nil, to: text(told))
        return present == told ? nil : told
    }
}

extension PolicyRules {
    /// Notes what a policy says. What it does not name stays the policy's, unless that is pruned.
    fileprivate mutating func keep(_ told: PolicyRules, prunes: Bool) {
        guard !prunes else {
            self = told
            return
        }
        cooldownMilliseconds = told.cooldownMilliseconds ?? cooldownMilliseconds
        longestMarkMilliseconds = told.longestMarkMilliseconds ?? longestMarkMilliseconds
        isStrict = told.isStrict ?? isStrict
        requiredTags = told.requiredTags ?? requiredTags
    }
}
