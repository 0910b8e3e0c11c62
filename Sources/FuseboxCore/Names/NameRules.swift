import FuseboxWire

/// What operators demand of names, and which names of models stand for others.
struct NameRules: Sendable {
    /// Whose model a name is.
    struct AliasKey: Hashable, Sendable {
        var provider: Name
        var name: Name
    }

    /// Whether workers may name only providers that are known.
    var isStrict = false
    /// What the tags of each call must match.
    var requiredTags: [Name] = []
    /// The models that names stand for.
    private(set) var aliases: [AliasKey: Name] = [:]
    /// How many aliases stand for a model.
    private var targets: [AliasKey: Int] = [:]

    /// The model that is charged for a name.
    func model(_ name: Name, of provider: Name) -> Name {
        guard !aliases.isEmpty else { return name }
        return aliases[AliasKey(provider: provider, name: name)] ?? name
    }

    /// These candidates with the models that their names stand for.
    func charged(_ candidates: consuming Candidates) -> Candidates {
        var candidates = candidates
        for place in candidates.indices { candidates[place] = charged(candidates[place]) }
        return candidates
    }

    /// This route with the model that its name stands for.
    func charged(_ route: Candidate) -> Candidate {
        var route = route
        route.model = route.model.map { model($0, of: route.provider) }
        return route
    }

    /// This scope with the model that its name stands for.
    func charged(_ scope: Scope) -> Scope {
        guard let provider = scope.provider, let name = scope.model else { return scope }
        var scope = scope
        scope.model = model(name, of: provider)
        return scope
    }

    /// This usage of a call that named no model, with the model that the answering name stands for.
    func charged(_ usage: CallUsage?, of provider: Name) -> CallUsage? {
        guard var charged = usage, let answering = charged.model else { return usage }
        charged.model = model(answering, of: provider)
        return charged
    }

    /// Whether a name stands for another.
    func isAlias(_ name: Name, of provider: Name) -> Bool { aliases[AliasKey(provider: provider, name: name)] != nil }

    /// Whether other names stand for a model.
    func hasAliases(_ model: Name, of provider: Name) -> Bool {
        targets[AliasKey(provider: provider, name: model)] != nil
    }

    /// Lets a name stand for a model; nil: for itself again.
    mutating func set(_ name: Name, of provider: Name, to model: Name?) {
        let key = AliasKey(provider: provider, name: name)
        if let before = aliases[key] {
            let target = AliasKey(provider: provider, name: before)
            let left = (targets[target] ?? 1) - 1
            targets[target] = left == 0 ? nil : left
        }
        aliases[key] = model
        if let model { targets[AliasKey(provider: provider, name: model), default: 0] += 1 }
    }

    /// The aliases by provider and name.
    var sorted: [ModelAlias] {
        aliases.map { ModelAlias(provider: $0.key.provider, name: $0.key.name, model: $0.value) }
            .sorted { ($0.provider, $0.name) < ($1.provider, $1.name) }
    }
}

extension StateMachine {
    /// Checks that the tags of a call are those that are demanded.
    ///
    /// - Throws: `outOfRange` with what is missing
    func checkRequiredTags(_ told: borrowing WireLimits.TagList) throws(Refusal) {
        for pattern in rules.requiredTags {
            var isThere = false
            for place in told.indices where Self.matches(told[place], pattern) { isThere = true }
            guard !isThere else { continue }
            throw Refusal(.outOfRange, "every call needs a tag \(Self.meaning(pattern)); an operator demands it")
        }
    }

    private static func matches(_ tag: Name, _ pattern: Name) -> Bool {
        guard TagText.isTemplate(pattern) else { return tag == pattern }
        return unsafe pattern.withBytes { wanted in
            unsafe tag.withBytes { unsafe $0.starts(with: wanted.dropLast()) }
        }
    }

    private static func meaning(_ pattern: Name) -> String {
        TagText.isTemplate(pattern) ? "that begins with '\(pattern.text.dropLast())'" : "'\(pattern)'"
    }

