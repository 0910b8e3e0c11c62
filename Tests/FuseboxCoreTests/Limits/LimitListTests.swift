import FuseboxWire
import Testing

@testable import FuseboxCore

/// The pages of the list of limits.
struct LimitListTests {
    /// The pages of a list, from the first to the last.
    private func pages(_ scope: Scope?, _ rig: inout Rig) throws -> [[LimitEntry]] {
        var pages: [[LimitEntry]] = []
        var cursor: UInt64 = 0
        repeat {
            let page = try rig.apply(LimitList(scope: scope, cursor: cursor))
            pages.append(page.entries)
            cursor = page.next
            try #require(pages.count < 1_000)
        } while cursor != 0
        return pages
    }

    private func set(_ limit: String, tag: String, _ rig: inout Rig) throws {
        try rig.apply(LimitSet(scope: Scope(tag: name(tag)), limits: [try LimitCalls.bound(limit)]))
    }

    private func use(_ tag: String, _ rig: inout Rig) throws {
        let permit = try #require(try rig.apply(try LimitCalls.admit(tags: [tag])).permit)
        try rig.apply(LimitCalls.settle(permit, cost: "0"))
    }

    @Test func theyHaveTheOrderInWhichTheLimitsWereSetAlsoWhereSomeAreRemovedMeanwhileAndAfterARestart() throws {
        var rig = Rig()
        for number in 0..<300 { try set("5 requests per hour", tag: "t\(number)", &rig) }
        let first = try rig.apply(LimitList())
        #expect(first.entries.map(\.scope.tag) == (0..<96).map { name("t\($0)") })
        // The last that was told goes, and one that takes a place which is free again comes last.
        for tag in ["t95", "t96", "t3"] { try rig.apply(LimitRemove(allOf: Scope(tag: name(tag)))) }
        try set("5 requests per hour", tag: "new", &rig)
        let second = try rig.apply(LimitList(cursor: first.next))
        #expect(second.entries.map(\.scope.tag) == (97..<193).map { name("t\($0)") })
        let all = try pages(nil, &rig).flatMap { $0.map(\.scope.tag) }
        #expect(all == (0..<300).filter { ![3, 95, 96].contains($0) }.map { name("t\($0)") } + [name("new")])
        var restarted = Rig()
        restarted.machine = try rig.machine.restored()
        #expect(try pages(nil, &restarted) == pages(nil, &rig))
        #expect(try rig.apply(LimitList(cursor: .max)).entries.isEmpty)
    }

    @Test func theUsesOfATemplateComeOnceEachInTheirOrderAmongThoseOfOthers() throws {
        var rig = Rig()
        try set("5 requests per hour", tag: "user:*", &rig)
        try set("3 in flight", tag: "user:*", &rig)
        try set("5 requests per hour", tag: "team:*", &rig)
        for number in 0..<100 {
            try use("user:\(number)", &rig)
            for team in 0..<3 { try use("team:\(number).\(team)", &rig) }
        }
        let found = try pages(Scope(tag: name("user:*")), &rig)
        #expect(found.allSatisfy { $0.count <= WireLimits.limitPageLength })
        let entries = found.flatMap(\.self)
        #expect(entries.prefix(2).map(\.uses) == [100, 100])
        for dimension in [LimitDimension.requests, .inFlight] {
            let tags = entries.dropFirst(2).filter { $0.limit.dimension == dimension }.map(\.scope.tag)
            #expect(tags == (0..<100).map { name("user:\($0)") })
        }
        var restarted = Rig()
        restarted.machine = try rig.machine.restored()
        #expect(try pages(Scope(tag: name("user:*")), &restarted) == found)
        #expect(try rig.apply(LimitList(scope: Scope(tag: name("user:*")), cursor: .max)).entries.isEmpty)
    }

    /// One page does not look at all uses of other limits.
    @Test func aPageLooksAtABoundedNumberOfUses() throws {
        var rig = Rig()
        try set("5 requests per hour", tag: "team:*", &rig)
        try set("5 requests per hour", tag: "user:*", &rig)
        for number in 0..<Bounds.usesPerPage { try use("team:\(number)", &rig) }
        try use("user:1", &rig)
        let found = try pages(Scope(tag: name("user:*")), &rig)
        #expect(found.map(\.count) == [1, 1])
        #expect(found[1].map(\.scope.tag) == [name("user:1")])
    }

    @Test func aTagThatHasNotUsedATemplatesLimitOfTheCalendarIsToldItsEnd() throws {
        var rig = Rig()
        try rig.apply(LimitCalls.month(from: 0, days: 31))
        try set("$5 per month", tag: "user:*", &rig)
        try set("5 requests per hour fixed", tag: "user:*", &rig)
        let ends = try rig.apply(LimitList(scope: Scope(tag: name("user:1"))), at: LimitCalls.hour).entries
            .map(\.endsInMilliseconds)
        #expect(ends == [(31 * 24 - 1) * LimitCalls.hour, nil])
        let month = LimitGet(scope: Scope(tag: name("user:1")), limit: try LimitCalls.bound("$5 per month"))
        #expect(try rig.apply(month).entry?.endsInMilliseconds == 31 * 24 * LimitCalls.hour)
    }
}
