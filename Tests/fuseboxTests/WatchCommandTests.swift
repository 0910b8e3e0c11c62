import FuseboxClient
import FuseboxInterop
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

struct WatchCommandTests {
    @Test func eventsAreLinesUntilItIsInterrupted() throws {
        // Under this profile a depletion is projected from the first record on.
        let daemon = try Daemon(arguments: ["--profile", "llm-providers"])
        let watch = try daemon.begin("watch")
        try daemon.waitForSubscribers(1)
        let client = try daemon.connect()
        try client.breakers.failure("openai")
        try client.exhaustion.mark("openai", for: .seconds(300))
        try client.exhaustion.clear("openai")
        let openai = Scope(provider: try Name("openai"))
        try client.limits.set([Limit(.cost, 1_000_000_000, .manual, mode: .notify)], on: openai)
        try client.ledger.record(provider: "openai", model: "gpt-4o", cost: .dollars("0.85"))
        try client.ledger.record(provider: "openai", model: "gpt-4o", cost: .dollars("0.15"))
        try client.ledger.reset(openai)
        try client.ledger.record(provider: "other", model: "m", cost: .dollars("2"))
        try client.ledger.reset(.host)
        let expected = [
            #/breaker openai: closed -> degraded, share 90%, failures 1/#,
            #/exhausted openai: for 5m, until 20.*/#,
            #/restored openai: the mark was cleared/#,
            #/the limit of \$1 until reset on openai reached 80% \(warning\): \$0\.85 of \$1 used/#,
            #/the limit of \$1 until reset on openai lasts 0\.2 days \(emergency\): \$0\.85 are spent a day/#,
            #/the limit of \$1 until reset on openai reached 95% \(emergency\): \$1\.00 of \$1 used/#,
            #/the account of openai was reset: \$1\.00 had been spent/#,
            #/every account was reset: \$3\.00 had been spent/#,
        ]
        for pattern in expected {
            let line = try #require(watch.line())
            let parts = line.split(separator: "  ", maxSplits: 1)
            #expect(parts[0].wholeMatch(of: #/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/#) != nil)
            #expect(parts[1].wholeMatch(of: pattern) != nil, "\(line)")
        }
        watch.interrupt(with: SIGINT)
        let outcome = watch.end()
        #expect(outcome.status == 0)
        #expect(outcome.errors == "")
    }

