import FuseboxClient
import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

/// Calls that limits stand against: `run`, `admit --dry-run`, `report`, and what `permits` and `watch` show of them.
struct LimitedCallTests {
    private func limit(_ daemon: Daemon, _ arguments: String...) throws {
        let set = try Program.run([Program.fusebox, "limit", "set"] + arguments + ["--socket", daemon.socket])
        try #require(set.status == 0, "\(set.errors)")
    }

    private func run(_ daemon: Daemon, _ options: [String], _ script: String = "true") throws -> Program.Outcome {
        try Program.run(
            [Program.fusebox, "run"] + options + ["--", "/bin/sh", "-c", script],
            environment: daemon.environment.merging(
                ["FUSEBOX_SOCKET": daemon.socket, "FUSEBOX_DEPLOYMENT": "outer"], uniquingKeysWith: { $1 }))
    }

    private func used(_ daemon: Daemon, _ scope: String...) throws -> [JSONValue?] {
        let limits = try Program.run(
            [Program.fusebox, "limit", "list", "--json", "--socket", daemon.socket] + scope
        ).json["limits"]
        return limits?.list?.map { $0["used"] } ?? []
    }

    // MARK: Decisions

    @Test func aDenialNamesTheLimitThatLastsLongest() throws {
        let daemon = try Daemon()
        try limit(daemon, "--provider", "openai", "$1 per 24h", "3 requests per minute", "1 in flight")
        let options = ["--route", "openai/gpt-4o", "--cost", "0.75", "--tag", "team:a"]
        let script = "\(Program.fusebox) admit --dry-run --route openai/gpt-4o --cost 0.5; echo $?"
        // While the first call is in flight, its end can make room.
        let first = try run(daemon, options, script)
        #expect(first.status == 0)
        #expect(
            first.lines == [
                "openai/gpt-4o: the limit of $1 per 24h on openai has no room: $0.00 used, $0.75 held, $0.25 left, $0.50 needed; try again when another call has ended",
                "75",
            ])
        // Nothing was told of what it used, so it counts as it was estimated.
        let second = try run(daemon, options)
        #expect(second.status == 75)
        #expect(
            second.errors.hasPrefix(
                "fusebox: openai/gpt-4o: the limit of $1 per 24h on openai has no room: $0.75 used, $0.25 left, $0.75 needed; try again in 1d"
            ))
        let never = try run(daemon, ["--route", "openai", "--cost", "1.5"])
        #expect(never.status == 78)
        #expect(
            never.errors
                == "fusebox: openai: the limit of $1 per 24h on openai has no room: $0.75 used, $0.25 left, $1.50 needed; waiting alone does not help\n"
        )
        #expect(try run(daemon, ["--route", "openai", "--cost", "0"]).status == 0, "what costs nothing passes")
    }

    @Test func aUsedUpLimitThatNoTimeGivesBackIsNoReasonToWait() throws {
        let daemon = try Daemon()
        try limit(daemon, "--host", "$1 prepaid")
        #expect(try run(daemon, ["--route", "openai", "--cost", "1", "--charge-estimate"]).status == 0)
        let denied = try run(daemon, ["--route", "openai", "--route", "anthropic", "--cost", "0.01"])
        #expect(denied.status == 78)
        #expect(denied.errors.split(separator: "\n").count == 2)
        #expect(denied.errors.contains("fusebox: anthropic: the limit of $1 prepaid on host has no room"))
        // It goes by the other route once there is one that the limit does not cover.
        try limit(daemon, "--host", "$2 prepaid")
        #expect(try run(daemon, ["--route", "openai", "--cost", "0.01"]).status == 0)
    }

    @Test func inJSONADryRunTellsEveryLimitThatStandsAgainstTheCall() throws {
        let daemon = try Daemon()
        try limit(daemon, "--host", "$1 per 24h")
        try limit(
            daemon, "--provider", "openai", "--model", "gpt-4o", "100 tokens per minute", "900 input tokens per hour")
        try limit(daemon, "--tag", "user:*", "$0.5 prepaid")
        try limit(daemon, "--provider", "openai", "1 requests per 24h", "--shadow")
        let report = ["report", "--route", "openai@eu/gpt-4o", "--outcome", "success", "--cost", "0.75"]
        _ = try Program.run([Program.fusebox] + report + ["--tag", "user:1", "--socket", daemon.socket])
        let outcome = try daemon.fusebox(
            "admit", "--dry-run", "--route", "openai@eu/gpt-4o", "--route", "anthropic", "--tag", "user:1", "--tag",
            "user:2", "--cost", "0.3", "--input-tokens", "60", "--output-tokens", "50", "--json")
        #expect(outcome.status == 78, "the tag's limit is prepaid")
        let json = try outcome.json
        #expect(json["admitted"] == .bool(false))
        #expect(json["retryAfterMilliseconds"]?.isNull == true)
        let denial = json["denials"]?[0]
        #expect(denial?["deployment"]?.text == "eu")
        #expect(denial?["model"]?.text == "gpt-4o")
        #expect(denial?["reason"]?.text == "limit")
        #expect(
            denial?["limits"]?.list?.map { $0["limit"]?.text } == [
                "$1 per 24h", "100 tokens per minute", "$0.50 prepaid",
            ])
        let host = denial?["limits"]?[0]
        #expect(host?["amount"] == 1 && host?["used"] == .number("0.75") && host?["needed"] == .number("0.3"))
        #expect((1...90_000_000).contains(host?["retryAfterMilliseconds"]?.int64 ?? 0))
        #expect(host?["scope"]?["provider"]?.isNull == true)
        let tag = denial?["limits"]?[2]
        #expect(tag?["scope"]?["tag"]?.text == "user:1")
        #expect(tag?["retryAfterMilliseconds"]?.isNull == true)
        #expect(json["denials"]?[1]?["limits"]?.list?.map { $0["limit"]?.text } == ["$1 per 24h", "$0.50 prepaid"])

        let granted = try daemon.json("admit", "--dry-run", "--route", "openai@eu", "--tag", "user:2")
        #expect(granted["admitted"] == .bool(true))
        #expect(granted["deployment"]?.text == "eu")
        #expect(granted["denials"]?.list?.isEmpty == true)
    }

    // MARK: What is charged

    @Test func aCallIsChargedToEveryScopeThatCoversIt() throws {
        let daemon = try Daemon()
        let scopes = [
            ["--host"], ["--provider", "openai"], ["--provider", "openai", "--deployment", "eu"],
            ["--provider", "openai", "--model", "gpt-4o"],
            ["--provider", "openai", "--deployment", "eu", "--model", "gpt-4o"], ["--tag", "team:a"],
            ["--tag", "team:a", "--provider", "openai"],
            ["--tag", "team:a", "--provider", "openai", "--model", "gpt-4o"],
            // Not this call's.
            ["--provider", "openai", "--deployment", "us"], ["--provider", "anthropic"], ["--tag", "team:b"],
        ]
        for scope in scopes {
            let set = ["limit", "set", "$5 prepaid", "9 requests per 24h", "--socket", daemon.socket] + scope
            try #require(try Program.run([Program.fusebox] + set).status == 0)
        }
        let script = "printf 'cost=0.5\\nmodel=gpt-4o-2026-08-06\\n' >> $FUSEBOX_USAGE"
        let options = ["--route", "openai@eu/gpt-4o", "--cost", "1", "--tag", "team:a", "--tag", "team:a"]
        #expect(try run(daemon, options, script).status == 0)
        let report = ["report", "--provider", "openai", "--deployment", "eu", "--model", "gpt-4o", "--tag", "team:a"]
        let told = ["--outcome", "success", "--cost", "0.25", "--socket", daemon.socket]
        #expect(try Program.run([Program.fusebox] + report + told).status == 0)
        let each: [JSONValue?] = [.number("0.75"), 2]
        let none: [JSONValue?] = [0, 0]
        let charged = (0..<11).flatMap { $0 < 8 ? each : none }
        #expect(try used(daemon) == charged)
        let uid = ["limit", "set", "--tag", "uid:\(geteuid())", "$5 prepaid", "--socket", daemon.socket]
        #expect(try Program.run([Program.fusebox] + uid).status == 0)
        #expect(try run(daemon, ["--route", "other", "--cost", "0.1", "--charge-estimate"]).status == 0)
        #expect(try used(daemon, "--tag", "uid:\(geteuid())") == [.number("0.1")])
    }

    @Test func theCommandFindsItsRouteInItsEnvironment() throws {
        let daemon = try Daemon()
        let script = #"echo "$FUSEBOX_PROVIDER ${FUSEBOX_DEPLOYMENT-none} ${FUSEBOX_MODEL-none}""#
        for (options, route) in [
            (["--route", "openai@eu/gpt-4o"], "openai eu gpt-4o"), (["--route", "openai"], "openai none none"),
            (["--route", "vertex/claude@20250514"], "vertex none claude@20250514"),
            (["--route", "openrouter/openai/gpt-4o"], "openrouter none openai/gpt-4o"),
            (["--provider", "a@b", "--deployment", "c/d", "--model", "m"], "a@b c/d m"),
        ] {
            #expect(try run(daemon, options, script).output == "\(route)\n")
        }
    }

    @Test func permitsShowRouteAndTags() throws {
        let daemon = try Daemon()
        let options = ["--route", "openai@eu/gpt-4o", "--tag", "team:search", "--tag", "user:42"]
        let shown = try run(daemon, options, "\(Program.fusebox) permits list; \(Program.fusebox) permits list --json")
        #expect(shown.lines[0].split(separator: " ").prefix(3) == ["PERMIT", "ROUTE", "TAGS"])
        #expect(shown.lines[1].contains("  openai@eu/gpt-4o  team:search user:42     -       -  yes  "))
        let json = try JSONValue(parsing: Array(try #require(shown.lines.last).utf8))
        #expect(
            json["permits"]?[0]?["tags"]?.list?.map(\.text) == ["team:search", "user:42", "uid:\(geteuid())"])
    }

    // MARK: What is wrong

    @Test(
        "A route, a tag or an estimate that cannot be is refused, and the command does not run",
        arguments: [
            (["--route", "a/m", "--provider", "b"], "give --route or --provider, not both"),
            ([], "where may the call go? give --route or --provider"),
            (["--route", "a/m", "--model", "n"], "a route has its deployment and model in it"),
            (["--route", "a", "--deployment", "eu"], "a route has its deployment and model in it"),
            (
                ["--provider", "a", "--provider", "b", "--deployment", "eu"],
                "for several give --route provider@deployment"
            ),
            (["--route", "a@/m"], "the deployment of the route 'a@/m' is not a name"),
            (["--route", "/m"], "the provider of the route '/m' is not a name"),
            (["--route", "a", "--tag", "uid:0"], "the daemon adds the tag of the caller's user itself"),
            (["--route", "a", "--tag", "user:*"], "ends in *, which only the scope of a limit may"),
            (["--route", "a"] + (1...9).flatMap { ["--tag", "t\($0)"] }, "a call has at most 8, not 9"),
            (
                ["--route", "a", "--tokens", "5", "--input-tokens", "4"],
                "give --tokens, or --input-tokens and --output-tokens"
            ),
        ] as [([String], String)])
    func wrongCalls(_ options: [String], _ reason: String) throws {
        let daemon = try Daemon()
        let outcome = try run(daemon, options, "echo ran")
        #expect(outcome.status == 64)
        #expect(outcome.output == "")
        #expect(outcome.errors.contains(reason), "\(outcome.errors)")
        let dry = try Program.run([Program.fusebox, "admit", "--dry-run", "--socket", daemon.socket] + options)
        #expect(dry.status == 64)
        #expect(dry.errors.contains(reason), "\(dry.errors)")
    }

    @Test func aReportGoesByOneRoute() throws {
        let daemon = try Daemon()
        for (options, reason) in [
            ([], "which provider was called? give --route or --provider"),
            (["--route", "a", "--provider", "b"], "give --route or --provider, not both"),
            (["--route", "a", "--route", "b"], "--route is given twice; it has one value here"),
            (["--route", "a", "--model", "m"], "a route has its deployment and model in it"),
        ] {
            let report = ["report", "--outcome", "success", "--socket", daemon.socket] + options
            let outcome = try Program.run([Program.fusebox] + report)
            #expect(outcome.status == 64)
            #expect(outcome.errors.contains(reason), "\(outcome.errors)")
        }
    }

    // MARK: Events

    @Test func watchTellsOfLimitsThatAreReachedThatDenyAndThatGoBack() throws {
        let daemon = try Daemon()
        let watch = try daemon.begin("watch", "ledger", "admission")
        let json = try daemon.begin("watch", "ledger", "admission", "--json")
        try daemon.waitForSubscribers(2)
        try limit(daemon, "--provider", "openai", "$1 per 24h")
        try limit(daemon, "--tag", "user:*", "2 in flight")
        let report = [
            "report", "--route", "openai", "--outcome", "success", "--cost", "0.85", "--socket", daemon.socket,
        ]
        _ = try Program.run([Program.fusebox] + report)
        for _ in 1...2 { #expect(try run(daemon, ["--route", "openai", "--cost", "0.5"]).status == 75) }
        let raise = ["limit", "raise", "--provider", "openai", "$9 per 24h", "--for", "100ms"]
        _ = try Program.run([Program.fusebox] + raise + ["--socket", daemon.socket])
        let lines = (1...3).map { _ in watch.line()?.dropFirst("2026-11-29 14:09:38  ".count) ?? "" }
        #expect(
            lines == [
                "the limit of $1 per 24h on openai reached 80% (warning): $0.85 of $1 used",
                "the limit of $1 per 24h on openai denied a call that needs $0.50: $0.85 of $1 used",
                "the limit of $1 per 24h on openai holds again, after a raise to $9: $0.85 of $1 used",
            ])
        let events = try (1...3).map { _ in try JSONValue(parsing: Array(try #require(json.line()).utf8)) }
        #expect(events.map { $0["event"]?.text } == ["limitReached", "limitDenied", "limitReverted"])
        #expect(events[0]["fields"]?["tier"]?.text == "warning")
        #expect(events[0]["fields"]?["entry"]?["used"] == .number("0.85"))
        #expect(events[1]["fields"]?["needed"] == .number("0.5"))
        #expect(events[2]["fields"]?["raisedAmount"] == 9)
        #expect(events[1]["fields"]?["entry"]?["scope"]?["provider"]?.text == "openai")
        for child in [watch, json] {
            child.interrupt(with: SIGINT)
            #expect(child.end().output == "")
        }
    }
}
