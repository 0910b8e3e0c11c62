import FuseboxClient
import Glibc

/// The steps of the demo, in order.
struct Story {
    private static let ownWorkerCount = 4
    /// $5 per month.
    private static let limit = FuseboxClient.Limit(
        .cost, FuseboxClient.Money.dollars("5").nanodollars, .calendar(.month))

    private let folder: String
    private let programs: String
    /// The commands of workers in other languages.
    private let otherWorkers: [[String]]
    private var daemon: Child?
    private var provider: Child?
    private var workers: [Child] = []
    /// The spend that the workers reported to the demo.
    private var booked = FuseboxClient.Money.zero
    private var calls = 0

    /// - Parameter otherWorkers: commands of further workers; each gets the sockets of the daemon and the provider
    init(otherWorkers: [[String]]) throws {
        self.otherWorkers = otherWorkers
        var template = Array("/tmp/fusebox-demo-XXXXXX\0".utf8CString.dropLast())
        guard let made = unsafe mkdtemp(&template) else { throw DemoFailure("cannot create a folder in /tmp") }
        folder = unsafe String(cString: made)
        let ownPath = CommandLine.arguments[0]
        programs = ownPath.contains("/") ? String(ownPath[..<(ownPath.lastIndex(of: "/") ?? ownPath.startIndex)]) : "."
    }

    private var socket: String { folder + "/fusebox.sock" }
    private var providerSocket: String { folder + "/provider.sock" }
    private var itself: String { programs + "/fusebox-demo" }

    // MARK: Steps

    mutating func begin() throws {
        let count = Self.ownWorkerCount + otherWorkers.count
        Demo.say("1. A daemon, a provider of language models, and \(count) worker processes")
        try startDaemon()
        provider = try Child(itself, ["provider", providerSocket])
        try awaitFile(providerSocket)
        for _ in 0..<Self.ownWorkerCount { workers.append(try Child(itself, ["worker", socket, providerSocket])) }
        for command in otherWorkers { workers.append(try Child("/usr/bin/env", command + [socket, providerSocket])) }
        try withClient { client in
            try client.breakers.configureDefault(resetTimeout: .seconds(2))
            try client.limits.set([Self.limit], on: FuseboxClient.Scope(provider: try FuseboxClient.Name("openai")))
        }
        let names = Array(repeating: "", count: Self.ownWorkerCount) + otherWorkers.map { " (\($0.last ?? ""))" }
        let processes = zip(workers, names).map { "\($0.processID)\($1)" }.joined(separator: ", ")
        Demo.say("   fuseboxd is process \(daemon?.processID ?? 0); the workers are \(processes)")
    }

    mutating func workersShareSpend() throws {
        Demo.say("")
        Demo.say("2. Each worker calls openai 50 times and records the costs")
        let reports = try all("work 50 openai")
        try Demo.expect(reports.allSatisfy { $0.succeeded == 50 }, "not all calls succeeded: \(reports)")
        try compareBooks()
    }

    mutating func oneOutageIsSeenByAll() throws {
        Demo.say("")
        Demo.say("3. openai answers with errors from now on; every worker calls it until the breaker is open")
        try tellProvider("openai fails")
        let reports = try all("until-open openai")
        let failed = reports.map(\.failed).reduce(0, +)
        for (worker, report) in zip(workers, reports) {
            Demo.say("   worker \(worker.processID) stopped after \(report.failed) failed calls of its own")
        }
        // Five failures open the breaker. Each other worker may have a call in flight at that time.
        try Demo.expect(
            (5..<5 + workers.count).contains(failed),
            "\(failed) calls failed before the breaker opened, not 5 to \(4 + workers.count)")
        let denied = try all("work 10 openai")
        try Demo.expect(denied.allSatisfy { $0.denied == 10 }, "a worker still called an open provider: \(denied)")
        Demo.say(
            "   \(failed) failed calls together opened the breaker for all; without Fusebox each needs 5, together "
                + "\(5 * workers.count)")
    }

