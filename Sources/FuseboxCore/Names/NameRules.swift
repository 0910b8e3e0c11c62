import FuseboxCollections
import FuseboxWire

/// The demands of operators on names, and the aliases of models.
struct NameRules: Sendable {
    /// A model of a provider.
    struct AliasKey: Hashable, Sendable {
        var provider: Name
        var name: Name
    }

    /// Whether workers may name only providers that are known.
    var isStrict = false
    /// What the tags of each call must match.
    var requiredTags: [Name] = []
    /// The names that stand for models.
    private var aliases = SlotTable<ModelAlias>()
    private var index = HashIndex()
    /// How many aliases stand for a model.
    private var targets: [AliasKey: Int] = [:]

    /// Whether every name stands for itself.
    var isWithoutAliases: Bool { aliases.isEmpty }

    /// The number of aliases.
    var aliasCount: Int { aliases.count }

    /// The place of the alias of this name. Nil if the name is not an alias.
    func findAlias(_ name: some NameText, of provider: some NameText) -> Int? {
        index.find(Self.hash(name, provider)) { place in
            name.isSame(as: aliases[place].name) && provider.isSame(as: aliases[place].provider)
        }
    }

    /// The model that an alias stands for.
    func model(ofAlias place: Int) -> Name { aliases[place].model }

    private static func hash(_ name: some NameText, _ provider: some NameText) -> Int {
        name.nameHash ^ provider.nameHash &* 0x1E37_79B9_7F4A_7C15
    }

    /// This scope with the model that its name stands for.
    func charged(_ scope: Scope) -> Scope {
        guard let provider = scope.provider, let name = scope.model else { return scope }
        guard let alias = findAlias(name, of: provider) else { return scope }
        var scope = scope
        scope.model = model(ofAlias: alias)
        return scope
    }

    /// Whether a name is an alias.
    func isAlias(_ name: Name, of provider: Name) -> Bool { findAlias(name, of: provider) != nil }

    /// Whether a model has aliases.
    func hasAliases(_ model: Name, of provider: Name) -> Bool {
        targets[AliasKey(provider: provider, name: model)] != nil
    }

    /// Makes a name an alias of a model. Nil: removes the alias.
    mutating func set(_ name: Name, of provider: Name, to model: Name?) {
        if let place = findAlias(name, of: provider) {
            let target = AliasKey(provider: provider, name: aliases[place].model)
            let left = (targets[target] ?? 1) - 1
            targets[target] = left == 0 ? nil : left
            index.remove(place, hash: Self.hash(name, provider))
            aliases.remove(at: place)
        }
        guard let model else { return }
        let place = aliases.insert(ModelAlias(provider: provider, name: name, model: model))
        index.insert(place, hash: Self.hash(name, provider))
        targets[AliasKey(provider: provider, name: model), default: 0] += 1
    }

    /// The aliases by provider and name.
    var sorted: [ModelAlias] {
        aliases.sorted { ($0.provider, $0.name) < ($1.provider, $1.name) }
    }
}

extension StateMachine {
    /// Checks that a call has the required tags.
    ///
    /// - Throws: `outOfRange` with what is missing
    @inline(__always)
    func checkRequiredTags<Text: NameText>(_ told: borrowing WireLimits.TagListOf<Text>) throws(Refusal) {
        for pattern in rules.requiredTags {
            var isThere = false
            for place in told.indices where Self.matches(told[place], pattern) { isThere = true }
            guard !isThere else { continue }
            throw Refusal(.outOfRange, "every call needs a tag \(Self.meaning(pattern)); an operator demands it")
        }
    }

    private static func matches(_ tag: some NameText, _ pattern: Name) -> Bool {
        guard TagText.isTemplate(pattern) else { return tag.isSame(as: pattern) }
        return unsafe pattern.withBytes { wanted in
            unsafe tag.withBytes { unsafe $0.starts(with: wanted.dropLast()) }
        }
    }

    private static func meaning(_ pattern: Name) -> String {
        TagText.isTemplate(pattern) ? "that begins with '\(pattern.text.dropLast())'" : "'\(pattern)'"
    }

    /// Checks that a worker may introduce a provider.
    ///
    /// - Throws: `notFound`
    func checkStrictness(_ name: some NameText, _ application: Application) throws(Refusal) {
        guard rules.isStrict, !application.isOperator, !name.isSame(as: .otherProvider) else { return }
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
        try checkLimits(beyond: alias)
        guard rules.isAlias(alias.name, of: alias.provider) || rules.aliasCount < bounds.aliases else {
            throw Refusal(.limitReached, "\(bounds.aliases) aliases are set, which is the limit; remove one")
        }
        rules.set(alias.name, of: alias.provider, to: alias.model)
    }

    /// Checks that no limit is set on the name. It would hold for no call any more, and no command would find it.
    private func checkLimits(beyond alias: ModelAlias) throws(Refusal) {
        var lost: (scope: Scope, limit: Limit)?
        forEachLimit { scope, limit in
            if lost == nil, scope.provider == alias.provider, scope.model == alias.name { lost = (scope, limit) }
        }
        guard let lost else { return }
        throw Refusal(
            .outOfRange,
            "the limit of \(lost.limit) on \(lost.scope) would hold for no call; remove it, and limit '\(alias.model)'")
    }

    /// Checks that an alias is possible.
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
    /// Replaces the tags that every call must have.
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
    /// Sets the alias, in place of one for the same name.
    ///
    /// - Throws: `outOfRange` if the name and the model are the same, if the model is itself an alias, if other names stand
    ///   for the name, or if a limit is set on it; `limitReached` if the alias is new and there is no room for it.
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
