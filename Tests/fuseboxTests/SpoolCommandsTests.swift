import FuseboxClient
import FuseboxInterop
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

/// Reports that commands leave in the spool, with real processes: the daemon and the delivering clients are killed.
struct SpoolCommandsTests {
    private func names(_ daemon: Daemon) throws -> [String] {
        try Program.run(["/bin/ls", daemon.spool]).lines.filter { $0.hasSuffix(".spool") }
    }

    private func spend(_ daemon: Daemon) throws -> JSONValue? { try daemon.json("ledger", "show")["spend"] }

    @Test func whatNoDaemonTakesIsKeptAndCountsOnceWithTheNextCommand() throws {
        var daemon = try Daemon()
        daemon.kill()
        let reports = [
            ["report", "--provider", "openai", "--outcome", "success", "--model", "large", "--cost", "0.5"],
            ["ledger", "record", "openai", "large", "--cost", "0.25"], ["breaker", "failure", "openai"],
            ["exhaustion", "mark", "anthropic", "--for", "1h"],
        ]
        for words in reports {
            let outcome = try Program.run(
                [Program.fusebox] + words + ["--socket", daemon.socket], environment: daemon.environment)
            // The report will count, so a second attempt would count twice.
            #expect(outcome.status == 0 && outcome.output == "")
            #expect(outcome.errors.contains("the report is kept in \(daemon.spool)/"))
        }
        #expect(try names(daemon).count == 4)
        let listing = try Program.run(
            [Program.fusebox, "spool", "list", "--json"], environment: daemon.environment
        ).json
        #expect(
            listing["files"]?.list?.map { $0["reports"]?[0]?["command"]?.text } == [
                "admission.report", "ledger.record", "breaker.failure", "exhaustion.mark",
            ])

