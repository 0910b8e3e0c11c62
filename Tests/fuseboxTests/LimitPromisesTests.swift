import FuseboxInterop
import FuseboxTestSupport
import Testing

/// What limits promise, by the commands that people use.
struct LimitPromisesTests {
    private func limit(_ daemon: Daemon, _ arguments: String...) throws {
        let outcome = try Program.run([Program.fusebox, "limit", "set"] + arguments + ["--socket", daemon.socket])
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    /// Makes a call that costs what it was estimated at.
    private func call(_ daemon: Daemon, _ cost: String, model: String, answer: String? = nil) throws -> Int32 {
        let script = "printf 'cost=\(cost)\\nmodel=\(answer ?? model)\\n' > $FUSEBOX_USAGE"
        let options = ["--provider", "openai", "--model", model, "--cost", cost, "--socket", daemon.socket]
        return try Program.run(
            [Program.fusebox, "run"] + options + ["--", "/bin/sh", "-c", script], environment: daemon.environment
        ).status
    }

    @Test func aLimitOnAModelHoldsWhateverNameAnswersOrIsAskedForByAnAlias() throws {
        let daemon = try Daemon()
        try limit(daemon, "--provider", "openai", "--model", "gpt-4o", "$1 per month")
        let dated = "gpt-4o-2024-08-06"
        let statuses = try (1...3).map { _ in try call(daemon, "0.50", model: "gpt-4o", answer: dated) }
        #expect(statuses == [0, 0, 75])
        let account = try daemon.json("ledger", "show", "openai")["modelAccounts"]
        #expect(account?.list?.map { $0["model"]?.text } == ["gpt-4o"])
        #expect(account?[0]?["answering"]?.text == dated)
        #expect(try daemon.fusebox("alias", "set", "openai", dated, "gpt-4o").status == 0)
        #expect(try call(daemon, "0.50", model: dated) == 75)
        #expect(try call(daemon, "0", model: dated) == 0, "a call that costs nothing passes")
    }

    @Test func ofALimitPerDayBesideOnePerMonthTheFullerOneDenies() throws {
        let daemon = try Daemon()
        try limit(daemon, "--provider", "openai", "$5 per day", "$50 per month")
        #expect(try call(daemon, "4", model: "m") == 0)
        #expect(try call(daemon, "1.5", model: "m") == 75)
        #expect(try call(daemon, "1", model: "m") == 0)
        let used = try daemon.json("limit", "list")["limits"]?.list?.map { $0["used"] }
        #expect(used == [5, 5])
        let denied = try daemon.json("admit", "--dry-run", "--provider", "openai", "--cost", "1")["denials"]?[0]
        #expect(denied?["limits"]?.list?.map { $0["limit"]?.text } == ["$5 per day"])
        // With a higher one per day that of the month stands in the way.
        try limit(daemon, "--provider", "openai", "$100 per day")
        #expect(try call(daemon, "44", model: "m") == 0)
        let last = try daemon.json("admit", "--dry-run", "--provider", "openai", "--cost", "2")["denials"]?[0]
        #expect(last?["limits"]?.list?.map { $0["limit"]?.text } == ["$50 per month"])
        #expect(last?["limits"]?[0]?["left"] == 1)
    }

    @Test func tenRequestsAnHourAreTenAndTheDenialSaysWhenTheNextMayCome() throws {
        let daemon = try Daemon()
        try limit(daemon, "--provider", "openai", "10 requests per hour")
        let statuses = try (1...12).map { _ in try call(daemon, "0", model: "m") }
        #expect(statuses == Array(repeating: 0, count: 10) + [75, 75])
        let denied = try daemon.json("admit", "--dry-run", "--provider", "openai")
        // The first call leaves the window an hour after it, or a sixtieth of that later.
        #expect((3_500_000...3_660_000).contains(denied["retryAfterMilliseconds"]?.int64 ?? 0))
        #expect(denied["denials"]?[0]?["limits"]?[0]?["left"] == 0)
    }

    @Test func aRaisedLimitFiresItsThresholdsAgain() throws {
        let daemon = try Daemon()
        try limit(daemon, "--provider", "openai", "$10 prepaid")
        func record(_ cost: String) throws -> [String] {
            try daemon.fusebox("ledger", "record", "openai", "m", "--cost", cost).lines
        }
        #expect(try record("8") == ["the limit of $10 prepaid on openai reached 80% (warning): $8.00 of $10 used"])
        #expect(try record("0.5") == [])
        // For good: 80 % of $20 are $16.
        try limit(daemon, "--provider", "openai", "$20 prepaid")
        #expect(try record("8") == ["the limit of $20 prepaid on openai reached 80% (warning): $16.50 of $20 used"])
        // For a while: 80 % of $40 are $32.
        let raised = try daemon.fusebox("limit", "raise", "--provider", "openai", "$40 prepaid", "--for", "1h")
        #expect(raised.lines == ["openai: $40 prepaid for 1h, then $20 prepaid again"])
        #expect(
            try record("16") == [
                "the limit of $20 prepaid on openai (raised to $40) reached 80% (warning): $32.50 of $40 used"
            ])
        let denied = try daemon.fusebox("admit", "--dry-run", "--provider", "openai", "--cost", "8")
        #expect(
            denied.lines == [
                "openai: the limit of $20 prepaid on openai (raised to $40) has no room: $32.50 used, $7.50 left, $8.00 needed; waiting alone does not help"
            ])
    }
}
