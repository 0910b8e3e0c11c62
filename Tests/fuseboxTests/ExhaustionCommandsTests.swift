import FuseboxInterop
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
        #expect(try daemon.json("exhaustion", "get", "openai") == ["entry": .null])
    }

    @Test func listIsATable() throws {
        let daemon = try Daemon()
        #expect(try daemon.fusebox("exhaustion", "list").output == "No provider is exhausted.\n")
        for provider in ["openai", "anthropic"] {
            _ = try daemon.fusebox("exhaustion", "mark", provider, "--for", "1h")
        }
        let table = try daemon.fusebox("exhaustion", "list").lines
        #expect(table[0].split(separator: " ") == ["PROVIDER", "MARKED", "ENDS", "AT"])
        #expect(table[1].hasPrefix("anthropic  "))
        #expect(table[2].contains("  in 59m "))
        #expect(try daemon.json("exhaustion", "list")["marks"]?.list?.count == 2)

        #expect(try daemon.fusebox("exhaustion", "reset").status == 0)
        #expect(try daemon.json("exhaustion", "list")["marks"]?.list?.count == 0)
    }

    @Test func theDefaultCooldownIsShownSetAndUsed() throws {
        let daemon = try Daemon()
        #expect(try daemon.fusebox("exhaustion", "default").output == "5m\n")
        #expect(try daemon.fusebox("exhaustion", "default", "--for", "90s").output == "90s\n")
        #expect(try daemon.json("exhaustion", "default") == ["cooldownMilliseconds": 90_000])
        #expect(try daemon.fusebox("exhaustion", "mark", "openai").output.hasPrefix("exhausted, ends in 1m "))
        #expect(try daemon.json("exhaustion", "mark", "openai")["resetsAt"]?.int64 != nil)
    }
}
