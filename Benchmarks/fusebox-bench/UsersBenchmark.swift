import FuseboxWire
import Glibc

/// Many users as tags under a template: the memory of each, and the cost of a call beside few and many others.
///
/// Instructions of the loop's thread are counted by callgrind, as in `CostBenchmark`: two runs with different numbers of
/// calls, whose difference leaves out the start and the users' first calls.
struct UsersBenchmark {
    private let users: Int
    private let calls: Int

    init(_ arguments: Arguments) {
        users = max(1, arguments.number("users", default: 10_000))
        calls = max(2, arguments.number("calls", default: 2_000))
    }

    func run() throws {
        for limits in [["$1 per day"], ["$1 per day", "6000 requests per minute", "8 in flight"]] {
            try measureMemory(limits)
        }
        for count in [1, 100, users] {
            let few = try cost(users: count, calls: calls / 2)
            let many = try cost(users: count, calls: calls / 2 + calls)
            print("\(count) users: admission.admit + admission.settle: \((many - few).perCall(of: calls))")
        }
    }

    private func measureMemory(_ limits: [String]) throws {
        let daemon = try Daemon(["--snapshot-interval", "1h"])
        let peer = try Peer(daemon.socket)
        try peer.setLimits(limits)
        // What a first call and a full set of worker and reply tables cost is no user's.
        for _ in 0..<1_000 { try peer.call(user: 0) }
        let before = try peer.residentBytes()
        for user in 1...users { try peer.call(user: user) }
        let after = try peer.residentBytes()
        peer.close()
        try daemon.stop()
        print(
            "\(users) users with \(limits.joined(separator: ", ")): \(before / 1_024) KiB before, \(after / 1_024) KiB after, \((after - before) / users) bytes a user"
        )
    }

    private func cost(users: Int, calls: Int) throws -> Callgrind.Cost {
        try Callgrind.count(.first) { tool in
            let daemon = try Daemon(["--snapshot-interval", "1h"], under: tool)
            let peer = try Peer(daemon.socket)
            try peer.setLimits(["$1000000 per day"])
            for user in 0..<users { try peer.call(user: user) }
            for call in 0..<calls { try peer.call(user: call &* 7_919 % users) }
            peer.close()
            try daemon.stop()
        }
    }

    /// A worker that sends one request at a time.
    private final class Peer {
        private var connection: RawConnection
        private var reader = FrameReader()
        private var sequence: UInt64 = 0
        private let candidates: Candidates

        init(_ path: String) throws {
            let route = Candidate(provider: try Name("openai"), model: try Name("gpt-5"))
            candidates = try Candidates([route])
            connection = try RawConnection(path)
            _ = try ask(Hello(worker: WorkerID(high: 1, low: .random(in: 1 ... .max)), client: "bench"))
        }

        func close() { connection.close() }

        private func ask<C: Command>(_ command: C) throws -> C.Reply {
            if C.declaration.isSequenced { sequence += 1 }
            var frames = ByteWriter()
            RawConnection.append(command, sequence: sequence, oldest: sequence, to: &frames)
            try connection.send(frames.bytes)
            return try connection.receiveReply(&reader)
        }

        func setLimits(_ texts: [String]) throws {
            let limits = try texts.map { try LimitText.limit($0) }
            _ = try ask(LimitSet(scope: Scope(tag: Name("user:*")), limits: limits))
        }

        func call(user: Int) throws {
            var tags = WireLimits.TagList()
            tags.append(try Name("user:\(user)"))
            let estimate = Estimate(cost: .dollars("0.001"), tokens: 800)
            let reply = try ask(
                Admit(candidates: candidates, tags: tags, estimate: estimate, ttlMilliseconds: 60_000))
            guard let permit = reply.permit else { throw Failure("a permit was denied: \(reply.decision)") }
            let usage = CallUsage(cost: .dollars("0.0001"), inputTokens: 120, outputTokens: 300)
            _ = try ask(Settle(permit: permit, outcome: .success, usage: usage))
        }

        /// The daemon tells its memory of the last second.
        func residentBytes() throws -> Int {
            _ = poll(nil, 0, 1_500)
            return Int(try ask(ServerStatus()).residentBytes)
        }
    }
}
