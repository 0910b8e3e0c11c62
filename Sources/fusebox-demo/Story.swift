import FuseboxClient
import Glibc

/// The demo's acts, in their order.
struct Story {
    private static let workerCount = 4

    private let folder: String
    private let programs: String
    private var daemon: Child?
    private var provider: Child?
    private var workers: [Child] = []
    /// What the workers themselves say they have spent.
    private var booked = FuseboxClient.Money.zero
    private var calls = 0

    init() throws {
        var template = Array("/tmp/fusebox-demo-XXXXXX\0".utf8CString.dropLast())
        guard let made = unsafe mkdtemp(&template) else { throw DemoFailure("no temporary folder could be made") }
        folder = unsafe String(cString: made)
        let ownPath = CommandLine.arguments[0]
        programs = ownPath.contains("/") ? String(ownPath[..<(ownPath.lastIndex(of: "/") ?? ownPath.startIndex)]) : "."
    }

    private var socket: String { folder + "/fusebox.sock" }
    private var providerSocket: String { folder + "/provider.sock" }
    private var itself: String { programs + "/fusebox-demo" }

    // MARK: Acts

    mutating func begin() throws {
        Demo.say("1. A daemon, a provider of language models, and four worker processes")
        try startDaemon()
        provider = try Child(itself, ["provider", providerSocket])
        try awaitFile(providerSocket)
        for _ in 0..<Self.workerCount { workers.append(try Child(itself, ["worker", socket, providerSocket])) }
        try withClient { client in
            try client.breakers.configureDefault(resetTimeout: .seconds(2))
            try client.ledger.setBudget("openai", monthly: .dollars("5"))
        }
        let processes = workers.map { "\($0.processID)" }.joined(separator: ", ")
        Demo.say("   fuseboxd is process \(daemon?.processID ?? 0); the workers are \(processes)")
    }

    mutating func workersShareSpend() throws {
        Demo.say("")
        Demo.say("2. Each worker calls openai 50 times and records what it cost")
        let reports = try all("work 50 openai")
        try Demo.expect(reports.allSatisfy { $0.succeeded == 50 }, "a call failed that should not have: \(reports)")
        try compareBooks()
    }

    mutating func oneOutageIsSeenByAll() throws {
        Demo.say("")
        Demo.say("3. openai begins to answer with errors; every worker goes on calling until its breaker is open")
        try tellProvider("openai fails")
        let reports = try all("until-open openai")
        let failed = reports.map(\.failed).reduce(0, +)
        for (worker, report) in zip(workers, reports) {
            Demo.say("   worker \(worker.processID) stopped after \(report.failed) failed calls of its own")
        }
        // Five failures open the breaker; each of the others may have a call under way by then.
        try Demo.expect(
            (5..<5 + Self.workerCount).contains(failed), "\(failed) calls failed before the breaker opened, not 5 to 8")
        let denied = try all("work 10 openai")
        try Demo.expect(denied.allSatisfy { $0.denied == 10 }, "a worker still called an open provider: \(denied)")
        Demo.say(
            "   \(failed) failed calls in all were enough for all four; alone each would have needed 5 of its own: 20")
    }

    mutating func oneQuotaErrorIsRespectedByAll() throws {
        Demo.say("")
        Demo.say("4. anthropic tells one worker that its quota is used up")
        try tellProvider("anthropic quota")
        let first = try one(0, "work 1 anthropic")
        try Demo.expect(first.throttled == 1, "the quota error did not come: \(first)")
        let others = try (1..<workers.count).map { try one($0, "work 10 anthropic") }
        try Demo.expect(
            others.allSatisfy { $0.skipped == 10 && $0.called == 0 }, "a worker called anthropic: \(others)")
        Demo.say("   the other three were asked to call it 10 times each, and made 0 calls")
    }

    mutating func everythingSurvivesARestart() throws {
        Demo.say("")
        Demo.say("5. The daemon is killed with -9 and started again")
        let before = try Picture(withClient { try $0.overview() })
        guard let daemon else { throw DemoFailure("there is no daemon") }
        try Demo.expect(try daemon.end(SIGKILL) == 128 + SIGKILL, "the daemon was not killed")
        try startDaemon()
        let after = try Picture(withClient { try $0.overview() })
        try Demo.expect(before == after, "the state is another:\n   \(before)\n   \(after)")
        Demo.say("   \(after.lines.joined(separator: "\n   "))")
        Demo.say("   everything is still there, and the workers go on without being told")
        let others = try all("work 5 anthropic")
        try Demo.expect(others.allSatisfy { $0.skipped == 5 }, "the quota mark is gone: \(others)")
        try compareBooks()
    }

