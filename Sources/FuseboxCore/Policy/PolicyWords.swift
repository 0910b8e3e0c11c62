import FuseboxWire

/// How items of a policy are told to people.
enum PolicyWords {
    /// A limit with all that differs from what it has by default.
    static func text(_ limit: Limit) -> String {
        let usual = Limit(limit.dimension, limit.amount, limit.window, mode: limit.mode)
        let more = [
            limit.mode == .deny ? nil : "\(limit.mode) only",
            limit.onLapse == usual.onLapse ? nil : "\(limit.onLapse) on lapse",
            limit.thresholds.map { "thresholds \(text($0))" },
            limit.skipsCacheReads ? "without cache reads" : nil,
        ]
        return (["\(limit)"] + more.compactMap(\.self)).joined(separator: ", ")
    }

    private static func text(_ thresholds: Thresholds) -> String {
        // Most are never reached, or as many as are set.
        let shares = [thresholds.warning, thresholds.critical, thresholds.emergency].filter { $0 < 1_000 }
        return shares.isEmpty ? "none" : shares.map { "\($0)" }.joined(separator: " ")
    }

    /// A price, in dollars per million tokens and per request.
    static func text(_ price: Price) -> String {
        price.told.map { "\($0.name) $\($0.amount)" }.joined(separator: ", ")
    }

    /// Required tags.
    static func text(_ tags: [Name]) -> String {
        tags.isEmpty ? "none" : tags.map(\.text).joined(separator: ", ")
    }

    /// The parts of a configuration that a change sets.
    static func text(_ change: BreakerConfigurationChange) -> String {
        func time(_ milliseconds: Int64?) -> String? { milliseconds.map { Quantity.text(milliseconds: $0) } }
        let parts: [(name: String, value: String?)] = [
            ("failure threshold", change.failureThreshold.map { "\($0)" }),
            ("reset timeout", time(change.resetTimeoutMilliseconds)),
            ("max reset timeout", time(change.maxResetTimeoutMilliseconds)),
            ("monitoring period", time(change.monitoringPeriodMilliseconds)),
            ("min requests", change.minRequests.map { "\($0)" }),
            ("failure rate", change.failureRate.map { "\($0)" }),
            ("slow rate", change.slowCallRate.map { "\($0)" }),
            ("slow after", time(change.slowCallMilliseconds)),
            ("max probes", change.maxProbes.map { "\($0)" }),
            ("min workers", change.minWorkers.map { "\($0)" }),
            ("by", change.byModel.map { $0 ? "model" : "provider" }),
            ("curve", change.degradationCurve.map { $0.map { "\($0)" }.joined(separator: " ") }),
        ]
        return parts.compactMap { part in part.value.map { "\(part.name) \($0)" } }.joined(separator: ", ")
    }

    /// A text that is not longer than that of a change may be.
    static func cut(_ text: String) -> String {
        guard text.utf8.count > PolicyChange.textLength else { return text }
        var length = 0
        let kept = text.unicodeScalars.prefix { scalar in
            length += UTF8.width(scalar)
            return length <= PolicyChange.textLength - 3
        }
        return String(String.UnicodeScalarView(kept)) + "…"
    }
}

extension PolicyReport {
    /// Adds a change, if it has room.
    mutating func add(_ change: PolicyChange, _ listed: inout Int) {
        let names = [change.scope.provider, change.scope.deployment, change.scope.model, change.scope.tag]
        let bytes =
            32 + names.reduce(0) { $0 + ($1?.count ?? 0) } + (change.before?.utf8.count ?? 0)
            + (change.after?.utf8.count ?? 0)
        guard unlisted == 0, listed + bytes <= Self.listedBytes else {
            unlisted += 1
            return
        }
        listed += bytes
        changes.append(change)
    }
}
