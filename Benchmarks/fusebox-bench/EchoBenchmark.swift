import FuseboxClient
import FuseboxWire

/// What a request costs over a bare round trip: an echo server in C on the same libuv, and the daemon, by turns.
struct EchoBenchmark {
    private let rounds: Int

    init(_ arguments: Arguments) { rounds = arguments.number("rounds", default: 20_000) }

    func run() throws {
        let daemon = try Daemon()
        let echoPath = "\(daemon.folder)/echo"
        let echo = try ChildProcess([Daemon.beside("fusebox-echo"), echoPath])
        try waitForSocket(echoPath)

        let acquire = RawConnection.frame(BreakerAcquire(name: try Name("openai")), sequence: 1)
        let ping = RawConnection.frame(Ping())
        var echoing = try RawConnection(echoPath)
        var raw = try RawConnection(daemon.socket)
        var reader = FrameReader()
        try raw.send(RawConnection.frame(Hello(worker: WorkerID(high: 1, low: 1), client: "bench")))
        try expect(try raw.receiveFrames(1, &reader) == 0, "hello was refused")
        let client = try FuseboxClient.connect(to: daemon.socket)

        var latencies = [Latencies](repeating: Latencies(), count: 4)
        var sequence: UInt64 = 0
        // By turns, so that whatever else the machine does meets all of them alike.
        for round in 0..<rounds + 1_000 {
            let begun = nanoseconds()
            try echoing.send(acquire)
            var received = 0
            while received < acquire.count { received += try echoing.receive() }
            let echoed = nanoseconds()
            try raw.send(ping)
            try expect(try raw.receiveFrames(1, &reader) == 0, "ping was refused")
            let pinged = nanoseconds()
            sequence += 1
            try raw.send(RawConnection.frame(BreakerAcquire(name: try Name("openai")), sequence: sequence))
            try expect(try raw.receiveFrames(1, &reader) == 0, "acquire was refused")
            let acquired = nanoseconds()
            _ = try client.breakers.acquire("openai")
            let called = nanoseconds()
            guard round >= 1_000 else { continue }
            latencies[0].add(echoed - begun)
            latencies[1].add(pinged - echoed)
            latencies[2].add(acquired - pinged)
            latencies[3].add(called - acquired)
        }
        let names = ["echo in C", "ping", "breaker.acquire", "breaker.acquire by FuseboxClient"]
        for (name, latencies) in zip(names, latencies) { print("\(name): \(latencies.summary)") }
        withExtendedLifetime(echo) {}
        try daemon.stop()
    }
}
