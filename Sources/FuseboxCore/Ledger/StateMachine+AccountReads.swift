import FuseboxWire

extension StateMachine {
    /// The account of a scope as the protocol's record. Nil if it has none.
    func scopeAccount(_ key: ScopeKey, at moment: Moment) -> ScopeAccount? {
        guard let account = account(of: key) else { return nil }
        var told = ScopeAccount()
        told.scope = scope(of: key)
        told.usage = account.sums.usage
        told.day = ledger.days.date ?? 0
        told.dayUsage = CreditLedger.Sums(openUse(account.open, account.sums)).usage
        let day = moment.wall.milliseconds.floorDivided(by: Self.day)
        let date = CivilDate(dayNumber: day)
        let first = CivilDate(year: date.year, month: date.month, day: 1).dayNumber
        told.today = UseTotals(
            ledger.recents.sum(of: account.recent, since: Timestamp(milliseconds: day * Self.day)))
        told.month = UseTotals(
            ledger.recents.sum(of: account.recent, since: Timestamp(milliseconds: first * Self.day)))
        return told
    }

    private static var day: Int64 { 86_400_000 }

    /// The next account of a kind at or after a place, with its place.
    private func nextAccount(_ kind: AccountKind, from index: Int) -> (place: Int, key: ScopeKey)? {
        switch kind {
        case .host: index == 0 ? (0, .host) : nil
        case .provider:
            ledger.providers.next(from: index).map { ($0, ScopeKey(place: NameID(index: $0))) }
        case .deployment:
            ledger.deployments.next(from: index).map { ($0, ScopeKey(place: NameID(index: $0))) }
        case .tag: ledger.tags.next(from: index).map { ($0, ScopeKey(tag: TagID(index: $0))) }
        case .model, .unknown: nil
        }
    }

    /// A page of the accounts of models, provider by provider. The cursor is a count, because places differ after a
    /// restart.
    private func modelAccounts(from cursor: UInt32, at moment: Moment) -> LedgerAccounts.Reply {
        var reply = LedgerAccounts.Reply()
        var position: UInt32 = 0
        ledger.forEachProvider { provider in
            // A page is full once the next one is known.
            guard reply.next == Page.end else { return }
            ledger.forEachModel(of: provider) { model, _ in
                defer { position += 1 }
                guard position >= cursor, reply.next == Page.end else { return }
                guard reply.accounts.count < WireLimits.pageLength else {
                    reply.next = position
                    return
                }
                let key = ScopeKey(place: provider, model: model)
                if let account = scopeAccount(key, at: moment) { reply.accounts.append(account) }
            }
        }
        return reply
    }

    fileprivate func accounts(
        _ kind: AccountKind, from cursor: UInt32, _ application: Application
    ) throws(Refusal) -> LedgerAccounts.Reply {
        let moment = application.moment
        guard application.mayReadAll || (kind != .model && kind != .deployment) else {
            throw Self.notReadable("accounts of the kind \(kind)")
        }
        if kind == .model { return modelAccounts(from: cursor, at: moment) }
        var reply = LedgerAccounts.Reply()
        var index = Int(cursor)
        while let (place, key) = nextAccount(kind, from: index) {
            index = place + 1
            if let tag = key.tag, !mayRead(tag, application) { continue }
            guard reply.accounts.count < WireLimits.pageLength else {
                reply.next = UInt32(place)
                break
            }
            if let account = scopeAccount(key, at: moment) { reply.accounts.append(account) }
        }
        return reply
    }
}

extension UseTotals {
    fileprivate init(_ sums: UseSums) {
        self.init()
        spend = Money(nanodollars: sums.cost)
        requests = sums.requests
        inputTokens = sums.inputTokens
        outputTokens = sums.outputTokens
        unpriced = sums.unpriced
    }
}

extension LedgerAccount: StateCommand {
    /// Returns the account of the scope.
    ///
    /// - Throws: `outOfRange` for a scope of a shape that there is not; `notPermitted` for one that only readers may read.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        let scope = machine.rules.charged(scope)
        try scope.validate()
        try machine.checkReader(ofAccount: scope, application)
        var reply = Reply()
        guard let target = try machine.find(scope), target.prefix == nil else { return reply }
        reply.account = machine.scopeAccount(target.key, at: application.moment)
        return reply
    }
}

extension LedgerAccounts: StateCommand {
    /// Returns a page of the accounts of the kind.
    ///
    /// - Throws: `notPermitted` for kinds that only readers may read.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.accounts(kind, from: cursor, application)
    }
}
