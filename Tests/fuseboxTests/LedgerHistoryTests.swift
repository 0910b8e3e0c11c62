import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

/// `fusebox ledger history` on the first day. `HistoryTests` lets days pass.
struct LedgerHistoryTests {
    /// A daemon with calls of two teams.
    private func daemonThatSpent() throws -> Daemon {
        let daemon = try Daemon()
        for (provider, model, cost, tag) in [
            ("openai", "gpt-4o", "0.5", "team:search"), ("openai", "o1", "2", "team:mail"),
            ("anthropic", "sonnet", "3.25", "team:search"),
        ] {
            let outcome = try daemon.fusebox(
                "ledger", "record", provider, model, "--cost", cost, "--tag", tag, "--deployment", "eu",
                "--input-tokens", "5", "--cached-input-tokens", "2", "--cache-write-tokens", "4",
                "--output-tokens", "3", "--reasoning-tokens", "1")
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        return daemon
    }

    private func lines(_ daemon: Daemon, _ arguments: String...) throws -> [String] {
        let outcome = try Program.run(
            [Program.fusebox, "ledger", "history"] + arguments + ["--socket", daemon.socket])
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome.lines
    }

    @Test func rowsAreDaysOrWhatElseIsAskedFor() throws {
        let daemon = try daemonThatSpent()
        let days = try lines(daemon)
        #expect(days[0].split(separator: " ") == ["DAY", "SPENT", "REQUESTS", "INPUT", "OUTPUT"])
        #expect(days[1].split(separator: " ").dropFirst() == ["$5.75", "3", "33", "12"])
        #expect(days.last == "today is not over yet")
        #expect(days.count == 3)
        let models = try lines(daemon, "openai", "--by", "model")
        let first = models.map { "\($0.prefix { $0 != " " })" }
        #expect(first == ["MODEL", "openai/o1", "openai/gpt-4o", "total", "today"])
        #expect(models[3].split(separator: " ") == ["total", "$2.50", "2", "22", "8"])
        let tags = try lines(daemon, "--by", "tag")
        #expect(tags.contains { $0.hasPrefix("team:search") && $0.contains("$3.75") })
        #expect(try lines(daemon, "--tag", "team:mail")[1].contains("$2.00"))
        #expect(try lines(daemon, "--by", "deployment")[1].hasPrefix("anthropic@eu"))
    }

    /// A call counts under each of its tags. Their sum would count it several times.
    @Test func tagsHaveNoTotal() throws {
        let daemon = try daemonThatSpent()
        let tags = try lines(daemon, "--by", "tag")
        #expect(
            tags.map { "\($0.prefix { $0 != " " })" }
                == ["TAG", "uid:\(geteuid())", "team:search", "team:mail", "today", "there"])
        #expect(tags.last == "there is no total: a call counts under each of its tags, that of its user among them")
        #expect(try lines(daemon, "--by", "tag", "--tag", "team:mail").last == "today is not over yet")
        #expect(try daemon.json("ledger", "history", "--by", "tag")["total"]?.isNull == true)
        #expect(try daemon.json("ledger", "history", "--by", "provider")["total"]?["requests"] == 3)
    }

    @Test func aCallThatNobodyPricedIsShown() throws {
        let daemon = try daemonThatSpent()
        _ = try daemon.fusebox("ledger", "record", "openai", "o1", "--input-tokens", "5")
        let providers = try lines(daemon, "--by", "provider")
        #expect(
            providers.prefix(4).map { $0.split(separator: " ") } == [
                ["PROVIDER", "SPENT", "REQUESTS", "UNPRICED", "INPUT", "OUTPUT"],
                ["anthropic", "$3.25", "1", "0", "11", "4"], ["openai", "$2.50", "3", "1", "27", "8"],
                ["total", "$5.75", "4", "1", "38", "12"],
            ])
    }

    @Test func aSpanWithoutUseSaysSo() throws {
        let daemon = try daemonThatSpent()
        #expect(
            try lines(daemon, "--tag", "team:mail", "--since", "2024-02", "--until", "2024-02")
                == ["team:mail has no use from 2024-02-01 to 2024-02-29."])
        #expect(
            try lines(daemon, "team:mail", "--since", "2024-02", "--until", "2024-02")
                == ["team:mail has no use from 2024-02-01 to 2024-02-29. A tag is named with --tag."])
    }

    @Test func programsGetExactNumbers() throws {
        let daemon = try daemonThatSpent()
        let csv = try lines(daemon, "--by", "model", "--csv")
        #expect(
            csv == [
                "model,dollars,requests,unpriced,input_tokens,cached_input_tokens,cache_write_tokens,output_tokens,reasoning_tokens",
                "anthropic/sonnet,3.25,1,0,5,2,4,3,1", "openai/o1,2,1,0,5,2,4,3,1", "openai/gpt-4o,0.5,1,0,5,2,4,3,1",
            ])
        let json = try daemon.json("ledger", "history", "--tag", "team:search")
        #expect(json["total"]?["spend"] == .number("3.75"))
        #expect(json["includesOpenDay"] == true)
        #expect(json["waiting"] == 0)
        #expect(json["rows"]?.list?.count == 1)
        let use = json["rows"]?.list?.first?["use"]
        for (kind, count) in [("input", 10), ("cachedInput", 4), ("cacheWrite", 8), ("output", 6), ("reasoning", 2)] {
            #expect(use?["\(kind)Tokens"]?.int64 == Int64(count), "\(kind)")
        }
    }

    /// Workers choose the names of tags, and people open the rows in spreadsheets.
    @Test func noNameIsAFormulaToASpreadsheet() throws {
        let daemon = try Daemon()
        for (tag, cost) in [("=1+1", "5"), ("+2", "4"), ("-3", "3"), ("@x", "2"), ("a,\"b\"", "1")] {
            let outcome = try daemon.fusebox("ledger", "record", "openai", "gpt-4o", "--cost", cost, "--tag=\(tag)")
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        let corrected = try daemon.fusebox("ledger", "adjust", "--tag=-3", "--cost=-9.5", "--reason", "r")
        #expect(corrected.status == 0, "\(corrected.errors)")
        #expect(
            try lines(daemon, "--by", "tag", "--csv").dropFirst(2) == [
                "'=1+1,5,1,0,0,0,0,0,0", "'+2,4,1,0,0,0,0,0,0", "'@x,2,1,0,0,0,0,0,0",
                "\"a,\"\"b\"\"\",1,1,0,0,0,0,0,0", "'-3,-6.5,1,0,0,0,0,0,0",
            ])
    }

    @Test(arguments: [
        ["--since", "2026-02-30"], ["--since", "yesterday"], ["--since", "2026-13"],
        ["--since", "2026-05-02", "--until", "2026-05-01"], ["--csv", "--json"],
        ["--tag", "t", "--by", "model"], ["openai", "--model", "o1", "--by", "provider"],
        ["openai", "--deployment", "eu", "--model", "o1"], ["--by", "week"],
    ])
    func whatHasNoAnswerIsRefused(_ arguments: [String]) throws {
        let daemon = try Daemon()
        let outcome = try Program.run(
            [Program.fusebox, "ledger", "history"] + arguments + ["--socket", daemon.socket])
        #expect(outcome.status == 64, "\(arguments): \(outcome.errors)")
    }
}