    @Test func aTagsResetAndALimitThatIsUsedUpAreTold() throws {
        let daemon = try Daemon(arguments: ["--profile", "llm-providers"])
        let watch = try daemon.begin("watch", "ledger")
        try daemon.waitForSubscribers(1)
        for scope in [["--provider", "openai"], ["--tag", "team:a"]] {
            let set = [Program.fusebox, "limit", "set"] + scope + ["$1 until reset", "--thresholds", "none"]
            #expect(try Program.run(set + ["--socket", daemon.socket]).status == 0)
        }
        _ = try daemon.fusebox("ledger", "record", "openai", "m", "--cost", "1", "--tag", "team:a")
        for scope in [["--tag", "team:a"], ["--tag", "team:*"], ["--tag", "team:b", "--provider", "openai"]] {
            _ = try Program.run(
                [Program.fusebox, "limit", "set"] + scope + ["5 requests until reset", "--socket", daemon.socket])
            let reset = [Program.fusebox, "ledger", "reset", "--yes"] + scope
            #expect(try Program.run(reset + ["--socket", daemon.socket]).status == 0)
        }
        let lines = (1...4).map { _ in watch.line()?.dropFirst("2026-11-29 14:09:38  ".count) ?? "" }
        #expect(
            lines == [
                "the limit of $1 until reset on openai is used up (emergency)",
                "the account of team:a was reset: $1.00 had been spent",
                "the tags that team:* stands for were reset",
                "the limits of team:b on openai were reset",
            ])
        watch.interrupt(with: SIGINT)
        #expect(watch.end().status == 0)
    }

    @Test func topicsChooseAndJSONIsALineAnEvent() throws {
        let daemon = try Daemon()
        let watch = try daemon.begin("watch", "exhaustion", "--json")
        try daemon.waitForSubscribers(1)
        let client = try daemon.connect()
        try client.breakers.failure("openai")
        let until = try #require(try client.exhaustion.mark("openai", for: .seconds(60)).resetsAt)
        let event = try JSONValue(parsing: Array(try #require(watch.line()).utf8))
        #expect(event["event"]?.text == "providerExhausted")
        #expect(event["missed"] == 0)
        #expect(event["number"]?.int64 != nil)
        #expect(event["at"]?.int64 == until.milliseconds - 60_000)
        #expect(event["fields"]?["entry"]?["resetsAt"]?.int64 == until.milliseconds)
        watch.interrupt(with: SIGINT)
        #expect(watch.end().output == "")
    }

    @Test func whatASlowWatcherMissedIsTold() throws {
        let daemon = try Daemon()
        let watch = try daemon.begin("watch", "exhaustion")
        try daemon.waitForSubscribers(1)
        watch.interrupt(with: SIGSTOP)
        let client = try daemon.connect()
        // Far more than the sockets and the daemon buffer for a peer that does not read.
        for _ in 0..<100 {
            let pending = try (0..<100).map { _ in
                (
                    try client.submit(ExhaustionMark(provider: try Name("openai"))),
                    try client.submit(ExhaustionClear(provider: try Name("openai")))
                )
            }
            for (mark, clear) in pending {
                _ = try mark.wait()
                _ = try clear.wait()
            }
        }
        watch.interrupt(with: SIGCONT)
        // The number of missed events comes with the next event, so there must be one after the rest was read.
        let events = ["mark", "clear"].map {
            "'\(Program.fusebox)' exhaustion \($0) openai --socket '\(daemon.socket)'"
        }
        let more = try Child(["/bin/sh", "-c", "while :; do \(events.joined(separator: "; ")); done"])
        var line = watch.line()
        while let next = line, !next.hasPrefix("missed ") { line = watch.line() }
        #expect(line?.wholeMatch(of: #/missed \d+ events?/#) != nil)
        more.interrupt(with: SIGKILL)
        _ = more.end()
        watch.interrupt(with: SIGINT)
        #expect(watch.end().status == 0)
    }

    @Test(arguments: [false, true])
    func itGoesOnWithTheNextDaemonAndSaysHowManyEventsMayHaveBeenMissed(_ isKilled: Bool) throws {
        let daemon = try Daemon()
        let watch = try daemon.begin("watch", "exhaustion")
        try daemon.waitForSubscribers(1)
        _ = try daemon.fusebox("exhaustion", "mark", "before")
        #expect(watch.line()?.contains("exhausted before: ") == true)
        // It notices the loss only once another daemon runs, in which three events have happened.
        watch.interrupt(with: SIGSTOP)
        if isKilled { daemon.kill() } else { daemon.stop() }
        let next = try Daemon(in: daemon.folder)
        for name in ["a", "b", "c"] { _ = try next.fusebox("exhaustion", "mark", name) }
        watch.interrupt(with: SIGCONT)
        try next.waitForSubscribers(1)
        _ = try next.fusebox("exhaustion", "mark", "after")
        #expect(watch.line()?.contains("exhausted after: ") == true)
        watch.interrupt(with: SIGINT)
        let outcome = watch.end()
        #expect(outcome.status == 0)
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("fusebox: the daemon is gone (") == true)
        #expect(
            lines.last?.contains("have been missed, and up to 3 events since it started") == true, "\(lines)")
    }

    @Test func anInterruptEndsItWhileItWaitsForADaemon() throws {
        let daemon = try Daemon()
        let watch = try daemon.begin("watch")
        try daemon.waitForSubscribers(1)
        daemon.stop()
        #expect(watch.errorLine()?.hasPrefix("fusebox: the daemon is gone (") == true)
        watch.interrupt(with: SIGINT)
        let outcome = watch.end()
        #expect(outcome.status == 0)
        #expect(outcome.output == "")
    }

    @Test func withNoReconnectItEndsWith69WhenTheDaemonGoesAway() throws {
        let daemon = try Daemon()
        let watch = try daemon.begin("watch", "--no-reconnect")
        try daemon.waitForSubscribers(1)
        daemon.stop()
        let outcome = watch.end()
        #expect(outcome.status == 69)
        #expect(outcome.errors.hasPrefix("fusebox: no more events will come: "))
    }
}
