import FuseboxClient
import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

/// `fusebox limit`: scopes and limits as people write them, and what the commands say.
struct LimitCommandsTests {
    // MARK: Scopes and limits

    @Test func everyFormOfAScope() throws {
        let daemon = try Daemon()
        let openai = ["--provider", "openai"]
        let model = ["--model", "gpt-4o"]
        let team = ["--tag", "team:search"]
        for (options, scope) in [
            (["--host"], "host"), (openai, "openai"), (openai + model, "openai/gpt-4o"),
            (openai + ["--deployment", "eu"], "openai@eu"),
            (openai + ["--deployment", "eu"] + model, "openai@eu/gpt-4o"),
            (team, "team:search"), (team + openai, "team:search on openai"),
            (team + openai + model, "team:search on openai/gpt-4o"), (["--tag", "uid:1000"], "uid:1000"),
        ] {
            let set = try run(daemon, ["set"] + options + ["$5 prepaid"])
            #expect(set.lines == ["\(scope): $5 prepaid (new); $0.00 of $5 used"])
            let listed = try run(daemon, ["list"] + options + ["--json"]).json["limits"]
            #expect(listed?.list?.count == 1)
            let fields = try ["provider", "deployment", "model", "tag"].map { field in
                let given = options.firstIndex(of: "--\(field)").map { options[$0 + 1] }
                return try #require(listed?[0]?["scope"]?[field]).text == given
            }
            #expect(fields == [true, true, true, true], "\(scope)")
            #expect(try run(daemon, ["remove"] + options + ["--all"]).lines == ["\(scope): $5 prepaid removed"])
        }
        #expect(try run(daemon, ["list"]).output == "No limit is set.\n")
        #expect(try run(daemon, ["list"] + openai).output == "No limit is set on openai.\n")
    }

    @Test(
        "Every form that a person would write is understood, and told in one form",
        arguments: [
            ("$50 per month", "$50 per month"), ("50 USD/month", "$50 per month"), ("$50 monthly", "$50 per month"),
            ("$2 per day in Europe/Berlin", "$2 per day in Europe/Berlin"),
            ("$100 per month from the 15th", "$100 per month from the 15th"),
            ("$7 per week from sunday", "$7 per week from Sunday"), ("$200 prepaid", "$200 prepaid"),
            ("$10 until reset", "$10 until reset"), ("$1 per calendar hour", "$1 per calendar hour"),
            ("600 requests per minute", "600 requests per minute"), ("600 req/min", "600 requests per minute"),
            ("600rpm", "600 requests per minute"), ("10 requests per 10s", "10 requests per 10s"),
            ("1500 requests per day in America/Los_Angeles", "1500 requests per day in America/Los_Angeles"),
            ("200k tokens per minute", "200,000 tokens per minute"),
            ("200_000 tokens/min", "200,000 tokens per minute"),
            ("1M input tokens per day", "1,000,000 input tokens per day"),
            ("600 requests per minute fixed", "600 requests per minute fixed"), ("8 in flight", "8 in flight"),
        ])
    func forms(_ written: String, _ told: String) throws {
        let daemon = try Daemon()
        let set = try run(daemon, ["set", "--provider", "p", written])
        #expect(set.status == 0)
        #expect(set.output.hasPrefix("p: \(told) (new); "), "\(set.output)\(set.errors)")
        #expect(try run(daemon, ["list", "--json"]).json["limits"]?[0]?["limit"]?.text == told)
    }

    // MARK: set

