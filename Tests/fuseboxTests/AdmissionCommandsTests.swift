import FuseboxClient
import FuseboxInterop
import FuseboxTestSupport
import Synchronization
import Testing

/// `admit`, `permits` and `report`, and admission in the output of other commands.
struct AdmissionCommandsTests {
    @Test func admitShowsADecisionAndTakesNothing() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("exhaustion", "mark", "openai", "--for", "1h")
        let arguments = ["admit", "--dry-run", "--provider", "openai", "--provider", "anthropic", "--model", "m"]
        let shown = try Program.run([Program.fusebox] + arguments + ["--socket", daemon.socket])
        #expect(shown.status == 0)
        #expect(shown.lines[0].hasPrefix("openai/m: it is marked as exhausted; try again in 4m "))
        #expect(shown.lines[1] == "anthropic/m: admitted (closed, share 100%)")
        #expect(try daemon.json("permits")["totals"]?["granted"] == 0)

        let denied = try daemon.fusebox("admit", "--dry-run", "--provider", "openai", "--json")
        #expect(denied.status == 75)
        let json = try denied.json
        #expect(json["admitted"] == .bool(false))
        #expect(json["denials"]?[0]?["reason"]?.text == "exhausted")
        #expect((1...3_600_000).contains(json["retryAfterMilliseconds"]?.int64 ?? 0))
    }

    @Test func permitsShowWhatIsHeldAndByWhom() throws {
        let daemon = try Daemon()
        #expect(
            try daemon.fusebox("permits").lines == [
                "No permit is in force.",
                "0 permits granted: 0 settled, 0 expired, 0 reclaimed, 0 in force, $0.00 held",
            ])
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "$5 per month")
        let client = try daemon.connect()
        defer { client.close() }
        let candidate = try Candidate("openai", model: "gpt-4o")
        let estimate = try Estimate.cost(Money("0.25")!, tokens: 800)
        let permit = try client.admission.admit([candidate], estimate: estimate).get()
        let table = try daemon.fusebox("permits").lines
        #expect(table[0].split(separator: " ").first == "PERMIT")
        #expect(table[1].contains("  openai/gpt-4o        $0.25     800  yes        "))
        #expect(table[2] == "1 permit granted: 0 settled, 0 expired, 0 reclaimed, 1 in force, $0.25 held")
        let json = try daemon.json("permits")
        #expect(json["permits"]?[0]?["permit"]?.text == permit.number.map { "\($0)" })
        #expect(json["totals"]?["held"] == .number("0.25"))

        #expect(try daemon.fusebox("status").lines.contains("permits      1 in force"))
        #expect(try daemon.fusebox("ledger", "show", "openai").lines.contains("held    $0.25, 1 call in flight"))
        #expect(
            try daemon.fusebox("overview").lines.dropFirst() == [
                "openai  closed   100%          1  -          $0.00  $0.25  -",
                "  [=.........] 5% $0.00 of $5 per month, $0.25 held",
            ])

        try client.admission.settle(permit, .success)
        #expect(try daemon.json("permits")["totals"]?["held"] == 0)
        let check = try Program.run([Program.fusebox, "check", daemon.data])
        #expect(check.lines.contains("1 permit granted: 1 settled, 0 expired, 0 reclaimed, 0 in force, $0.00 held"))
        let report = try Program.run([Program.fusebox, "check", daemon.data, "--json"]).json
        #expect(report["permits"]?["settled"] == 1)
    }

    @Test func aReportMarksAsMuchOfTheRouteAsItSays() throws {
        let daemon = try Daemon()
        let route = [
            "report", "--route", "openai@eu/gpt-4o", "--outcome", "quota-exhausted", "--socket", daemon.socket,
        ]
        func marks(_ scope: [String]) throws -> [String] {
            #expect(try Program.run([Program.fusebox] + route + scope, environment: daemon.environment).status == 0)
            defer { _ = try? daemon.fusebox("exhaustion", "reset") }
            return try (daemon.json("exhaustion", "list")["marks"]?.list ?? []).map { mark in
                ["provider", "deployment", "model"].map { mark[$0]?.text ?? "-" }.joined(separator: " ")
            }
        }
        #expect(try marks([]) == ["openai eu gpt-4o"])
        #expect(try marks(["--mark-scope", "provider"]) == ["openai - -"])
        #expect(try marks(["--mark-scope", "deployment"]) == ["openai eu -"])
        #expect(try marks(["--mark-scope", "model"]) == ["openai - gpt-4o"])
        let wrong = try daemon.fusebox(
            "report", "--provider", "openai", "--outcome", "success", "--mark-scope", "model")
        #expect(wrong.status == 64 && wrong.errors.contains("not with success"))
    }

    @Test func aDryRunTellsShareCostAndLatencyOfEachCandidateAsJSON() throws {
        let daemon = try Daemon()
        let client = try daemon.connect()
        defer { client.close() }
        let permit = try client.admission.admit(["openai"]).get()
        try client.admission.settle(permit, .success, firstToken: .milliseconds(80), duration: .milliseconds(800))
        _ = try daemon.fusebox("breaker", "open", "anthropic", "--create")
        let json = try daemon.json(
            "admit", "--dry-run", "--route", "anthropic", "--route", "openai", "--cost", "0.25")
        let outlooks = try #require(json["outlooks"]?.list)
        #expect(outlooks.map { $0["provider"]?.text } == ["anthropic", "openai"])
        #expect(outlooks.map { $0["denial"]?.text } == ["breakerOpen", nil])
        #expect(outlooks.map { $0["state"]?.text } == ["open", "closed"])
        #expect(outlooks.map { $0["share"] } == [0, 1])
        #expect(outlooks[1]["heldCost"] == .number("0.25") && outlooks[1]["costBasis"] == "told")
        #expect(outlooks[1]["duration"]?["count"] == 1)
        #expect(outlooks[1]["firstToken"]?["count"] == 1)
        #expect(outlooks[0]["duration"] == .null)
        // A call that is denied has them too.
        let denied = try daemon.json("admit", "--dry-run", "--route", "anthropic")
        #expect(denied["outlooks"]?.list?.count == 1)
    }

    @Test func aForbiddenCallMarksTheModelAndOneWithAWrongKeyTheKey() throws {
        let daemon = try Daemon()
        func marks(_ route: String, _ status: String, _ more: String...) throws -> [String] {
            let report = ["report", "--route", route, "--status", status, "--socket", daemon.socket]
            #expect(try Program.run([Program.fusebox] + report + more, environment: daemon.environment).status == 0)
            defer { _ = try? daemon.fusebox("exhaustion", "reset") }
            return try (daemon.json("exhaustion", "list")["marks"]?.list ?? []).map { mark in
                ["provider", "deployment", "model"].map { mark[$0]?.text ?? "-" }.joined(separator: " ")
            }
        }
        #expect(try marks("anth@k1/p", "401") == ["anth k1 -"])
        #expect(try marks("anth@k1/p", "403") == ["anth k1 p"])
        #expect(try marks("anth/p", "403") == ["anth - p"])
        #expect(try marks("anth@k1", "403") == ["anth k1 -"])
        #expect(try marks("anth@k1/p", "403", "--mark-scope", "deployment") == ["anth k1 -"])
    }

    @Test func theOverviewTellsHowManyWaitAndADryRunThatTheyComeFirst() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "100 tokens per day")
        let client = try daemon.connect()
        defer { client.close() }
        let held = try client.admission.admit(["openai"], estimate: .tokens(60)).get()
        #expect(try daemon.json("overview")["waiting"] == 0)
        // A thread of its own: a task may have to wait until other tests end.
        let turn = Mutex<Permit?>(nil)
        let waiter = TestThread {
            let permit = try? client.admission.admit(["openai"], estimate: .tokens(90), waiting: .seconds(300)).get()
            turn.withLock { $0 = permit }
        }
        #expect(try waitUntil { try daemon.json("overview")["waiting"] == 1 })
        #expect(try daemon.fusebox("overview").lines.last == "1 call waits for its turn")
        // 40 tokens are free, and reserved.
        let denied = try daemon.fusebox("admit", "--dry-run", "--provider", "openai", "--tokens", "30")
        #expect(denied.status == 75)
        #expect(denied.lines[0].hasPrefix("openai: other calls wait for what it needs; "))
        #expect(try daemon.fusebox("admit", "--dry-run", "--provider", "openai", "--tokens", "0").status == 0)
        #expect(try client.admission.outlooks(["openai"], estimate: .tokens(30))[0].denial == .waiting)
        try client.admission.settle(held, .cancelled)
        waiter.join()
        try client.admission.settle(try #require(turn.withLock { $0 }), .cancelled)
        #expect(try daemon.fusebox("admit", "--dry-run", "--provider", "openai", "--tokens", "30").status == 0)
        #expect(try daemon.json("overview")["waiting"] == 0)
    }

    @Test func revokeGivesBackWhatAPermitHolds() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "$50 per month")
        let client = try daemon.connect()
        defer { client.close() }
        let permit = try client.admission.admit(["openai"], estimate: .cost(.dollars("50")), ttl: .seconds(3600)).get()
        let number = "\(try #require(permit.number))"
        #expect(try daemon.fusebox("admit", "--dry-run", "--provider", "openai").status == 75)
        let revoked = try daemon.fusebox("permits", "revoke", number)
        #expect(revoked.status == 0)
        #expect(revoked.lines == ["permit \(number) of openai: revoked, $50.00 given back"])
        #expect(try daemon.fusebox("admit", "--dry-run", "--provider", "openai").status == 0)

        let again = try daemon.fusebox("permits", "revoke", number, "17", "18", "--json")
        #expect(again.status == 64)
        #expect(
            try JSONValue(parsing: Array(again.errors.utf8))["error"]?["message"]?.text
                == "there are no permits 17, 18; `fusebox permits list` shows those in force")
        #expect(try again.json["permits"]?[0]?["standing"]?.text == "revoked")
        #expect(
            try daemon.fusebox("permits", "list").lines.last
                == "1 permit granted: 0 settled, 0 expired, 0 reclaimed, 1 revoked, 0 in force, $0.00 held")
        #expect(try client.admission.settle(permit, .success(usage: Usage(cost: .dollars("3")))).standing == .revoked)
        #expect(try daemon.json("ledger", "show", "openai")["usage"]?["spend"] == .number("3"))
        #expect(
            try daemon.fusebox("permits", "revoke", number).lines == [
                "permit \(number): already settled, it holds nothing"
            ])
    }

    @Test func revokeGivesBackWhatALimitAssumesOfAnExpiredPermit() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "$50 until reset")
        let client = try daemon.connect()
        defer { client.close() }
        let permit = try client.admission.admit(["openai"], estimate: .cost(.dollars("50")), ttl: .milliseconds(1))
            .get()
        let number = "\(try #require(permit.number))"
        try #require(try waitUntil { try client.admission.permits().permits.isEmpty })
        #expect(try daemon.json("limit", "list")["limits"]?[0]?["assumed"] == 50)
        #expect(
            try daemon.fusebox("permits", "revoke", number).lines == [
                "permit \(number): already expired, it holds nothing; what limits assumed of it is given back"
            ])
        #expect(try daemon.json("limit", "list")["limits"]?[0]?["used"] == 0)
    }

    @Test func aReportTellsBreakerMarkAndLedger() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "$1 until reset", "--notify")
        let first = try daemon.fusebox(
            "report", "--provider", "openai", "--outcome", "success", "--model", "gpt-4o", "--cost", "0.85",
            "--input-tokens", "7")
        #expect(first.status == 0)
        #expect(first.lines == ["the limit of $1 until reset on openai reached 80% (warning): $0.85 of $1 used"])
        let throttled = try daemon.fusebox(
            "report", "--provider", "openai", "--outcome", "throttled", "--retry-after", "1h")
        #expect(throttled.status == 0)
        let breaker = try daemon.json("breaker", "get", "openai")["status"]
        #expect(breaker?["totalSuccesses"] == 1)
        #expect(breaker?["totalFailures"] == 0, "throttled with a time is none")
        #expect(try daemon.json("exhaustion", "get", "openai")["entry"]?.isNull == false)
        let model = try daemon.json("ledger", "show", "openai")["modelAccounts"]?[0]
        #expect(model?["model"]?.text == "gpt-4o")
        #expect(model?["usage"]?["inputTokens"] == 7)
    }

    @Test func howLongCallsTookIsShownByRouteAndByProvider() throws {
        let daemon = try Daemon()
        #expect(try daemon.fusebox("latency").output == "No call has succeeded in the last minutes.\n")
        let script = "echo first-token=0.002 >> $FUSEBOX_USAGE"
        let run = try Program.run([
            Program.fusebox, "run", "--socket", daemon.socket, "--route", "openai@eu/gpt-4o", "--", "/bin/sh", "-c",
            script,
        ])
        #expect(run.status == 0)
        let client = try daemon.connect()
        let permit = try client.admission.admit(["groq"]).get()
        try client.admission.settle(permit, .success, firstToken: .milliseconds(90), duration: .milliseconds(2_000))
        let table = try daemon.fusebox("latency").lines
        try #require(table.count == 3)
        #expect(
            table[0].split(separator: " ") == [
                "ROUTE", "CALLS", "P50", "P95", "P99", "FIRST", "P50", "FIRST", "P95",
            ])
        #expect(table[1].split(separator: " ") == ["groq", "1", "2s", "2s", "2s", "95ms", "95ms"])
        #expect(table[2].hasPrefix("openai@eu/gpt-4o ") && table[2].hasSuffix("  2ms        2ms"))
        let routes = try daemon.json("latency")["routes"]
        #expect(routes?[0]?["duration"]?["p95Milliseconds"] == 2_047)
        #expect(try daemon.json("overview")["entries"]?[0]?["firstToken"]?["p50Milliseconds"] == 95)
    }

    @Test func aReportTakesTheAnswerOfTheProviderAsCurlHasWrittenIt() throws {
        let daemon = try Daemon()
        let folder = TemporaryFolder()
        folder.write(
            "answer",
            Array("HTTP/2 429 \r\nretry-after: 90\r\n\r\n{\"error\": {\"code\": \"rate_limit_exceeded\"}}\n".utf8))
        let throttled = try daemon.fusebox("report", "--provider", "openai", "--headers", folder("answer"))
        #expect(throttled.status == 0, "\(throttled.errors)")
        let entry = try daemon.json("exhaustion", "get", "openai")["entry"]
        let lasts = try #require(entry?["resetsAt"]?.int64) - #require(entry?["exhaustedAt"]?.int64)
        #expect(lasts == 90_000)
        _ = try daemon.fusebox("report", "--provider", "groq", "--status", "503")
        #expect(try daemon.json("breaker", "get", "groq")["status"]?["totalFailures"] == 1)
        folder.write("empty", [])
        let nothing = try daemon.fusebox("report", "--provider", "openai", "--headers", folder("empty"))
        #expect(nothing.status == 64)
        #expect(nothing.errors.contains("no status is found in \(folder("empty"))"))
        #expect(try daemon.fusebox("report", "--provider", "openai", "--headers", "/nowhere").status == 64)
    }
}
