import FuseboxClient
import FuseboxCore
import FuseboxInterop
import FuseboxWire

/// What a snapshot holds beside its breakers and marks: limits, accounts, permits, and what operators demand of names. A
/// daemon that had started on it would have answered so at the time of the snapshot.
struct SnapshotContents {
    /// The limits that are set.
    let limits: [LimitEntry]
    /// What each tag has used of the limits of templates.
    let uses: [LimitEntry]
    let accounts: [ScopeAccount]
    let permits: PermitTotals
    let policy: NamePolicy
    let aliases: [ModelAlias]

    init(_ machine: StateMachine, at moment: Moment) throws(Failure) {
        var state = State(machine: machine, moment: moment)
        limits = try state.limits(of: nil)
        var uses: [LimitEntry] = []
        var seen: Set<String> = []
        for limit in limits where LimitReport.isTemplate(limit.scope) && seen.insert("\(limit.scope)").inserted {
            uses += try state.limits(of: limit.scope).filter { $0.template != nil }
        }
        self.uses = uses
        var accounts: [ScopeAccount] = []
        for kind in [AccountKind.host, .provider, .deployment, .model, .tag] { accounts += try state.accounts(kind) }
        self.accounts = accounts
        permits = try state.answer(PermitList()).totals
        policy = try state.answer(NamePolicyGet())
        aliases = try state.aliases()
    }

    /// How many accounts of a kind there are.
    func count(_ isOfKind: (Scope) -> Bool) -> Int { accounts.count { isOfKind($0.scope) } }

    /// The members that a JSON object has of it.
    var json: KeyValuePairs<String, JSONValue> {
        [
            "limits": .array(limits.map(LimitReport.json)), "templateUses": .array(uses.map(LimitReport.json)),
            "accounts": .array(accounts.map { JSONValue(record: $0) }), "permits": JSONValue(record: permits),
            "names": JSONValue(record: policy), "aliases": .array(aliases.map { JSONValue(record: $0) }),
        ]
    }

    /// A state that is read by commands, each page after the other.
    private struct State {
        var machine: StateMachine
        let moment: Moment

        mutating func answer<C: StateCommand>(_ command: C) throws(Failure) -> C.Reply {
            var events: [Event] = []
            do throws(Refusal) { return try machine.apply(command, at: moment, effects: &events) } catch {
                throw Failure(.damagedData, "the snapshot does not tell its state: \(error.message)")
            }
        }

        mutating func limits(of scope: Scope?) throws(Failure) -> [LimitEntry] {
            var entries: [LimitEntry] = []
            var cursor: UInt64 = 0
            repeat {
                let page = try answer(LimitList(scope: scope, cursor: cursor))
                entries += page.entries
                cursor = page.next
            } while cursor != 0
            return entries
        }

        mutating func accounts(_ kind: AccountKind) throws(Failure) -> [ScopeAccount] {
            var accounts: [ScopeAccount] = []
            var cursor = Page.end
            repeat {
                let page = try answer(LedgerAccounts(kind: kind, cursor: cursor))
                accounts += page.accounts
                cursor = page.next
            } while cursor != Page.end
            return accounts
        }

        mutating func aliases() throws(Failure) -> [ModelAlias] {
            var aliases: [ModelAlias] = []
            var cursor: UInt32 = 0
            repeat {
                let page = try answer(AliasList(cursor: cursor))
                aliases += page.aliases
                cursor = page.next
            } while cursor != 0
            return aliases
        }
    }
}
