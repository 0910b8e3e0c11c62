import FuseboxClient
import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxWire

@testable import FuseboxInterop

/// Sends one line of a trace with the client's typed methods, and converts the reply to the reference library's format.
struct LiveRequest {
    let client: FuseboxClient
    let request: JSONPlace
    /// The thresholds of budgets that the last import brought; nil: those of any limit.
    let thresholds: Thresholds?
    /// The models whose accounts only a limit has opened, as pairs of provider and model.
    let openedByLimits: Set<[String]>

    func reply(_ operation: TraceOperation) throws -> JSONValue {
        switch operation {
        case .breakerConfigure, .breakerAcquire, .breakerSuccess, .breakerFailure, .breakerState, .breakerForceOpen,
            .breakerReset, .breakerResetAll, .breakerHealth, .breakerConfig, .breakerStates:
            return try breakerReply(operation)
        case .exhaustionMark, .exhaustionClear, .exhaustionGet, .exhaustionList, .exhaustionReset:
            return try exhaustionReply(operation)
        case .import:
            try importState()
            return [:]
        case .export: return [:]
        default: return try ledgerReply(operation)
        }
    }

    // MARK: Breakers

    private func breakerReply(_ operation: TraceOperation) throws -> JSONValue {
        let breakers = client.breakers
        if operation == .breakerResetAll {
            try breakers.resetAll()
            return [:]
        }
        if operation == .breakerStates {
            return [
                "states": LLMProvidersJSON.object(
                    byName: try breakers.list().map { ($0.name, LLMProvidersJSON.state($0.status)) })
            ]
        }
        // A name of the reference is a provider, also where it holds the characters of a route.
        let name = try Name(try request["name"].text())
        switch operation {
        case .breakerConfigure:
            let change = try BreakerConfigurationChange(request["config"])
            _ = try client.call(BreakerConfigure(name: name, change: change))
        case .breakerAcquire: return admission(try client.call(BreakerAcquire(name: name)))
        case .breakerSuccess: _ = try client.call(BreakerSuccess(name: name))
        case .breakerFailure: _ = try client.call(BreakerFailure(name: name))
        case .breakerForceOpen: _ = try client.call(BreakerForceOpen(name: name))
        case .breakerReset: _ = try client.call(BreakerReset(name: name))
        case .breakerState: return LLMProvidersJSON.state(try client.call(BreakerGet(name: name)).status)
        case .breakerHealth: return LLMProvidersJSON.health(try client.call(BreakerGet(name: name)).status)
        default:
            return ["config": LLMProvidersJSON.configuration(try client.call(BreakerConfigurationGet(name: name)))]
        }
        return [:]
    }

    private func admission(_ admission: BreakerAcquire.Reply) -> JSONValue {
        let seconds = (Double(admission.retryAfterMilliseconds) / 1000).rounded(.up)
        return [
            "admitted": JSONValue(admission.admitted),
            "retryAfterSec": admission.admitted ? .null : JSONValue(seconds),
            "consecutiveFailures": JSONValue(admission.consecutiveFailures),
            "primaryTrafficPct": JSONValue(admission.share),
        ]
    }

    // MARK: Exhaustion

    private func exhaustionReply(_ operation: TraceOperation) throws -> JSONValue {
        let exhaustion = client.exhaustion
        if operation == .exhaustionReset {
            try exhaustion.reset()
            return [:]
        }
        if operation == .exhaustionList {
            let providers = try exhaustion.list().map(\.provider).sorted(by: LLMProvidersJSON.sortsBefore)
            return ["providers": .array(providers.map(LLMProvidersJSON.name))]
        }
        let provider = try request["provider"].text()
        switch operation {
        case .exhaustionMark:
            try exhaustion.mark(provider, for: try milliseconds("resetAfterMs").map { .milliseconds($0) })
        case .exhaustionClear: try exhaustion.clear(provider)
        default: return ["entry": try exhaustion.get(provider).entry.map { LLMProvidersJSON.mark($0) } ?? .null]
        }
        return [:]
    }

    // MARK: The ledger

    private func ledgerReply(_ operation: TraceOperation) throws -> JSONValue {
        let ledger = client.ledger
        switch operation {
        case .ledgerSetBudget: try setBudget()
        case .ledgerResetPeriod: try ledger.reset(.host)
        case .ledgerTotalSpend: return ["totalSpend": LLMProvidersJSON.dollars(try ledger.total().spend)]
        case .ledgerBreakdown:
            let accounts = try ledger.providers().map { ($0.provider, try accumulator($0)) }
            return ["breakdown": LLMProvidersJSON.object(byName: accounts)]
        case .ledgerSpendBreakdown:
            let summaries = try ledger.summaries(window: try window())
                .sorted { LLMProvidersJSON.sortsBefore($0.provider, $1.provider) }
            return ["summaries": .array(summaries.map(LLMProvidersJSON.summary))]
        default: return try ledgerReply(operation, try request["provider"].text())
        }
        return [:]
    }

