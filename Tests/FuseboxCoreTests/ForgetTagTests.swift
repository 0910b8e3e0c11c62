import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxCore

/// A tag that is forgotten, as for a person who asks for it.
struct ForgetTagTests {
    private let tag = name("user:42")

    private func holdsName(_ rig: Rig) -> Bool {
        let (image, name) = (rig.machine.image, Array("user:42".utf8))
        return image.indices.contains { image[$0...].starts(with: name) }
    }

    @Test func nothingOfTheTagIsLeftAndTheMoneyStaysWhereItWasSpent() throws {
        var rig = Rig()
        try rig.apply(LimitSet(scope: Scope(tag: name("user:*")), limits: [try LimitCalls.bound("$1 prepaid")]))
        try rig.apply(LimitSet(scope: Scope(tag: tag), limits: [try LimitCalls.bound("9 requests per minute")]))
        try rig.apply(
            LimitSet(scope: Scope(provider: name("p"), tag: tag), limits: [try LimitCalls.bound("3 in flight")]))
        func admit(_ ttl: Int64 = 60_000) throws -> UInt64? {
            try rig.apply(try LimitCalls.admit("p/m", tags: ["a", "user:42", "z"], cost: "0.3", ttl: ttl)).permit
        }
        let settled = try #require(try admit())
        try rig.apply(LimitCalls.settle(settled, cost: "0.25"))
        let lapsed = try #require(try admit(1))
        let inForce = try #require(try admit())
        try rig.apply(Advance(), at: 2)
        let other = try #require(try rig.apply(try LimitCalls.admit("p/m", tags: ["user:4"], cost: "0.1")).permit)
        #expect(holdsName(rig))

        let reply = try rig.apply(LedgerForget(tag: tag), at: 3)
        #expect(reply.account?.spend == dollars("0.25") && reply.account?.requests == 3)
        #expect(reply.limits == 2 && reply.permits == 2)
        #expect(!holdsName(rig))
        #expect(rig.machine.takeForgottenTags() == [tag])
        #expect(try rig.machine.restored().image == rig.machine.image)
        rig.expect(.notFound, of: LedgerForget(tag: tag))
        #expect(!rig.machine.hasForgottenTags)

        // The calls go on, and count where they still belong.
        try rig.apply(LimitCalls.settle(inForce, cost: "0.5"), at: 4)
        try rig.apply(LimitCalls.settle(lapsed, cost: "0.125"), at: 4)
        try rig.apply(LimitCalls.settle(other, cost: "0.1"), at: 4)
        func spend(_ scope: Scope) throws -> Money? {
            try rig.apply(LedgerAccount(scope: scope), at: 4).account?.usage.spend
        }
        #expect(try spend(.host) == dollars("0.975"))
        #expect(try spend(Scope(provider: name("p"))) == dollars("0.975"))
        #expect(try spend(Scope(tag: name("a"))) == dollars("0.875"))
        #expect(try spend(Scope(tag: name("z"))) == dollars("0.875"))
        #expect(try spend(Scope(tag: tag)) == nil)
        #expect(!holdsName(rig))

        // Who comes again begins anew.
        #expect(try rig.apply(try LimitCalls.admit("p/m", tags: ["user:42"], cost: "1"), at: 5).permit != nil)
        #expect(try LimitCalls.held(Scope(tag: tag), &rig, at: 5) == [dollars("1").nanodollars])
        #expect(try rig.machine.restored().image == rig.machine.image)
    }

    /// After a restore, the history may name a tag that the state does not know.
    @Test func aTagThatOnlyTheHistoryNamesCanBeForgotten() throws {
        var rig = Rig()
        let reply = try rig.apply(LedgerForget(tag: tag, isInHistory: true))
        #expect(reply.account == nil && reply.limits == 0 && reply.permits == 0)
        #expect(rig.machine.takeForgottenTags() == [tag])
        rig.expect(.outOfRange, of: LedgerForget(tag: name("uid:0"), isInHistory: true))
        #expect(!rig.machine.hasForgottenTags)
    }

    @Test func templatesTagsOfUsersAndUnknownTagsAreRefused() throws {
        var rig = Rig()
        try rig.apply(try LimitCalls.admit("p/m", tags: ["user:1"]))
        let before = rig.machine.image
        rig.expect(.outOfRange, of: LedgerForget(tag: name("user:*")))
        rig.expect(.outOfRange, of: LedgerForget(tag: name("uid:0")))
        rig.expect(.notFound, of: LedgerForget(tag: name("user:2")))
        #expect(rig.machine.image == before)
    }
}
