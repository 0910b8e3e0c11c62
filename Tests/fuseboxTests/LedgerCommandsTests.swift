import FuseboxInterop
import Testing

struct LedgerCommandsTests {
    /// A daemon with a budget and three records for it.
    private func daemonThatSpent(arguments: [String] = []) throws -> Daemon {
        let daemon = try Daemon(arguments: arguments)
        #expect(
            try daemon.fusebox("ledger", "budget", "set", "openai", "--monthly", "50", "--rpm", "3", "--tpd", "1000")
                .status == 0)
        for arguments in [["gpt-4o", "0.0012", "120", "300"], ["gpt-4o", "39.5", "0", "0"], ["o1", "0.1", "0", "0"]] {
            let outcome = try daemon.fusebox(
                "ledger", "record", "openai", arguments[0], "--cost", arguments[1], "--input-tokens", arguments[2],
                "--output-tokens", arguments[3])
            #expect(outcome.status == 0)
        }
        return daemon
    }

    @Test func showAddsUpExactly() throws {
        let daemon = try daemonThatSpent()
        let table = try daemon.fusebox("ledger", "show").lines
        #expect(
            table[0] == "PROVIDER     SPENT  REQUESTS  INPUT  OUTPUT  LAST\(pad(table[0], to: "BUDGET"))BUDGET   USED")
        #expect(table[1].hasPrefix("openai    $39.6012         3    120     300  "))
        #expect(table[1].hasSuffix("  $50.00  79.2%"))
        #expect(table[2].hasPrefix("total $39.6012 since "))
        let json = try daemon.json("ledger", "show")
        // The literal is exact.
        #expect(json["spend"] == .number("39.6012"))
        #expect(json["providers"]?[0]?["usage"]?["spend"] == .number("39.6012"))
        #expect(json["periodLength"]?.text == "month")
    }

    /// The space between a heading whose width depends on the cells and the next one.
    private func pad(_ line: String, to title: String) -> String {
        let parts = line.split(separator: title, maxSplits: 1, omittingEmptySubsequences: false)
        return String(repeating: " ", count: parts[0].reversed().prefix { $0 == " " }.count)
    }

    @Test func showOneProviderWithItsModels() throws {
        let daemon = try daemonThatSpent()
        let shown = try daemon.fusebox("ledger", "show", "openai").lines
        #expect(shown.contains("spent     $39.6012 by 3 requests"))
        #expect(shown.contains("budget    $50.00, 79.2% used, $10.3988 left"))
        #expect(shown.contains("rpm       3/3"))
        #expect(shown.contains("tpd       420/1000"))
        #expect(shown.contains { $0.hasPrefix("gpt-4o  $39.5012         2    120     300  ") })
        let json = try daemon.json("ledger", "show", "openai")
        #expect(json["remaining"] == .number("10.3988"))
        #expect(json["models"] == 2)
        #expect(json["modelAccounts"]?.list?.map { $0["model"]?.text } == ["gpt-4o", "o1"])
    }

    @Test func aRecordThatCrossesAThresholdSaysSo() throws {
        let daemon = try daemonThatSpent()
        let outcome = try daemon.fusebox("ledger", "record", "openai", "o1", "--cost", "2")
        #expect(outcome.lines.first == "budget warning: $41.6012 of $50.00 spent")
        let json = try daemon.json("ledger", "record", "openai", "o1", "--cost", "4")
        #expect(json["threshold"]?["tier"]?.text == "critical")
        #expect(json["threshold"]?["spend"] == .number("45.6012"))
        #expect(json["depletion"] != nil)
    }

    @Test func checkExitsWith0WhereThereIsRoomAnd75WhereNot() throws {
        let daemon = try daemonThatSpent()
        let full = try daemon.fusebox("ledger", "check", "openai", "rpm")
        #expect(full.status == 75)
        #expect(full.output == "no room: 3/3 rpm\n")
        #expect(full.errors == "")
        let room = try daemon.fusebox("ledger", "check", "openai", "tpd")
        #expect(room.status == 0)
        #expect(room.output == "room: 420/1000 tpd\n")
        #expect(try daemon.json("ledger", "check", "openai", "rpm") == ["allowed": false, "used": 3, "limit": 3])
        #expect(try daemon.fusebox("ledger", "check", "openai", "tpm").output == "room: no limit\n")
    }

    @Test func budgetsAreSetListedAndRemoved() throws {
        let daemon = try Daemon()
        #expect(try daemon.fusebox("ledger", "budget", "list").output == "No budget is set.\n")
        _ = try daemon.fusebox("ledger", "budget", "set", "openai", "--monthly", "50", "--rpm", "60", "--rpd", "1000")
        _ = try daemon.fusebox("ledger", "budget", "set", "openai", "gpt-4o", "--monthly", "12.345678901")
        #expect(
            try daemon.fusebox("ledger", "budget", "list").lines == [
                "PROVIDER  MODEL         MONTHLY  ENFORCED  RPM   RPD  TPM  TPD",
                "openai    -              $50.00  no         60  1000    -    -",
                "openai    gpt-4o  $12.345678901  no          -     -    -    -",
            ])
        let json = try daemon.json("ledger", "budget", "list")
        #expect(json["budgets"]?[1]?["monthly"] == .number("12.345678901"))
        #expect(try daemon.fusebox("ledger", "budget", "remove", "openai", "gpt-4o").status == 0)
        #expect(try daemon.json("ledger", "budget", "list")["budgets"]?.list?.count == 1)
    }

    @Test func whetherABudgetIsEnforcedStaysUntilItIsNamed() throws {
        let daemon = try Daemon()
        func enforced() throws -> Bool? {
            try daemon.json("ledger", "budget", "list")["budgets"]?[0]?["isEnforced"]?.bool
        }
        let nothing = try daemon.fusebox("ledger", "budget", "set", "openai", "--enforce")
        #expect(nothing.status == 64)
        #expect(nothing.errors == "fusebox: there is no budget to enforce; set its amount with --monthly\n")
        #expect(try daemon.fusebox("ledger", "budget", "set", "openai", "--monthly", "5").status == 0)
        #expect(try enforced() == false)
        #expect(try daemon.fusebox("ledger", "budget", "set", "openai", "--enforce").status == 0)
        #expect(try enforced() == true)
        #expect(try daemon.fusebox("ledger", "budget", "set", "openai", "--monthly", "7", "--rpm", "9").status == 0)
        #expect(try enforced() == true, "raising it must not make it soft")
        #expect(try daemon.fusebox("ledger", "show", "openai").output.contains("$7.00 left, enforced\n"))
        #expect(try daemon.fusebox("ledger", "budget", "set", "openai", "--no-enforce").status == 0)
        #expect(try daemon.json("ledger", "budget", "list")["budgets"]?[0]?["monthly"] == 7)
        #expect(try enforced() == false)
    }

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
        #expect(depletion[0] == "left           $10.3988")
        #expect(depletion[3] == "lasts          0.3 days")
        #expect(try daemon.json("ledger", "depletion", "openai")["estimate"]?["remaining"] == .number("10.3988"))
        _ = try daemon.fusebox("ledger", "record", "other", "m", "--cost", "1")
        #expect(try daemon.fusebox("ledger", "depletion", "other").output == "other has no budget\n")
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
        let table = try daemon.fusebox("overview").lines
        let place = try #require(table[0].firstRange(of: "LASTS"))
        #expect(table[1][..<place.upperBound].hasSuffix("    -"))
        #expect(try daemon.json("overview")["entries"]?[0]?["daysRemaining"]?.isNull == true)

        let old = try Daemon(arguments: ["--profile", "llm-providers"])
        _ = try old.fusebox("ledger", "budget", "set", "p", "--monthly", "9223372036")
        _ = try old.fusebox("ledger", "record", "p", "m", "--cost", "0.0012")
        #expect(try old.fusebox("overview").output.contains("  over a year  "))
        let estimate = try old.fusebox("ledger", "depletion", "p").output
        #expect(estimate.contains("lasts          over a year\n"))
        #expect(!estimate.contains("used up"))
    }

    @Test func thresholdsAreShownAndSet() throws {
        let daemon = try Daemon()
        #expect(
            try daemon.fusebox("ledger", "thresholds").lines == ["warning    80%", "critical   90%", "emergency  95%"])
        let json = try daemon.json("ledger", "thresholds", "--warning", "0.5", "--emergency", "0.999")
        #expect(json == ["warning": 0.5, "critical": 0.9, "emergency": 0.999])
    }

    @Test func periodsEndAndAreKept() throws {
        let daemon = try daemonThatSpent()
        #expect(try daemon.fusebox("ledger", "periods", "openai").output == "No period has ended yet.\n")
        #expect(try daemon.fusebox("ledger", "reset-period").status == 0)
        let table = try daemon.fusebox("ledger", "periods", "openai").lines
        #expect(table[0].split(separator: " ") == ["BEGAN", "ENDED", "SPENT", "REQUESTS", "INPUT", "OUTPUT"])
        #expect(table[1].hasSuffix("  $39.6012         3    120     300"))
        #expect(try daemon.json("ledger", "periods", "openai")["periods"]?[0]?["usage"]?["requests"] == 3)

        #expect(try daemon.fusebox("ledger", "period").lines[0] == "length  a month")
        let json = try daemon.json("ledger", "period", "--length", "manual")
        #expect(json["periodLength"]?.text == "manual")
        #expect(json["periodEnd"]?.isNull == true)
        #expect(json["spend"] == 0)
    }
}