        daemon = try Daemon(in: daemon.folder)
        #expect(try spend(daemon) == .number("0.75"))
        #expect(try daemon.json("exhaustion", "list")["marks"]?.list?.count == 1)
        let breaker = try daemon.json("breaker", "get", "openai")["status"]
        #expect(breaker?["totalFailures"] == 1 && breaker?["totalSuccesses"] == 1)
        #expect(try names(daemon).isEmpty)
        #expect(try spend(daemon) == .number("0.75"))
    }

    /// Workers end while the daemon is down. None of their reports is lost, and none counts twice.
    @Test func workersThatEndWhileTheDaemonIsAwayLoseNothing() throws {
        var daemon = try Daemon()
        let script = "echo ready; read line; echo cost=0.125 >> $FUSEBOX_USAGE"
        let workers = try (0..<12).map { _ in
            try Child(
                [Program.fusebox, "run", "--provider", "openai", "--cost", "1", "--", "/bin/sh", "-c", script],
                environment: [
                    "FUSEBOX_SOCKET": daemon.socket, "TMPDIR": daemon.folder.path, "FUSEBOX_SPOOL": daemon.spool,
                ])
        }
        for worker in workers { #expect(worker.line() == "ready") }
        // Some end while the daemon dies, the others afterwards.
        for worker in workers[..<4] { worker.send("go\n") }
        daemon.kill()
        for worker in workers[4...] { worker.send("go\n") }
        for worker in workers { #expect(worker.end().status == 0) }
        daemon = try Daemon(in: daemon.folder)
        #expect(try spend(daemon) == .number("1.5"))
        #expect(try names(daemon).isEmpty)
        #expect(try daemon.json("breaker", "get", "openai")["status"]?["totalSuccesses"] == 12)
    }

    /// Several clients deliver at once and are killed meanwhile, and so is the daemon.
    @Test func deliverersThatAreKilledAndDeliverAtOnceCountEachReportOnce() throws {
        var daemon = try Daemon()
        // One worker leaves very many reports in one file.
        var configuration = FuseboxClient.Configuration(failurePolicy: .failOpen(queueLimit: 1_000))
        configuration.spool = .folder(daemon.spool)
        let busy = try FuseboxClient.connect(to: daemon.socket, configuration: configuration)
        daemon.kill()
        for _ in 0..<500 { try busy.ledger.record(provider: "openai", model: "small", cost: .dollars("0.01")) }
        busy.close()
        #expect(busy.spooling.reports == 500)
        let count = 40
        var left: [Child] = []
        for _ in 0..<count { left.append(try daemon.begin("ledger", "record", "openai", "large", "--cost", "0.5")) }
        for child in left { #expect(child.end().status == 0) }
        #expect(try names(daemon).count == count + 1)

        daemon = try Daemon(in: daemon.folder)
        for round in 0..<12 {
            let deliverers = try (0..<3).map { _ in try daemon.begin("spool", "deliver") }
            poll(nil, 0, Int32(2 + 4 * round))
            for deliverer in deliverers { deliverer.interrupt(with: SIGKILL) }
            if round == 6 {
                daemon.kill()
                daemon = try Daemon(in: daemon.folder)
            }
            for deliverer in deliverers { _ = deliverer.end() }
        }
        let clock = ContinuousClock()
        let end = clock.now + .seconds(60)
        while try !names(daemon).isEmpty {
            try #require(clock.now < end, "the spool is not delivered")
            _ = try daemon.fusebox("spool", "deliver")
        }
        #expect(try spend(daemon) == 25)
        #expect(try daemon.json("ledger", "show", "openai")["usage"]?["requests"] == 540)
    }

    @Test func whatWaitsForAPersonIsSaidShownAndDecided() throws {
        var daemon = try Daemon()
        daemon.kill()
        _ = try daemon.fusebox("ledger", "record", "openai", "large", "--cost", "0.5")
        let name = try #require(try names(daemon).first)
        daemon = try Daemon(in: daemon.folder)
        daemon.folder.write("spool/1000000000000-0000000000000000.spool", Array("damaged".utf8))
        let warned = try daemon.fusebox("ledger", "show")
        #expect(warned.errors.contains("1 damaged file in the spool needs your decision"))
        #expect(try !names(daemon).contains(name))
        let damaged = "1000000000000-0000000000000000.spool"
        #expect(try daemon.fusebox("spool", "deliver").output == "0 reports delivered\n")
        let shown = try Program.run([Program.fusebox, "spool", "show", damaged], environment: daemon.environment)
        #expect(shown.status == 65 && shown.errors.contains("it is not a file of the spool"))
        let gone = try Program.run([Program.fusebox, "spool", "discard", damaged], environment: daemon.environment)
        #expect(gone.status == 0)
        #expect(try names(daemon).isEmpty)
        let none = try Program.run([Program.fusebox, "spool", "show", damaged], environment: daemon.environment)
        #expect(none.status == 64)
    }

    @Test func theSpoolIsInTheHomeOrForUsersWithoutOneInVarTmp() throws {
        let folder = TemporaryFolder()
        for (home, place) in [
            (folder.path, "\(folder.path)/.local/state/fusebox/spool/"),
            ("\(folder.path)/not-there", "/var/tmp/fusebox-spool-\(geteuid())/"),
        ] {
            let environment = ["FUSEBOX_SPOOL": "", "HOME": home, "FUSEBOX_SOCKET": "\(folder.path)/none"]
            let kept = try Program.run(
                [Program.fusebox, "breaker", "success", "openai", "--json"], environment: environment)
            let file = try #require(try kept.json["file"]?.text)
            #expect(file.hasPrefix(place))
            let name = String(file.dropFirst(place.count))
            let listed = try Program.run([Program.fusebox, "spool", "list"], environment: environment)
            #expect(listed.output.contains(name))
            let gone = try Program.run(
                [Program.fusebox, "spool", "discard", name, "--pending"], environment: environment)
            #expect(gone.status == 0)
            rmdir(place)
        }
        #expect(access("\(folder.path)/not-there", F_OK) != 0, "no home is made")
    }

    @Test func pendingReportsAreDiscardedOnlyWhenAskedFor() throws {
        let daemon = try Daemon()
        daemon.kill()
        _ = try daemon.fusebox("breaker", "success", "openai")
        let name = try #require(try names(daemon).first)
        func spool(_ words: String...) throws -> Program.Outcome {
            try Program.run([Program.fusebox, "spool"] + words, environment: daemon.environment)
        }
        #expect(try spool("discard", name).status == 64)
        #expect(try spool("show", name).output.contains(#"{"name":"openai","deployment":null,"model":null}"#))
        #expect(try spool("discard", name, "--pending").status == 0)
        #expect(try spool("list").output == "No reports are left in \(daemon.spool).\n")
    }
}