    @Test func setSaysWhatItChangedAndWhatIsUsed() throws {
        let daemon = try Daemon()
        let client = try daemon.connect()
        defer { client.close() }
        _ = try run(daemon, ["set", "--provider", "openai", "$10 per 24h", "20000 tokens per 24h"])
        let route = try Candidate("openai", model: "gpt-4o")
        try client.admission.report(route, .success(usage: Usage(cost: .dollars("1.5"), inputTokens: 12_000)))
        _ = try client.admission.admit([route], estimate: .cost(.dollars("0.25"), tokens: 100)).get()

        let openai = ["set", "--provider", "openai"]
        #expect(
            try run(daemon, openai + ["$4 per 24h", "8 in flight"]).lines == [
                "openai: $4 per 24h (was $10 per 24h); $1.50 of $4 used, $0.25 held",
                "openai: 8 in flight (new); 1 of 8 in flight",
            ])
        #expect(
            try run(daemon, openai + ["20k tokens per 24h"]).lines == [
                "openai: 20,000 tokens per 24h (unchanged); 12,100 of 20,000 used"
            ])
        #expect(
            try run(daemon, openai + ["$4 per 24h", "--notify"]).lines == [
                "openai: $4 per 24h, notify only (was $4 per 24h, deny); $1.50 of $4 used, $0.25 held"
            ])
        #expect(
            try run(daemon, openai + ["$1 per 24h", "--shadow"]).lines == [
                "openai: $1 per 24h, shadow only (new); $1.50 of $1 used, $0.25 held"
            ])
        #expect(
            try run(daemon, ["set", "--tag", "user:*", "$1 per 24h"]).lines == ["user:*: $1 per 24h (new)"])
        let change = try run(daemon, openai + ["$5 per 24h", "--on-lapse", "release", "--json"]).json["changes"]?[0]
        #expect(change?["before"]?["limit"]?.text == "$4 per 24h")
        #expect(change?["before"]?["mode"]?.text == "notify")
        #expect(change?["entry"]?["limit"]?.text == "$5 per 24h")
        #expect(change?["entry"]?["mode"]?.text == "deny")
        #expect(change?["entry"]?["onLapse"]?.text == "release")
        #expect(change?["entry"]?["used"] == .number("1.5"))
        #expect(change?["entry"]?["held"] == .number("0.25"))
        #expect(change?["entry"]?["left"] == .number("3.25"))
    }

    @Test func ofSeveralLimitsAllAreSetOrNone() throws {
        let daemon = try Daemon()
        for limits in [
            ["$5 prepaid", "lots"], ["$5 prepaid", "$7 prepaid"], ["$5 prepaid", "$1 per day in Nowhere"],
        ] {
            #expect(try run(daemon, ["set", "--host"] + limits).status == 64)
        }
        #expect(try run(daemon, ["list"]).output == "No limit is set.\n")
    }

    @Test func limitsByTwoCalendarsAreSetTogether() throws {
        let daemon = try Daemon()
        let set = try run(daemon, ["set", "--host", "$5 per day", "$50 per month"])
        #expect(set.lines.count == 2, "\(set.errors)")
    }

    // MARK: list

    @Test func listHasBarsOfWhatIsUsedHeldAndLeft() throws {
        let daemon = try Daemon()
        let client = try daemon.connect()
        defer { client.close() }
        _ = try run(
            daemon, ["set", "--provider", "openai", "$10 per 24h", "4 in flight", "100000 tokens per 24h"])
        _ = try run(daemon, ["set", "--provider", "openai", "2 requests per 24h", "--shadow"])
        _ = try run(daemon, ["set", "--host", "$4 prepaid", "--notify"])
        _ = try run(daemon, ["set", "--tag", "user:*", "$9 per 24h"])
        let route = try Candidate("openai", model: "gpt-4o")
        for _ in 1...3 { try client.admission.report(route, .success(usage: Usage(cost: .dollars("1.5")))) }
        let estimate = try Estimate.cost(.dollars("2"), tokens: 60_000)
        _ = try client.admission.admit([route], tags: ["user:1"], estimate: estimate).get()
        #expect(
            try run(daemon, ["list"]).lines == [
                "  LIMIT                                     FULL                 LEFT  ENDS IN",
                "openai",
                "  $4.50 of $10 per 24h                      [####==....] 65%    $3.50  -",
                "    $2.00 held",
                "  1 of 4 in flight                          [==........] 25%        3  -",
                "  60,000 of 100,000 tokens per 24h          [######....] 60%   40,000  -",
                "  4 of 2 requests per 24h (shadow: 1 over)  [##########] 200%       0  -",
                "host",
                "  $4.50 of $4 prepaid (notify)              [##########] 162%   $0.00  -",
                "    $2.00 held",
                "user:*",
                "  $9 per 24h                                1 tag",
            ])
        #expect(
            try run(daemon, ["list", "--tag", "user:*"]).lines == [
                "SCOPE   LIMIT                FULL               LEFT   HELD  ENDS IN",
                "user:*  $9 per 24h           1 tag",
                "user:1  $0.00 of $9 per 24h  [==........] 22%  $7.00  $2.00  -",
            ])
        #expect(
            try run(daemon, ["list", "--tag", "user:2"]).lines == [
                "SCOPE   LIMIT                FULL              LEFT  ENDS IN",
                "user:2  $0.00 of $9 per 24h  [..........] 0%  $9.00  -",
            ])
        let json = try run(daemon, ["list", "--tag", "user:1", "--json"]).json["limits"]?[0]
        #expect(json?["template"]?.text == "user:*")
        #expect(json?["scope"]?["tag"]?.text == "user:1")
        #expect(json?["held"] == 2)
        #expect(json?["endsInMilliseconds"]?.isNull == true)
        let shadow = try run(daemon, ["list", "--provider", "openai", "--json"]).json["limits"]?[3]
        #expect(shadow?["wouldHaveDenied"] == 1)
        #expect(shadow?["dimension"]?.text == "requests")
        #expect(shadow?["window"]?["lengthMilliseconds"] == 86_400_000)
    }

    @Test func aListFitsATerminal() throws {
        let daemon = try Daemon()
        let team = ["set", "--tag", "team:search", "--provider", "openai", "--model", "gpt-4o-mini"]
        _ = try run(daemon, ["set", "--provider", "openai", "--model", "gpt-4o", "$5 per day"])
        #expect(try run(daemon, ["list"]).lines[1].hasPrefix("openai/gpt-4o  $0.00 of $5 per day  ["))
        _ = try run(daemon, team + ["1500 requests per day in America/Los_Angeles"])
        _ = try run(daemon, team + ["$90 per month from the 15th"])
        _ = try run(daemon, ["set", "--provider", "openai", "--model", "gpt-4o", "8 in flight"])
        let lines = try run(daemon, ["list"]).lines
        #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines)")
        #expect(lines.filter { !$0.hasPrefix("  ") } == ["openai/gpt-4o", "team:search on openai/gpt-4o-mini"])
    }

    // MARK: raise

    @Test func aRaiseHoldsForAWhileAndIsShown() throws {
        let daemon = try Daemon()
        _ = try run(daemon, ["set", "--provider", "openai", "$1 prepaid", "1 in flight"])
        let ask = ["admit", "--dry-run", "--provider", "openai", "--cost", "3"]
        func admitted() throws -> Int32 {
            try Program.run([Program.fusebox] + ask + ["--socket", daemon.socket]).status
        }
        #expect(try admitted() == 78)
        #expect(
            try run(daemon, ["raise", "--provider", "openai", "$4 prepaid", "--for", "2h"]).lines == [
                "openai: $4 prepaid for 2h, then $1 prepaid again"
            ])
        #expect(try admitted() == 0)
        let line = try run(daemon, ["list"]).lines[1]
        #expect(line.hasPrefix("openai  $0.00 of $4 prepaid for 1h 59m, then $1  [..........] 0%"), "\(line)")
        let tomorrow = time(nil) + 90_000
        let raised = try run(
            daemon, ["raise", "--provider", "openai", "9 in flight", "--until", "\(tomorrow)", "--json"])
        let entry = try raised.json["entry"]
        #expect(entry?["amount"] == 9)
        #expect(entry?["limit"]?.text == "1 in flight")
        #expect((89_000_000...90_000_000).contains(entry?["raisedMilliseconds"]?.int64 ?? 0))
        #expect(
            try run(daemon, ["raise", "--provider", "openai", "9 in flight", "--until", "2200-01-01T00:00:00Z"]).status
                == 64, "a raise lasts at most a year")
        // Setting it changes what the raise goes back to.
        #expect(
            try run(daemon, ["set", "--provider", "openai", "$2 prepaid"]).lines == [
                "openai: $2 prepaid (was $1 prepaid); $0.00 of $4 used"
            ])
    }

    // MARK: remove

    @Test func limitsAreRemovedByWhatTheyCountAndTheirWindow() throws {
        let daemon = try Daemon()
        let openai = ["--provider", "openai"]
        _ = try run(daemon, ["set"] + openai + ["$5 per day in Europe/Berlin", "600 requests per minute"])
        _ = try run(daemon, ["set"] + openai + ["$50 per month", "8 in flight", "$1 prepaid"])
        _ = try run(daemon, ["set"] + openai + ["$4 per day", "--shadow"])
        #expect(
            try run(daemon, ["remove"] + openai + ["cost per day", "requests per minute"]).lines == [
                "openai: $5 per day in Europe/Berlin removed", "openai: 600 requests per minute removed",
            ])
        #expect(
            try run(daemon, ["remove"] + openai + ["cost per day", "--shadow"]).lines == [
                "openai: $4 per day (shadow) removed"
            ])
        let json = try run(daemon, ["remove"] + openai + ["in flight", "$99 prepaid", "--json"]).json["removed"]
        #expect(json?.list?.map { $0["limit"]?.text } == ["8 in flight", "$1 prepaid"])
        #expect(try run(daemon, ["list"]).lines.count == 2)
        #expect(try run(daemon, ["remove"] + openai + ["--all"]).lines == ["openai: $50 per month removed"])
        #expect(try run(daemon, ["list", "--json"]).output == "{\"limits\":[]}\n")
    }

    // MARK: What is wrong

    @Test(
        "A scope that cannot be is refused with what to write",
        arguments: [
            ([], "whose limits? give --host, --provider or --tag"),
            (["--host", "--provider", "p"], "--host is every call; give it alone, or name a --provider or a --tag"),
            (["--host", "--tag", "t"], "--host is every call"),
            (["--model", "m"], "--deployment and --model are those of a provider; give --provider too"),
            (["--tag", "t", "--deployment", "d"], "--deployment and --model are those of a provider"),
            (
                ["--tag", "t", "--provider", "p", "--deployment", "d"],
                "a tag does not combine with a deployment; give --tag or --deployment"
            ),
            (["--provider", ""], "--provider: a name must not be empty"),
            (["--tag", "*"], "name what they begin with, such as 'user:*'"),
        ])
    func wrongScopes(_ options: [String], _ reason: String) throws {
        let daemon = try Daemon()
        for command in [["set"], ["remove"], ["raise", "--for", "1h"]] {
            let outcome = try run(daemon, command + options + ["$5 prepaid"])
            #expect(outcome.status == 64)
            #expect(outcome.errors.contains(reason), "\(outcome.errors)")
        }
        if options.isEmpty { return }
        #expect(try run(daemon, ["list"] + options).status == 64)
    }

    @Test(
        "A limit that is not understood is refused with what to write",
        arguments: [
            ("lots of money", "it must begin with an amount, such as $50, 600, 1,500 or 200k"),
            (
                "5 per day",
                "say what it counts: requests, tokens, input tokens, output tokens or in flight; money has a $"
            ),
            ("5 apples", "write requests, tokens, input tokens, output tokens or in flight, or an amount with a $"),
            ("$5", "it needs a window, such as 'per minute' or 'per month', or 'prepaid'"),
            ("$5 month", "a window begins with 'per'"),
            ("$5 per fortnight", "'fortnight' is neither a unit nor a length"),
            ("8 in flight per day", "calls in flight are limited without a window"),
            ("€5 per day", "amounts of money are in US dollars"), ("2.5 requests per day", "a whole number"),
            ("3 requests per 400d", "a window lasts from 1 second to 366 days"),
            ("600 requests per minute in UTC", "only calendar windows have a zone"),
            ("", "it is empty"), ("-5 requests per minute", "its amount must not be negative"),
            ("-$5 per day", "its amount must not be negative"), ("-5rpm", "its amount must not be negative"),
            ("$-5 per day", "its amount must not be negative"),
        ])
    func wrongLimits(_ limit: String, _ reason: String) throws {
        let outcome = try run(try Daemon(), ["set", "--host", limit])
        #expect(outcome.status == 64)
        #expect(outcome.errors.hasPrefix("fusebox: '\(limit)' is not a limit: "))
        #expect(outcome.errors.contains(reason), "\(outcome.errors)")
        let forms = "write it like '$50 per month', '600 requests per minute' or '8 in flight'"
        #expect(outcome.errors.hasSuffix("; \(forms); `fusebox help limit` shows all forms\n"))
    }

    @Test(
        "A zone that there is not is refused with the one that was meant",
        arguments: [
            ("Berlin", "did you mean 'Europe/Berlin'?"), ("Europe/Brelin", "did you mean 'Europe/Berlin'?"),
            ("america/los_angeles", "did you mean 'America/Los_Angeles'?"), ("PST", "zones have names such as UTC"),
        ])
    func wrongZones(_ zone: String, _ hint: String) throws {
        let outcome = try run(try Daemon(), ["set", "--host", "$5 per day in \(zone)"])
        #expect(outcome.status == 64)
        #expect(outcome.errors.hasPrefix("fusebox: there is no time zone '\(zone)'"))
        #expect(outcome.errors.contains(hint), "\(outcome.errors)")
    }

    @Test func aLimitThatIsNotSetIsToldWithThoseThatAre() throws {
        let daemon = try Daemon()
        let openai = ["--provider", "openai"]
        let nothing = try run(daemon, ["remove"] + openai + ["cost per day"])
        #expect(nothing.status == 64)
        #expect(
            nothing.errors
                == "fusebox: no limit of cost per day is set on openai; `fusebox limit list` lists all limits\n")
        #expect(
            try run(daemon, ["remove"] + openai + ["--all"]).errors
                == "fusebox: no limit is set on openai; `fusebox limit list` lists all limits\n")
        _ = try run(daemon, ["set"] + openai + ["$50 per month", "8 in flight"])
        for command in [["remove"], ["raise", "--for", "1h"]] {
            let outcome = try run(daemon, command + openai + ["$5 per day"])
            #expect(outcome.status == 64)
            #expect(
                outcome.errors
                    == "fusebox: no limit of cost per day is set on openai; its limits are '$50 per month', '8 in flight'\n"
            )
        }
        #expect(try run(daemon, ["remove"] + openai + ["8 in flight", "cost per day"]).status == 64)
        #expect(try run(daemon, ["list"]).lines.count == 3, "all or none")
        _ = try run(daemon, ["set", "--tag", "user:*", "$1 per day"])
        #expect(
            try run(daemon, ["remove", "--tag", "user:42", "cost per day"]).errors
                == "fusebox: no limit of cost per day is set on user:42; its limits are those of the template 'user:*'\n"
        )
    }

    @Test(
        "What the arguments lack or have too much is told",
        arguments: [
            (["set", "--host"], "Missing expected argument '<limits> ...'"),
            (["set", "--host", "$1 prepaid", "--notify", "--shadow"], "not both"),
            (["set", "--host", "$1 prepaid", "--on-lapse", "keep"], "'charge' and 'release'"),
            (["raise", "--host", "$1 prepaid"], "how long? give --for or --until"),
            (["raise", "--host", "$1 prepaid", "--for", "1h", "--until", "2099-01-01T00:00:00Z"], "not both"),
            (["raise", "--host", "$1 prepaid", "--for", "367d"], "--for"),
            (["raise", "--host", "$1 prepaid", "--until", "yesterday"], "a moment to come"),
            (["raise", "--host", "$1 prepaid", "--until", "2020-01-01T00:00:00Z"], "a moment to come"),
            (["raise", "--host", "$0.5 prepaid", "--for", "1h"], "a raise never lowers one, `limit set` does"),
            (["set", "--tag", "a", "--tag=b", "$1 prepaid"], "--tag is given twice"),
            (["set", "--provider", "a", "--provider", "b", "$1 prepaid"], "--provider is given twice"),
            (["remove", "--host"], "which limits? name them, or give --all"),
            (["remove", "--host", "cost per day", "--all"], "give the limits or --all, not both"),
            (["remove", "--host", "requests"], "'requests' does not say which limit"),
        ] as [([String], String)])
    func wrongArguments(_ arguments: [String], _ reason: String) throws {
        let daemon = try Daemon()
        _ = try run(daemon, ["set", "--host", "$1 prepaid"])
        let outcome = try run(daemon, arguments)
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains(reason), "\(outcome.errors)")
        #expect(try run(daemon, ["list"]).lines.count == 2)
    }

    private func run(_ daemon: Daemon, _ arguments: [String]) throws -> Program.Outcome {
        try Program.run([Program.fusebox, "limit"] + arguments + ["--socket", daemon.socket])
    }
}
