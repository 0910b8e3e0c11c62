import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxCore

/// What callers read who may not read everything: totals of providers, and what concerns their own tags.
struct ReadersTests {
    private static let theirs = Scope(tag: name("theirs"))

    /// A state with a call of user 5 and one of user 6, which share a tag.
    private func used() throws -> Rig {
        var rig = Rig()
        try call(&rig, ["mine", "shared"], by: 5)
        try call(&rig, ["theirs", "shared"], by: 6)
        return rig
    }

    private func call(_ rig: inout Rig, _ tags: [String], by user: UInt32) throws {
        var report = Report(
            candidate: Candidate(provider: name("p"), deployment: name("eu"), model: name("m")), outcome: .success,
            usage: CallUsage(cost: dollars("1")))
        report.tags = try WireLimits.TagList(tags.map { name($0) })
        try rig.apply(report, by: user)
    }

    private func read<C: StateCommand>(
        _ command: C, _ rig: inout Rig, by user: UInt32 = 5, all: Bool = false
    ) throws(Refusal) -> C.Reply {
        try rig.machine.apply(
            command, at: Moment(milliseconds: 0), by: user, isOperator: false, mayReadAll: all, effects: &rig.events)
    }

    private func isRefused(_ command: some StateCommand, _ rig: inout Rig, by user: UInt32 = 5) -> Bool {
        do throws(Refusal) {
            _ = try read(command, &rig, by: user)
            return false
        } catch { return error.status == .notPermitted }
    }

