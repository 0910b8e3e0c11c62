import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// What a reset of a scope would begin anew, read without changing anything.
struct ResetPreview {
    /// The scope, with the model that its name stands for.
    let scope: Scope
    /// The accounts that would begin anew; the scope's own is the first, if it has one.
    let accounts: [ScopeAccount]
    /// The limits that would begin anew.
    let limits: [LimitEntry]

    init(of scope: Scope, _ client: FuseboxClient) throws {
        let account = try client.ledger.account(scope)
        // The daemon answers with the model that an alias stands for.
        let scope = try account?.scope ?? client.limits.list(scope).first?.scope ?? scope
        self.scope = scope
        accounts =
            [account].compactMap(\.self)
            + (try Self.accountKinds(within: scope).flatMap { try client.ledger.accounts($0) }
                .filter { scope.holds($0.scope) && $0.scope != scope })
        let profile = try client.status().profile
        limits = try Self.limits(client).filter { limit in
            limit.limit.window.kind.beginsAnew(under: profile) && scope.holds(limit.scope)
        }
    }

    /// The kinds of accounts that may lie within a scope.
    private static func accountKinds(within scope: Scope) -> [FuseboxClient.AccountKind] {
        if scope.isHost { return [.provider, .deployment, .model, .tag] }
        if let tag = scope.tag { return scope.provider == nil && TagText.isTemplate(tag) ? [.tag] : [] }
        return scope.deployment == nil && scope.model == nil ? [.deployment, .model] : []
    }

    /// All limits, each template with its tags in place of itself.
    private static func limits(_ client: FuseboxClient) throws -> [LimitEntry] {
        let set = try client.limits.list()
        var templates: [Scope] = []
        for limit in set where LimitReport.isTemplate(limit.scope) && !templates.contains(limit.scope) {
            templates.append(limit.scope)
        }
        let uses = try templates.flatMap { try client.limits.list($0) }
        return (set + uses).filter { !LimitReport.isTemplate($0.scope) }
    }

    /// Whether a reset of the scope would do nothing and be refused.
    var isEmpty: Bool { accounts.isEmpty && limits.isEmpty && !LimitReport.isTemplate(scope) }

    func answer(_ clock: DaemonClock) -> Answer {
        let table = Table(
            [.left("ACCOUNT")] + LedgerCommands.usageColumns,
            rows: accounts.map { ["\($0.scope)"] + LedgerCommands.cells($0.usage, clock) })
        let parts = [
            accounts.isEmpty ? nil : table.fitted(ifEmpty: ""),
            limits.isEmpty ? nil : LimitReport.table(limits, ifEmpty: ""),
            "\(Quantity.count(accounts.count, "account")) and \(Quantity.count(limits.count, "limit")) would begin anew; nothing was changed",
        ]
        return Answer(
            json: [
                "isDryRun": true, "accounts": .array(accounts.map { JSONValue(record: $0) }),
                "limits": .array(limits.map(LimitReport.json)),
            ],
            text: parts.compactMap(\.self).joined(separator: "\n\n"))
    }
}

extension WindowKind {
    /// Whether a reset begins windows of this kind anew.
    fileprivate func beginsAnew(under profile: Profile) -> Bool {
        self == .manual || (self == .fixed && profile == .llmProviders)
    }
}

extension Scope {
    /// Whether a scope is this one or lies within it, as far as a reset goes. A template holds its tags.
    fileprivate func holds(_ other: Scope) -> Bool {
        if let provider, other.provider != provider { return false }
        if let deployment, other.deployment != deployment { return false }
        if let model, other.model != model { return false }
        guard let tag else { return true }
        guard let own = other.tag else { return false }
        return TagText.isTemplate(tag) ? own.text.utf8.starts(with: tag.text.utf8.dropLast()) : own == tag
    }
}
