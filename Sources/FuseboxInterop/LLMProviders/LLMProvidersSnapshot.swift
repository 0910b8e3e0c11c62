import FuseboxCore
import FuseboxWire

/// The snapshots of the library `llm-providers`: writing a state to one, and reading a state from one.
///
/// There are four kinds, each with a `version` of 1: one breaker, all breakers, the exhaustion registry, and the credit
/// ledger. An export is one object with the last three: `breakers`, `exhaustion`, `ledger`.
///
/// A snapshot does not have what the library does not have: remainders of shares, fired tiers, tags, and limits of
/// other kinds than its own. An entry of the history that stands for several records has two more members, which the
/// library keeps: `count`, the number of records, and `from`, the time of the first.
public enum LLMProvidersSnapshot {
    /// The version of every kind.
    public static let version: Int64 = 1

    /// The three snapshots of a state at a time. The state is not changed.
    public static func export(_ machine: StateMachine, at moment: Moment) -> JSONValue {
        LLMProvidersJSON.object([
            "breakers": breakers(of: machine, at: moment),
            "exhaustion": exhaustion(of: machine, at: moment),
            "ledger": ledger(of: machine, at: moment),
        ])
    }

    // MARK: Breakers

    /// The snapshot of all breakers, sorted by name.
    ///
    /// In the library, taking a snapshot applies the decay of all breakers, which affects later decay. Under a profile
    /// whose reads change state, the caller must therefore send `breaker.list` first.
    public static func breakers(of machine: StateMachine, at moment: Moment) -> JSONValue {
        var records: [BreakerRecord] = []
        machine.breakers.forEach { key in
            // The library has one breaker a provider.
            guard key.model == nil, machine.names.parent(of: key.place) == nil, var breaker = machine.breakers[key]
            else {
                return
            }
            if !machine.profile.readsChangeState { breaker.synchronise(at: moment.now) }
            records.append(
                breaker.record(name: machine.names[key.place], isConfigured: machine.breakers.isConfigured(key)))
        }
        return LLMProvidersJSON.object([
            "version": JSONValue(version),
            "defaultConfig": LLMProvidersJSON.configuration(machine.breakers.defaultConfiguration),
            "breakers": .array(records.sorted { $0.name < $1.name }.map { breaker($0) }),
        ])
    }

    /// The snapshot of one breaker, for the record that `breaker.serialize` returns.
    public static func breaker(_ record: BreakerRecord) -> JSONValue { breaker(record, keepingShareCredit: false) }

    /// The snapshot of one breaker.
    ///
    /// - Parameter keepingShareCredit: whether to add the remainder of the share as a member `shareCredit`, which the
    ///   library ignores
    static func breaker(_ record: BreakerRecord, keepingShareCredit: Bool) -> JSONValue {
        let isSaved = keepingShareCredit && record.shareCredit != FuseboxCore.CircuitBreaker.initialShareCredit
        let state = LLMProvidersJSON.object([
            "consecutiveFailures": JSONValue(record.consecutiveFailures),
            "totalFailures": JSONValue(record.totalFailures),
            "totalSuccesses": JSONValue(record.totalSuccesses),
            "totalRequests": JSONValue(record.totalRequests),
            "lastFailureAt": record.lastFailure.map(LLMProvidersJSON.milliseconds),
            "lastSuccessAt": record.lastSuccess.map(LLMProvidersJSON.milliseconds),
            "lastRequestAt": record.lastRequest.map(LLMProvidersJSON.milliseconds),
            // 0 means that no decay is running.
            "lastDecayAt": JSONValue(record.lastDecay?.milliseconds ?? 0),
            "windowStart": LLMProvidersJSON.milliseconds(record.windowStart),
            "shareCredit": isSaved ? JSONValue(record.shareCredit) : nil,
        ])
        return LLMProvidersJSON.object([
            "version": JSONValue(version),
            "name": LLMProvidersJSON.name(record.name),
            "deployment": record.deployment.map(LLMProvidersJSON.name),
            "model": record.model.map(LLMProvidersJSON.name),
            "config": LLMProvidersJSON.configuration(record.configuration),
            "state": state,
        ])
    }

