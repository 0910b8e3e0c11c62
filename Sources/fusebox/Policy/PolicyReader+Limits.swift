import FuseboxWire
import Yams

extension PolicyReader {
    // MARK: Scopes

    private static let scopeKeys = ["provider", "deployment", "model", "tag"]
    private static let scopeExamples = "host, a route such as openai/gpt-4o, or {tag: \"user:*\"}"

    /// Reads what a limit is on: `host`, a route, or its parts.
    mutating func scope(_ node: Node) -> Scope? {
        if let scalar = node.scalar, !isNothing(node) {
            if scalar.string == "host" { return .host }
            return route(node, scalar.string, Self.scopeExamples).map {
                Scope(provider: $0.provider, deployment: $0.deployment, model: $0.model)
            }
        }
        guard !isNothing(node), node.mapping != nil else {
            fault(node, "the scope says nothing; write \(Self.scopeExamples)")
            return nil
        }
        guard let fields = fields(of: node, "the scope", Self.scopeKeys) else { return nil }
        let before = faults.count
        let scope = Scope(
            provider: fields["provider"].flatMap { name($0, "the provider") },
            deployment: fields["deployment"].flatMap { name($0, "the deployment") },
            model: fields["model"].flatMap { name($0, "the model") }, tag: fields["tag"].flatMap { name($0, "the tag") }
        )
        guard faults.count == before else { return nil }
        guard !scope.isHost || scope.deployment != nil || scope.model != nil else {
            fault(node, "the scope names nothing; write \(Self.scopeExamples)")
            return nil
        }
        do throws(Refusal) { try scope.validate() } catch {
            fault(node, error.message)
            return nil
        }
        return scope
    }

    /// Reads a route from its text.
    mutating func route(_ node: Node, _ text: String, _ examples: String) -> RouteText? {
        do throws(Refusal) { return try RouteText(text) } catch {
            fault(node, "\(error.message); write \(examples)")
            return nil
        }
    }

    // MARK: Limits

    mutating func readLimits(_ node: Node) {
        guard let groups = list(node, "limits", "'- scope: host' with 'limits: [$500 per month]' below") else {
            return
        }
        var known: [LimitKey: PolicyFile.Place] = [:]
        for group in groups {
            guard let fields = fields(of: group, "an entry of limits", ["scope", "limits"]) else { continue }
            guard let scopeNode = fields["scope"] else {
                fault(group, "the scope is missing; write \(Self.scopeExamples)")
                continue
            }
            guard let limitsNode = fields["limits"] else {
                fault(group, "the limits are missing; write a list such as [$50 per month, 600 requests per minute]")
                continue
            }
            let scope = scope(scopeNode)
            for item in list(limitsNode, "limits", "[$50 per month, 600 requests per minute]") ?? [] {
                guard let limit = limit(item), let scope else { continue }
                let key = LimitKey(scope, limit)
                if let other = known.updateValue(place(item), forKey: key) {
                    fault(
                        item,
                        "'\(limit)' on \(scope) is the same limit as that in line \(other.line): it has the same dimension and window; keep one of them"
                    )
                    continue
                }
                file.policy.limits.append(PolicyLimit(scope: scope, limit: limit))
                file.limits.append(place(item))
            }
        }
    }

    /// What tells one limit from the others.
    private struct LimitKey: Hashable {
        var names: [Name?]
        var dimension: LimitDimension
        var kind: WindowKind
        var unit: WindowUnit
        var lengthMilliseconds: Int64
        var isShadow: Bool

        init(_ scope: Scope, _ limit: Limit) {
            names = [scope.provider, scope.deployment, scope.model, scope.tag]
            dimension = limit.dimension
            kind = limit.window.kind
            unit = limit.window.unit
            lengthMilliseconds = limit.window.lengthMilliseconds
            isShadow = limit.mode == .shadow
        }
    }

    private static let limitKeys = ["limit", "mode", "thresholds", "on_lapse", "skip_cache_reads"]

    /// Reads a limit: its text, or keys with the text and more.
    private mutating func limit(_ node: Node) -> Limit? {
        guard node.mapping != nil else { return text(node, "the limit", "'$50 per month'").flatMap { limit(node, $0) } }
        guard let fields = fields(of: node, "the limit", Self.limitKeys) else { return nil }
        guard let textNode = fields["limit"] else {
            fault(node, "the limit itself is missing; write it as in 'limit: $50 per month'")
            return nil
        }
        let before = faults.count
        let mode =
            fields["mode"].flatMap {
                word($0, "mode", ["deny": LimitMode.deny, "notify": .notify, "shadow": .shadow])
            } ?? .deny
        let onLapse = fields["on_lapse"].flatMap {
            word($0, "on_lapse", ["charge": LapseRule.charge, "release": .release])
        }
        let thresholds = fields["thresholds"].flatMap { self.thresholds($0) }
        let skips = fields["skip_cache_reads"].flatMap { truth($0, "skip_cache_reads") } ?? false
        guard let limit = text(textNode, "limit", "'$50 per month'").flatMap({ self.limit(textNode, $0) }),
            faults.count == before
        else { return nil }
        let whole = Limit(
            limit.dimension, limit.amount, limit.window, mode: mode, onLapse: onLapse, thresholds: thresholds,
            skipsCacheReads: skips)
        do throws(Refusal) { try whole.validate() } catch {
            fault(node, error.message)
            return nil
        }
        return whole
    }

    private mutating func limit(_ node: Node, _ text: String) -> Limit? {
        do throws(Failure) {
            var limit = try LimitArgument.limit(text)
            if limit.window.kind == .calendar, limit.window.zone == nil { limit.window.zone = zone }
            return limit
        } catch {
            fault(node, error.message)
            return nil
        }
    }

    // MARK: Thresholds

    private static let tiers = ["warning", "critical", "emergency"]

    /// Reads thresholds: ascending percentages, `none`, or the tiers by their names.
    private mutating func thresholds(_ node: Node) -> Thresholds? {
        if node.mapping != nil {
            guard let fields = fields(of: node, "thresholds", Self.tiers) else { return nil }
            let before = faults.count
            let shares = Self.tiers.map { tier in
                fields[tier].flatMap { share($0, tier) } ?? Double.greatestFiniteMagnitude
            }
            guard faults.count == before else { return nil }
            return Thresholds(warning: shares[0], critical: shares[1], emergency: shares[2])
        }
        guard let parts = list(node, "thresholds", "[80, 90, 95]") else { return nil }
        let text = parts.map { self.text(of: $0) }.joined(separator: ",")
        return value(node, "thresholds", text) { try ThresholdsArgument.read($0).thresholds }
    }

    /// Reads a percentage that need not be above 0, or `never`.
    private mutating func share(_ node: Node, _ tier: String) -> Double? {
        guard let text = text(node, tier, "80") else { return nil }
        if text == "never" { return .greatestFiniteMagnitude }
        guard let share = ThresholdsArgument.share(percent: text), ValueRanges.threshold.contains(share),
            share.isFinite
        else {
            fault(node, "\(tier): '\(text)' is not understood; write a percentage such as 80, or never")
            return nil
        }
        return share
    }
}
