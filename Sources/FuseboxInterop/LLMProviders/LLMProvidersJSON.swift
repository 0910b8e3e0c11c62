import FuseboxCore
import FuseboxWire

/// The values of the library `llm-providers` as JSON, with the library's field names and units.
///
/// Times are milliseconds since the epoch, money is dollars. Members that the library leaves undefined are absent.
enum LLMProvidersJSON {
    /// An object with the members whose value is not nil.
    static func object(_ members: KeyValuePairs<String, JSONValue?>) -> JSONValue {
        .object(members.compactMap { key, value in value.map { (key, $0) } })
    }

    /// An object with a member for each name, sorted by name.
    static func object(byName members: [(name: Name, value: JSONValue)]) -> JSONValue {
        .object(members.sorted { $0.name < $1.name }.map { ($0.name.text, $0.value) })
    }

    /// An object with further members that an import brought and the state does not use. On equal keys the object's own
    /// member wins.
    static func adding(_ foreign: String?, to object: JSONValue) -> JSONValue {
        guard let foreign, !foreign.isEmpty, let others = try? JSONValue(parsing: foreign.utf8).members else {
            return object
        }
        return .object((object.members ?? []) + others.filter { object[$0.key] == nil })
    }

    static func dollars(_ money: Money) -> JSONValue { .number(money.description) }

    static func milliseconds(_ moment: Timestamp) -> JSONValue { JSONValue(moment.milliseconds) }

    static func name(_ name: Name) -> JSONValue { .string(name.text) }

    /// JavaScript's order of texts: by UTF-16 code units.
    static func sortsBefore(_ left: Name, _ right: Name) -> Bool {
        left.text.utf16.lexicographicallyPrecedes(right.text.utf16)
    }
}

// MARK: Breakers

extension LLMProvidersJSON {
    static func stateWord(_ state: BreakerState) -> JSONValue {
        switch state {
        case .closed: "CLOSED"
        case .degraded: "DEGRADED"
        case .recovering: "RECOVERING"
        case .open: "OPEN"
        case .unknown: .string("\(state)")
        }
    }

    static func state(_ status: BreakerStatus) -> JSONValue {
        object([
            "state": stateWord(status.state),
            "failures": JSONValue(status.consecutiveFailures),
            "consecutiveFailures": JSONValue(status.consecutiveFailures),
            "primaryTrafficPct": JSONValue(status.share),
            "totalFailures": JSONValue(status.totalFailures),
            "totalSuccesses": JSONValue(status.totalSuccesses),
            "totalRequests": JSONValue(status.totalRequests),
            "lastFailure": status.lastFailure.map(milliseconds),
            "lastSuccess": status.lastSuccess.map(milliseconds),
            "lastRequest": status.lastRequest.map(milliseconds),
            "nextAttempt": status.nextAttempt.map(milliseconds),
        ])
    }

    static func health(_ status: BreakerStatus) -> JSONValue {
        object([
            "state": stateWord(status.state),
            "failures": JSONValue(status.consecutiveFailures),
            "consecutiveFailures": JSONValue(status.consecutiveFailures),
            "failureThreshold": JSONValue(status.failureThreshold),
            "primaryTrafficPct": JSONValue(status.share),
            "healthy": JSONValue(status.isHealthy),
            "lastFailure": status.lastFailure.map(milliseconds),
            "lastSuccess": status.lastSuccess.map(milliseconds),
            "nextAttempt": status.nextAttempt.map(milliseconds),
            "totalFailures": JSONValue(status.totalFailures),
            "totalSuccesses": JSONValue(status.totalSuccesses),
            "totalRequests": JSONValue(status.totalRequests),
        ])
    }

    static func configuration(_ configuration: BreakerConfiguration) -> JSONValue {
        object([
            "failureThreshold": JSONValue(configuration.failureThreshold),
            "resetTimeout": JSONValue(configuration.resetTimeoutMilliseconds),
            "monitoringPeriod": JSONValue(configuration.monitoringPeriodMilliseconds),
            "minRequests": JSONValue(configuration.minRequests),
            "degradationCurve": .array(configuration.degradationCurve.map { JSONValue($0) }),
        ])
    }
}

// MARK: Exhaustion

extension LLMProvidersJSON {
    /// A mark.
    ///
    /// - Parameter foreign: a JSON object with further members from the import
    static func mark(_ entry: ExhaustionEntry, foreign: String? = nil) -> JSONValue {
        let mark = object([
            "provider": name(entry.provider),
            "exhaustedAt": milliseconds(entry.exhaustedAt),
            "resetAt": milliseconds(entry.resetsAt),
        ])
        return adding(foreign, to: mark)
    }
}

// MARK: The ledger

