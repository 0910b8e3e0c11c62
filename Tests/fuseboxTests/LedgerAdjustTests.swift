import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

struct LedgerAdjustTests {
    /// A daemon with a limit of $1 on `openai` that is used up by one call, made for a team.
    private func daemonThatSpent() throws -> Daemon {
        let daemon = try Daemon()
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "$1 until reset", "9 requests per 24h")
        let outcome = try daemon.fusebox(
            "ledger", "record", "openai", "gpt-4o", "--cost", "1", "--deployment", "eu", "--tag", "team:search")
        #expect(outcome.status == 0)
        return daemon
    }

    private func adjust(_ daemon: Daemon, _ arguments: [String]) throws -> Program.Outcome {
        try Program.run([Program.fusebox, "ledger", "adjust"] + arguments + ["--socket", daemon.socket])
    }

    private func isAdmitted(_ daemon: Daemon, _ cost: String) throws -> Bool {
        let outcome = try daemon.fusebox("admit", "--dry-run", "--provider", "openai", "--cost", cost)
        return outcome.status == 0
    }

    /// What was spent, by account.
    private func spend(_ daemon: Daemon, _ scope: String...) throws -> JSONValue? {
        let outcome = try Program.run(
            [Program.fusebox, "ledger", "show", "--json"] + scope + ["--socket", daemon.socket])
        return try outcome.json["usage"]?["spend"]
    }

    @Test func whatIsTakenBackLeavesTheContainingAccountsAndAUsedUpLimitWhichAdmitsAgain() throws {
        let daemon = try daemonThatSpent()
        #expect(try !isAdmitted(daemon, "0.2"))
        #expect(try isAdmitted(daemon, "0"), "a call that costs nothing passes")
        let shown = try adjust(
            daemon, ["openai", "--model", "gpt-4o", "--cost=-0.25", "--reason", "credit note of May"]
        ).lines
        #expect(shown[0...2] == ["$0.25 taken back from openai/gpt-4o: credit note of May", "", shown[2]])
        #expect(shown[2] == "ACCOUNT       SPENT  MONTH  TODAY  REQUESTS  LAST")
        #expect(shown[3].hasPrefix("openai/gpt-4o  $0.75  $0.75  $0.75         1  "), "\(shown[3])")
        #expect(shown[4].hasPrefix("openai         $0.75  $0.75  $0.75         1  "))
        #expect(shown[5].hasPrefix("host           $0.75  $0.75  $0.75         1  "))
        #expect(
            shown[6...] == [
                "", "SCOPE   LIMIT                    FULL               LEFT  ENDS IN",
                "openai  $0.75 of $1 until reset  [#######...] 75%  $0.25  -",
            ])
        #expect(try isAdmitted(daemon, "0.2"))
        #expect(try !isAdmitted(daemon, "0.3"))
        // A correction of a model is none of its deployments, tags and users.
        #expect(try spend(daemon, "openai", "--deployment", "eu") == 1)
        #expect(try spend(daemon, "--tag", "team:search") == 1)
        #expect(try spend(daemon, "--tag", "uid:\(geteuid())") == 1)
    }

    @Test func inJSONItTellsTheAccountsAndTheLimits() throws {
        let daemon = try daemonThatSpent()
        let json = try daemon.json(
            "ledger", "adjust", "openai", "--deployment", "eu", "--cost", "+0.5", "--reason", "old gateway")
        #expect(json["cost"] == .number("0.5"))
        #expect(json["reason"]?.text == "old gateway")
        #expect(json["scope"]?["deployment"]?.text == "eu")
        #expect(
            json["accounts"]?.list?.map { $0["usage"]?["spend"] } == [.number("1.5"), .number("1.5"), .number("1.5")])
        #expect(json["accounts"]?.list?.map { $0["scope"]?["deployment"]?.text } == ["eu", nil, nil])
        #expect(json["limits"]?.list?.map { $0["used"] } == [.number("1.5")])
    }

    @Test func aTagsAccountIsCorrectedWithTheHostsOrWithThatOfARouteToo() throws {
        let daemon = try daemonThatSpent()
        let user = "uid:\(geteuid())"
        #expect(try adjust(daemon, ["--tag", "team:search", "--cost=-1", "--reason", "r"]).status == 0)
        #expect(try spend(daemon, "--tag", "team:search") == 0)
        #expect(try spend(daemon, "--host") == 0)
        #expect(try spend(daemon, "openai") == 1)
        #expect(try !isAdmitted(daemon, "0.2"))
        let route = try adjust(
            daemon, ["--provider", "openai", "--tag", "team:search", "--cost", "2", "--reason", "r"])
        #expect(route.lines[0] == "$2.00 added to team:search on openai: r")
        #expect(route.lines[3...5].map { $0.prefix { $0 != " " } } == ["team:search", "openai", "host"])
        #expect(try spend(daemon, "openai") == 3)
        #expect(try spend(daemon, "--tag", user) == 1)
        #expect(try adjust(daemon, ["--tag", user, "--cost=-0.5", "--reason", "r"]).status == 0)
        #expect(try spend(daemon, "--tag", user) == .number("0.5"))
    }

    @Test func watchTellsOfIt() throws {
        let daemon = try daemonThatSpent()
        let watch = try daemon.begin("watch", "ledger")
        try daemon.waitForSubscribers(1)
        #expect(try adjust(daemon, ["openai", "--cost=-0.1", "--reason", "credit note"]).status == 0)
        #expect(watch.line()?.hasSuffix("  openai was corrected by -$0.10: credit note") == true)
        watch.interrupt(with: SIGINT)
        #expect(watch.end().status == 0)
    }

    // MARK: Arguments

    @Test(arguments: [
        (["--cost=-1.23"], "-0.23"), (["--cost", "-1.23"], "-0.23"), (["--cost=-$1.23"], "-0.23"),
        (["--cost", "-1.23 USD"], "-0.23"), (["--cost", "$1,000.50"], "1001.5"), (["--cost", "12 cents"], "1.12"),
    ])
    func moneyIsUnderstoodAsAPersonWritesIt(_ cost: [String], _ left: String) throws {
        let daemon = try daemonThatSpent()
        // The reason is not the name of a command.
        let outcome = try adjust(daemon, ["openai", "--reason", "limit"] + cost)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try spend(daemon, "openai") == .number(left))
    }

    @Test(arguments: [
        (
            ["openai", "--cost", "lots", "--reason", "r"],
            "give dollars, such as 0.0012, $1,200.50, '5 USD' or '12 cents'"
        ),
        (["openai", "--cost", "1,23", "--reason", "r"], "from -1000000000 to 1000000000"),
        (["openai", "--cost=-2e9", "--reason", "r"], "from -1000000000 to 1000000000"),
        (["openai", "--cost", "1"], "Missing expected argument '--reason <text>'"),
        (["openai", "--cost", "1", "--reason", ""], "give the reason in 1 to 1024 bytes"),
        (["openai", "--reason", "r"], "Missing expected argument '--cost <amount>'"),
        (["--cost", "1", "--reason", "r"], "whose account? give a provider, --tag or --host"),
        (["opnai", "--cost", "1", "--reason", "r"], "did you mean 'openai'?"),
        (["openai", "--model", "gpt4o", "--cost", "1", "--reason", "r"], "did you mean 'openai/gpt-4o'?"),
        (["openai", "--deployment", "us", "--cost", "1", "--reason", "r"], "`fusebox ledger list deployments` lists"),
        (["--tag", "team:serch", "--cost", "1", "--reason", "r"], "did you mean 'team:search'?"),
        (
            ["--tag", "batch", "--cost", "1", "--reason", "r"],
            "`fusebox ledger list tags` lists those that have an account"
        ),
        (["--tag", "team:*", "--cost", "1", "--reason", "r"], "a template has no account; correct that of a tag"),
    ])
    func whatIsWrongIsSaidAndNothingChanges(_ arguments: [String], _ reason: String) throws {
        let daemon = try daemonThatSpent()
        let outcome = try adjust(daemon, arguments)
        #expect(outcome.status == 64)
        #expect(outcome.output == "")
        #expect(outcome.errors.contains(reason), "\(outcome.errors)")
        #expect(try spend(daemon, "--host") == 1)
    }
}
