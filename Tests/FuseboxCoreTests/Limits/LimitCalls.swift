import FuseboxWire

@testable import FuseboxCore

/// Limits and calls in tests.
enum LimitCalls {
    static let hour: Int64 = 3_600_000

    static func bound(_ text: String, mode: LimitMode = .deny, onLapse: LapseRule? = nil) throws -> Limit {
        let limit = try LimitText.limit(text)
        return Limit(limit.dimension, limit.amount, limit.window, mode: mode, onLapse: onLapse)
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
