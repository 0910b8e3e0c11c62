import FuseboxWire

/// What a call is charged with, and to whom.
struct ChargedCall {
    var provider: Name
    var model: Name
    var charge: CreditLedger.Charge
}

extension StateMachine {
    /// Records what a call has cost.
    ///
    /// - Parameter wasAdmitted: whether there is room for its accounts, whatever the bounds say: the call was admitted
    /// - Returns: the provider that was charged
    mutating func record(
        _ call: ChargedCall, _ application: Application, wasAdmitted: Bool = false
    ) throws(Refusal) -> NameID {
        // Nearly every record is one more on accounts that exist.
        if let provider = names.find(call.provider), let model = models.find(call.model),
            ledger.model(provider, model) != nil
        {
            try ledger.record(
                call.charge, provider: provider, model: model, at: application.now, by: application.user,
                under: profile)
            return provider
        }
        return try recordOnNewAccount(call, application, wasAdmitted)
    }

    /// Throws what recording this would throw; changes nothing.
    func check(_ call: ChargedCall, _ application: Application, wasAdmitted: Bool = false) throws(Refusal) {
        if !wasAdmitted {
            try admitAccount(call.provider, by: application)
            try admitModel(call.model, by: application)
            _ = try admitModelAccount(call.provider, call.model, by: application)
        }
        try ledger.check(call.charge, provider: names.find(call.provider), at: application.now, under: profile)
    }

    private mutating func recordOnNewAccount(
        _ call: ChargedCall, _ application: Application, _ wasAdmitted: Bool
    ) throws(Refusal) -> NameID {
        // Before a name becomes known: a refused record leaves no trace.
        try check(call, application, wasAdmitted: wasAdmitted)
        let hadAccount = names.find(call.provider).map(ledger.contains) ?? false
        let provider = names.intern(call.provider, by: application.user)
        let model = models.intern(call.model, by: application.user)
        names.retain(provider)
        models.retain(model)
        try ledger.record(
            call.charge, provider: provider, model: model, at: application.now, by: application.user, under: profile)
        if hadAccount { names.release(provider) }
        return provider
    }

    fileprivate mutating func record(
        _ command: borrowing LedgerRecord, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> LedgerRecord.Reply {
        if !command.tags.isEmpty {
            try Self.validate(command.tags)
            try checkTags(command.tags, folds: command.foldsTags, application)
        }
        try checkRequiredTags(command.tags)
        let call = ChargedCall(
            provider: command.provider, model: rules.model(command.model, of: command.provider),
            charge: CreditLedger.Charge(
                cost: command.cost, inputTokens: Int64(command.inputTokens),
                outputTokens: Int64(command.outputTokens)))
        let provider = try record(call, application)
        guard !limitTable.isEmpty else { return LedgerRecord.Reply() }
        let route = Candidate(provider: call.provider, deployment: command.deployment, model: call.model)
        countInLimits(route, command.tags, folds: command.foldsTags, CallNeed(call.charge), application)
        return fire(provider, at: application.moment, &effects)
    }
}

// MARK: Commands

extension LedgerRecord: StateCommand {
    /// Records what the call has cost and counts it in the limits that cover it. Opens its accounts if they are new.
    ///
    /// - Throws: `outOfRange` for a cost outside its range, for a tag that callers may not name, and if a tag is
    ///   missing that every call needs; `overflow` if a sum would leave its range; `notFound` if the provider is new
    ///   and workers may not add one; `limitReached` if there is no room for a new name, account or tag.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.record(self, application, &effects)
    }
}
