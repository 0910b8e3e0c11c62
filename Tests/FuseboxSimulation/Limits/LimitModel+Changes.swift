import FuseboxWire

/// How limits come, change and go.
extension LimitModel {
    /// A scope, or what a template stands for.
    struct Target {
        var key: Key
        var prefix: String?

        init(_ scope: Scope) {
            key = Key(
                provider: scope.provider?.text, deployment: scope.deployment?.text, model: scope.model?.text,
                tag: scope.tag?.text)
            guard let tag = key.tag, tag.last == "*" else { return }
            prefix = String(tag.dropLast())
            key.tag = nil
        }
    }

    private func find(_ target: Target, _ limit: Limit) -> Int? {
        rules.firstIndex {
            $0.key == target.key && $0.prefix == target.prefix && $0.limit.isSame(as: limit)
        }
    }

    /// Sets limits. Those that are new see the calls in force.
    mutating func set(_ scope: Scope, _ limits: [Limit], at now: Int64) {
        let target = Target(scope)
        let before = instances.map { ($0.key, $0.identity) }
        for limit in limits {
            if let known = find(target, limit) {
                rules[known].limit = limit
            } else {
                rules.append(Rule(key: target.key, prefix: target.prefix, limit: limit))
            }
            if target.prefix == nil { _ = instance(target.key, limit) }
        }
        for call in calls where !call.isLapsed {
            for key in call.keys {
                for limit in standing(for: key).map({ rules[$0].limit })
                where !before.contains(where: { $0.0 == key && $0.1.isSame(as: limit) }) {
                    takeLate(call, instance(key, limit), at: now)
                }
            }
        }
    }

    /// Removes limits; none listed: all of the scope. What a template goes on to stand for is kept.
    mutating func remove(_ scope: Scope, _ limits: [Limit]) {
        let target = Target(scope)
        rules.removeAll { rule in
            rule.key == target.key && rule.prefix == target.prefix
                && (limits.isEmpty || limits.contains { $0.isSame(as: rule.limit) })
        }
        instances = instances.filter { rule(of: $0) != nil }
    }

    mutating func raise(_ scope: Scope, _ limit: Limit, until: Int64) {
        guard let place = find(Target(scope), limit) else { return }
        rules[place].raised = limit.amount
        rules[place].raisedUntil = until
    }

    /// Begins new windows of the limits of a scope that go on until they are reset.
    mutating func reset(_ scope: Scope, at now: Int64) {
        let target = Target(scope)
        for place in instances.indices where instances[place].identity.window.kind == .manual {
            let isMeant =
                target.prefix == nil
                ? instances[place].key == target.key
                : rule(of: instances[place]).map {
                    rules[$0].key == target.key && rules[$0].prefix == target.prefix
                } ?? false
            if isMeant { begin(place, at: now) }
        }
    }

    /// A window of a calendar begins.
    mutating func begin(_ calendar: LimitWindow, at now: Int64) {
        for place in instances.indices {
            guard let rule = rule(of: instances[place]), Self.isSame(rules[rule].limit.window, calendar) else {
                continue
            }
            begin(place, at: now)
        }
    }

    private static func isSame(_ window: LimitWindow, _ other: LimitWindow) -> Bool {
        window.kind == .calendar && window.unit == other.unit && window.anchorDay == other.anchorDay
            && window.anchorMonth == other.anchorMonth
            && (window.zone?.text ?? "UTC") == (other.zone?.text ?? "UTC")
    }

    /// Does what is due: permits expire, raises end.
    mutating func advance(to now: Int64) {
        for call in calls where !call.isLapsed && call.expiresAt <= now {
            lapse(call.permit, givesBack: false, at: now)
        }
        for place in rules.indices where rules[place].raised != nil && rules[place].raisedUntil <= now {
            rules[place].raised = nil
        }
    }
}
