import FuseboxWire

extension StateMachine {
    // MARK: Recording

    /// Records what a call without a permit has cost, and counts it in the limits that cover it. Opens its accounts if
    /// they are new.
    ///
    /// - Parameters:
    ///   - asked: its tags, looked up
    ///   - tags: its tags, as the request names them
    ///   - isChecked: whether there is room for its accounts, its tags and its sums
    /// - Returns: the accounts
    mutating func record<Text: NameText>(
        _ charge: CreditLedger.Charge, _ route: Route<Text>, _ asked: borrowing AskedTags,
        _ tags: borrowing WireLimits.TagListOf<Text>, folds: Bool, _ application: Application, isChecked: Bool = false
    ) throws(Refusal) -> CallScopes {
        // Nearly every call is one more on accounts that exist.
        if let known = knownAccounts(of: route, asked) {
            try ledger.record(charge, known, requests: 1, at: application.moment, under: profile)
            limitTable.report(known, &self.tags, CallNeed(charge), at: application.moment)
            noteUser(of: known, application)
            return known
        }
        // This comes before a name becomes known, because a refused record leaves no trace.
        if !isChecked {
            try checkTags(asked, folds: folds, by: application)
            try check(charge, route, application)
        }
        let scopes = openAccounts(of: route, asked, tags, folds: folds, application)
        try ledger.record(charge, scopes, requests: 1, at: application.moment, under: profile)
        limitTable.report(scopes, &self.tags, CallNeed(charge), at: application.moment)
        return scopes
    }

    /// Throws what recording this would throw, apart from errors of its tags. Changes nothing.
    @inline(__always)
    func check<Text: NameText>(
        _ charge: CreditLedger.Charge, _ route: Route<Text>, _ application: Application
    ) throws(Refusal) {
        try checkAccounts(of: route, by: application)
        let scopes = CallScopes(provider: route.providerID, model: route.modelID)
        try ledger.check(charge, scopes, requests: 1, under: profile)
    }

    fileprivate mutating func record<Text: NameText>(
        _ command: LedgerRecordOf<Text>, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> LedgerRecordReply {
        try Self.validate(command.tags)
        try checkRequiredTags(command.tags)
        let route = route(command.provider, command.deployment, command.model)
        let asked = look(command.tags, folds: command.foldsTags, application)
        let charge = try charge(
            command.cost, command.tokens, of: command.provider, asked: command.model, answered: Text?.none)
        let scopes = try record(charge, route, asked, command.tags, folds: command.foldsTags, application)
        guard !limitTable.isEmpty, let provider = scopes.provider else { return LedgerRecordReply() }
        return fire(provider, at: application.moment, &effects)
    }
}

// MARK: Commands

extension LedgerRecordOf: StateCommand {
    /// The form in which the engine decodes it.
    public typealias InPlace = LedgerRecordOf<NameView>

    /// Records what the call has cost and counts it in the limits that cover it. Opens its accounts if they are new.
    ///
    /// - Throws: `outOfRange` for a cost outside its range, for a tag that callers may not name, and if a tag is
    ///   missing that every call needs; `overflow` if a sum would leave its range; `notFound` if the provider is new
    ///   and workers may not add one; `limitReached` if there is no room for a new name, account or tag.
    @specialized(where Text == NameView)
    @specialized(where Text == Name)
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.record(self, application, &effects)
    }
}
