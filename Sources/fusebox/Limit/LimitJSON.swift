import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// Limits as JSON for programs. Amounts of cost are exact dollars, others are counts.
extension LimitReport {
    /// A limit and how it stands.
    static func json(_ entry: LimitEntry) -> JSONValue {
        let dimension = entry.limit.dimension
        return [
            "scope": json(entry.scope), "limit": .string("\(entry.limit)"), "dimension": .string("\(dimension)"),
            "mode": .string("\(entry.limit.mode)"), "onLapse": .string("\(entry.limit.onLapse)"),
            "window": JSONValue(record: entry.limit.window), "thresholds": json(entry.limit.thresholds),
            "skipsCacheReads": .bool(entry.limit.skipsCacheReads),
            "amount": json(entry.amount, dimension), "used": json(entry.used, dimension),
            "held": json(entry.held, dimension), "left": json(entry.left, dimension),
            "assumed": json(entry.assumed, dimension), "share": JSONValue(entry.share),
            "fullness": JSONValue(entry.fullness),
            "startedAt": entry.startedAt.map { JSONValue($0.milliseconds) } ?? .null,
            "endsInMilliseconds": entry.endsInMilliseconds.map { JSONValue($0) } ?? .null,
            "raisedAmount": entry.raisedAmount.map { json($0, dimension) } ?? .null,
            "raisedMilliseconds": entry.raisedMilliseconds.map { JSONValue($0) } ?? .null,
            "template": entry.template.map { .string($0.text) } ?? .null, "toldTier": .string("\(entry.toldTier)"),
            "wouldHaveDenied": JSONValue(entry.wouldHaveDenied), "uses": JSONValue(Int64(entry.uses)),
        ]
    }

    /// A limit as it was set.
    static func json(_ limit: Limit) -> JSONValue {
        [
            "limit": .string("\(limit)"), "dimension": .string("\(limit.dimension)"),
            "mode": .string("\(limit.mode)"), "onLapse": .string("\(limit.onLapse)"),
            "window": JSONValue(record: limit.window), "thresholds": json(limit.thresholds),
            "skipsCacheReads": .bool(limit.skipsCacheReads),
            "amount": json(limit.amount, limit.dimension),
        ]
    }

    /// The thresholds of a limit: a share for each tier, null for one that never fires. Null if the limit has the
    /// defaults.
    private static func json(_ thresholds: Thresholds?) -> JSONValue {
        guard let thresholds else { return .null }
        func share(_ tier: ThresholdTier) -> JSONValue { thresholds[tier].map { JSONValue($0) } ?? .null }
        return ["warning": share(.warning), "critical": share(.critical), "emergency": share(.emergency)]
    }

    static func json(_ scope: Scope) -> JSONValue { JSONValue(record: scope) }

    /// An amount: exact dollars for cost, else a count.
    static func json(_ amount: Int64, _ dimension: LimitDimension) -> JSONValue {
        dimension == .cost ? .number("\(Money(nanodollars: amount))") : JSONValue(amount)
    }

    /// A limit that stands against a candidate.
    static func json(_ objection: LimitObjection) -> JSONValue {
        let dimension = objection.limit.dimension
        return [
            "scope": json(objection.scope), "limit": .string("\(objection.limit)"),
            "dimension": .string("\(dimension)"), "amount": json(objection.amount, dimension),
            "used": json(objection.used, dimension), "held": json(objection.held, dimension),
            "left": json(objection.left, dimension), "needed": json(objection.needed, dimension),
            "retryAfterMilliseconds": objection.retryAfterMilliseconds.map { JSONValue($0) } ?? .null,
        ]
    }

    /// A threshold that was reached.
    static func json(_ event: LimitReached) -> JSONValue {
        ["entry": json(event.entry), "tier": .string("\(event.tier)")]
    }

    /// A limit that is projected to be used up.
    static func json(_ event: DepletionProjected) -> JSONValue {
        JSONValue(record: event).replacing("limit", with: .string("\(event.limit)"))
    }

    /// When a limit will be used up.
    static func json(_ estimate: DepletionEstimate) -> JSONValue {
        JSONValue(record: estimate).replacing("limit", with: .string("\(estimate.limit)"))
    }

    /// The own fields of an event.
    static func json(_ event: Event) -> JSONValue {
        switch event {
        case .limitReached(let it): json(it)
        case .limitDenied(let it):
            ["entry": json(it.entry), "needed": json(it.needed, it.entry.limit.dimension)]
        case .limitReverted(let it):
            ["entry": json(it.entry), "raisedAmount": json(it.raisedAmount, it.entry.limit.dimension)]
        case .depletionProjected(let it): json(it)
        case .breakerTransition, .providerExhausted, .providerRestored, .routePaused, .routeResumed, .accountReset,
            .accountAdjusted, .permitLapsed:
            JSONValue(event: event)
        }
    }
}

extension JSONValue {
    /// The object with another value for a member.
    func replacing(_ key: String, with value: JSONValue) -> JSONValue {
        .object((members ?? []).map { ($0.key, $0.key == key ? value : $0.value) })
    }

    /// The object with more members at its end.
    func adding(_ more: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object((members ?? []) + more.map { ($0.key, $0.value) })
    }
}