    /// Checks that a worker may make a provider known.
    ///
    /// - Throws: `notFound`
    func checkStrictness(_ name: Name, _ application: Application) throws(Refusal) {
        guard rules.isStrict, !application.isOperator, name != .otherProvider else { return }
        throw Refusal(
            .notFound, "no provider '\(name)' is known, and workers may not add one; an operator can, by `limit set`")
    }

    fileprivate mutating func requireTags(_ demanded: [Name]) throws(Refusal) {
        guard demanded.count <= NamePolicy.requiredTagLimit else {
            throw Refusal(.outOfRange, "at most \(NamePolicy.requiredTagLimit) tags can be demanded")
        }
        for pattern in demanded {
            guard !TagText.isOfUser(pattern), pattern.count > 1 || !TagText.isTemplate(pattern) else {
                throw Refusal(.outOfRange, "'\(pattern)' cannot be demanded; write a tag, or what it begins with and *")
            }
        }
        rules.requiredTags = demanded
    }

    fileprivate mutating func setAlias(_ alias: ModelAlias) throws(Refusal) {
        try Self.validate(alias, among: rules)
        guard rules.isAlias(alias.name, of: alias.provider) || rules.aliases.count < bounds.aliases else {
            throw Refusal(.limitReached, "\(bounds.aliases) aliases are set, which is the limit; remove one")
        }
        rules.set(alias.name, of: alias.provider, to: alias.model)
    }

    /// Checks that an alias can be one.
    static func validate(_ alias: ModelAlias, among rules: NameRules) throws(Refusal) {
        guard alias.name != alias.model else {
            throw Refusal(.outOfRange, "'\(alias.name)' stands for itself already")
        }
        guard !rules.isAlias(alias.model, of: alias.provider) else {
            throw Refusal(.outOfRange, "'\(alias.model)' stands for another itself; name the model that is charged")
        }
        guard !rules.hasAliases(alias.name, of: alias.provider) else {
            throw Refusal(
                .outOfRange, "other names stand for '\(alias.name)'; let them stand for '\(alias.model)' first")
        }
    }
}

// MARK: Commands

extension NamePolicyGet: StateCommand {
    /// Returns what operators demand of names.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> NamePolicy {
        var policy = NamePolicy()
        policy.isStrict = machine.rules.isStrict
        policy.requiredTags = machine.rules.requiredTags
        return policy
    }
}

extension NamesSetStrict: StateCommand {
    /// Sets whether workers may name only providers that are known.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        machine.rules.isStrict = isStrict
        return Done()
    }
}

extension NamesRequireTags: StateCommand {
    /// Sets the tags that every call must have, in the place of those before.
    ///
    /// - Throws: `outOfRange` for more than `NamePolicy.requiredTagLimit` tags, for one of the daemon's own, and for a
    ///   bare `*`.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        try machine.requireTags(tags)
        return Done()
    }
}

extension AliasSet: StateCommand {
    /// Sets the alias, in the place of one for the same name.
    ///
    /// - Throws: `outOfRange` if the name and the model are the same, if the model is itself an alias, or if other
    ///   names stand for the name; `limitReached` if the alias is new and there is no room for it.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        try machine.setAlias(alias)
        return Done()
    }
}

extension AliasRemove: StateCommand {
    /// Removes the alias.
    ///
    /// - Throws: `notFound` if there is none.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        guard machine.rules.isAlias(name, of: provider) else {
            throw Refusal(.notFound, "'\(name)' of \(provider) stands for no other model")
        }
        machine.rules.set(name, of: provider, to: nil)
        return Done()
    }
}

extension AliasList: StateCommand {
    /// Returns a page of the aliases, by provider and name.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        let aliases = machine.rules.sorted
        guard Int(cursor) < aliases.count else { return reply }
        reply.aliases = Array(aliases.dropFirst(Int(cursor)).prefix(WireLimits.pageLength))
        let next = Int(cursor) + WireLimits.pageLength
        if next < aliases.count { reply.next = UInt32(next) }
        return reply
    }
}
