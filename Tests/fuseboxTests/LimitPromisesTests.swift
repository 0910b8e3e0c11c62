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
    }
}
