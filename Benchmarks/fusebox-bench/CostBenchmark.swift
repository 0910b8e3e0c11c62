import FuseboxWire
import Glibc

/// The cost of requests for the daemon. Instructions in user space and allocations are counted by callgrind, not timed.
///
/// Each kind runs twice with different numbers of calls. The difference leaves out start, end and memory that is
/// allocated once. With one call in flight, each call has a turn of the loop to itself. With many, calls share the cost
/// of a turn.
///
/// What the daemon does once a second is among the counts, and callgrind makes the seconds of a run many: a hundredth or so
/// of an allocation per call is its housekeeping. No call allocates.
struct CostBenchmark {
    private let calls: Int
    private let inFlight: Int

    /// The number of rounds of calls in flight, in the two runs.
    init(_ arguments: Arguments) {
        inFlight = max(1, arguments.number("in-flight", default: 1))
        let rounds = max(1, arguments.number("calls", default: 4_000) / (2 * inFlight))
        calls = rounds * 2 * inFlight
    }

    func run() throws {
        for kind in Kind.allCases {
            let few = try cost(kind, calls: calls / 2)
            let many = try cost(kind, calls: calls + calls / 2)
            print("\(kind.rawValue): \((many - few).perCall(of: calls))")
        }
    }

    private enum Kind: String, CaseIterable {
        case ping
        case acquire = "breaker.acquire"
        case record = "ledger.record"
        case pair = "admission.admit + admission.settle"
    }

    private func cost(_ kind: Kind, calls: Int) throws -> Callgrind.Cost {
        try Callgrind.count { tool in
            let daemon = try Daemon(["--snapshot-interval", "1h"], under: tool)
            try talk(kind, calls, daemon.socket)
            try daemon.stop()
        }
    }

    private func talk(_ kind: Kind, _ calls: Int, _ path: String) throws {
        var connection = try RawConnection(path)
        defer { connection.close() }
        var reader = FrameReader()
        var sequence: UInt64 = 0
        /// Sends as many requests as are in flight. `next` makes each of them.
        @discardableResult
        func ask<C: Command>(_ count: Int = 1, _ next: (Int) -> C) throws -> [C.Reply] {
            var frames = ByteWriter()
            for number in 0..<count {
                if C.declaration.isSequenced { sequence += 1 }
                // The replies of earlier rounds are acknowledged.
                let oldest = sequence - UInt64(C.declaration.isSequenced ? number : 0)
                RawConnection.append(next(number), sequence: sequence, oldest: oldest, to: &frames)
            }
            try connection.send(frames.bytes)
            return try (0..<count).map { _ in try connection.receiveReply(&reader) }
        }
        try ask { _ in Hello(worker: WorkerID(high: 1, low: .random(in: 1 ... .max)), client: "bench") }
        let name = try Name("openai")
        let model = try Name("gpt-5")
        try ask { _ in
            LimitSet(
                scope: Scope(provider: name),
                limits: [
                    Limit(.cost, Money.dollars("1000000").nanodollars, .manual),
                    Limit(.requests, .max, .fixed(milliseconds: 60_000)),
                    Limit(.tokens, .max, .fixed(milliseconds: 86_400_000)),
                ])
        }
        let usage = CallUsage(cost: .dollars("0.0001"), inputTokens: 120, outputTokens: 300)
        let admit = Admit(
            candidates: try Candidates([Candidate(provider: name, model: model)]),
            estimate: Estimate(cost: .dollars("0.001"), tokens: 800), ttlMilliseconds: 60_000)
        let record = LedgerRecord(
            provider: name, model: model, cost: usage.cost, inputTokens: 120, outputTokens: 300)
        for _ in 0..<calls / inFlight {
            switch kind {
            case .ping: try ask(inFlight) { _ in Ping() }
            case .acquire: try ask(inFlight) { _ in BreakerAcquire(name: name) }
            case .record: try ask(inFlight) { _ in record }
            case .pair:
                let permits = try ask(inFlight) { _ in admit }.compactMap(\.permit)
                try expect(permits.count == inFlight, "a permit was denied")
                try ask(inFlight) { Settle(permit: permits[$0], outcome: .success, usage: usage) }
            }
        }
    }
}