    mutating func oneQuotaErrorIsRespectedByAll() throws {
        Demo.say("")
        Demo.say("4. anthropic answers one worker that the quota is exhausted")
        try tellProvider("anthropic quota")
        let first = try one(0, "work 1 anthropic")
        try Demo.expect(first.throttled == 1, "the worker got no quota error: \(first)")
        let others = try (1..<workers.count).map { try one($0, "work 10 anthropic") }
        try Demo.expect(
            others.allSatisfy { $0.skipped == 10 && $0.called == 0 }, "a worker called anthropic: \(others)")
        Demo.say("   the other \(others.count) workers have 10 calls to make each, and send none of them")
    }

    mutating func everythingSurvivesARestart() throws {
        Demo.say("")
        Demo.say("5. The daemon is killed with -9 and started again")
        let before = try Picture(withClient { try $0.overview() })
        guard let daemon else { throw DemoFailure("the daemon was not started") }
        try Demo.expect(try daemon.end(SIGKILL) == 128 + SIGKILL, "the daemon was not killed")
        try startDaemon()
        let after = try Picture(withClient { try $0.overview() })
        try Demo.expect(before == after, "the state has changed:\n   \(before)\n   \(after)")
        Demo.say("   \(after.lines.joined(separator: "\n   "))")
        Demo.say("   the state is the same, and the workers reconnect by themselves")
        let others = try all("work 5 anthropic")
        try Demo.expect(others.allSatisfy { $0.skipped == 5 }, "the quota mark is gone: \(others)")
        try compareBooks()
    }

    mutating func theProviderRecovers() throws {
        Demo.say("")
        Demo.say("6. openai works again; two seconds without traffic remove one failure, and so does each success")
        try tellProvider("openai works")
        let deadline = time(nil) + 20
        var seen: [String] = []
        while seen.last != "closed" {
            try Demo.expect(time(nil) < deadline, "the breaker did not close within 20 s")
            _ = try all("work 1 openai")
            let state = try withClient { "\(try $0.breakers.get("openai").status.state)" }
            if seen.last != state { seen.append(state) }
            // Only admitted traffic restarts the reset timeout.
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

    // MARK: Processes

    private mutating func startDaemon() throws {
        daemon = try Child(
            programs + "/fuseboxd", ["--socket", socket, "--data", folder + "/data", "--log-level", "error"])
        // A killed daemon leaves its socket file behind, so only an answer shows that the next one is ready.
        for _ in 0..<500 {
            if (try? withClient({ try $0.ping() })) != nil { return }
            usleep(10_000)
        }
        throw DemoFailure("fuseboxd did not answer within 5 s")
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
        guard let provider else { throw DemoFailure("the provider was not started") }
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

    /// Compares the workers' own totals with the daemon's ledger.
    private func compareBooks() throws {
        let (total, usage) = try withClient { client in
            (try client.ledger.total().spend, try client.ledger.provider("openai")?.usage)
        }
        try Demo.expect(total == booked, "the daemon counted $\(total), the workers $\(booked)")
        try Demo.expect(
            usage?.requests == Int64(calls), "the daemon counted \(usage?.requests ?? 0) calls, the workers \(calls)")
        Demo.say("   \(calls) calls cost $\(total): the daemon's ledger and the workers' totals agree exactly")
    }
}

/// The state that must be the same after a restart.
struct Picture: Equatable, CustomStringConvertible {
    let lines: [String]

    init(_ overview: [FuseboxClient.OverviewEntry]) {
        lines = overview.sorted { $0.name < $1.name }.map { entry in
            let mark = entry.exhaustedUntil == nil ? "not exhausted" : "exhausted"
            let limit = entry.fullest.map { ", $\(FuseboxClient.Money(nanodollars: $0.used)) of \($0.limit) used" }
            return
                "\(entry.name): breaker \(entry.state == .closed ? "closed" : "not closed"), \(mark), spent $\(entry.spend)"
                + (limit ?? "")
        }
    }

    var description: String { lines.joined(separator: "; ") }
}
