import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

struct ExhaustionCommandsTests {
    @Test func aMarkIsShownUntilItIsCleared() throws {
        let daemon = try Daemon()
        #expect(try daemon.fusebox("exhaustion", "get", "openai").output == "not exhausted\n")
        let marked = try daemon.fusebox("exhaustion", "mark", "openai", "--for", "90m")
        #expect(marked.status == 0)
        #expect(marked.output.hasPrefix("exhausted, ends in 1h "))
        let shown = try daemon.fusebox("exhaustion", "get", "openai")
        #expect(shown.status == 0)
        #expect(shown.output.hasPrefix("exhausted, ends in 1h 29m at 20"))
        let entry = try daemon.json("exhaustion", "get", "openai")["entry"]
        let (from, to) = (entry?["exhaustedAt"]?.int64 ?? 0, entry?["resetsAt"]?.int64 ?? 0)
        #expect(to - from == 5_400_000)

        #expect(try daemon.fusebox("exhaustion", "clear", "openai").status == 0)
        #expect(try daemon.json("exhaustion", "get", "openai") == ["entry": .null, "pause": .null])
    }

    @Test func listIsATable() throws {
        let daemon = try Daemon()
        #expect(try daemon.fusebox("exhaustion", "list").output == "No route is exhausted.\n")
        for provider in ["openai", "anthropic"] {
            _ = try daemon.fusebox("exhaustion", "mark", provider, "--for", "1h")
        }
        let table = try daemon.fusebox("exhaustion", "list").lines
        #expect(table[0].split(separator: " ") == ["ROUTE", "MARKED", "ENDS", "WHY", "BY", "PROBE"])
        #expect(table[1].hasPrefix("anthropic  "))
        #expect(table[2].contains("  in 59m "))
        #expect(try daemon.json("exhaustion", "list")["marks"]?.list?.count == 2)

        #expect(try daemon.fusebox("exhaustion", "reset").status == 0)
        #expect(try daemon.json("exhaustion", "list")["marks"]?.list?.count == 0)
    }

    @Test func theDefaultCooldownIsShownSetAndUsed() throws {
        let daemon = try Daemon()
        #expect(try daemon.fusebox("exhaustion", "default").output == "5m, at most 1d\n")
        #expect(try daemon.fusebox("exhaustion", "default", "--for", "90s").output == "90s, at most 1d\n")
        #expect(
            try daemon.json("exhaustion", "default") == [
                "cooldownMilliseconds": 90_000, "longestMilliseconds": 86_400_000,
            ])
        #expect(try daemon.fusebox("exhaustion", "default", "--max-mark", "2h").output == "90s, at most 2h\n")
        #expect(try daemon.fusebox("exhaustion", "mark", "openai").output.hasPrefix("exhausted, ends in 1m "))
        #expect(try daemon.json("exhaustion", "mark", "openai")["resetsAt"]?.int64 != nil)
    }

    @Test func aRouteIsMarkedAndLeavesTheOthersInUse() throws {
        let daemon = try Daemon()
        let flash = "gemini/gemini-2.5-flash"
        #expect(try daemon.fusebox("exhaustion", "mark", flash, "--for", "1h").status == 0)
        #expect(try daemon.fusebox("exhaustion", "get", "gemini/gemini-2.5-pro").output == "not exhausted\n")
        #expect(try daemon.fusebox("exhaustion", "get", "gemini").output == "not exhausted\n")
        let wide = try daemon.fusebox("exhaustion", "get", "gemini@key/gemini-2.5-flash").output
        #expect(wide.hasPrefix("exhausted as part of gemini/gemini-2.5-flash, ends in 59m "))
        let line = try #require(daemon.fusebox("exhaustion", "list").lines.last)
        #expect(line.contains(flash) && line.contains("told") && line.contains("uid:") && line.contains("in 4m "))
        let entry = try daemon.json("exhaustion", "list")["marks"]?[0]
        #expect(entry?["model"]?.text == "gemini-2.5-flash" && entry?["reason"]?.text == "told")
        #expect(
            try daemon.fusebox("exhaustion", "clear", "--provider", "gemini", "--model", "gemini-2.5-flash").status == 0
        )
        #expect(try daemon.json("exhaustion", "list")["marks"]?.list?.isEmpty == true)
    }

    @Test func aWrongRouteIsRefused() throws {
        for arguments in [[], ["p", "--provider", "p"], ["p", "--model", "m"]] {
            let outcome = try Program.run([Program.fusebox, "exhaustion", "get"] + arguments)
            #expect(outcome.status == 64, "\(arguments)")
        }
    }

    /// A call to openai that does nothing.
    private func call(_ daemon: Daemon) throws -> Program.Outcome {
        try Program.run([Program.fusebox, "run", "--socket", daemon.socket, "--provider", "openai", "--", "true"])
    }

    @Test func aPauseIsShownWithWhoAndWhyAndOutlastsAReset() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("breaker", "success", "openai")
        let paused = try daemon.fusebox("pause", "openai", "--reason", "contract ends")
        #expect(paused.output == "openai is paused, ends when resumed\n")
        _ = try daemon.fusebox("pause", "openai@eu", "--reason", "key is being rotated", "--for", "2h", "--create")
        _ = try daemon.fusebox("exhaustion", "reset")
        let denied = try call(daemon)
        #expect(denied.status == 78)
        #expect(denied.errors == "fusebox: openai: an operator has paused it; waiting alone does not help\n")
        let table = try daemon.fusebox("exhaustion", "list").lines
        #expect(table[0].split(separator: " ") == ["PAUSED", "SINCE", "ENDS", "BY", "WHY"])
        #expect(table[1].hasPrefix("openai     ") && table[1].hasSuffix("  contract ends"))
        #expect(table[2].contains("in 1h 59m") && table[2].hasSuffix("  key is being rotated"))
        let overview = try daemon.fusebox("overview").lines
        #expect(overview[1].contains("  paused  "))
        let words = overview.joined(separator: " ").split(separator: " ").joined(separator: " ")
        #expect(words.contains("openai is paused since ") && words.contains("by uid \(getuid()): contract ends"))
        #expect(try daemon.json("status")["paused"] == 2)
        let resumed = try daemon.fusebox("resume", "openai@eu").lines
        #expect(resumed[0] == "resumed")
        #expect(resumed[1].hasPrefix("its calls are still kept away: openai is paused since "))
        #expect(try daemon.fusebox("resume", "openai").output == "resumed\n")
        #expect(try daemon.fusebox("resume", "openai").output == "it was not paused\n")
        #expect(try call(daemon).status == 0)
    }

    @Test func aPauseOfAnUnknownRouteIsRefusedUnlessItIsToBeMade() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("breaker", "success", "openai")
        let unknown = try daemon.fusebox("pause", "opnai", "--reason", "x")
        #expect(unknown.status == 64)
        #expect(unknown.errors.contains("did you mean 'openai'?") && unknown.errors.contains("--create creates it"))
        #expect(try daemon.fusebox("pause", "openai").status == 64, "it needs a reason")
        #expect(try daemon.fusebox("pause", "later", "--reason", "x", "--create").status == 0)
    }
}
