import FuseboxWire

extension FuseboxClient {
    /// The policy that an operator keeps in a file.
    public var policy: Policies { Policies(client: self) }
}

/// The policy: limits, prices, aliases and rules that are applied together.
///
/// Every method throws `ClientError`: `frameTooLong` for a policy that does not fit in a request, `refused` with the daemon's
/// reason, which names the item (`limits[3]`), `unavailable` and the like. Applying needs an operator's rights.
public struct Policies: Sendable {
    let client: FuseboxClient

    /// Applies a policy, all of it or nothing.
    ///
    /// - Parameters:
    ///   - policy: what is to hold from now on
    ///   - prunes: whether what an earlier policy has set and this one does not name is removed
    /// - Returns: what has changed
    @discardableResult
    public func apply(
        _ policy: FuseboxClient.Policy, prunes: Bool = false
    ) throws(ClientError) -> FuseboxClient.PolicyReport {
        try client.call(PolicyApply(policy, prunes: prunes))
    }

    /// Applies a policy, all of it or nothing.
    @discardableResult
    public func apply(
        _ policy: FuseboxClient.Policy, prunes: Bool = false
    ) async throws(ClientError) -> FuseboxClient.PolicyReport {
        try await client.call(PolicyApply(policy, prunes: prunes))
    }

    /// What `apply` would change. It is refused as that would be.
    public func preview(
        _ policy: FuseboxClient.Policy, prunes: Bool = false
    ) throws(ClientError) -> FuseboxClient.PolicyReport {
        try client.call(PolicyPreview(policy, prunes: prunes))
    }

    /// What `apply` would change. It is refused as that would be.
    public func preview(
        _ policy: FuseboxClient.Policy, prunes: Bool = false
    ) async throws(ClientError) -> FuseboxClient.PolicyReport {
        try await client.call(PolicyPreview(policy, prunes: prunes))
    }

    /// What policies have set, as they said it, and where the state differs from it. It is for operators and readers.
    public func inForce() throws(ClientError) -> PolicyInForce {
        var whole = PolicyInForce()
        var request = PolicyGet()
        while try whole.add(try client.call(request), &request) {}
        return whole
    }

    /// What policies have set, as they said it, and where the state differs from it. It is for operators and readers.
    public func inForce() async throws(ClientError) -> PolicyInForce {
        var whole = PolicyInForce()
        var request = PolicyGet()
        while try whole.add(try await client.call(request), &request) {}
        return whole
    }
}

/// What policies have set, and where the state differs from it.
public struct PolicyInForce: Sendable, Equatable {
    /// What was set, as it was said.
    public var policy = FuseboxClient.Policy()
    /// What an apply of it would set back.
    public var drift: [FuseboxClient.PolicyChange] = []

    /// Adds a page. Returns whether another follows.
    fileprivate mutating func add(_ page: PolicyGet.Reply, _ request: inout PolicyGet) throws(ClientError) -> Bool {
        for var change in page.drift {
            let before =
                switch change.subject {
                case .limit: policy.limits.count
                case .price: policy.prices.count
                case .alias: policy.aliases.count
                case .breaker: policy.breakers.count
                case .cooldown, .longestMark, .strictness, .requiredTags, .unknown: 0
                }
            change.item = change.item.map { $0 + UInt32(before) }
            drift.append(change)
        }
        policy.limits += page.policy.limits
        policy.prices += page.policy.prices
        policy.aliases += page.policy.aliases
        policy.breakers += page.policy.breakers
        policy.cooldownMilliseconds = policy.cooldownMilliseconds ?? page.policy.cooldownMilliseconds
        policy.longestMarkMilliseconds = policy.longestMarkMilliseconds ?? page.policy.longestMarkMilliseconds
        policy.isStrict = policy.isStrict ?? page.policy.isStrict
        policy.requiredTags = policy.requiredTags ?? page.policy.requiredTags
        guard page.next != 0 else { return false }
        // A faulty daemon that never ends a list must not cause an endless loop.
        guard page.next > request.cursor else {
            throw .protocolViolation("policy.get does not advance beyond cursor \(request.cursor)")
        }
        request.cursor = page.next
        return true
    }
}
