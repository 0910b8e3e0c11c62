import FuseboxInterop
import Glibc
import Testing

/// `status`, `overview`, `ping` and `forget`.
struct StatusCommandTests {
    @Test func statusTellsOfTheDaemon() throws {
        let daemon = try Daemon(arguments: ["--profile", "llm-providers"])
        _ = try daemon.fusebox("breaker", "acquire", "openai")
        let lines = try daemon.fusebox("status").lines
        #expect(lines[0].hasPrefix("server       fuseboxd "))
        #expect(lines[1] == "profile      llm-providers")
        #expect(lines.contains("breakers     1"))
        #expect(lines.contains("permits      0 in force"))
        #expect(lines.contains("connections  1 of 4096, 0 subscribed") || lines[4].hasPrefix("connections  1 of "))
        #expect(lines.contains { $0.hasPrefix("snapshot     0 of 2 changes, ") }, "the change and a goodbye")
        #expect(lines.contains { $0.wholeMatch(of: /durability   commit, in \/.*\/data/) != nil })
        #expect(
            lines.contains {
                $0.wholeMatch(of: /journal      [\d.]+ K?i?B since the last snapshot, synced (now|.* ago)/) != nil
            }, "\(lines)")
        #expect(
            lines.contains {
                $0.wholeMatch(of: /room         .+ on the file system, [\d.]+ MiB in the open segment/) != nil
            })
        #expect(lines.contains { $0.wholeMatch(of: /memory       [\d.]+ MiB resident/) != nil })
        let json = try daemon.json("status")
        #expect(json["journal"]?.text == "following")
        #expect(json["durability"]?.text == "commit")
        #expect(lines.contains { $0.contains(/^wall clock   \d{4}-.*, (not )?synchronised$/) })
        #expect(lines.contains { $0.contains(/^steady time  \d{4}-/) })
        #expect(json["isClockSynchronised"]?.isNull == false && json["systemWall"] != nil)
        #expect(json["profile"]?.text == "llm-providers")
        #expect(json["sequence"] == 2, "looking at it changes nothing")
        #expect(json["epoch"]?.text?.count == 16)
        #expect(json["snapshotAt"]?.isNull == false, "a new journal begins with a snapshot")
    }

    @Test func overviewShowsAllSubjectsInOneTable() throws {
        let daemon = try Daemon()
        #expect(try daemon.fusebox("overview").output == "There are no providers and no breakers yet.\n")
        _ = try daemon.fusebox("breaker", "open", "openai", "--create")
        _ = try daemon.fusebox("exhaustion", "mark", "anthropic", "--for", "1h")
        _ = try daemon.fusebox("limit", "set", "--provider", "mistral", "$10 per month", "5 requests per hour")
        // One that only watches is no news beside one that denies.
        _ = try daemon.fusebox("limit", "set", "--provider", "mistral", "$1 per month", "--shadow")
        _ = try daemon.fusebox("ledger", "record", "mistral", "large", "--cost", "2.5")
        let table = try daemon.fusebox("overview").lines
        #expect(
            table[0].split(separator: " ") == [
                "NAME", "STATE", "SHARE", "IN", "FLIGHT", "EXHAUSTED", "SPENT", "HELD", "LASTS",
            ])
        #expect(table[1].hasPrefix("anthropic  closed   100%          0  ends in 59m "))
        #expect(table[2].hasPrefix("mistral    closed   100%          0  -"))
        #expect(table[2].hasSuffix("  $2.50  $0.00  -"))
        #expect(table[3] == "  [##........] 25% $2.50 of $10 per month; fullest of 3")
        #expect(table[4].hasPrefix("openai     open       0%          0  -"))
        let entry = try daemon.json("overview")["entries"]?[1]
        #expect(entry?["name"]?.text == "mistral")
        #expect(entry?["spend"] == .number("2.5"))
        #expect(entry?["limits"] == 3)
        #expect(entry?["fullest"]?["limit"]?.text == "$10 per month")
        #expect(entry?["fullest"]?["used"] == .number("2.5"))
        #expect(entry?["fullest"]?["fullness"] == .number("0.25"))
        #expect(try daemon.json("overview")["entries"]?[2]?["fullest"]?.isNull == true)
    }

    @Test func statusCountsLimitsAndShowsThoseThatAreNearlyUsedUp() throws {
        let daemon = try Daemon()
        #expect(try daemon.fusebox("status").lines.contains("limits       0 set"))
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "$10 prepaid", "100 requests per hour")
        _ = try daemon.fusebox("limit", "set", "--host", "$100 prepaid", "0 requests per second")
        _ = try daemon.fusebox("ledger", "record", "openai", "m", "--cost", "8")
        let calm = try daemon.fusebox("status").lines
        #expect(calm.contains("limits       4 set"), "80 % is not above 80 %")
        #expect(calm.last?.hasPrefix("wall clock") == true)
        _ = try daemon.fusebox("ledger", "record", "openai", "m", "--cost", "1.2")
        let lines = try daemon.fusebox("status").lines
        #expect(lines.contains("limits       4 set, 1 above 80%"))
        #expect(
            lines.suffix(2) == [
                "SCOPE   LIMIT                 FULL               LEFT  ENDS IN",
                "openai  $9.20 of $10 prepaid  [#########.] 92%  $0.80  -",
            ])
        let json = try daemon.json("status")
        #expect(json["limits"] == 4)
        #expect(json["fullLimits"]?.list?.map { $0["limit"]?.text } == ["$10 prepaid"])
    }

    @Test func ofManyNearlyUsedUpLimitsTheFullestAreShown() throws {
        let daemon = try Daemon()
        for number in 1...7 {
            _ = try daemon.fusebox("limit", "set", "--provider", "p\(number)", "$10 prepaid")
            _ = try daemon.fusebox("ledger", "record", "p\(number)", "m", "--cost", "9.\(number)")
        }
        let lines = try daemon.fusebox("status").lines
        #expect(lines.suffix(6).map { String($0.prefix(2)) } == ["p7", "p6", "p5", "p4", "p3", "an"])
        #expect(lines.last == "and 2 more, see `fusebox limit list`")
    }

    @Test func pingMeasuresSoManyRoundTrips() throws {
        let daemon = try Daemon()
        let lines = try daemon.fusebox("ping", "--count", "3").lines
        #expect(lines.count == 4)
        #expect(lines[0].wholeMatch(of: /reply 1: \d+\.\d{3} ms/) != nil)
        #expect(lines[3].wholeMatch(of: /min [\d.]+ ms, median [\d.]+ ms, p99 [\d.]+ ms, max [\d.]+ ms/) != nil)
        let json = try daemon.json("ping", "--count", "100")
        let all = json["roundTripMilliseconds"]?.list?.compactMap(\.double) ?? []
        #expect(all.count == 100)
        #expect(json["minimumMilliseconds"]?.double == all.min())
        #expect(json["maximumMilliseconds"]?.double == all.max())
    }

    @Test func forgetLeavesNothingOfAName() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("breaker", "failure", "openai")
        _ = try daemon.fusebox("ledger", "record", "openai", "m", "--cost", "1")
        #expect(try daemon.fusebox("forget", "openai", "--yes").status == 0)
        #expect(try daemon.json("overview")["entries"]?.list?.count == 0)
        #expect(try daemon.fusebox("ledger", "show", "openai").status == 64)
    }
}