    mutating func theProviderRecovers() throws {
        Demo.say("")
        Demo.say("6. openai is well again; each two seconds without traffic take one failure off, each success another")
        try tellProvider("openai works")
        let deadline = time(nil) + 20
        var seen: [String] = []
        while seen.last != "closed" {
            try Demo.expect(time(nil) < deadline, "the breaker did not close within 20 s")
            _ = try all("work 1 openai")
            let state = try withClient { "\(try $0.breakers.get("openai").status.state)" }
            if seen.last != state { seen.append(state) }
            // Traffic restarts the reset timeout only if it is admitted; nobody need hurry.
            usleep(100_000)
        }
        Demo.say("   its breaker went \(seen.joined(separator: " -> "))")
        try compareBooks()
    }

    /// Ends every process and removes every file.
    func cleanUp() {
        for child in workers + [provider, daemon].compactMap({ $0 }) { _ = try? child.end(SIGTERM) }
        Child.removeFolder(folder)
    }

    // MARK: Props

    private mutating func startDaemon() throws {
        daemon = try Child(
            programs + "/fuseboxd", ["--socket", socket, "--data", folder + "/data", "--log-level", "error"])
        // A daemon that was killed leaves its socket's file behind: only an answer tells that the next one is there.
        for _ in 0..<500 {
            if (try? withClient({ try $0.ping() })) != nil { return }
            usleep(10_000)
        }
        throw DemoFailure("fuseboxd does not answer within 5 s")
    }

    private func awaitFile(_ path: String) throws {
        for _ in 0..<500 {
            if unsafe access(path, F_OK) == 0 { return }
            usleep(10_000)
        }
        throw DemoFailure("\(path) did not appear within 5 s")
    }

    private func withClient<Result>(_ body: (FuseboxClient) throws -> Result) throws -> Result {
        let client = try FuseboxClient.connect(to: socket)
        defer { client.close() }
        return try body(client)
    }

    private func tellProvider(_ line: String) throws {
        guard let provider else { throw DemoFailure("there is no provider") }
        try Demo.expect(try provider.ask(line) == "ok", "the provider did not understand '\(line)'")
    }

    private mutating func one(_ index: Int, _ task: String) throws -> DemoReport {
        let report = try DemoReport(try workers[index].ask(task))
        booked = booked.adding(report.spent) ?? booked
        calls += report.succeeded
        return report
    }

    /// Gives every worker the same task at the same time.
    private mutating func all(_ task: String) throws -> [DemoReport] {
        for worker in workers { try worker.send(task) }
        let reports = try workers.map { try DemoReport(try $0.receive()) }
        for report in reports {
            booked = booked.adding(report.spent) ?? booked
            calls += report.succeeded
        }
        return reports
    }

    /// Compares what the workers have booked with what the daemon has.
    private func compareBooks() throws {
        let (total, usage) = try withClient { client in
            (try client.ledger.total().spend, try client.ledger.provider("openai")?.usage)
        }
        try Demo.expect(total == booked, "the daemon has $\(total), the workers have $\(booked)")
        try Demo.expect(usage?.requests == Int64(calls), "the daemon has \(usage?.requests ?? 0) calls, not \(calls)")
        Demo.say("   \(calls) calls cost $\(total): the daemon's ledger and the workers' own books agree exactly")
    }
}

/// What must look the same after a restart.
struct Picture: Equatable, CustomStringConvertible {
    let lines: [String]

    init(_ overview: [FuseboxClient.OverviewEntry]) {
        lines = overview.sorted { $0.name < $1.name }.map { entry in
            let mark = entry.exhaustedUntil == nil ? "not exhausted" : "exhausted"
            return
                "\(entry.name): breaker \(entry.state == .closed ? "closed" : "not closed"), \(mark), spent $\(entry.spend)"
        }
    }

    var description: String { lines.joined(separator: "; ") }
}
