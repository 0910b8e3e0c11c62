import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxCore

/// Which templates cover which tags, and what new limits leave behind at calls in force.
struct TemplateCoverTests {
    @Test(arguments: 1...6) func eachTagHasTheTemplatesOfItsPrefixesWhateverWasSetAndRemoved(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var rig = Rig()
        let prefixes = ["a", "ab", "abc", "abcd", "b", "ba", "c"]
        let texts = ["9 in flight", "9 requests per hour", "$9 per 2h"]
        var set: Set<[String]> = []
        for step in 0..<200 {
            let (prefix, text) = (random.pick(prefixes), random.pick(texts))
            let scope = Scope(tag: name(prefix + "*"))
            switch random.below(3) {
            case 0:
                try rig.apply(LimitSet(scope: scope, limits: [try LimitCalls.bound(text)]), at: Int64(step))
                set.insert([prefix, text])
            case 1 where set.remove([prefix, text]) != nil:
                try rig.apply(LimitRemove(scope: scope, limits: [try LimitCalls.bound(text)]), at: Int64(step))
            default:
                // Tags end with their calls, so their numbers are given to others.
                let tag = prefix + random.pick(["", "a", "b", "bc", "z"])
                _ = try rig.apply(try LimitCalls.admit(tags: [tag], ttl: Int64(1 + random.below(50))), at: Int64(step))
            }
            let (tags, limits) = (rig.machine.tags, rig.machine.limitTable)
            tags.names.forEach { tag, name in
                #expect(tags.templates(of: tag) == limits.templates(for: name), "\(name) at step \(step)")
            }
        }
        let restored = try rig.machine.restored()
        restored.tags.names.forEach { tag, name in
            let templates = [restored, rig.machine].map { machine in
                machine.tags.templates(of: tag).map { machine.limitTable.rules[$0].number }
            }
            #expect(templates[0] == templates[1], "\(name)")
        }
    }

    @Test func aLimitThatIsSetAgainAndAgainLeavesNothingAtACallInForce() throws {
        var rig = Rig()
        let permit = try #require(try rig.apply(try LimitCalls.admit(tags: ["user:1"], cost: "1")).permit)
        let host = LimitSet(scope: .host, limits: [try LimitCalls.bound("$9 until reset")])
        let users = LimitSet(scope: Scope(tag: name("user:*")), limits: [try LimitCalls.bound("$9 until reset")])
        for _ in 0..<10 {
            try rig.apply(host)
            try rig.apply(users)
            #expect(try LimitCalls.held(.host, &rig) == [dollars("1").nanodollars])
            #expect(try LimitCalls.held(Scope(tag: name("user:1")), &rig) == [dollars("1").nanodollars])
            try rig.apply(LimitRemove(allOf: .host))
            try rig.apply(LimitRemove(allOf: Scope(tag: name("user:*"))))
        }
        #expect(rig.machine.limitTable.charges.count <= 2)
        try rig.apply(host)
        try rig.apply(LimitCalls.settle(permit, cost: "2"))
        #expect(try LimitCalls.used(.host, &rig) == [dollars("2").nanodollars])
        #expect(try LimitCalls.held(.host, &rig) == [0])
        #expect(rig.machine.limitTable.charges.count == 0)
    }
}
