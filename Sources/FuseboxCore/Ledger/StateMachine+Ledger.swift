import FuseboxWire

/// What a call without a permit is charged with, by the route that it went by.
struct ChargedCall {
    /// With the model that is charged.
    var route: Candidate
    var charge: CreditLedger.Charge
}

extension StateMachine {
    // MARK: Recording

    /// Records what a call without a permit has cost, and counts it in the limits that cover it. Opens its accounts if
    /// they are new.
    ///
    /// - Parameter isChecked: whether there is room for its accounts, its tags and its sums
    /// - Returns: the provider
    mutating func record(
        _ call: borrowing ChargedCall, _ tags: borrowing WireLimits.TagList, folds: Bool, _ application: Application,
        isChecked: Bool = false
    ) throws(Refusal) -> NameID? {
        // Nearly every call is one more on accounts that exist.
        if let known = knownAccounts(of: call.route, tags, folds: folds, application) {
            try ledger.record(call.charge, known, requests: 1, at: application.moment, under: profile)
            limitTable.report(known, &self.tags, CallNeed(call.charge), at: application.moment)
            return known.provider
        }
        // Before a name becomes known: a refused record leaves no trace.
        if !isChecked {
            try checkTags(tags, folds: folds, application)
            try check(call, application)
        }
        let scopes = openAccounts(of: call.route, tags, folds: folds, application)
        try ledger.record(call.charge, scopes, requests: 1, at: application.moment, under: profile)
        limitTable.report(scopes, &self.tags, CallNeed(call.charge), at: application.moment)
        return scopes.provider
    }

    /// Throws what recording this would throw, its tags aside; changes nothing.
    ///
    /// - Parameter isCovered: whether there is room for its accounts, because it was admitted
    func check(
        _ call: borrowing ChargedCall, _ application: Application, isCovered: Bool = false
    ) throws(Refusal) {
        if !isCovered { try admitAccounts(of: call.route, by: application) }
        var scopes = CallScopes(provider: names.find(call.route.provider))
        scopes.model = call.route.model.flatMap { models.find($0) }
        try ledger.check(call.charge, scopes, requests: 1, under: profile)
    }

    fileprivate mutating func record(
        _ command: borrowing LedgerRecord, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> LedgerRecord.Reply {
        if !command.tags.isEmpty { try Self.validate(command.tags) }
        try checkRequiredTags(command.tags)
        let call = ChargedCall(
            route: Candidate(
                provider: command.provider, deployment: command.deployment,
                model: rules.model(command.model, of: command.provider)),
            charge: CreditLedger.Charge(
                cost: command.cost, inputTokens: Int64(command.inputTokens),
                outputTokens: Int64(command.outputTokens)))
        let provider = try record(call, command.tags, folds: command.foldsTags, application)
        guard !limitTable.isEmpty, let provider else { return LedgerRecord.Reply() }
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