    @Test func accountsOfProvidersAndOfTheTagsOfOnesOwnCallsAreRead() throws {
        var rig = try used()
        let own = [
            Scope.host, Scope(provider: name("p")), Scope(tag: name("mine")), Scope(tag: name("shared")),
            Scope(tag: name("uid:5")),
        ]
        let others = [
            Self.theirs, Scope(tag: name("uid:6")), Scope(tag: name("nobody")),
            Scope(provider: name("p"), deployment: name("eu")), Scope(provider: name("p"), model: name("m")),
        ]
        for scope in own { #expect(try read(LedgerAccount(scope: scope), &rig).account != nil, "\(scope)") }
        for scope in others {
            #expect(isRefused(LedgerAccount(scope: scope), &rig), "\(scope)")
            _ = try read(LedgerAccount(scope: scope), &rig, all: true)
        }
        // A user without a call has its own tag all the same.
        #expect(try read(LedgerAccount(scope: Scope(tag: name("uid:7"))), &rig, by: 7).account == nil)
        #expect(isRefused(LedgerAccount(scope: Scope(tag: name("mine"))), &rig, by: 7))
    }

    @Test func listsOfAccountsHaveOnesOwnTags() throws {
        var rig = try used()
        func tags(_ user: UInt32, all: Bool = false) throws -> [String] {
            try read(LedgerAccounts(kind: .tag), &rig, by: user, all: all).accounts.map { "\($0.scope)" }
        }
        #expect(try tags(5) == ["mine", "shared", "uid:5"])
        #expect(try tags(6) == ["shared", "theirs", "uid:6"])
        #expect(try tags(7).isEmpty)
        #expect(try tags(7, all: true) == ["mine", "shared", "uid:5", "theirs", "uid:6"])
        #expect(try read(LedgerAccounts(kind: .provider), &rig).accounts.count == 1)
        #expect(try read(LedgerAccounts(kind: .host), &rig).accounts.count == 1)
        #expect(isRefused(LedgerAccounts(kind: .model), &rig))
        #expect(isRefused(LedgerAccounts(kind: .deployment), &rig))
        #expect(try read(LedgerAccounts(kind: .model), &rig, all: true).accounts.count == 1)
    }

    @Test func limitsOnRoutesAndOnOnesOwnTagsAreRead() throws {
        var rig = try used()
        let bound = try LimitCalls.bound("$9 prepaid")
        let scopes = [
            Scope.host, Scope(provider: name("p"), model: name("m")), Scope(tag: name("mine")), Self.theirs,
            Scope(provider: name("p"), tag: name("theirs")), Scope(tag: name("t*")),
        ]
        for scope in scopes { try rig.apply(LimitSet(scope: scope, limits: [bound])) }
        func told(_ command: LimitList, all: Bool = false) throws -> [String] {
            try read(command, &rig, all: all).entries.map { "\($0.scope)" }
        }
        #expect(try told(LimitList()) == ["host", "p/m", "mine", "t*"])
        #expect(try told(LimitList(), all: true).count == 6)
        #expect(try told(LimitList(scope: Scope(tag: name("mine")))) == ["mine"])
        for scope in [Self.theirs, Scope(provider: name("p"), tag: name("theirs")), Scope(tag: name("tomorrow"))] {
            #expect(isRefused(LimitList(scope: scope), &rig), "\(scope)")
            #expect(isRefused(LimitGet(scope: scope, limit: bound), &rig), "\(scope)")
        }
        #expect(try read(LimitGet(scope: Scope(tag: name("mine")), limit: bound), &rig).entry != nil)
        // Of a template, everybody sees its limits, and the uses of its own tags.
        try call(&rig, ["t5"], by: 5)
        try call(&rig, ["t6"], by: 6)
        let template = LimitList(scope: Scope(tag: name("t*")))
        #expect(try told(template) == ["t*", "t5"])
        #expect(try told(template, all: true) == ["t*", "t5", "t6"])
    }

    /// Whoever makes a call for a tag reads of it from then on: what admissions, reports and records name counts.
    @Test func aCallMakesATagItsUsersOwn() throws {
        var rig = try used()
        let account = LedgerAccount(scope: Self.theirs)
        #expect(isRefused(account, &rig))
        // A denied call and a preview are none.
        try rig.apply(LimitSet(scope: Scope(provider: name("q")), limits: [try LimitCalls.bound("0 requests per 24h")]))
        #expect(try rig.apply(try LimitCalls.admit("q", tags: ["theirs"]), by: 5).permit == nil)
        #expect(isRefused(account, &rig))
        #expect(try rig.apply(try LimitCalls.admit("p", tags: ["theirs"]), by: 5).permit != nil)
        #expect(try read(account, &rig).account != nil)
        for user in [5, 6] as [UInt32] {
            try rig.apply(
                LedgerRecord(
                    provider: name("p"), model: name("m"), tags: try WireLimits.TagList([name("recorded")]),
                    cost: .zero, inputTokens: 1, outputTokens: 1), by: user)
            #expect(try read(LedgerAccount(scope: Scope(tag: name("recorded"))), &rig, by: user).account != nil)
        }
        rig.machine = try rig.machine.restored()
        #expect(try read(account, &rig).account != nil)
        // Who is forgotten takes the right along.
        try rig.apply(LedgerForget(tag: name("theirs")))
        #expect(isRefused(account, &rig) && isRefused(account, &rig, by: 6))
    }

    /// Whoever has just called for a tag reads of it, however many users it has.
    @Test func theLastUsersOfATagAreRemembered() throws {
        var rig = Rig()
        let most = UInt32(Bounds.usersOfTag)
        let account = LedgerAccount(scope: Scope(tag: name("t")))
        // Root needs no place.
        for user in 0...most { try call(&rig, ["t"], by: user) }
        for user in 1...most { #expect(try read(account, &rig, by: user).account != nil, "\(user)") }
        // User 1 calls again, so user 2 is the one whose last call is longest ago.
        try call(&rig, ["t"], by: 1)
        try call(&rig, ["t"], by: most + 1)
        rig.machine = try rig.machine.restored()
        let refused = (1...most + 1).filter { isRefused(account, &rig, by: $0) }
        #expect(refused == [2])
        try call(&rig, ["t"], by: 2)
        #expect(try read(account, &rig, by: 2).account != nil)
    }

    /// The order of users against a plain list.
    @Test func usersStandInTheOrderOfTheirLastCalls() {
        var random = SplitMix64(seed: 11)
        var (users, model) = (TagUsers(), [UInt32]())
        for _ in 0..<5_000 {
            let user = UInt32(random.below(random.once(in: 2) ? 4 : 48))
            let before = users.all
            let changes = users.changes(with: user)
            users.add(user)
            if user != 0 { model = Array((model.filter { $0 != user } + [user]).suffix(Bounds.usersOfTag)) }
            #expect(users.all == model && users.contains(user) == (user != 0))
            #expect(changes == (users.all != before))
        }
        #expect(model.count == Bounds.usersOfTag)
    }

    @Test func permitsAreThoseOfOnesOwnUser() throws {
        var rig = Rig()
        for user in [5, 6, 5] as [UInt32] {
            #expect(try rig.apply(try LimitCalls.admit("p", tags: ["t"]), by: user).permit != nil)
        }
        #expect(try read(PermitList(cursor: 0), &rig).permits.map(\.user) == [5, 5])
        #expect(try read(PermitList(cursor: 0), &rig, by: 7).permits.isEmpty)
        #expect(try read(PermitList(cursor: 0), &rig, all: true).permits.map(\.user) == [5, 6, 5])
        #expect(try read(PermitList(cursor: 0), &rig).totals.outstanding == 3)
    }
}
