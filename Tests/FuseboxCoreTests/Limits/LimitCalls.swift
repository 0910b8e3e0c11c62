import FuseboxWire

@testable import FuseboxCore

/// Limits and calls in tests.
enum LimitCalls {
    static let hour: Int64 = 3_600_000

    static func bound(_ text: String, mode: LimitMode = .deny, onLapse: LapseRule? = nil) throws -> Limit {
        let limit = try LimitText.limit(text)
        return Limit(limit.dimension, limit.amount, limit.window, mode: mode, onLapse: onLapse)
    }

    /// A scope: the host, or a route such as `p@eu/m`, each for all calls or for those with a tag.
    static func scope(_ route: String?, tag: String? = nil) throws -> Scope {
        var scope = Scope(tag: tag.map { name($0) })
        guard let route else { return scope }
        let text = try RouteText(route)
        (scope.provider, scope.deployment, scope.model) = (text.provider, text.deployment, text.model)
        return scope
    }

    /// A request that sets limits on `p`, or on another route.
    static func set(_ texts: String..., on route: String = "p", mode: LimitMode = .deny) throws -> LimitSet {
        LimitSet(scope: try scope(route), limits: try texts.map { try bound($0, mode: mode) })
    }

    /// How a limit of `p`, or of another route, stands; nil: there is none.
    static func standing(
        _ text: String, on route: String = "p", _ rig: inout Rig, at now: Int64 = 0
    ) throws -> LimitEntry? {
        try rig.apply(LimitGet(scope: try scope(route), limit: try bound(text)), at: now).entry
    }

    /// A month of the calendar, told as the engine tells it.
    static func month(from start: Int64, days: Int64) -> BeginWindow {
        BeginWindow(
            .calendar(.month), start: at(start), end: at(start + days * 24 * hour), keepsUse: false)
    }

    /// A call to `p`, or by other routes.
    static func admit(
        _ routes: String..., tags: [String] = [], cost: String? = nil, input: UInt32? = nil, output: UInt32? = nil,
        ttl: Int64 = 60_000, explains: Bool = false
    ) throws -> Admit {
        let candidates = try (routes.isEmpty ? ["p"] : routes).map { text in
            let route = try RouteText(text)
            return Candidate(provider: route.provider, deployment: route.deployment, model: route.model)
        }
        var admit = Admit(
            candidates: try Candidates(candidates), tags: try WireLimits.TagList(tags.map { name($0) }),
            estimate: Estimate(cost: cost.map { dollars($0) }, inputTokens: input, outputTokens: output),
            ttlMilliseconds: ttl)
        admit.explains = explains
        return admit
    }

    static func settle(_ permit: UInt64, cost: String, input: UInt32 = 0) -> Settle {
        Settle(permit: permit, outcome: .success, usage: CallUsage(cost: dollars(cost), inputTokens: input))
    }

    static func used(_ scope: Scope, _ rig: inout Rig, at now: Int64 = 0) throws -> [Int64] {
        try rig.apply(LimitList(scope: scope), at: now).entries.map(\.used)
    }

    static func held(_ scope: Scope, _ rig: inout Rig, at now: Int64 = 0) throws -> [Int64] {
        try rig.apply(LimitList(scope: scope), at: now).entries.map(\.held)
    }
}
