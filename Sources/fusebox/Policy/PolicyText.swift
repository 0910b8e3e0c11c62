import FuseboxWire

/// Writes a policy as a file that `PolicyReader` reads.
struct PolicyText {
    private var lines: [String] = []

    /// The text of a policy.
    ///
    /// - Throws: a failure for a price of a provider or model whose name is `*`, which stands for every one in a file
    static func text(of policy: Policy) throws(Failure) -> String {
        var text = PolicyText()
        text.lines = ["# proto-docs/policy.md describes this file. `fusebox apply -f FILE` applies it.", "version: 1"]
        text.add(policy.limits)
        try text.add(policy.prices)
        text.add(policy.aliases)
        text.add(policy.breakers)
        text.addRules(policy)
        return text.lines.joined(separator: "\n")
    }

    // MARK: Limits

    private mutating func add(_ limits: [PolicyLimit]) {
        guard !limits.isEmpty else { return }
        lines += ["", "limits:"]
        var scopes: [Scope] = []
        var groups: [String: [Limit]] = [:]
        for item in limits {
            let key = Self.scope(item.scope)
            if groups[key] == nil { scopes.append(item.scope) }
            groups[key, default: []].append(item.limit)
        }
        for scope in scopes {
            let key = Self.scope(scope)
            lines += ["  - scope: \(key)", "    limits:"]
            for limit in groups[key] ?? [] { add(limit) }
        }
    }

    private mutating func add(_ limit: Limit) {
        let usual = Limit(limit.dimension, limit.amount, limit.window, mode: limit.mode)
        var more: [String] = []
        if limit.mode != .deny { more.append("mode: \(limit.mode)") }
        if limit.onLapse != usual.onLapse { more.append("on_lapse: \(limit.onLapse)") }
        if let thresholds = limit.thresholds { more.append("thresholds: \(Self.text(thresholds))") }
        if limit.skipsCacheReads { more.append("skip_cache_reads: true") }
        let text = YAMLText.plainWords("\(limit)")
        guard !more.isEmpty else {
            lines.append("      - \(text)")
            return
        }
        lines.append("      - limit: \(text)")
        lines += more.map { "        \($0)" }
    }

    private static func text(_ thresholds: Thresholds) -> String {
        let shares = [thresholds.warning, thresholds.critical, thresholds.emergency]
        let told = shares.filter { $0 != .greatestFiniteMagnitude }
        if told.isEmpty { return "none" }
        let list = "[\(told.map(ThresholdsArgument.percent).joined(separator: ", "))]"
        let text = told.map { "\(ThresholdsArgument.percent($0))%" }.joined(separator: ",")
        if (try? ThresholdsArgument.read(text))?.thresholds == thresholds, told.allSatisfy({ $0 >= 0.01 }) {
            return list
        }
        let tiers = zip(["warning", "critical", "emergency"], shares)
            .map { "\($0): \($1 == .greatestFiniteMagnitude ? "never" : ThresholdsArgument.percent($1))" }
        return "{\(tiers.joined(separator: ", "))}"
    }

    // MARK: Names

    private static func scope(_ scope: Scope) -> String {
        if scope == .host { return "host" }
        let parts: [(String, Name?)] = [
            ("tag", scope.tag), ("provider", scope.provider), ("deployment", scope.deployment), ("model", scope.model),
        ]
        guard scope.tag == nil, let text = route(scope.provider, scope.deployment, scope.model), text != "host" else {
            return fields(parts)
        }
        return YAMLText.scalar(text)
    }

    private static func route(_ provider: Name?, _ deployment: Name?, _ model: Name?) -> String? {
        guard let provider else { return nil }
        let text = Candidate(provider: provider, deployment: deployment, model: model).route
        guard let read = try? RouteText(text), read.provider == provider, read.deployment == deployment,
            read.model == model
        else { return nil }
        return text
    }

    private static func fields(_ parts: [(String, Name?)]) -> String {
        let told = parts.compactMap { key, name in name.map { "\(key): \(YAMLText.scalar($0.text))" } }
        return "{\(told.joined(separator: ", "))}"
    }

    // MARK: Prices, aliases

    private mutating func add(_ prices: [PriceEntry]) throws(Failure) {
        guard !prices.isEmpty else { return }
        lines += ["", "prices:  # dollars per million tokens; request: dollars each"]
        var provider: String?
        for entry in prices {
            for name in [entry.provider, entry.model] where name?.text == "*" {
                throw Failure(.usage, "the price of a provider or model named '*' cannot be written: it stands for all")
            }
            let owner = entry.provider.map { YAMLText.scalar($0.text) } ?? "\"*\""
            if owner != provider { lines.append("  \(owner):") }
            provider = owner
            let model = entry.model.map { YAMLText.scalar($0.text) } ?? "\"*\""
            let amounts = entry.price.told.map { "\($0.name.replacing("-", with: "_")): \($0.amount)" }
            lines.append("    \(model): {\(amounts.joined(separator: ", "))}")
        }
    }

