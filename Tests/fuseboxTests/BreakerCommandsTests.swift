import FuseboxInterop
import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxClient
@testable import fusebox

struct BreakerCommandsTests {
    @Test func acquireExitsWith0WhereACallMayGoOutAnd75WhereNot() throws {
        let daemon = try Daemon()
        let admitted = try daemon.fusebox("breaker", "acquire", "openai")
        #expect(admitted.status == 0)
        #expect(admitted.output == "admitted (share 100%)\n")

        #expect(try daemon.fusebox("breaker", "open", "openai").status == 0)
        let denied = try daemon.fusebox("breaker", "acquire", "openai")
        #expect(denied.status == 75)
        #expect(denied.output.hasPrefix("not admitted; try again in "))
        #expect(denied.errors == "")
        let json = try daemon.json("breaker", "acquire", "openai")
        #expect(json["admitted"]?.bool == false)
        #expect(json["share"]?.double == 0)
        #expect(json["consecutiveFailures"]?.int64 == 5)
        #expect((1...60_000).contains(json["retryAfterMilliseconds"]?.int64 ?? 0))
    }

    @Test func aProviderWithASlashInItsNameIsNamedByItself() throws {
        let daemon = try Daemon()
        func breaker(_ words: String...) throws -> Program.Outcome {
            let names = ["--provider", "openai/compatible", "--deployment", "eu@1"]
            return try Program.run([Program.fusebox, "breaker"] + words + names + ["--socket", daemon.socket])
        }
        for _ in 1...2 { #expect(try breaker("failure").status == 0) }
        #expect(try breaker("configure", "--failure-threshold", "2").status == 0)
        #expect(try breaker("acquire").status == 75)
        #expect(try breaker("get").lines[0] == "breaker        openai/compatible@eu@1")
        let listed = try daemon.json("breaker", "list")["breakers"]?[0]
        #expect(listed?["name"]?.text == "openai/compatible" && listed?["deployment"]?.text == "eu@1")
        #expect(try breaker("reset").status == 0)
        #expect(try breaker("acquire").status == 0)
        let client = try daemon.connect()
        defer { client.close() }
        let route = try Candidate("openai/compatible", deployment: "eu@1")
        #expect(try client.breakers.get(route, mustBeKnown: true).exists)
        // The same text as a route is a model of another provider.
        #expect(try daemon.fusebox("breaker", "get", "openai/compatible@eu@1").status == 64)
        let both = try daemon.fusebox("breaker", "acquire", "openai", "--provider", "openai")
        #expect(both.status == 64 && both.errors.contains("give a route or --provider, not both"))
        #expect(try daemon.fusebox("breaker", "reset", "--deployment", "eu").errors.contains("give --provider too"))
    }

    @Test func outcomesAreCountedAndShown() throws {
        let daemon = try Daemon()
        for outcome in ["failure", "failure", "success"] {
            let report = try daemon.fusebox("breaker", outcome, "openai")
            #expect(report.status == 0)
            #expect(report.output == "")
        }
        let shown = try daemon.fusebox("breaker", "get", "openai")
        #expect(shown.lines[1] == "state          recovering, 90% of traffic admitted")
        #expect(shown.lines[2] == "failures       1 of the 5 that open it")
        #expect(shown.lines[3] == "outcomes       3: 1 success, 2 failures")
        #expect(shown.output.contains("\nrecovers       a step in "))
        let status = try daemon.json("breaker", "get", "openai")["status"]
        #expect(status?["state"]?.text == "recovering")
        #expect(status?["totalFailures"]?.int64 == 2)
        #expect(status?["share"] == 0.9)

        // The name is known and has no breaker.
        _ = try daemon.fusebox("exhaustion", "mark", "other")
        let none = try daemon.fusebox("breaker", "get", "other")
        #expect(none.lines[0] == "breaker        other (does not exist; a new one would be as shown)")
        #expect(try daemon.json("breaker", "get", "other")["exists"]?.bool == false)
    }

    @Test func listIsATableInTheOrderOfNames() throws {
        let daemon = try Daemon()
        #expect(try daemon.fusebox("breaker", "list").output == "There are no breakers yet.\n")
        for name in ["openai", "anthropic", "模型"] { _ = try daemon.fusebox("breaker", "acquire", name) }
        _ = try daemon.fusebox("breaker", "open", "anthropic")
        let table = try daemon.fusebox("breaker", "list").lines
        #expect(table[0] == "BREAKER    STATE   SHARE  FAILURES  REQUESTS  SUCCESSES  LAST FAILURE  RECOVERS")
        #expect(table[1].hasPrefix("anthropic  open       0%       5/5         0          0  "))
        #expect(table[2] == "openai     closed   100%       0/5         0          0  -             -")
        // Each of its characters has two columns of a terminal.
        #expect(table[3] == "模型       closed   100%       0/5         0          0  -             -")
        let json = try daemon.json("breaker", "list")
        #expect(json["breakers"]?.list?.compactMap { $0["name"]?.text } == ["anthropic", "openai", "模型"])
        #expect(json["now"]?.int64 != nil)
    }

    @Test func removeForgetsOneWithItsConfigurationAndIfAbsentKeepsTheFirst() throws {
        let daemon = try Daemon()
        for (threshold, wanted) in [("3", 3), ("4", 3)] as [(String, Int64)] {
            let configured = try daemon.json(
                "breaker", "configure", "openai", "--failure-threshold", threshold, "--create", "--if-absent")
            #expect(configured["failureThreshold"]?.int64 == wanted)
        }
        #expect(try daemon.fusebox("breaker", "remove", "openai").status == 0)
        #expect(try daemon.json("breaker", "list")["breakers"]?.list?.isEmpty == true)
        let gone = try daemon.fusebox("breaker", "remove", "openai")
        #expect(gone.status == 64 && gone.errors.contains("no breaker is named openai"))
        #expect(try daemon.fusebox("breaker", "configure", "openai", "--if-absent").status == 64)
    }

    @Test func resetClosesOneOrAll() throws {
        let daemon = try Daemon()
        for name in ["a", "b", "c"] { _ = try daemon.fusebox("breaker", "open", name, "--create") }
        func states() throws -> [String?] {
            try daemon.json("breaker", "list")["breakers"]?.list?.map { $0["status"]?["state"]?.text } ?? []
        }
        #expect(try daemon.fusebox("breaker", "reset", "b").status == 0)
        #expect(try states() == ["open", "closed", "open"])
        #expect(try daemon.fusebox("breaker", "reset", "--all").status == 0)
        #expect(try states() == ["closed", "closed", "closed"])
    }

    @Test func configureChangesWhatIsNamedAndShowsTheRest() throws {
        let daemon = try Daemon()
        let changed = try daemon.fusebox(
            "breaker", "configure", "openai", "--failure-threshold", "3", "--reset-timeout", "90s", "--curve", "1,0.5",
            "--create")
        #expect(
            changed.lines == [
                "failure threshold  3", "reset timeout      90s", "curve              1,0.5", "failure rate       off",
                "slow-call rate     off", "monitoring period  5m", "min requests       3",
                "max probes         no limit but the share", "min workers        1", "by                 provider",
            ])
        let json = try daemon.json(
            "breaker", "configure", "openai", "--monitoring-period", "10m", "--min-requests", "7", "--max-probes", "2",
            "--min-workers", "3")
        #expect(
            json == [
                "failureThreshold": 3, "resetTimeoutMilliseconds": 90_000, "monitoringPeriodMilliseconds": 600_000,
                "minRequests": 7, "degradationCurve": [1, 0.5], "maxProbes": 2, "minWorkers": 3, "failureRate": 0,
                "slowCallRate": 0, "slowCallMilliseconds": 0, "maxResetTimeoutMilliseconds": 0, "byModel": false,
            ])
        #expect(try daemon.json("breaker", "configure", "openai") == json)
    }

    @Test func getShowsTheRatesBesideTheirBoundsTheRuleThatHasOpenedItAndThePresentResetTimeout() throws {
        let daemon = try Daemon()
        let configured = try daemon.fusebox(
            "breaker", "configure", "openai", "--failure-rate", "50%", "--slow-rate", "0.25", "--slow-after", "20s",
            "--min-requests", "4", "--max-reset-timeout", "10m", "--create")
        #expect(configured.lines.contains("reset timeout      1m, doubled by each recovery that fails, up to 10m"))
        #expect(configured.lines.contains("failure rate       50%"))
        #expect(configured.lines.contains("slow-call rate     25% of calls of at least 20s"))
        for outcome in ["failure", "success", "success", "failure"] {
            _ = try daemon.fusebox("breaker", outcome, "openai")
        }
        let shown = try daemon.fusebox("breaker", "get", "openai")
        #expect(
            shown.lines[1] == "state           open, 0% of traffic admitted; too large a share of the calls failed")
        #expect(
            shown.lines[3] == "failure rate    2 of 4 calls (50%) failed within 5m; 50% from 4 calls on opens it")
        #expect(shown.lines[4] == "slow-call rate  no calls within 5m; 25% from 4 calls on opens it")
        #expect(shown.lines.contains("reset timeout   1m"))
        #expect(shown.lines.contains("episode         1"))
        let status = try daemon.json("breaker", "get", "openai")["status"]
        #expect(status?["openedBy"] == "failureRate")
        #expect(status?["rates"]?["failures"] == 2)
        let denied = try daemon.fusebox("admit", "--dry-run", "--route", "openai")
        #expect(denied.output.contains("openai: its breaker is open: too large a share of the calls failed; try again"))
    }

    @Test func aDenialTellsTheRuleHowManyRecoveriesHaveFailedAndTheResetTimeout() {
        var denial = AdmissionDenied.Reason(
            candidate: "openai", reason: .breakerOpen, retryAfter: .seconds(3), openedBy: .failureRate)
        let open = "openai: its breaker is open: too large a share of the calls failed"
        #expect(AdmissionText.line(denial) == "\(open); try again in 3s")
        denial.failedRecoveries = 2
        denial.resetTimeout = .seconds(240)
        #expect(
            AdmissionText.line(denial) == "\(open) (2 recoveries failed since, reset timeout 4m); try again in 3s")
        denial.reason = .probes
        denial.retryAfter = .zero
        #expect(AdmissionText.line(denial).contains("in flight: too large a share of the calls failed (2 recoveries"))
    }

    @Test func whatWorkersHoldABreakerBackIsShown() {
        var status = BreakerStatus()
        #expect(BreakerText.workers(status) == nil)
        status.minWorkers = 2
        status.failedWorkers = 1
        #expect(BreakerText.workers(status) == "failures of 1 of the 2 workers that open it")
        status.isHeldByWorkers = true
        #expect(
            BreakerText.workers(status) == "failures of 1 of the 2 workers that open it, so it is held before that")
    }

    @Test func whatDoesNothingUnderTheOtherProfileSaysSo() throws {
        let daemon = try Daemon(arguments: ["--profile", "llm-providers"])
        let idle = "not under the profile llm-providers"
        let configured = try daemon.fusebox(
            "breaker", "configure", "openai", "--failure-rate", "50%", "--slow-rate", "30%", "--slow-after", "20s",
            "--min-requests", "2", "--create")
        #expect(configured.lines.contains("failure rate       50%, \(idle)"))
        #expect(configured.lines.contains("slow-call rate     30% of calls of at least 20s, \(idle)"))
        #expect(configured.lines.contains("min requests       2, \(idle)"))
        let shown = try daemon.fusebox("breaker", "get", "openai")
        #expect(shown.lines.contains("failure rate    50%, \(idle)"))
        #expect(shown.lines.contains("slow-call rate  30%, \(idle)"))
        let marks = try daemon.fusebox("exhaustion", "default", "--max-mark", "1h")
        #expect(marks.output == "5m, at most 1h, \(idle)\n")
        // It is kept, so it holds under the other profile.
        #expect(try daemon.json("exhaustion", "default")["longestMilliseconds"] == 3_600_000)
    }

    @Test func aFullQueueIsToldAndTheBoundOfOneUserIsShown() throws {
        var denied = AdmissionDenied(reasons: [], retryAfter: .zero)
        #expect(AdmissionText.lines(denied).isEmpty)
        denied.fullQueue = .user
        #expect(AdmissionText.lines(denied).map { $0.contains("the queue is full for this user") } == [true])
        denied.fullQueue = .everybody
        #expect(AdmissionText.lines(denied).map { $0.contains("the queue is full for all users") } == [true])
        let daemon = try Daemon()
        #expect(
            try daemon.fusebox("permits", "--waiting").lines
                == ["No call waits.", "0 calls of 16384 wait; one user may have 4096"])
        #expect(try daemon.json("permits", "--waiting")["limitPerUser"] == 4_096)
    }

    @Test func deploymentsHaveBreakersOfTheirOwnAndModelsIfTheyAreToldTo() throws {
        let daemon = try Daemon()
        for route in ["openai@eu/gpt-4o", "openai@us", "openai/gpt-4o"] {
            _ = try daemon.fusebox("breaker", "failure", route)
        }
        func routes() throws -> [String] {
            try daemon.fusebox("breaker", "list").lines.map { String($0.prefix { $0 != " " }) }
        }
        #expect(try routes() == ["BREAKER", "openai", "openai@eu", "openai@us"])
        let refused = try daemon.fusebox(
            "breaker", "configure", "openai/gpt-4o", "--failure-threshold", "2", "--create")
        #expect(refused.status == 64)
        #expect(refused.errors.contains("the models of openai have one breaker together"))
        #expect(
            try daemon.fusebox("breaker", "configure", "openai", "--by", "model").lines.last
                == "by                 model")
        _ = try daemon.fusebox("breaker", "failure", "openai@eu/gpt-4o")
        #expect(try routes() == ["BREAKER", "openai", "openai@eu", "openai@eu/gpt-4o", "openai@us"])
        _ = try daemon.fusebox("breaker", "open", "openai")
        let denied = try daemon.fusebox("admit", "--dry-run", "--route", "openai@eu")
        #expect(denied.output.contains("openai@eu: its breaker is open: an operator has opened it; try again in"))
    }

    @Test func theDefaultIsThatOfNewBreakers() throws {
        let daemon = try Daemon()
        #expect(try daemon.json("breaker", "configure", "--default")["failureThreshold"] == 5)
        #expect(try daemon.fusebox("breaker", "configure", "--default", "--failure-threshold", "2").status == 0)
        _ = try daemon.fusebox("breaker", "acquire", "new")
        #expect(try daemon.json("breaker", "configure", "new")["failureThreshold"] == 2)
    }

    @Test func aSerializedBreakerComesBack() throws {
        let daemon = try Daemon()
        for _ in 1...3 { _ = try daemon.fusebox("breaker", "failure", "openai") }
        let serialized = try daemon.fusebox("breaker", "serialize", "openai").output
        #expect(try JSONValue(parsing: Array(serialized.utf8))["state"]?["consecutiveFailures"] == 3)
        _ = try daemon.fusebox("breaker", "reset", "openai")
        #expect(try daemon.fusebox("breaker", "deserialize", "-", input: serialized).status == 0)
        #expect(try daemon.fusebox("breaker", "serialize", "openai").output == serialized)

        daemon.folder.write("breaker.json", serialized.utf8)
        let fromFile = try daemon.fusebox("breaker", "deserialize", "\(daemon.folder.path)/breaker.json")
        #expect(fromFile.status == 0)
    }

    @Test(arguments: [
        ("{", "standard input: line 1, column 2: "), (#"{"version":2}"#, "standard input: version: "),
        (#"{"version":1,"name":"a","state":{}}"#, "standard input: state."),
    ])
    func whatIsNoBreakerEndsWith65AndItsPlace(_ document: String, _ place: String) throws {
        let daemon = try Daemon()
        let outcome = try daemon.fusebox("breaker", "deserialize", "-", input: document)
        #expect(outcome.status == 65)
        #expect(outcome.errors.hasPrefix("fusebox: \(place)"))
    }
}
