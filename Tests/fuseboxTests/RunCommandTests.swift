import FuseboxInterop
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

/// `fusebox run`: the command's environment, the meaning of its end, and passed signals.
struct RunCommandTests {
    /// Runs a shell script under a permit.
    private func run(
        _ script: String, _ options: [String] = ["--provider", "openai"], with daemon: Daemon, input: String = ""
    ) throws -> Program.Outcome {
        try Program.run(command(["/bin/sh", "-c", script], options), input: input, environment: environment(daemon))
    }

    private func command(_ words: [String], _ options: [String] = ["--provider", "openai"]) -> [String] {
        [Program.fusebox, "run"] + options + ["--"] + words
    }

    private func environment(_ daemon: Daemon) -> [String: String] {
        [
            "FUSEBOX_SOCKET": daemon.socket, "TMPDIR": daemon.folder.path, "FUSEBOX_PERMIT": "outer",
            "FUSEBOX_MODEL": "outer", "KEPT": "a = b", "FUSEBOX_SPOOL": daemon.spool,
        ]
    }

    private func totals(_ daemon: Daemon) throws -> JSONValue? { try daemon.json("permits")["totals"] }

    @Test func theCommandGetsThePermitAndKeepsItsStreams() throws {
        let daemon = try Daemon()
        let script = #"echo "$FUSEBOX_PROVIDER/$FUSEBOX_MODEL/$KEPT"; cat; echo "${FUSEBOX_PERMIT:+numbered}" >&2"#
        let outcome = try run(script, ["--provider", "openai", "--model", "gpt-4o"], with: daemon, input: "in\n")
        #expect(outcome.status == 0)
        #expect(outcome.output == "openai/gpt-4o/a = b\nin\n")
        #expect(outcome.errors == "numbered\n")
        #expect(
            try run(#"echo "${FUSEBOX_MODEL-none}""#, with: daemon).output == "none\n", "the outer one's is not its")
        #expect(try totals(daemon)?["settled"] == 2)
        #expect(try totals(daemon)?["outstanding"] == 0)
        #expect(try Program.run(["/bin/ls", daemon.folder.path]).output.contains("fusebox-usage") == false)
    }

    @Test(arguments: [
        ("exit 0", 0, "successes", 1), ("exit 1", 1, "failures", 1), ("exit 75", 75, "failures", 1),
        ("exit 69", 69, "exhausted", 1), ("kill -9 $$", 137, "failures", 1),
        ("echo outcome=rejected > $FUSEBOX_USAGE; exit 1", 1, "failures", 0),
        ("echo outcome=quota-exhausted >> $FUSEBOX_USAGE; exit 3", 3, "exhausted", 1),
    ])
    func theExitStatusIsTheOutcomeAndIsPassedOn(_ script: String, _ status: Int32, _ what: String, _ count: Int) throws
    {
        let daemon = try Daemon()
        #expect(try run(script, with: daemon).status == status)
        let breaker = try daemon.json("breaker", "get", "openai")["status"]
        let counts = [
            "successes": breaker?["totalSuccesses"]?.int64, "failures": breaker?["totalFailures"]?.int64,
            "exhausted": Int64(try daemon.json("exhaustion", "list")["marks"]?.list?.count ?? -1),
        ]
        for (name, value) in counts { #expect(value == (name == what ? Int64(count) : 0), "\(name)") }
        #expect(try totals(daemon)?["settled"] == 1)
    }

    @Test func whatTheCommandTellsIsRecorded() throws {
        let daemon = try Daemon()
        let script = """
            printf 'cost=0.0012\\ninput-tokens=120\\n' >> $FUSEBOX_USAGE
            printf 'cost = 0.5\\noutput-tokens=300\\nmodel=gpt-4o\\n' >> $FUSEBOX_USAGE
            """
        #expect(try run(script, ["--provider", "openai", "--cost", "1"], with: daemon).errors == "")
        let model = try daemon.json("ledger", "show", "openai")["modelAccounts"]?[0]
        #expect(model?["model"]?.text == "gpt-4o")
        #expect(model?["usage"]?["spend"] == .number("0.5012"))
        #expect(model?["usage"]?["inputTokens"] == 120)
        #expect(model?["usage"]?["outputTokens"] == 300)
    }

    @Test func aLongStreamIsReadToItsEnd() throws {
        let daemon = try Daemon()
        // 2 MB of events, of which the last tells the usage.
        let script = """
            awk 'BEGIN {
              filling = sprintf("%1000s", ""); gsub(" ", "x", filling)
              for (i = 0; i < 2000; i++) printf "data: {\\"id\\": \\"c\\", \\"text\\": \\"%s\\"}\\n\\n", filling
              print "data: {\\"id\\": \\"c\\", \\"usage\\": {\\"prompt_tokens\\": 7, \\"completion_tokens\\": 3}}"
            }' >> $FUSEBOX_USAGE
            """
        let outcome = try run(script, with: daemon)
        #expect(outcome.status == 0)
        #expect(!outcome.errors.contains("FUSEBOX_USAGE"), "\(outcome.errors)")
        let usage = try daemon.json("ledger", "show", "openai")["usage"]
        #expect(usage?["inputTokens"] == 7)
        #expect(usage?["outputTokens"] == 3)
    }

    @Test func whatCannotBeUnderstoodIsSaidAndTheRestCounts() throws {
        let daemon = try Daemon()
        let outcome = try run("printf 'cost=1\\ncost=lots\\n' > $FUSEBOX_USAGE; exit 3", with: daemon)
        #expect(outcome.status == 3)
        let lines = outcome.errors.split(separator: "\n")
        #expect(
            lines.first
                == "fusebox: FUSEBOX_USAGE, line 2 is not understood: cost=lots; give dollars, from 0 to 1000000")
        #expect(try daemon.json("ledger", "show")["spend"] == 1)
    }

    @Test func whatProgramsPrintIsChargedAsWhatItIs() throws {
        let daemon = try Daemon()
        for (number, (text, spend)) in [
            ("7.5e-05", "0.000075"), ("0.30000000000000004", "0.3"), ("3.195e-05", "0.00003195"),
            ("0.0000000375", "0.000000038"),
            ("1e-12", "0.000000001"),
        ].enumerated() {
            let options = ["--provider", "p\(number)", "--cost", "0.01", "--charge-estimate"]
            let outcome = try run("echo cost=\(text) >> $FUSEBOX_USAGE", options, with: daemon)
            #expect(outcome.errors == "")
            #expect(try daemon.json("ledger", "show", "p\(number)")["usage"]?["spend"] == .number(spend), "\(text)")
        }
    }

    @Test func whatIsNotUnderstoodChargesTheEstimateAndTheLineThatIsToldCanBeRun() throws {
        let daemon = try Daemon()
        let options = ["--provider", "openai", "--model", "gpt-4o", "--socket", daemon.socket]
        for (estimate, charged) in [([], "0"), (["--cost", "0.25"], "0.25")] as [([String], String)] {
            let outcome = try run("echo cost=1,5 > $FUSEBOX_USAGE", options + estimate, with: daemon)
            #expect(outcome.status == 0)
            let spend = try daemon.json("ledger", "show")["spend"]
            #expect(spend == .number(charged == "0" ? "0" : "1.75"))
            let line = try #require(outcome.errors.split(separator: "\n").last)
            let words = try #require(line.split(separator: ": fusebox ", maxSplits: 1).last)
            let script = "\(Program.fusebox) \(words.split(separator: "DOLLARS").joined(separator: "1.5"))1.5"
            let fixed = try Program.run(["/bin/sh", "-c", script])
            #expect(fixed.status == 0 && fixed.errors == "")
        }
        let model = try daemon.json("ledger", "show", "openai")["modelAccounts"]?[0]
        #expect(model?["model"]?.text == "gpt-4o")
        #expect(model?["usage"]?["spend"] == .number("3.25"))
        #expect(try daemon.json("breaker", "get", "openai")["status"]?["totalSuccesses"] == 2)
    }

    @Test func aTimeIsUnderstoodInEveryFormAndGoesWithAFailureToo() throws {
        let daemon = try Daemon()
        // A part of a time may have passed before it is read.
        for (text, seconds) in [
            ("1.8", 2...2), ("34.074824224s", 34...34), ("6m0s", 360...360), ("1h30m", 5_400...5_400),
            ("90000ms", 90...90),
            ("-5", nil), ("$(LC_ALL=C date -u -d '+300 seconds' '+%a, %d %b %Y %H:%M:%S GMT')", 200...300),
            ("$(date -u -d '+300 seconds' '+%Y-%m-%dT%H:%M:%SZ')", 200...300),
            ("$(date -d '+300 seconds' '+%s')", 200...300),
        ] as [(String, ClosedRange<Int64>?)] {
            for status in [1, 75] {
                let script = "echo \"retry-after=\(text)\" > $FUSEBOX_USAGE; exit \(status)"
                #expect(try run(script, with: daemon).errors == "")
                let mark = try daemon.json("exhaustion", "get", "openai")["entry"]
                let length = mark?["resetsAt"]?.int64.map { $0 - (mark?["exhaustedAt"]?.int64 ?? 0) }
                #expect((length == nil) == (seconds == nil), "\(text)")
                if let length, let seconds { #expect(seconds.contains((length + 500) / 1_000), "\(text)") }
                _ = try daemon.fusebox("exhaustion", "clear", "openai")
                _ = try daemon.fusebox("breaker", "reset", "openai")
            }
        }
        #expect(try run("echo retry-after=60 > $FUSEBOX_USAGE; exit 75", with: daemon).status == 75)
        #expect(try daemon.json("breaker", "get", "openai")["status"]?["totalFailures"] == 0)
    }

    @Test func aDenialThatNoTimeLiftsHasAStatusOfItsOwnAndTheReasonThatLastsLongest() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "$1 per month")
        for _ in 0..<5 { _ = try daemon.fusebox("breaker", "failure", "openai") }
        let options = ["--provider", "openai", "--cost", "2"]
        let denied = try run("echo ran", options, with: daemon)
        #expect(denied.status == 78)
        #expect(denied.output == "")
        #expect(
            denied.errors
                == "fusebox: openai: the limit of $1 per month on openai has no room: $0.00 used, $1.00 left, $2.00 needed; waiting alone does not help\n"
        )
        let shown = try daemon.fusebox("admit", "--dry-run", "--provider", "openai", "--cost", "2")
        #expect(shown.status == 78)
        #expect(shown.output.hasPrefix("openai: the limit of $1 per month on openai has no room: "))
        // One candidate that waiting can help is enough.
        let other = try daemon.fusebox(
            "admit", "--dry-run", "--provider", "openai", "--cost", "0.5", "--provider", "openai")
        #expect(other.status == 75)
        #expect(other.output.hasPrefix("openai: its breaker is open: too many calls in a row failed; try again in "))
    }

    @Test func chargedIsTheModelThatWasAskedForAndTheNameThatAnsweredIsShown() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "--model", "gpt-4o", "$1 per month")
        let options = ["--provider", "openai", "--model", "gpt-4o", "--cost", "0.6"]
        let script = "printf 'cost=0.6\\nmodel=gpt-4o-2026-08-06\\n' > $FUSEBOX_USAGE"
        #expect(try run(script, options, with: daemon).status == 0)
        #expect(try run(script, options, with: daemon).status == 75, "the model's limit holds")
        let accounts = try daemon.json("ledger", "show", "openai")["modelAccounts"]
        #expect(accounts?.list?.count == 1)
        #expect(accounts?[0]?["model"]?.text == "gpt-4o")
        #expect(accounts?[0]?["answering"]?.text == "gpt-4o-2026-08-06")
        let table = try daemon.fusebox("ledger", "show", "openai").lines.suffix(2)
        #expect(table.first?.hasSuffix("  ANSWERED AS") == true)
        #expect(table.last?.hasSuffix("  gpt-4o-2026-08-06") == true)
    }

    @Test func nothingToldIsNothingRecordedUnlessTheEstimateIsCharged() throws {
        let daemon = try Daemon()
        let options = ["--provider", "openai", "--cost", "0.25", "--tokens", "800"]
        #expect(try run("exit 0", options, with: daemon).status == 0)
        #expect(try daemon.json("ledger", "show")["spend"] == 0)
        #expect(try run("exit 0", options + ["--charge-estimate"], with: daemon).status == 0)
        #expect(try daemon.json("ledger", "show")["spend"] == .number("0.25"))
        let told = "echo cost=0.5 > $FUSEBOX_USAGE"
        #expect(try run(told, options + ["--charge-estimate"], with: daemon).status == 0)
        #expect(try daemon.json("ledger", "show")["spend"] == .number("0.75"))
    }

    @Test func aProviderThatSaysWhenIsMarkedForSoLong() throws {
        let daemon = try Daemon()
        #expect(try run("echo retry-after=3600 > $FUSEBOX_USAGE; exit 75", with: daemon).status == 75)
        let mark = try daemon.json("exhaustion", "get", "openai")["entry"]
        let (from, until) = (mark?["exhaustedAt"]?.int64 ?? 0, mark?["resetsAt"]?.int64 ?? 0)
        #expect(until - from == 3_600_000)
    }

    @Test func theNextProviderIsTakenAndWhenAllAreDeniedNothingRuns() throws {
        let daemon = try Daemon()
        let both = ["--provider", "openai", "--provider", "anthropic", "--cost", "2"]
        _ = try daemon.fusebox("exhaustion", "mark", "openai", "--for", "1h")
        #expect(try run("echo $FUSEBOX_PROVIDER", both, with: daemon).output == "anthropic\n")
        _ = try daemon.fusebox("limit", "set", "--provider", "anthropic", "$1 per month")
        let denied = try run("echo ran", both, with: daemon)
        #expect(denied.status == 75)
        #expect(denied.output == "")
        let lines = denied.errors.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines[0].hasPrefix("fusebox: openai: it is marked as exhausted; try again in 4m "))
        #expect(
            lines[1]
                == "fusebox: anthropic: the limit of $1 per month on anthropic has no room: $0.00 used, $1.00 left, $2.00 needed; waiting alone does not help"
        )
    }

    @Test(arguments: [("/nowhere/command", 127), ("no-such-command", 127), ("/etc/passwd", 126), ("/tmp", 126)])
    func aCommandThatCannotRunIsNoCall(_ name: String, _ status: Int32) throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "1 request per minute")
        let outcome = try Program.run(command([name]), environment: environment(daemon))
        #expect(outcome.status == status)
        #expect(outcome.errors.hasPrefix("fusebox: ") && outcome.errors.contains(name))
        #expect(try totals(daemon)?["settled"] == 1)
        #expect(try run("exit 0", with: daemon).status == 0, "the only request of this minute was given back")
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
    func aSignalIsPassedOnAndTheCallIsAbandoned(_ signal: Int32) throws {
        let daemon = try Daemon()
        let child = try Child(
            command(["/bin/sh", "-c", "echo ready; exec sleep 1000"]), environment: environment(daemon))
        #expect(child.line() == "ready")
        child.interrupt(with: signal)
        #expect(child.end().status == 128 + signal)
        let breaker = try daemon.json("breaker", "get", "openai")["status"]
        #expect(breaker?["totalFailures"] == 0)
        #expect(try totals(daemon)?["settled"] == 1)
    }

    @Test func aCommandMayEndInItsOwnWayWhenItIsTold() throws {
        let daemon = try Daemon()
        // The shell waits for its children with `wait`, which a signal interrupts.
        let script = "trap 'echo told; exit 0' TERM; echo ready; while :; do read line || exit 9; done"
        let child = try Child(command(["/bin/sh", "-c", script]), environment: environment(daemon))
        #expect(child.line() == "ready")
        child.interrupt(with: SIGTERM)
        child.send("x\n", andMore: true)
        #expect(child.line() == "told")
        #expect(child.end().status == 0)
        #expect(try daemon.json("breaker", "get", "openai")["status"]?["totalSuccesses"] == 1)
    }

    @Test func aCommandThatOutlastsItsPermitIsRenewed() throws {
        let daemon = try Daemon()
        let child = try Child(
            command(["/bin/sh", "-c", "echo ready; read line"], ["--provider", "openai", "--ttl", "300ms"]),
            environment: environment(daemon))
        #expect(child.line() == "ready")
        let first = try #require(try daemon.json("permits")["permits"]?[0]?["expiresAt"]?.int64)
        let clock = ContinuousClock()
        let end = clock.now + .seconds(20)
        var now: Int64 = 0
        // Until the daemon's clock has passed the permit's end.
        while now <= first {
            try #require(clock.now < end)
            let answer = try daemon.json("permits")
            now = answer["now"]?.int64 ?? 0
            #expect(answer["totals"]?["expired"] == 0)
        }
        child.send("done\n")
        #expect(child.end().status == 0)
        #expect(try totals(daemon)?["settled"] == 1)
    }

    @Test func withoutADaemonItRunsNothingUnlessItFailsOpen() throws {
        let folder = TemporaryFolder()
        let variables = ["FUSEBOX_SOCKET": "\(folder.path)/none", "TMPDIR": folder.path]
        let closed = try Program.run(command(["/bin/echo", "ran"]), environment: variables)
        #expect(closed.status == 69)
        #expect(closed.output == "")
        #expect(closed.errors.hasPrefix("fusebox: no daemon answers at "))
        let script = "echo \"$FUSEBOX_PROVIDER${FUSEBOX_PERMIT-:none}\"; exit 4"
        let open = try Program.run(
            command(["/bin/sh", "-c", script], ["--provider", "openai", "--fail-open"]), environment: variables)
        #expect(open.status == 4)
        #expect(open.output == "openai:none\n")
        #expect(open.errors.hasPrefix("fusebox: running without a permit: no daemon answers at "))
        // There is no spool either.
        #expect(open.errors.contains("the call (failure) was not counted: "))
    }

    @Test func itSaysWhatItCannotDo() throws {
        for arguments in [
            ["run", "--provider", "a"], ["run", "--", "true"], ["run", "--provider", "a", "--json", "--", "true"],
            ["run", "--provider", "a", "--charge-estimate", "--", "true"], ["run", "--provider", "a", "true"],
            [
                "run", "--provider", "a", "--provider", "b", "--provider", "c", "--model", "x", "--model", "y", "--",
                "true",
            ],
        ] {
            let outcome = try Program.run([Program.fusebox] + arguments, environment: ["FUSEBOX_SOCKET": "/nowhere"])
            #expect(outcome.status == 64, "\(arguments)")
            #expect(outcome.errors.hasPrefix(arguments.contains("--json") ? #"{"error":{"message":"# : "fusebox: "))
        }
    }
}