    private mutating func add(_ aliases: [ModelAlias]) {
        guard !aliases.isEmpty else { return }
        lines += ["", "aliases:"]
        var provider: Name?
        for alias in aliases {
            if alias.provider != provider { lines.append("  \(YAMLText.scalar(alias.provider.text)):") }
            provider = alias.provider
            lines.append("    \(YAMLText.scalar(alias.name.text)): \(YAMLText.scalar(alias.model.text))")
        }
    }

    // MARK: Breakers, rules

    private mutating func add(_ breakers: [PolicyBreaker]) {
        guard !breakers.isEmpty else { return }
        lines += ["", "breakers:"]
        for breaker in breakers {
            lines.append("  - route: \(Self.route(breaker))")
            lines += Self.parts(breaker.change).map { "    \($0)" }
        }
    }

    private static func route(_ breaker: PolicyBreaker) -> String {
        guard breaker.provider != nil else { return "default" }
        if let text = route(breaker.provider, breaker.deployment, breaker.model), text != "default" {
            return YAMLText.scalar(text)
        }
        return fields([
            ("provider", breaker.provider), ("deployment", breaker.deployment), ("model", breaker.model),
        ])
    }

    private static func parts(_ change: BreakerConfigurationChange) -> [String] {
        func time(_ milliseconds: Int64?) -> String? { milliseconds.map { Quantity.text(milliseconds: $0) } }
        let parts: [(String, String?)] = [
            ("failure_threshold", change.failureThreshold.map { "\($0)" }),
            ("reset_timeout", time(change.resetTimeoutMilliseconds)),
            ("max_reset_timeout", time(change.maxResetTimeoutMilliseconds)),
            ("monitoring_period", time(change.monitoringPeriodMilliseconds)),
            ("min_requests", change.minRequests.map { "\($0)" }),
            ("failure_rate", change.failureRate.map { "\($0)" }),
            ("slow_rate", change.slowCallRate.map { "\($0)" }),
            ("slow_after", time(change.slowCallMilliseconds)), ("max_probes", change.maxProbes.map { "\($0)" }),
            ("min_workers", change.minWorkers.map { "\($0)" }),
            ("by", change.byModel.map { $0 ? "model" : "provider" }),
            ("curve", change.degradationCurve.map { "[\($0.map { "\($0)" }.joined(separator: ", "))]" }),
        ]
        return parts.compactMap { key, value in value.map { "\(key): \($0)" } }
    }

    private mutating func addRules(_ policy: Policy) {
        if policy.cooldownMilliseconds != nil || policy.longestMarkMilliseconds != nil {
            lines += ["", "marks:"]
            if let cooldown = policy.cooldownMilliseconds {
                lines.append("  cooldown: \(Quantity.text(milliseconds: cooldown))")
            }
            if let longest = policy.longestMarkMilliseconds {
                lines.append("  longest: \(Quantity.text(milliseconds: longest))")
            }
        }
        guard policy.isStrict != nil || policy.requiredTags != nil else { return }
        lines += ["", "names:"]
        if let isStrict = policy.isStrict { lines.append("  strict: \(isStrict)") }
        if let tags = policy.requiredTags {
            lines.append("  require_tags: [\(tags.map { YAMLText.scalar($0.text) }.joined(separator: ", "))]")
        }
    }
}

/// Texts as scalars of YAML, which every reader of YAML takes for texts.
enum YAMLText {
    /// A text: as it is, if it can stand everywhere and looks like nothing else; otherwise in double quotes.
    static func scalar(_ text: String) -> String {
        isPlain(text) && !looksLikeAnother(text) ? text : quoted(text)
    }

    /// Words with single spaces, such as those of a limit: as they are, if they can stand in a line of their own.
    static func plainWords(_ text: String) -> String {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        let isPlain = words.allSatisfy { word in
            !word.isEmpty && word.unicodeScalars.allSatisfy { plain.contains($0) || "$,".unicodeScalars.contains($0) }
        }
        return isPlain && text.last != "," ? text : quoted(text)
    }

    private static let plain = Set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@:+-".unicodeScalars)

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last else { return false }
        return text.unicodeScalars.allSatisfy { plain.contains($0) }
            && (first.properties.isAlphabetic || ("0"..."9").contains(first))
            && last != ":"
    }

    /// Whether a reader may take the text for a truth value, nothing or a number.
    private static func looksLikeAnother(_ text: String) -> Bool {
        let words: Set = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"]
        if words.contains(text.lowercased()) { return true }
        // A number, a date or a time: what begins with a digit and has few letters.
        guard let first = text.unicodeScalars.first, ("0"..."9").contains(first) else { return false }
        return text.unicodeScalars.allSatisfy { "0123456789abcdefABCDEFxXoOtTzZ_.:+-".unicodeScalars.contains($0) }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case " "..."~": quoted.unicodeScalars.append(scalar)
            case "\u{A1}"..."\u{2027}", "\u{202A}"..."\u{D7FF}", "\u{E000}"..."\u{FEFE}", "\u{FF00}"..."\u{FFFD}",
                "\u{10000}"..."\u{10FFFF}":
                quoted.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                quoted += "\\u" + String(repeating: "0", count: 4 - min(4, digits.count)) + digits
            }
        }
        return quoted + "\""
    }
}
