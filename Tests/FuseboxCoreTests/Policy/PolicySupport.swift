import FuseboxCore
import FuseboxWire
import Testing

extension Policy {
    /// Limits in the words that people write, each with its scope: `host`, `openai`, `openai/gpt-4o`, `#user:*`.
    init(_ limits: (on: String, limit: String)...) {
        self.init()
        self.limits = limits.map { PolicyLimit(scope: Scope(words: $0.on), limit: Limit(words: $0.limit)) }
    }

    func with(_ change: (inout Policy) -> Void) -> Policy {
        var policy = self
        change(&policy)
        return policy
    }

    func price(_ provider: String, _ model: String, input: String) -> Policy {
        with { $0.prices.append(PriceEntry(provider: name(provider), model: name(model), price: Price(input: input))) }
    }

    func alias(_ provider: String, _ alias: String, of model: String) -> Policy {
        with { $0.aliases.append(ModelAlias(provider: name(provider), name: name(alias), model: name(model))) }
    }

    func breaker(
        _ provider: String?, deployment: String? = nil, model: String? = nil, _ change: BreakerConfigurationChange
    ) -> Policy {
        with {
            $0.breakers.append(
                PolicyBreaker(
                    provider: provider.map { name($0) }, deployment: deployment.map { name($0) },
                    model: model.map { name($0) }, change: change))
        }
    }
}

extension Scope {
    /// `host`, a route, or a tag after a `#`.
    init(words: String) {
        if words == "host" {
            self = .host
        } else if words.hasPrefix("#") {
            self.init(tag: name(String(words.dropFirst())))
        } else {
            do throws(Refusal) {
                let route = try RouteText(words)
                self.init(provider: route.provider, deployment: route.deployment, model: route.model)
            } catch { preconditionFailure(error.message) }
        }
    }
}

extension Limit {
    init(words: String) {
        do throws(LimitText.Failure) { self = try LimitText.limit(words) } catch {
            preconditionFailure(error.description)
        }
    }
}

extension Price {
    init(input: String) {
        self.init()
        self.input = dollars(input)
    }
}

extension PolicyReport {
    /// The changes in a line each: `added limit openai: - -> $5 per day`.
    var lines: [String] {
        changes.map { "\($0.action) \($0.subject) \($0.scope): \($0.before ?? "-") -> \($0.after ?? "-")" }
    }
}

extension Rig {
    /// Applies a policy. Calendars are told first, as the engine does it, and a preview must have said the same.
    @discardableResult
    mutating func apply(_ policy: Policy, prunes: Bool = false, at milliseconds: Int64 = 0) throws(Refusal)
        -> PolicyReport
    {
        let before = machine.image
        var preview: Result<PolicyReport, Refusal> = .success(PolicyReport())
        do throws(Refusal) {
            preview = .success(try apply(PolicyPreview(policy, prunes: prunes), at: milliseconds))
        } catch { preview = .failure(error) }
        #expect(machine.image == before, "a preview changes nothing")
        for limit in policy.limits where limit.limit.window.kind == .calendar {
            guard !machine.knows(limit.limit.window) else { continue }
            try apply(
                BeginWindow(
                    limit.limit.window, start: Timestamp(milliseconds: 0), end: at(86_400_000), keepsUse: false),
                at: milliseconds)
        }
        do throws(Refusal) {
            let report = try apply(PolicyApply(policy, prunes: prunes), at: milliseconds)
            #expect(try preview.get() == report)
            return report
        } catch {
            #expect(preview == .failure(error))
            throw error
        }
    }

    /// The changes of a policy, in a line each.
    mutating func lines(_ policy: Policy, prunes: Bool = false, at milliseconds: Int64 = 0) throws(Refusal) -> [String]
    {
        try apply(policy, prunes: prunes, at: milliseconds).lines
    }

    /// A limit that is set, in words; nil if it is not.
    mutating func limit(_ scope: String, _ words: String) throws(Refusal) -> LimitEntry? {
        try apply(LimitGet(scope: Scope(words: scope), limit: Limit(words: words))).entry
    }

    mutating func set(_ scope: String, _ words: String) throws(Refusal) {
        try apply(LimitSet(scope: Scope(words: scope), limits: [Limit(words: words)]))
    }

    /// What the policy owns, all pages of it, and where the state differs.
    mutating func inForce() throws(Refusal) -> (policy: Policy, drift: [String]) {
        var (policy, drift) = (Policy(), PolicyReport())
        var request = PolicyGet()
        repeat {
            let page = try apply(request)
            policy.limits += page.policy.limits
            policy.prices += page.policy.prices
            policy.aliases += page.policy.aliases
            policy.breakers += page.policy.breakers
            if request.cursor == 0 {
                policy.isStrict = page.policy.isStrict
                policy.requiredTags = page.policy.requiredTags
                policy.cooldownMilliseconds = page.policy.cooldownMilliseconds
                policy.longestMarkMilliseconds = page.policy.longestMarkMilliseconds
            }
            drift.changes += page.drift
            request.cursor = page.next
        } while request.cursor != 0
        return (policy, drift.lines)
    }
}
