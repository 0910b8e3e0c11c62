import FuseboxWire

extension FuseboxClient {
    /// The limits on what calls use.
    public var limits: CallLimits { CallLimits(client: self) }
}

/// Limits: how much calls may use, by whom and where they are made.
///
/// A limit bounds one dimension (cost, requests, tokens, calls in flight) in a window, on a scope: the host, a provider with
/// deployment or model, a tag. An admission is charged to every limit that covers its call, or to none.
///
/// Every method throws `ClientError`: `refused` with the daemon's reason, `unavailable` and the like. Setting, removing,
/// raising and resetting need an operator's rights.
public struct CallLimits: Sendable {
    let client: FuseboxClient

    /// Sets limits on a scope, all or none.
    ///
    /// A limit of the same dimension and window that exists is changed, and keeps what was used of it. A new one sees calls in
    /// flight.
    ///
    /// - Parameters:
    ///   - limits: 1 to 12, each of another dimension or window
    ///   - scope: what is limited; a tag that ends in `*` stands for each tag that begins so, with a limit each
    /// - Returns: each limit with what it was before, in the order of `limits`
    /// - Throws: `refused` with `outOfRange` for a scope or a limit that cannot be, with `limitReached` if too many are set
    @discardableResult
    public func set(
        _ limits: [FuseboxClient.Limit], on scope: FuseboxClient.Scope
    ) throws(ClientError) -> [FuseboxClient.LimitChange] {
        try client.call(LimitSet(scope: scope, limits: limits)).changes
    }

    /// Sets limits on a scope, all or none.
    @discardableResult
    public func set(
        _ limits: [FuseboxClient.Limit], on scope: FuseboxClient.Scope
    ) async throws(ClientError) -> [FuseboxClient.LimitChange] {
        try await client.call(LimitSet(scope: scope, limits: limits)).changes
    }

    /// Removes limits from a scope. Calls in flight go on; a limit that is set again sees them.
    ///
    /// - Parameters:
    ///   - limits: told by dimension and window, their amounts do not matter; nil: all of the scope
    ///   - scope: the scope that the limits are set on
    /// - Returns: the limits as they were
    /// - Throws: `refused` with `notFound` if one is not set
    @discardableResult
    public func remove(
        _ limits: [FuseboxClient.Limit]? = nil, from scope: FuseboxClient.Scope
    ) throws(ClientError) -> [FuseboxClient.LimitEntry] {
        try client.call(LimitRemove(limits, from: scope)).removed
    }

    /// Removes limits from a scope.
    @discardableResult
    public func remove(
        _ limits: [FuseboxClient.Limit]? = nil, from scope: FuseboxClient.Scope
    ) async throws(ClientError) -> [FuseboxClient.LimitEntry] {
        try await client.call(LimitRemove(limits, from: scope)).removed
    }

    /// Raises the amount of a limit for a while; it goes back by itself, with an event.
    ///
    /// - Parameters:
    ///   - limit: told by dimension and window, with the amount that holds meanwhile; never below the limit's own
    ///   - scope: the scope that the limits are set on
    ///   - duration: 1 ms to 366 days
    /// - Throws: `refused` with `notFound` if it is not set, with `outOfRange` for an amount below its own
    @discardableResult
    public func raise(
        _ limit: FuseboxClient.Limit, on scope: FuseboxClient.Scope, for duration: Duration
    ) throws(ClientError) -> FuseboxClient.LimitEntry {
        try client.call(LimitRaise(scope: scope, limit: limit, milliseconds: duration.wholeMilliseconds)).entry
    }

    /// Raises the amount of a limit for a while; it goes back by itself, with an event.
    @discardableResult
    public func raise(
        _ limit: FuseboxClient.Limit, on scope: FuseboxClient.Scope, for duration: Duration
    ) async throws(ClientError) -> FuseboxClient.LimitEntry {
        try await client.call(LimitRaise(scope: scope, limit: limit, milliseconds: duration.wholeMilliseconds)).entry
    }

    /// Raises the amount of a limit until a moment of the wall clock; it goes back by itself, with an event.
    @discardableResult
    public func raise(
        _ limit: FuseboxClient.Limit, on scope: FuseboxClient.Scope, until moment: FuseboxClient.Timestamp
    ) throws(ClientError) -> FuseboxClient.LimitEntry {
        try client.call(LimitRaise(scope: scope, limit: limit, until: moment)).entry
    }

    /// Raises the amount of a limit until a moment of the wall clock; it goes back by itself, with an event.
    @discardableResult
    public func raise(
        _ limit: FuseboxClient.Limit, on scope: FuseboxClient.Scope, until moment: FuseboxClient.Timestamp
    ) async throws(ClientError) -> FuseboxClient.LimitEntry {
        try await client.call(LimitRaise(scope: scope, limit: limit, until: moment)).entry
    }

    /// Adds to the amount of a prepaid limit. What was used of it stays, and its thresholds fire again.
    ///
    /// - Parameters:
    ///   - limit: the prepaid limit, with the amount that is added
    ///   - scope: the scope that the limits are set on
    /// - Throws: `refused` with `notFound` if it is not set, with `outOfRange` if it is not prepaid or the amount is 0
    @discardableResult
    public func topUp(
        _ limit: FuseboxClient.Limit, on scope: FuseboxClient.Scope
    ) throws(ClientError) -> FuseboxClient.LimitEntry {
        try client.call(LimitTopUp(scope: scope, limit: limit)).entry
    }

    /// Adds to the amount of a prepaid limit. What was used of it stays, and its thresholds fire again.
    @discardableResult
    public func topUp(
        _ limit: FuseboxClient.Limit, on scope: FuseboxClient.Scope
    ) async throws(ClientError) -> FuseboxClient.LimitEntry {
        try await client.call(LimitTopUp(scope: scope, limit: limit)).entry
    }

    /// One limit of a scope, found by its dimension and window; nil: none is set, and no template gives the tag one.
    public func get(
        _ limit: FuseboxClient.Limit, of scope: FuseboxClient.Scope
    ) throws(ClientError) -> FuseboxClient.LimitEntry? {
        try client.call(LimitGet(scope: scope, limit: limit)).entry
    }

    /// One limit of a scope, found by its dimension and window; nil: none is set, and no template gives the tag one.
    public func get(
        _ limit: FuseboxClient.Limit, of scope: FuseboxClient.Scope
    ) async throws(ClientError) -> FuseboxClient.LimitEntry? {
        try await client.call(LimitGet(scope: scope, limit: limit)).entry
    }

    /// The limits, with what is used, held and left of them.
    ///
    /// - Parameter scope: whose; nil: all that are set. Of a tag also those that a template gives it; of a template those of
    ///   each tag that has used it
    public func list(_ scope: FuseboxClient.Scope? = nil) throws(ClientError) -> [FuseboxClient.LimitEntry] {
        try client.all(LimitList(scope: scope))
    }

    /// The limits, with what is used, held and left of them.
    public func list(_ scope: FuseboxClient.Scope? = nil) async throws(ClientError) -> [FuseboxClient.LimitEntry] {
        try await client.all(LimitList(scope: scope))
    }
}

extension LimitRemove {
    fileprivate init(_ limits: [Limit]?, from scope: Scope) {
        if let limits { self.init(scope: scope, limits: limits) } else { self.init(allOf: scope) }
    }
}
