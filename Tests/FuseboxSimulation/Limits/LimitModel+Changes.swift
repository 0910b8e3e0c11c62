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

    func find(_ target: Target, _ limit: Limit) -> Int? {
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
        for call in calls {
            for key in call.keys {
                for limit in standing(for: key).map({ rules[$0].limit })
                where !before.contains(where: { $0.0 == key && $0.1.isSame(as: limit) }) {
                    let place = instance(key, limit)
                    if call.isLapsed { takeEnded(call, place, at: now) } else { takeLate(call, place, at: now) }
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

    /// Begins accounts anew, and new windows of the limits that go on until they are reset, of a scope and of what lies within it.
    mutating func reset(_ scope: Scope, at now: Int64) {
        let target = Target(scope)
        resetAccounts(target)
        for place in instances.indices
        where instances[place].identity.window.kind == .manual && Self.isWithin(instances[place].key, target) {
            begin(place, at: now)
        }
    }

    private static func isWithin(_ key: Key, _ target: Target) -> Bool {
        func agrees(_ name: String?, _ wanted: String?) -> Bool { wanted == nil || name == wanted }
        guard agrees(key.provider, target.key.provider), agrees(key.deployment, target.key.deployment),
            agrees(key.model, target.key.model)
        else { return false }
        guard let prefix = target.prefix else { return agrees(key.tag, target.key.tag) }
        return key.tag?.hasPrefix(prefix) == true
    }

    /// A window of a calendar begins; if it keeps use, only its edges move.
    mutating func begin(_ calendar: LimitWindow, start: Int64, keepsUse: Bool, at now: Int64) {
        calendars.removeAll { Self.isSame($0.window, calendar) }
        calendars.append((calendar, start))
        guard !keepsUse else { return }
        for place in instances.indices {
            guard let rule = rule(of: instances[place]), Self.isSame(rules[rule].limit.window, calendar) else {
                continue
            }
            begin(place, at: now)
        }
    }

    static func isSame(_ window: LimitWindow, _ other: LimitWindow) -> Bool {
        window.kind == .calendar && window.unit == other.unit && window.anchorDay == other.anchorDay
            && window.anchorMonth == other.anchorMonth
            && (window.zone?.text ?? "UTC") == (other.zone?.text ?? "UTC")
    }

    /// Does what is due: permits expire, raises end.
    mutating func advance(to now: Int64) {
        for call in calls where !call.isLapsed && call.expiresAt <= now {
            lapse(call.permit, .expired, at: now)
        }
        for place in rules.indices where rules[place].raised != nil && rules[place].raisedUntil <= now {
            rules[place].raised = nil
        }
    }
}
