import FuseboxInterop
import FuseboxTestSupport
import Testing

struct LedgerCommandsTests {
    /// A daemon with two limits and three records that count against them.
    private func daemonThatSpent(arguments: [String] = []) throws -> Daemon {
        let daemon = try Daemon(arguments: arguments)
        #expect(
            try daemon.fusebox("limit", "set", "--provider", "openai", "$50 until reset", "1000 tokens per 24h").status
                == 0)
        for arguments in [["gpt-4o", "0.0012", "120", "300"], ["gpt-4o", "39.5", "0", "0"], ["o1", "0.1", "0", "0"]] {
            let outcome = try daemon.fusebox(
                "ledger", "record", "openai", arguments[0], "--cost", arguments[1], "--input-tokens", arguments[2],
                "--output-tokens", arguments[3])
            #expect(outcome.status == 0)
        }
        return daemon
    }

    // MARK: show

    @Test func showAddsUpExactlyAndHasTheFullestLimitOfEachProvider() throws {
        let daemon = try daemonThatSpent()
        _ = try daemon.fusebox("ledger", "record", "anthropic", "sonnet", "--cost", "0.4")
        let table = try daemon.fusebox("ledger", "show").lines
        #expect(table[0].split(separator: " ") == ["PROVIDER", "SPENT", "REQUESTS", "INPUT", "OUTPUT", "LAST"])
        #expect(table[1].hasPrefix("anthropic     $0.40         1      0       0  "))
        #expect(table[2].hasPrefix("openai     $39.6012         3    120     300  "))
        #expect(table[3] == "  [#######...] 79% $39.6012 of $50 until reset; fullest of 2")
        #expect(table[4].hasPrefix("total $40.0012 since "))
        let json = try daemon.json("ledger", "show")
        // The literal is exact.
        #expect(json["spend"] == .number("40.0012"))
        #expect(json["providers"]?[1]?["usage"]?["spend"] == .number("39.6012"))
        #expect(json["providers"]?[1]?["limits"] == 2)
        #expect(json["providers"]?[1]?["fullest"]?["left"] == .number("10.3988"))
        #expect(json["providers"]?[0]?["fullest"]?.isNull == true)
        #expect(json["since"]?.int64 != nil)
    }

    @Test(arguments: [["openai"], ["--provider", "openai"]])
    func showOneProviderWithItsLimitsAndItsModels(_ scope: [String]) throws {
        let daemon = try daemonThatSpent()
        let shown = try show(daemon, scope).lines
        #expect(
            shown[0...4] == [
                "scope   openai", "spent   $39.6012 by 3 requests", "today   $39.6012 by 3 requests",
                "month   $39.6012 by 3 requests", "tokens  120 in, 300 out",
            ])
        #expect(
            shown[6...8] == [
                "LIMIT                        FULL                  LEFT  ENDS IN",
                "$39.6012 of $50 until reset  [#######...] 79%  $10.3988  -",
                "420 of 1000 tokens per 24h   [####......] 42%       580  -",
            ])
        #expect(shown.contains { $0.hasPrefix("gpt-4o  $39.5012         2    120     300  ") })
        let json = try show(daemon, scope + ["--json"]).json
        #expect(json["models"] == 2)
        #expect(json["modelAccounts"]?.list?.map { $0["model"]?.text } == ["gpt-4o", "o1"])
        #expect(json["scope"]?["provider"]?.text == "openai")
        #expect(json["limits"]?.list?.map { $0["used"] } == [.number("39.6012"), .number("420")])
        #expect(json["limits"]?[0]?["share"] == .number("0.792024"))
    }

    @Test func showAModelATagADeploymentAndTheHost() throws {
        let daemon = try daemonThatSpent()
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "--model", "o1", "$1 until reset")
        _ = try daemon.fusebox("limit", "set", "--tag", "user:*", "$2 prepaid")
        _ = try daemon.fusebox("ledger", "record", "openai", "o1", "--cost", "0.5", "--tag", "user:1")
        let model = try show(daemon, ["openai", "--model", "o1"]).lines
        #expect(model[0...1] == ["scope   openai/o1", "spent   $0.60 by 2 requests"])
        #expect(model.last == "$0.60 of $1 until reset  [######....] 60%  $0.40  -")
        let tag = try show(daemon, ["--tag", "user:1"]).lines
        #expect(tag.last == "$0.50 of $2 prepaid  [##........] 25%  $1.50  -")
        #expect(
            try show(daemon, ["--tag", "user:*"]).lines.last
                == "user:1  $0.50 of $2 prepaid  [##........] 25%  $1.50  -")
        #expect(
            try show(daemon, ["openai", "--deployment", "eu"]).output
                == "openai@eu has no account, and no limit is set on it.\n")
        let host = try show(daemon, ["--host"]).lines
        #expect(host[0...1] == ["scope   host", "spent   $40.1012 by 4 requests"])
        #expect(host.last == "No limit is set on host.")
        #expect(try show(daemon, ["--tag", "user:1", "--json"]).json["limits"]?[0]?["template"]?.text == "user:*")
    }

    @Test(arguments: [
        (["openai", "--provider", "p"], "name the provider once"), (["openai", "--host"], "name the provider once"),
        (["--model", "m"], "--deployment and --model are those of a provider"), (["opnai"], "did you mean 'openai'?"),
        (["--provider", "opnai"], "did you mean 'openai'?"),
    ])
    func aScopeThatCannotBeShownIsRefused(_ scope: [String], _ reason: String) throws {
        let outcome = try show(try daemonThatSpent(), scope)
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains(reason), "\(outcome.errors)")
    }

    private func show(_ daemon: Daemon, _ scope: [String]) throws -> Program.Outcome {
        try Program.run([Program.fusebox, "ledger", "show"] + scope + ["--socket", daemon.socket])
    }

    // MARK: record

    @Test func aRecordThatReachesAThresholdSaysSo() throws {
        let daemon = try daemonThatSpent()
        let outcome = try daemon.fusebox("ledger", "record", "openai", "o1", "--cost", "2")
        #expect(outcome.lines == ["the limit of $50 until reset on openai reached 80% (warning): $41.6012 of $50 used"])
        let json = try daemon.json("ledger", "record", "openai", "o1", "--cost", "4")
        #expect(json["reached"]?.list?.count == 1)
        #expect(json["reached"]?[0]?["tier"]?.text == "critical")
        #expect(json["reached"]?[0]?["entry"]?["used"] == .number("45.6012"))
        #expect(json["depletion"]?.isNull == true)
        #expect(try daemon.json("ledger", "record", "openai", "o1", "--cost", "0")["reached"]?.list?.isEmpty == true)
    }

    // MARK: reset

    @Test func aResetBeginsTheAccountAnewWithItsLimitsThatGoOnUntilThen() throws {
        let daemon = try daemonThatSpent()
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "$90 prepaid")
        _ = try daemon.fusebox("ledger", "record", "openai", "o1", "--cost", "1")
        #expect(
            try daemon.fusebox("ledger", "reset", "openai", "--yes").lines == [
                "openai begins anew; $40.6012 had been spent", "openai: $50 until reset; $0.00 of $50 used",
            ])
        let json = try daemon.json("ledger", "show", "openai")
        #expect(json["usage"]?["spend"] == 0)
        #expect(json["modelAccounts"]?[1]?["usage"]?["requests"] == 0)
        #expect(json["limits"]?.list?.map { $0["used"] } == [.number("0"), .number("420"), .number("1")])
        _ = try daemon.fusebox("ledger", "record", "other", "m", "--cost", "3")
        #expect(
            try daemon.fusebox("ledger", "reset", "--host", "--yes").lines == [
                "everything begins anew; $43.6012 had been spent", "openai: $50 until reset; $0.00 of $50 used",
            ])
        #expect(try daemon.json("ledger", "show")["spend"] == 0)
        let told = try daemon.json("ledger", "reset", "--provider", "openai", "--yes")
        #expect(told["before"]?["spend"] == 0)
        #expect(told["limits"]?.list?.map { $0["limit"]?.text } == ["$50 until reset"])
    }

    @Test func aResetOfATagIsOneOfItsAccountAndNothingToResetIsAnError() throws {
        let daemon = try daemonThatSpent()
        _ = try daemon.fusebox("limit", "set", "--tag", "user:*", "$2 until reset")
        _ = try daemon.fusebox("limit", "set", "--tag", "batch", "$2 prepaid")
        _ = try daemon.fusebox("ledger", "record", "openai", "o1", "--cost", "0.5", "--tag", "user:1")
        #expect(
            try daemon.fusebox("ledger", "reset", "--tag", "user:1", "--yes").lines == [
                "user:1 begins anew; $0.50 had been spent", "user:1: $2 until reset; $0.00 of $2 used",
            ])
        #expect(
            try daemon.fusebox("ledger", "reset", "--tag", "user:*", "--yes").lines == [
                "the tags that user:* stands for begin anew", "user:1: $2 until reset; $0.00 of $2 used",
            ])
        #expect(try daemon.json("ledger", "show", "openai")["usage"]?["spend"] == .number("40.1012"))
        for (scope, hint) in [("batch", "its limits are '$2 prepaid'"), ("nobody", "`fusebox limit list`")] {
            let outcome = try daemon.fusebox("ledger", "reset", "--tag", scope, "--yes")
            #expect(outcome.status == 64)
            #expect(outcome.errors.contains("\(scope) has no account and no limit that goes on until reset; \(hint)"))
        }
        let nothing = try daemon.fusebox("ledger", "reset")
        #expect(nothing.status == 64)
        #expect(nothing.errors == "fusebox: whose account? give a provider, --tag or --host\n")
    }

    @Test func whatAResetWouldBeginAnewIsToldAndNothingIs() throws {
        let daemon = try daemonThatSpent()
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "$90 prepaid")
        _ = try daemon.fusebox("limit", "set", "--tag", "user:*", "$2 until reset", "$9 per day")
        _ = try daemon.fusebox("limit", "set", "--tag", "user:2", "--provider", "openai", "3 requests until reset")
        _ = try daemon.fusebox("limit", "set", "--provider", "other", "$4 until reset")
        for tag in ["user:1", "user:2"] {
            _ = try daemon.fusebox("ledger", "record", "openai", "o1", "--cost", "0.5", "--tag", tag)
        }
        let told = try daemon.fusebox("ledger", "reset", "openai", "--dry-run")
        #expect(told.status == 0 && told.errors == "")
        #expect(told.lines[1].hasPrefix("openai         $40.6012 "), "\(told.output)")
        #expect(told.output.contains("$40.6012 of $50 until reset"), "\(told.output)")
        #expect(told.lines.last == "3 accounts and 2 limits would begin anew; nothing was changed")

        var usages: [JSONValue?] {
            get throws {
                try ["providers", "models", "tags"].flatMap { kind in
                    (try daemon.json("ledger", "list", kind)["accounts"]?.list ?? []).map { $0["usage"] }
                }
            }
        }
        /// The scopes that a dry run tells of, and then those whose limits the reset tells of.
        func scopes(_ arguments: String...) throws -> (accounts: [String], limits: [String], reset: [String]) {
            func command(_ more: String...) throws -> JSONValue {
                try Program.run(
                    [Program.fusebox, "ledger", "reset"] + arguments + more + ["--json", "--socket", daemon.socket]
                ).json
            }
            func names(_ list: JSONValue?) -> [String] {
                (list?.list ?? []).map { entry in
                    ["tag", "provider", "deployment", "model"].compactMap { entry["scope"]?[$0]?.text }
                        .joined(separator: " ")
                }
            }
            let before = try usages
            let dry = try command("--dry-run")
            #expect(dry["isDryRun"] == true)
            #expect(try usages == before)
            return (
                names(dry["accounts"]), names(dry["limits"]).sorted(), names(try command("--yes")["limits"]).sorted()
            )
        }
        let model = try scopes("openai", "--model", "o1")
        #expect(model.accounts == ["openai o1"] && model.limits == [] && model.reset == [])
        let tag = try scopes("--tag", "user:2")
        #expect(tag.accounts == ["user:2"])
        #expect(tag.limits == ["user:2", "user:2 openai"] && tag.limits == tag.reset)
        let template = try scopes("--tag", "user:*")
        #expect(template.accounts.sorted() == ["user:1", "user:2"])
        #expect(template.limits == ["user:1", "user:2", "user:2 openai"] && template.limits == template.reset)
        let provider = try scopes("openai")
        #expect(provider.accounts.first == "openai")
        #expect(Set(provider.accounts) == ["openai", "openai gpt-4o", "openai o1"])
        #expect(provider.limits == ["openai", "user:2 openai"] && provider.limits == provider.reset)
        let host = try scopes("--host")
        #expect(host.accounts.first == "" && host.accounts.count == 8)
        #expect(host.limits == ["openai", "other", "user:1", "user:2", "user:2 openai"] && host.limits == host.reset)

        #expect(try daemon.fusebox("ledger", "reset", "opnai", "--dry-run").errors.contains("did you mean 'openai'?"))
        let nothing = try daemon.fusebox("ledger", "reset", "--tag", "nobody", "--dry-run")
        #expect(nothing.status == 64)
        #expect(nothing.errors == "fusebox: nobody has no account and no limit that goes on until reset\n")
    }

    // MARK: Rates and forecasts

    @Test func ratesAndForecasts() throws {
        // Under this profile a rate is measured over the whole window, from the first record on.
        let daemon = try daemonThatSpent(arguments: ["--profile", "llm-providers"])
        let burn = try daemon.fusebox("ledger", "burn", "openai", "--window", "24h").lines
        #expect(
            burn == [
                "per hour       $1.65005", "per day        $39.6012", "window         1d", "measured over  1d",
                "records        3",
            ])
        #expect(try daemon.json("ledger", "burn", "openai", "--window", "1h")["costPerHour"] == 39.6012)

        let summary = try daemon.fusebox("ledger", "summary", "openai").lines
        #expect(summary == ["PROVIDER     SPENT  REQUESTS  NOTE", "openai    $39.6012         3"])
        let all = try daemon.json("ledger", "summary", "--window", "5m")
        #expect(all["summaries"]?[0]?["spend"] == .number("39.6012"))
        #expect(all["summaries"]?[0]?["windowMilliseconds"] == 300_000)

        let depletion = try daemon.fusebox("ledger", "depletion", "openai").lines
        #expect(depletion[0] == "limit          $50 until reset")
        #expect(depletion[1] == "left           $10.3988")
        #expect(depletion[4] == "lasts          0.3 days")
        let estimate = try daemon.json("ledger", "depletion", "openai")["estimate"]
        #expect(estimate?["remaining"] == .number("10.3988"))
        #expect(estimate?["limit"]?.text == "$50 until reset")
        _ = try daemon.fusebox("ledger", "record", "other", "m", "--cost", "1")
        #expect(
            try daemon.fusebox("ledger", "depletion", "other").output
                == "other has no limit of cost that goes on for a week or more\n")
    }

    @Test func nothingIsProjectedFromWhatWasJustMeasuredAndNothingBeyondAYearIsToldAsANumberOfDays() throws {
        let daemon = try daemonThatSpent()
        let burn = try daemon.fusebox("ledger", "burn", "openai").output
        #expect(burn.contains("per day        -\n"))
        #expect(burn.contains("the rate is shown once the history covers 1h"))
        let rate = try daemon.json("ledger", "burn", "openai")
        #expect(rate["costPerDay"]?.isNull == true)
        #expect(try #require(rate["baseMilliseconds"]?.int64) < 3_600_000)
        #expect(try daemon.fusebox("ledger", "depletion", "openai").output.contains("lasts          not known yet\n"))
        #expect(try daemon.fusebox("overview").lines[1].hasSuffix("  $39.6012  $0.00  -"))
        #expect(try daemon.json("overview")["entries"]?[0]?["daysRemaining"]?.isNull == true)

        let old = try Daemon(arguments: ["--profile", "llm-providers"])
        _ = try old.fusebox("limit", "set", "--provider", "p", "$9223372036 until reset", "--notify")
        _ = try old.fusebox("ledger", "record", "p", "m", "--cost", "0.0012")
        #expect(try old.fusebox("overview").output.contains("  over a year\n"))
        let estimate = try old.fusebox("ledger", "depletion", "p").output
        #expect(estimate.contains("lasts          over a year\n"))
        #expect(!estimate.contains("used up"))
    }
}