extension LLMProvidersJSON {
    private static func sums(_ usage: AccountUsage) -> [(key: String, value: JSONValue)] {
        [
            ("spend", dollars(usage.spend)),
            ("inputTokens", JSONValue(usage.sentTokens)),
            ("outputTokens", JSONValue(usage.receivedTokens)),
            ("requestCount", JSONValue(usage.requests)),
            // The library writes 0 for "never".
            ("lastRecordedAt", JSONValue(usage.lastRecorded?.milliseconds ?? 0)),
        ]
    }

    static func account(_ account: ModelAccount) -> JSONValue { .object(sums(account.usage)) }

    static func account(_ account: BudgetedAccount, models: [ModelAccount]) -> JSONValue {
        .object(
            sums(account.account.usage) + [
                ("models", object(byName: models.map { ($0.model, Self.account($0)) })),
                ("budget", account.budget.map(dollars) ?? .null),
                ("rateLimits", windows(account)),
            ])
    }

    private static func windows(_ account: BudgetedAccount) -> JSONValue {
        .object(
            RateDimension.allCases.compactMap { dimension in
                account.windows[dimension].map { window in
                    let value = object([
                        "used": JSONValue(window.used),
                        "limit": JSONValue(window.limit),
                        "windowStart": milliseconds(window.windowStart),
                    ])
                    return ("\(dimension)", value)
                }
            })
    }

    /// A budget with its rate limits.
    ///
    /// - Parameter foreign: members from the import that the library keeps
    static func budget(_ budget: Budget, foreign: JSONValue? = nil) -> JSONValue {
        let limits = RateDimension.allCases.compactMap { dimension in
            budget.rates[dimension].map { ("\(dimension)", JSONValue($0)) }
        }
        let members = object([
            "provider": name(budget.provider),
            "model": budget.model.map(name),
            "monthlyBudget": budget.monthly.map(dollars),
            "rateLimits": limits.isEmpty ? nil : .object(limits),
        ])
        let others = foreign?.members?.filter { members[$0.key] == nil } ?? []
        return .object((members.members ?? []) + others)
    }

    /// The thresholds.
    ///
    /// - Parameter foreign: a JSON object with further members from the import
    static func thresholds(_ thresholds: Thresholds, foreign: String? = nil) -> JSONValue {
        let members = object([
            "warning": JSONValue(thresholds.warning),
            "critical": JSONValue(thresholds.critical),
            "emergency": JSONValue(thresholds.emergency),
        ])
        return adding(foreign, to: members)
    }

    static func burnRate(_ rate: BurnRate) -> JSONValue {
        object([
            "costPerHour": rate.costPerHour.map { JSONValue($0) } ?? .null,
            "costPerDay": rate.costPerDay.map { JSONValue($0) } ?? .null,
            "windowMs": JSONValue(rate.windowMilliseconds),
            "sampleCount": JSONValue(rate.sampleCount),
        ])
    }

    static func depletion(_ estimate: DepletionEstimate) -> JSONValue {
        object([
            "remainingBudget": dollars(estimate.remaining),
            "burnRate": burnRate(estimate.burnRate),
            "projectedDepletionDate": estimate.depletesAt.map(milliseconds) ?? .null,
            "daysRemaining": estimate.daysRemaining.map { JSONValue($0) } ?? .null,
        ])
    }

    static func summary(_ summary: SpendSummary) -> JSONValue {
        object([
            "provider": name(summary.provider),
            "spend": dollars(summary.spend),
            "requestCount": JSONValue(summary.requests),
            // The history has no tokens, here and in the library.
            "inputTokens": 0,
            "outputTokens": 0,
            "windowMs": JSONValue(summary.windowMilliseconds),
        ])
    }

    /// The events of one record, in the library's order: it knows thresholds of a provider's budget alone.
    ///
    /// - Parameter model: the model of the record
    static func events(_ reply: LedgerRecord.Reply, of provider: Name, _ model: Name) -> JSONValue {
        let reached = reply.reached.first { event in
            event.entry.scope == Scope(provider: provider) && event.entry.limit.isSame(as: Budget.limit(.zero, nil))
        }
        return .array([reached.map { self.event($0, model) }, reply.depletion.map(event)].compactMap(\.self))
    }

    private static func event(_ event: LimitReached, _ model: Name) -> JSONValue {
        let spend = Money(nanodollars: event.entry.used)
        let budget = Money(nanodollars: event.entry.limit.amount)
        return object([
            "type": "threshold_crossed",
            "provider": event.entry.scope.provider.map(name),
            "model": name(model),
            "tier": .string("\(event.tier)"),
            "spend": dollars(spend),
            "budget": dollars(budget),
            "utilizationPct": JSONValue(spend.dollars / budget.dollars),
        ])
    }

    private static func event(_ event: DepletionProjected) -> JSONValue {
        object([
            "type": "depletion_projected",
            "provider": name(event.provider),
            "tier": .string("depletion_\(event.tier)"),
            "daysRemaining": JSONValue(event.daysRemaining),
            "projectedDepletionDate": milliseconds(event.depletesAt),
            "burnRate": burnRate(event.burnRate),
        ])
    }
}
