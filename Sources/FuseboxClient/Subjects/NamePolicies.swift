import FuseboxWire

extension FuseboxClient {
    /// What operators demand of names, and which names of models stand for others.
    public var names: NamePolicies { NamePolicies(client: self) }
}

/// The policy on names: known providers only, tags that every call must have, and aliases of models.
///
/// Every method throws `ClientError`: `invalidArgument` for what is no name, `refused` with the daemon's reason, `unavailable`
/// and the like. Changing the policy needs an operator's rights.
public struct NamePolicies: Sendable {
    let client: FuseboxClient

    /// What operators demand of names.
    public func policy() throws(ClientError) -> FuseboxClient.NamePolicy { try client.call(NamePolicyGet()) }

    /// What operators demand of names.
    public func policy() async throws(ClientError) -> FuseboxClient.NamePolicy {
        try await client.call(NamePolicyGet())
    }

    /// Sets whether workers may name only providers that are known.
    public func setStrict(_ isStrict: Bool) throws(ClientError) {
        _ = try client.call(NamesSetStrict(isStrict: isStrict))
    }

    /// Sets whether workers may name only providers that are known.
    public func setStrict(_ isStrict: Bool) async throws(ClientError) {
        _ = try await client.call(NamesSetStrict(isStrict: isStrict))
    }

    /// Sets what tags every call must have, in the place of those before.
    ///
    /// - Parameter tags: at most 8, each a tag or `prefix*`; none: nothing is demanded
    public func requireTags(_ tags: [String]) throws(ClientError) {
        _ = try client.call(try NamesRequireTags(checking: tags))
    }

    /// Sets what tags every call must have, in the place of those before.
    public func requireTags(_ tags: [String]) async throws(ClientError) {
        _ = try await client.call(try NamesRequireTags(checking: tags))
    }

    /// The aliases, by provider and name.
    public func aliases() throws(ClientError) -> [FuseboxClient.ModelAlias] { try client.all(AliasList()) }

    /// The aliases, by provider and name.
    public func aliases() async throws(ClientError) -> [FuseboxClient.ModelAlias] { try await client.all(AliasList()) }

    /// Lets a name of a provider's model stand for another: calls that ask for it are charged to that one.
    ///
    /// - Throws: `refused` with `outOfRange` if the model is itself an alias, or other names stand for this one
    public func setAlias(_ name: String, of provider: String, to model: String) throws(ClientError) {
        _ = try client.call(try AliasSet(provider, name, model))
    }

    /// Lets a name of a provider's model stand for another: calls that ask for it are charged to that one.
    public func setAlias(_ name: String, of provider: String, to model: String) async throws(ClientError) {
        _ = try await client.call(try AliasSet(provider, name, model))
    }

    /// Removes an alias.
    ///
    /// - Throws: `refused` with `notFound` if there is none
    public func removeAlias(_ name: String, of provider: String) throws(ClientError) {
        _ = try client.call(AliasRemove(provider: try Name(checking: provider), name: try Name(checking: name)))
    }

    /// Removes an alias.
    public func removeAlias(_ name: String, of provider: String) async throws(ClientError) {
        _ = try await client.call(AliasRemove(provider: try Name(checking: provider), name: try Name(checking: name)))
    }
}

extension NamesRequireTags {
    fileprivate init(checking tags: [String]) throws(ClientError) {
        var names: [Name] = []
        for tag in tags { names.append(try Name(checking: tag)) }
        self.init(tags: names)
    }
}

extension AliasSet {
    fileprivate init(_ provider: String, _ name: String, _ model: String) throws(ClientError) {
        self.init(
            ModelAlias(
                provider: try Name(checking: provider), name: try Name(checking: name), model: try Name(checking: model)
            ))
    }
}
