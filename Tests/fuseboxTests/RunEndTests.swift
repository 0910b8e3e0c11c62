import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

/// `fusebox run` and the ways in which a command can end.
struct RunEndTests {
    private func command(_ script: String, _ options: [String]) -> [String] {
        [Program.fusebox, "run", "--provider", "openai"] + options + ["--", "/bin/sh", "-c", script]
    }

    private func environment(_ daemon: Daemon) -> [String: String] {
        ["FUSEBOX_SOCKET": daemon.socket, "TMPDIR": daemon.folder.path, "FUSEBOX": Program.fusebox]
    }

    private func run(_ script: String, _ options: String..., with daemon: Daemon) throws -> Program.Outcome {
        try Program.run(command(script, options), environment: environment(daemon))
    }

    private func begin(_ script: String, _ options: String..., with daemon: Daemon) throws -> Child {
        try Child(command(script, options), environment: environment(daemon))
    }

    /// The breaker's totals, the marks, and the totals of the permits.
    private func counts(_ daemon: Daemon) throws -> [String: Int64] {
        let breaker = try daemon.json("breaker", "get", "openai")["status"]
        let totals = try daemon.json("permits")["totals"]
        return [
            "failures": breaker?["totalFailures"]?.int64 ?? -1, "successes": breaker?["totalSuccesses"]?.int64 ?? -1,
            "marks": Int64(try daemon.json("exhaustion", "list")["marks"]?.list?.count ?? -1),
            "settled": totals?["settled"]?.int64 ?? -1, "outstanding": totals?["outstanding"]?.int64 ?? -1,
        ]
    }

    private let nothingCounted: [String: Int64] = [
        "failures": 0, "successes": 0, "marks": 0, "settled": 1, "outstanding": 0,
    ]