    private func ledgerReply(_ operation: TraceOperation, _ provider: String) throws -> JSONValue {
        let ledger = client.ledger
        let model = try request["model"].ifPresent?.text()
        switch operation {
        case .ledgerRemoveBudget:
            try removeBudget(Name(provider), model.map { try Name($0) })
            return [:]
        case .ledgerRecord: return try record(provider, try request["model"].text())
        case .ledgerRemaining:
            return ["remaining": try balance(provider, model).remaining.map(LLMProvidersJSON.dollars) ?? .null]
        case .ledgerUtilization:
            return ["utilizationPct": JSONValue(try balance(provider, model).utilization)]
        case .ledgerAccumulator: return ["accumulator": try ledger.provider(provider).map(accumulator) ?? .null]
        case .ledgerModelAccumulator:
            let model = try request["model"].text()
            let account = openedByLimits.contains([provider, model]) ? nil : try ledger.model(model, of: provider)
            return ["accumulator": account.map { LLMProvidersJSON.account($0) } ?? .null]
        case .ledgerBurnRate:
            let window = try milliseconds("windowMs").map { Duration.milliseconds($0) }
            return ["burnRate": LLMProvidersJSON.burnRate(try ledger.burnRate(provider, window: window))]
        case .ledgerDepletion:
            let window = try milliseconds("windowMs").map { Duration.milliseconds($0) }
            let estimate = try ledger.depletion(provider, window: window)
            return ["depletion": estimate.map(LLMProvidersJSON.depletion) ?? .null]
        case .ledgerSummary:
            return ["summary": LLMProvidersJSON.summary(try ledger.summary(provider, window: try window()))]
        default: return try rateCheck(provider)
        }
    }

    private func record(_ provider: String, _ model: String) throws -> JSONValue {
        let recording = try client.ledger.record(
            provider: provider, model: model, cost: try request["cost"].money(),
            inputTokens: Int(try request["inputTokens"].int64()),
            outputTokens: Int(try request["outputTokens"].int64()))
        var reply = LedgerRecord.Reply()
        (reply.reached, reply.depletion) = (recording.reached, recording.depletion)
        return ["events": LLMProvidersJSON.events(reply, of: try Name(provider), try Name(model))]
    }

    private func rateCheck(_ provider: String) throws -> JSONValue {
        let word = try request["dimension"].text()
        guard let dimension = RateDimension.allCases.first(where: { "\($0)" == word }) else {
            throw request["dimension"].error("no rate limit is named \(word)")
        }
        let scope = Scope(provider: try Name(provider))
        let check = RateCheck(try client.limits.get(dimension.limit(0), of: scope))
        return [
            "check": [
                "allowed": JSONValue(check.allowed), "used": JSONValue(check.used), "limit": JSONValue(check.limit),
            ]
        ]
    }

    private func accumulator(_ account: ProviderAccount) throws -> JSONValue {
        let scope = Scope(provider: account.provider)
        let budgeted = try BudgetedAccount(account, at: Timestamp(milliseconds: 0)) { limit in
            try client.limits.get(limit, of: scope)
        }
        let models = try client.ledger.models(of: account.provider.text)
            .filter { !openedByLimits.contains([account.provider.text, $0.model.text]) }
        return LLMProvidersJSON.account(budgeted, models: models)
    }

    // MARK: Budgets

    /// As `StateMachine.setBudget` does.
    private func setBudget() throws {
        let place = request["budget"]
        let budget = try Budget(place)
        if let monthly = budget.monthly {
            try client.limits.set([Budget.limit(monthly, budget.model, thresholds)], on: budget.scope)
        } else if budget.model != nil || place["monthlyBudget"].value?.isNull == true {
            try removeBudget(budget.provider, budget.model)
        }
        guard !budget.rateLimits.isEmpty else { return }
        try client.limits.set(budget.rateLimits, on: Scope(provider: budget.provider))
    }

    private func removeBudget(_ provider: Name, _ model: Name?) throws {
        let (limit, scope) = (Budget.limit(.zero, model), Scope(provider: provider, model: model))
        guard try client.limits.get(limit, of: scope) != nil else { return }
        try client.limits.remove([limit], from: scope)
    }

    private func balance(_ provider: String, _ model: String?) throws -> Balance {
        let name = try model.map { try Name($0) }
        let scope = Scope(provider: try Name(provider), model: name)
        return try Balance(Budget.limit(try client.limits.get(Budget.limit(.zero, name), of: scope), of: name))
    }

    // MARK: The whole state

    /// As `fusebox import` does.
    private func importState() throws {
        let status = try client.status()
        let moment = Moment(now: status.now, wall: status.wall)
        let parts = try ["breakers", "exhaustion", "ledger"].map { ($0, try request[$0].object().value ?? .null) }
        let machine = try LLMProvidersSnapshot.stateMachine(
            from: .object(parts.map { (key: $0.0, value: $0.1) }), profile: status.profile, at: moment)
        let header = SnapshotHeader(epoch: status.epoch, sequence: 0, moment: moment, profile: status.profile)
        try client.importState(SnapshotCapture(machine, header: header).bytes())
    }

    // MARK: Fields

    private func milliseconds(_ field: String) throws -> Int64? { try request[field].ifPresent?.int64() }

    private func window() throws -> Duration { .milliseconds(try request["windowMs"].int64()) }
}
