import FuseboxClient
import FuseboxWire
import Glibc

/// The cost of a request compared with a bare round trip. An echo server in C on the same libuv and the daemon are
/// measured in turns.
struct EchoBenchmark {
    private let rounds: Int

    init(_ arguments: Arguments) { rounds = arguments.number("rounds", default: 20_000) }

    func run() throws {
        let daemon = try Daemon()
        let echoPath = "\(daemon.folder)/echo"
        let echo = try ChildProcess([Daemon.beside("fusebox-echo"), echoPath])
        try waitForSocket(echoPath)
        // The choice of core decides most of a round trip, so both servers are placed alike.
        try pin(getpid(), to: 0)
        for (place, core) in [("on the same core", 0), ("not on the same core", 1)]
        where core < sysconf(Int32(_SC_NPROCESSORS_ONLN)) {
            try pin(daemon.child.process, to: core)
            try pin(echo.process, to: core)
            print("the servers \(place) as the client:")
            for (name, latencies) in zip(Self.names, try measure(daemon, echoPath)) {
                print("  \(name): \(latencies.summary)")
            }
        }
        try daemon.stop()
    }

    private static let names = ["echo in C", "ping", "breaker.acquire", "breaker.acquire by FuseboxClient"]

    private func measure(_ daemon: Daemon, _ echoPath: String) throws -> [Latencies] {
        var echoing = try RawConnection(echoPath)
        var raw = try RawConnection(daemon.socket)
        var reader = FrameReader()
        try raw.send(
            RawConnection.frame(Hello(worker: WorkerID(high: 1, low: .random(in: 1 ... .max)), client: "bench")))
        try expect(try raw.receiveFrames(1, &reader) == 0, "hello was refused")
        let client = try FuseboxClient.connect(to: daemon.socket)
        let name = try Name("openai")
        let ping = RawConnection.frame(Ping())

        var latencies = [Latencies](repeating: Latencies(), count: 4)
        // The servers alternate, so that other load on the machine affects all of them. The first thousand rounds warm
        // up.
        for round in 0..<rounds + 1_000 {
            let acquire = RawConnection.frame(BreakerAcquire(name: name), sequence: UInt64(round + 1))
            let begun = nanoseconds()
            try echoing.send(acquire)
            var received = 0
            while received < acquire.count { received += try echoing.receive() }
            let echoed = nanoseconds()
            try raw.send(ping)
            try expect(try raw.receiveFrames(1, &reader) == 0, "ping was refused")
            let pinged = nanoseconds()
            try raw.send(acquire)
            try expect(try raw.receiveFrames(1, &reader) == 0, "acquire was refused")
            let acquired = nanoseconds()
            _ = try client.breakers.acquire("openai")
            let called = nanoseconds()
            guard round >= 1_000 else { continue }
            for (place, time) in [echoed - begun, pinged - echoed, acquired - pinged, called - acquired].enumerated() {
                latencies[place].add(time)
            }
        }
        echoing.close()
        raw.close()
        return latencies
    }
}

/// Binds a process to one core.
private func pin(_ process: pid_t, to core: Int) throws {
    try ChildProcess(["/usr/bin/taskset", "-pc", "\(core)", "\(process)"], output: "/dev/null").expectSuccess()
}
