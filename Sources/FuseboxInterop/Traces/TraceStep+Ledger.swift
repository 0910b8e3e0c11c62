import FuseboxCore
import FuseboxWire

extension TraceStep {
    mutating func setBudget() throws(JSONFieldError) -> JSONValue {
        let place = request["budget"]
        let budget = try Budget(place)
        try refusable { (machine, moment) throws(Refusal) in
            // In the library, setting a budget to null removes it.
            if place["monthlyBudget"].value?.isNull == true, budget.model == nil {
                try machine.removeBudget(budget.provider, nil, at: moment)
            }
            try machine.setBudget(budget, foreign: Budget.foreignMembers(place), at: moment)
        }
        return [:]
    }

    mutating func removeBudget() throws(JSONFieldError) -> JSONValue {
        let (provider, model) = (try provider(), try model())
        try refusable { (machine, moment) throws(Refusal) in
            try machine.removeBudget(provider, model, at: moment)
        }
        return [:]
    }

    mutating func record() throws(JSONFieldError) -> JSONValue {
        let command = LedgerRecord(
            provider: try provider(), model: try request["model"].name(), cost: try request["cost"].money(),
            inputTokens: try request["inputTokens"].count(), outputTokens: try request["outputTokens"].count())
        return ["events": LLMProvidersJSON.events(try apply(command), of: command.provider, command.model)]
    }

    // MARK: Balances

    mutating func remaining() throws(JSONFieldError) -> JSONValue {
        ["remaining": try balance().remaining.map(LLMProvidersJSON.dollars) ?? .null]
    }

    mutating func utilization() throws(JSONFieldError) -> JSONValue {
        ["utilizationPct": JSONValue(try balance().utilization)]
    }

    private mutating func balance() throws(JSONFieldError) -> Balance {
        let (provider, model) = (try provider(), try model())
        return try refusable { (machine, moment) throws(Refusal) in
            try machine.balance(provider, model, at: moment)
        }
    }

    mutating func totalSpend() throws(JSONFieldError) -> JSONValue {
        ["totalSpend": LLMProvidersJSON.dollars(try apply(LedgerTotal()).spend)]
    }

    mutating func checkRateLimit() throws(JSONFieldError) -> JSONValue {
        let word = try request["dimension"].text()
        guard let dimension = RateDimension.allCases.first(where: { "\($0)" == word }) else {
            throw request["dimension"].error("no rate limit is named \(word); expected rpm, rpd, tpm or tpd")
        }
        let provider = try provider()
        let reply = try refusable { (machine, moment) throws(Refusal) in
            try machine.checkRate(provider, dimension, at: moment)
        }
        let check = LLMProvidersJSON.object([
            "allowed": JSONValue(reply.allowed), "used": JSONValue(reply.used), "limit": JSONValue(reply.limit),
        ])
        return ["check": check]
    }

    // MARK: Accounts

    mutating func accumulator() throws(JSONFieldError) -> JSONValue {
        guard let account = try apply(LedgerProvider(provider: try provider())).account else {
            return ["accumulator": .null]
        }
        return ["accumulator": try accumulator(account)]
    }

    mutating func modelAccumulator() throws(JSONFieldError) -> JSONValue {
        let command = LedgerModel(provider: try provider(), model: try request["model"].name())
        return ["accumulator": try apply(command).account.map { LLMProvidersJSON.account($0) } ?? .null]
    }

    mutating func breakdown() throws(JSONFieldError) -> JSONValue {
        var accounts: [(name: Name, value: JSONValue)] = []
        var cursor = Page.end
        repeat {
            let page = try apply(LedgerProviders(cursor: cursor))
            for account in page.accounts { accounts.append((account.provider, try accumulator(account))) }
            cursor = page.next
        } while cursor != Page.end
        return ["breakdown": LLMProvidersJSON.object(byName: accounts)]
    }

    private mutating func accumulator(_ account: ProviderAccount) throws(JSONFieldError) -> JSONValue {
        var models: [ModelAccount] = []
        var cursor = Page.end
        repeat {
            let page = try apply(LedgerModels(provider: account.provider, cursor: cursor))
            models += page.accounts
            cursor = page.next
        } while cursor != Page.end
        return LLMProvidersJSON.account(machine.budgeted(account, at: moment), models: models)
    }

    // MARK: History

    mutating func burnRate() throws(JSONFieldError) -> JSONValue {
        let command = LedgerBurnRate(provider: try provider(), windowMilliseconds: try milliseconds("windowMs"))
        return ["burnRate": LLMProvidersJSON.burnRate(try apply(command))]
    }

    mutating func depletion() throws(JSONFieldError) -> JSONValue {
        let command = LedgerDepletion(provider: try provider(), windowMilliseconds: try milliseconds("windowMs"))
        return ["depletion": try apply(command).estimate.map(LLMProvidersJSON.depletion) ?? .null]
    }

    mutating func summary() throws(JSONFieldError) -> JSONValue {
        let command = LedgerSummary(
            provider: try provider(), windowMilliseconds: try request["windowMs"].int64())
        return ["summary": LLMProvidersJSON.summary(try apply(command))]
    }

    mutating func spendBreakdown() throws(JSONFieldError) -> JSONValue {
        let window = try request["windowMs"].int64()
        var summaries: [SpendSummary] = []
        var cursor = Page.end
        repeat {
            let page = try apply(LedgerSummaries(windowMilliseconds: window, cursor: cursor))
            summaries += page.summaries
            cursor = page.next
        } while cursor != Page.end
        summaries.sort { LLMProvidersJSON.sortsBefore($0.provider, $1.provider) }
        return ["summaries": .array(summaries.map(LLMProvidersJSON.summary))]
    }
}
