import FuseboxClient
import FuseboxWire
import Glibc

/// What a call costs the caller's process, counted and not timed: instructions in user space and allocations, by callgrind.
///
/// One caller makes one call after the other: blocking its thread, or as a task. Each kind runs twice with different numbers of
/// calls, so that the difference leaves out what a client costs once. Blocking calls cost the same in every run. A task's
/// calls vary, because the number of times that its threads go to sleep does.
struct ClientBenchmark {
    private let calls: Int

    init(_ arguments: Arguments) { calls = max(1, arguments.number("calls", default: 10_000)) }

    func run() throws {
        let daemon = try Daemon(["--snapshot-interval", "1h"])
        for waiting in Waiting.allCases {
            for kind in Kind.allCases {
                let few = try cost(kind, waiting, calls: calls / 10, daemon)
                let many = try cost(kind, waiting, calls: calls / 10 + calls, daemon)
                print("\(kind.rawValue), \(waiting.rawValue): \((many - few).perCall(of: calls))")
            }
        }
        try daemon.stop()
    }

    fileprivate enum Waiting: String, CaseIterable {
        case blocking
        case task
    }

    fileprivate enum Kind: String, CaseIterable {
        case ping
        case acquire = "breaker.acquire"
        case record = "ledger.record"
    }

    private func cost(_ kind: Kind, _ waiting: Waiting, calls: Int, _ daemon: Daemon) throws -> Callgrind.Cost {
        try Callgrind.count { tool in
            let caller = try ChildProcess(
                tool + [
                    Daemon.beside("fusebox-bench"), "caller", "--socket", daemon.socket, "--kind", kind.rawValue,
                    "--waiting", waiting.rawValue, "--calls", "\(calls)",
                ])
            try caller.expectSuccess()
        }
    }
}

/// The process that calls.
struct Caller {
    private let client: FuseboxClient
    private let kind: ClientBenchmark.Kind
    private let waiting: ClientBenchmark.Waiting
    private let calls: Int

    init(_ arguments: Arguments) throws {
        guard let kind = ClientBenchmark.Kind(rawValue: arguments.text("kind")),
            let waiting = ClientBenchmark.Waiting(rawValue: arguments.text("waiting"))
        else { throw Failure("no such call") }
        self.kind = kind
        self.waiting = waiting
        calls = arguments.number("calls", default: 1)
        // Under callgrind everything takes its time. Nobody's spool is to be delivered here.
        var configuration = FuseboxClient.Configuration(clientName: "bench", requestTimeoutMilliseconds: 60_000)
        configuration.spool = .none
        client = try FuseboxClient.connect(to: arguments.text("socket"), configuration: configuration)
    }

    func run() throws {
        switch waiting {
        case .blocking: for _ in 0..<calls { try call() }
        case .task: try callFromTask()
        }
        client.close()
    }

    private func call() throws {
        switch kind {
        case .ping: _ = try client.ping()
        case .acquire: _ = try client.breakers.acquire("openai")
        case .record: _ = try client.ledger.record(provider: "openai", model: "gpt-5", cost: .dollars("0.0001"))
        }
    }

    private func call() async throws {
        switch kind {
        case .ping: _ = try await client.ping()
        case .acquire: _ = try await client.breakers.acquire("openai")
        case .record: _ = try await client.ledger.record(provider: "openai", model: "gpt-5", cost: .dollars("0.0001"))
        }
    }

    /// The main thread sleeps in a read until the task has written that it has ended.
    private func callFromTask() throws {
        var ends: [Int32] = [-1, -1]
        try expect(pipe(&ends) == 0, "there is no pipe")
        let (reading, writing) = (ends[0], ends[1])
        Task { [self] in
            var hasFailed: UInt8 = 0
            do { for _ in 0..<calls { try await call() } } catch { hasFailed = 1 }
            _ = write(writing, &hasFailed, 1)
        }
        var hasFailed: UInt8 = 1
        try expect(read(reading, &hasFailed, 1) == 1 && hasFailed == 0, "a task's call has failed")
        close(reading)
        close(writing)
    }
}
