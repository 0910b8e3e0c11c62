import FuseboxWire

/// The scope of a limit, by numbers.
struct LimitTarget: Equatable {
    /// The scope. That of a template is stored without its tag.
    var key: ScopeKey
    /// For a template, the prefix of the tags that it stands for.
    var prefix: Name?
}

extension StateMachine {
    // MARK: From names to numbers

    /// The numbers of a scope's names. Nil if one of them is unknown.
    ///
    /// - Throws: `outOfRange` for a bare `*`
    func find(_ scope: Scope) throws(Refusal) -> LimitTarget? {
        var target = LimitTarget(key: .host)
        if let provider = scope.provider {
            guard let found = names.find(provider) else { return nil }
            target.key.place = found
            if let deployment = scope.deployment {
                guard let found = names.find(deployment, below: found) else { return nil }
                target.key.place = found
            }
        }
        if let model = scope.model {
            guard let found = models.find(model) else { return nil }
            target.key.model = found
        }
        guard let tag = scope.tag else { return target }
        target.prefix = try Self.prefix(ofTemplate: tag)
        if target.prefix == nil {
            guard let found = tags.find(tag) else { return nil }
            target.key.tag = found
        }
        return target
    }

    /// The numbers of a scope's names, new or known. New ones must be retained before they are of use.
    ///
    /// - Throws: `outOfRange` for a bare `*`
    mutating func intern(_ scope: Scope, by user: UInt32) throws(Refusal) -> LimitTarget {
        var target = LimitTarget(
            key: .host,
            prefix: try scope.tag.flatMap { (tag) throws(Refusal) in
                try Self.prefix(ofTemplate: tag)
            })
        if let provider = scope.provider {
            let place = names.intern(provider, by: user)
            target.key.place = scope.deployment.map { names.intern($0, below: place, by: user) } ?? place
        }
        target.key.model = scope.model.map { models.intern($0, by: user) }
        if target.prefix == nil { target.key.tag = scope.tag.map { tags.intern($0, by: user) } }
        return target
    }

    /// The prefix of the tags that a template stands for. Nil for a tag.
    ///
    /// - Throws: `outOfRange` for a bare `*`, and for a prefix so long that `(other)` does not fit behind it
    private static func prefix(ofTemplate tag: Name) throws(Refusal) -> Name? {
        guard TagText.isTemplate(tag) else { return nil }
        guard tag.count > 1 else {
            throw Refusal(
                .outOfRange, "the template '*' stands for every tag; name what they begin with, such as 'user:*'")
        }
        let text = String(tag.text.dropLast())
        guard (try? Name(text + Name.otherProvider.text)) != nil else {
            throw Refusal(
                .outOfRange,
                "the template '\(tag)' is too long; it takes \(WireLimits.nameLength - Name.otherProvider.count) bytes before the *"
            )
        }
        return try Name(text)
    }

    /// Checks that the names of a scope are known or may become so.
    ///
    /// - Throws: `limitReached`
    func checkNames(of scope: Scope, by application: Application) throws(Refusal) {
        if let provider = scope.provider {
            try checkName(provider, by: application)
            if let deployment = scope.deployment { try checkDeployment(deployment, of: provider, by: application) }
        }
        if let model = scope.model { try checkModel(model, by: application) }
        guard let tag = scope.tag, !TagText.isTemplate(tag), tags.find(tag) == nil else { return }
        try SharedBound(what: "tags", limit: bounds.tags, limitPerUser: bounds.tagsPerUser)
            .check(tags.count, ofUser: tags.count(of: application.user), by: application)
    }

    /// Checks that a deployment is known or may become so.
    ///
    /// - Throws: `limitReached`
    func checkDeployment(_ deployment: Name, of provider: Name, by application: Application) throws(Refusal) {
        if let provider = names.find(provider), names.find(deployment, below: provider) != nil { return }
        try checkOneMoreName(by: application)
    }

    /// Notes that one more limit refers to the route of a scope. Its tag is retained by what is used of it.
    mutating func retainNames(of key: ScopeKey) {
        if let place = key.place { names.retain(place) }
        if let model = key.model { models.retain(model) }
    }

    /// Notes that one limit less refers to the route of a scope.
    mutating func releaseNames(of key: ScopeKey) {
        if let place = key.place { names.release(place) }
        if let model = key.model { models.release(model) }
    }

    // MARK: From numbers to names

    /// The names of a scope.
    func scope(of key: ScopeKey) -> Scope {
        var scope = Scope(model: key.model.map { models[$0] }, tag: key.tag.map { tags[$0] })
        guard let place = key.place else { return scope }
        if let provider = names.parent(of: place) {
            scope.provider = names[provider]
            scope.deployment = names[place]
        } else {
            scope.provider = names[place]
        }
        return scope
    }

    /// The scope that a limit was set on.
    func scope(of rule: LimitTable.Rule) -> Scope {
        var scope = scope(of: rule.key)
        if let prefix = rule.prefix { scope.tag = Self.template(prefix) }
        return scope
    }

    static func template(_ prefix: Name) -> Name {
        do throws(Refusal) { return try Name(prefix.text + "*") } catch {
            preconditionFailure("a prefix leaves room for what follows it")
        }
    }
}

extension Scope {
    /// The route that it names. Nil: any.
    var route: Candidate? {
        provider.map { Candidate(provider: $0, deployment: deployment, model: model) }
    }
}