    // MARK: Exhaustion

    /// The snapshot of the exhaustion registry: the marks in force, sorted by provider name.
    public static func exhaustion(of machine: StateMachine, at moment: Moment) -> JSONValue {
        var entries: [(mark: ExhaustionEntry, foreign: String?)] = []
        machine.exhaustion.forEach { id, mark in
            guard moment.now < mark.resetsAt else { return }
            let entry = ExhaustionEntry(
                provider: machine.names[id], exhaustedAt: mark.exhaustedAt, resetsAt: mark.resetsAt)
            entries.append((entry, machine.foreignMembers(ofMark: entry.provider)))
        }
        return LLMProvidersJSON.object([
            "version": JSONValue(version),
            "defaultResetMs": JSONValue(machine.exhaustion.defaultCooldownMilliseconds),
            "entries": .array(
                entries.sorted { $0.mark.provider < $1.mark.provider }
                    .map { LLMProvidersJSON.mark($0.mark, foreign: $0.foreign) }),
        ])
    }

    // MARK: The ledger

    /// The snapshot of the credit ledger.
    public static func ledger(of machine: StateMachine, at moment: Moment) -> JSONValue {
        var providers: [(name: Name, value: JSONValue)] = []
        machine.ledger.forEachProvider { id in
            guard let account = machine.account(id) else { return }
            var models: [ModelAccount] = []
            machine.ledger.forEachModel(of: id) { model, sums in
                var account = ModelAccount()
                account.model = machine.models[model]
                account.usage = sums.usage
                models.append(account)
            }
            let budgeted = machine.budgeted(account, at: moment)
            providers.append((account.provider, LLMProvidersJSON.account(budgeted, models: models)))
        }
        return LLMProvidersJSON.object([
            "version": JSONValue(version),
            "periodStart": LLMProvidersJSON.milliseconds(machine.ledger.since),
            "providers": LLMProvidersJSON.object(byName: providers),
            "thresholds": LLMProvidersJSON.thresholds(
                machine.ledger.listed.thresholds, foreign: machine.ledger.listed.foreignThresholds),
            "budgets": .array(machine.listedBudgets(at: moment)),
            "exportedAt": LLMProvidersJSON.milliseconds(moment.wall),
            "spendHistory": .array(history(of: machine)),
        ])
    }

    /// The history of all providers, oldest first.
    private static func history(of machine: StateMachine) -> [JSONValue] {
        if machine.profile.sharesHistory {
            return machine.ledger.sharedHistory.entries.map { entry in
                self.entry(SpendEntry(at: entry.at, cost: entry.cost), of: machine.names[entry.provider])
            }
        }
        var providers: [NameID] = []
        machine.ledger.forEachProvider { providers.append($0) }
        providers.sort { machine.names[$0] < machine.names[$1] }
        var entries: [(provider: Name, entry: SpendEntry)] = []
        for id in providers {
            machine.ledger.forEachEntry(of: id) { entries.append((machine.names[id], $0)) }
        }
        // By time, then by provider. The entries of a provider keep their order.
        let order = entries.indices.sorted { left, right in
            let (a, b) = (entries[left].entry.end, entries[right].entry.end)
            return a == b ? left < right : a < b
        }
        return order.map { entry(entries[$0].entry, of: entries[$0].provider) }
    }

    private static func entry(_ entry: SpendEntry, of provider: Name) -> JSONValue {
        return LLMProvidersJSON.object([
            "timestamp": LLMProvidersJSON.milliseconds(entry.end),
            "provider": LLMProvidersJSON.name(provider),
            "cost": LLMProvidersJSON.dollars(Money(nanodollars: entry.cost)),
            "count": entry.isSingle ? nil : JSONValue(entry.count),
            "from": entry.isSingle ? nil : LLMProvidersJSON.milliseconds(entry.start),
        ])
    }
}
