import FuseboxClient
import FuseboxWire
import Glibc

/// The cost of a call for the caller's process. Instructions in user space and allocations are counted by callgrind,
/// not timed.
///
/// One caller makes one call after the other, blocking its thread or as a task. Each kind runs twice with different
/// numbers of calls, and the difference leaves out the fixed cost of a client. The cost of blocking calls is the same
/// in every run. The cost of a task's calls varies, because the number of times that its threads go to sleep varies.
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

/// The process that makes the calls.
struct Caller {
    private let client: FuseboxClient
    private let kind: ClientBenchmark.Kind
    private let waiting: ClientBenchmark.Waiting
    private let calls: Int

    init(_ arguments: Arguments) throws {
        guard let kind = ClientBenchmark.Kind(rawValue: arguments.text("kind")),
            let waiting = ClientBenchmark.Waiting(rawValue: arguments.text("waiting"))
        else { throw Failure("--kind or --waiting is unknown; the client benchmark starts this process itself") }
        self.kind = kind
        self.waiting = waiting
        calls = arguments.number("calls", default: 1)
        // Callgrind is slow, so timeouts are long. No spool is delivered here.
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

    /// The main thread blocks in a read until the task reports its end.
    private func callFromTask() throws {
        var ends: [Int32] = [-1, -1]
        try expect(pipe(&ends) == 0, "cannot create a pipe")
        let (reading, writing) = (ends[0], ends[1])
        Task { [self] in
            var hasFailed: UInt8 = 0
            do { for _ in 0..<calls { try await call() } } catch { hasFailed = 1 }
            _ = write(writing, &hasFailed, 1)
        }
        var hasFailed: UInt8 = 1
        try expect(read(reading, &hasFailed, 1) == 1 && hasFailed == 0, "a call of a task failed")
        close(reading)
        close(writing)
    }
}