    @Test func aReaderThatHasHadEnoughIsNoFailureOfTheProvider() throws {
        for script in ["yes", "trap '' PIPE; while echo y; do :; done 2>&-; exit 1"] {
            let daemon = try Daemon()
            let pipe = #""$FUSEBOX" run --provider openai -- /bin/sh -c "\#(script)" | head -n 1"#
            let outcome = try Program.run(["/bin/sh", "-c", pipe], environment: environment(daemon))
            #expect(outcome.output == "y\n")
            let clock = ContinuousClock()
            let end = clock.now + .seconds(20)
            // The last program of the pipe ends first.
            while try counts(daemon)["settled"] == 0 { try #require(clock.now < end) }
            #expect(try counts(daemon) == nothingCounted, "\(script)")
        }
    }

    @Test func aCommandThatTrapsSIGTERMAndFailsWasAbandoned() throws {
        let daemon = try Daemon()
        let child = try begin("trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done", with: daemon)
        #expect(child.line() == "ready")
        child.interrupt(with: SIGTERM)
        #expect(child.end().status == 3)
        #expect(try counts(daemon) == nothingCounted)
    }

    @Test func anInnerRunThatIsDeniedOrFindsNoDaemonIsNotTheOutersProvider() throws {
        for (inner, status) in [
            ("--provider marked", Int32(75)), ("--provider small --cost 2", 78), ("--provider x --socket /nowhere", 69),
            ("--provider x --ttl soon", 64),
        ] {
            let daemon = try Daemon()
            _ = try daemon.fusebox("exhaustion", "mark", "marked", "--for", "1h")
            _ = try daemon.fusebox("limit", "set", "--provider", "small", "$1 per month")
            let outcome = try run("\"$FUSEBOX\" run \(inner) -- true", with: daemon)
            #expect(outcome.status == status)
            var expected = nothingCounted
            expected["marks"] = 1
            #expect(try counts(daemon) == expected, "\(inner)")
        }
        let daemon = try Daemon()
        let told = try run("\"$FUSEBOX\" run --provider x --socket /nowhere -- true; cat $FUSEBOX_USAGE", with: daemon)
        #expect(told.output == "\nnot-sent=69\n")
        // The inner command was throttled, so its call was sent.
        #expect(try run("\"$FUSEBOX\" run --provider x -- sh -c 'exit 75'", with: daemon).status == 75)
        #expect(try counts(daemon)["failures"] == 1)
    }

    @Test(
        arguments: [
            SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGCONT, SIGQUIT, SIGVTALRM, SIGPROF, SIGIO, SIGPIPE, SIGURG, 40,
        ])
    func everySignalThatCanBeIsPassedOn(signal: Int32) throws {
        let daemon = try Daemon()
        let child = try begin(
            "trap 'echo told; exit 0' \(signal); echo ready; while :; do sleep 0.01; done", with: daemon)
        #expect(child.line() == "ready")
        child.interrupt(with: signal)
        #expect(child.line() == "told")
        #expect(child.end().status == 0)
    }

    @Test func itStopsWithItsCommandAndGoesOnWithIt() throws {
        let daemon = try Daemon()
        // With job control it has a process group of its own, as in a terminal. In an orphaned group it would never
        // stop.
        let script = #"""
            set -m
            state() { read -r line < /proc/$1/stat; line=${line##*) }; echo ${line%% *}; }
            both() { while [ "$(state $run)$(state $command)" != $1 ]; do sleep 0.01; done; }
            "$FUSEBOX" run --provider openai -- sh -c 'echo $$ > "$TMPDIR/command"; exec sleep 1000' &
            run=$!
            until [ -s "$TMPDIR/command" ]; do sleep 0.01; done
            read -r command < "$TMPDIR/command"
            both SS; kill -TSTP $run; both TT; kill -CONT $run; both SS; kill -TERM $run; wait $run; echo $?
            """#
        let outcome = try Program.run(
            ["/usr/bin/timeout", "60", "/bin/bash", "-c", script], environment: environment(daemon))
        #expect(outcome.output == "143\n")
        #expect(try counts(daemon) == nothingCounted)
    }

    @Test func whenItIsKilledItsCommandIsKilledTooAndNothingOfItStays() throws {
        let daemon = try Daemon()
        let child = try begin(
            "trap '' TERM HUP INT; echo $$; echo cost=1 > $FUSEBOX_USAGE; echo; exec sleep 1000", with: daemon)
        let process = try #require(child.line().flatMap { Int32($0) })
        #expect(child.line() == "")
        let files = try Program.run(["/bin/ls", "-A", daemon.folder.path]).lines
        #expect(!files.contains { $0.contains("usage") })
        child.interrupt(with: SIGKILL)
        #expect(child.end().status == 137)
        let clock = ContinuousClock()
        let end = clock.now + .seconds(20)
        while Self.isAlive(process) { try #require(clock.now < end, "the command goes on") }
        #expect(try Program.run(["/bin/ls", "-A", daemon.folder.path]).lines == files)
    }

    private static func isAlive(_ process: Int32) -> Bool {
        let file = open("/proc/\(process)/stat", O_RDONLY)
        guard file >= 0 else { return false }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 512)
        let text = String(decoding: bytes[..<max(0, read(file, &bytes, bytes.count))], as: UTF8.self)
        // A process that its parent has not waited for is dead all the same.
        return text.contains(") ") && !text.contains(") Z ")
    }

    @Test func aCommandThatHangsGetsSIGTERMThenSIGKILLAndHasFailed() throws {
        // The command ignores from its start what this process ignores.
        for (before, status) in [("", Int32(143)), ("trap '' TERM; ", 137)] {
            let daemon = try Daemon()
            let script =
                before + #"exec "$FUSEBOX" run --provider openai --timeout 50ms --kill-after 50ms -- sleep 1000"#
            let outcome = try Program.run(["/bin/sh", "-c", script], environment: environment(daemon))
            #expect(outcome.status == status)
            #expect(outcome.errors == "fusebox: the command ran for more than 50ms and was ended\n")
            #expect(try counts(daemon)["failures"] == 1)
        }
        let daemon = try Daemon()
        #expect(try run("exit 0", "--timeout", "1h", with: daemon).status == 0)
        #expect(try counts(daemon)["successes"] == 1)
    }

    @Test func aPermitIsRenewedUpToAMaximumAgeAndThenItsProbeIsFreeAndWhatItsCallUsedStillCounts() throws {
        let daemon = try Daemon()
        let child = try begin(
            "echo ready; read line; echo cost=0.5 > $FUSEBOX_USAGE", "--ttl", "100ms", "--max-age", "0", with: daemon)
        #expect(child.line() == "ready")
        let clock = ContinuousClock()
        let end = clock.now + .seconds(20)
        while try daemon.json("permits")["totals"]?["expired"] != 1 { try #require(clock.now < end) }
        child.send("done\n")
        #expect(child.end().status == 0)
        #expect(try daemon.json("permits")["totals"]?["settledLate"] == 1)
        #expect(try daemon.json("ledger", "show")["spend"] == .number("0.5"))
    }
}
