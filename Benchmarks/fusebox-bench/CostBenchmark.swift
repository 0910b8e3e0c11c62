import FuseboxWire
import Glibc

/// What requests cost the daemon, counted and not timed: instructions in user space and allocations, by callgrind.
///
/// Each kind runs twice with different numbers of calls; the difference leaves out start and end, and what grows to its
/// size once. With one call in flight each has a turn of the loop to itself; with many they share its cost.
struct CostBenchmark {
    private let calls: Int
    private let inFlight: Int

    /// Whole rounds of calls in flight, in both runs.
    init(_ arguments: Arguments) {
        inFlight = max(1, arguments.number("in-flight", default: 1))
        let rounds = max(1, arguments.number("calls", default: 4_000) / (2 * inFlight))
        calls = rounds * 2 * inFlight
    }

    func run() throws {
        for kind in Kind.allCases {
            let few = try cost(kind, calls: calls / 2)
            let many = try cost(kind, calls: calls + calls / 2)
            let instructions = (many.instructions - few.instructions) / calls
            let allocations = Double(many.allocations - few.allocations) / Double(calls)
            let hundredths = Int((allocations * 100).rounded())
            print(
                "\(kind.rawValue): \(instructions) instructions, \(hundredths / 100).\(hundredths % 100 / 10)\(hundredths % 10) allocations"
            )
        }
    }

    private enum Kind: String, CaseIterable {
        case ping
        case acquire = "breaker.acquire"
        case record = "ledger.record"
        case pair = "admission.admit + admission.settle"
    }

    private struct Cost {
        var instructions = 0
        var allocations = 0
    }

    private func cost(_ kind: Kind, calls: Int) throws -> Cost {
        var template = Array("/tmp/fusebox-cost-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("cannot make a folder in /tmp") }
        let folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        let counts = "\(folder)/counts"
        defer {
            unlink(counts)
            rmdir(folder)
        }
        let valgrind = ["/usr/bin/valgrind", "--tool=callgrind", "--callgrind-out-file=\(counts)"]
        let daemon = try Daemon(["--snapshot-interval", "1h"], under: valgrind)
        try talk(kind, calls, daemon.socket)
        try daemon.stop()
        return try Self.read(counts)
    }

    private func talk(_ kind: Kind, _ calls: Int, _ path: String) throws {
        var connection = try RawConnection(path)
        defer { connection.close() }
        var reader = FrameReader()
        var sequence: UInt64 = 0
        /// Asks as often as calls are in flight, each time for what `next` makes.
        @discardableResult
        func ask<C: Command>(_ count: Int = 1, _ next: (Int) -> C) throws -> [C.Reply] {
            var frames = ByteWriter()
            for number in 0..<count {
                if C.declaration.isSequenced { sequence += 1 }
                // What came back in the rounds before is acknowledged.
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
            LedgerSetBudget(
                budget: Budget(provider: name, monthly: .dollars("1000000"), isEnforced: true, rpm: .max, tpd: .max))
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

    /// The totals of a file that callgrind has written.
    private static func read(_ path: String) throws -> Cost {
        guard let file = fopen(path, "r") else { throw Failure("callgrind has written nothing") }
        defer { fclose(file) }
        var cost = Cost()
        var names: [Substring: Bool] = [:]
        var isAllocation = false
        var buffer = [CChar](repeating: 0, count: 65_536)
        while fgets(&buffer, Int32(buffer.count), file) != nil {
            let line = String(
                decoding: buffer.prefix { $0 != 0 && $0 != 10 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            if line.hasPrefix("cfn=") {
                // A name is spelled where it is first mentioned: `cfn=(12) malloc`, later `cfn=(12)`.
                let parts = line.dropFirst(4).split(separator: " ", maxSplits: 1)
                if parts.count > 1 { names[parts[0]] = allocators.contains(String(parts[1])) }
                isAllocation = names[parts[0]] ?? false
            } else if line.hasPrefix("fn=") {
                let parts = line.dropFirst(3).split(separator: " ", maxSplits: 1)
                if parts.count > 1 { names[parts[0]] = allocators.contains(String(parts[1])) }
            } else if isAllocation, line.hasPrefix("calls=") {
                cost.allocations += line.dropFirst(6).split(separator: " ").first.flatMap { Int($0) } ?? 0
            } else if line.hasPrefix("summary:") || line.hasPrefix("totals:") {
                cost.instructions = line.split(separator: " ").last.flatMap { Int($0) } ?? 0
            }
        }
        try expect(cost.instructions > 0, "callgrind has counted nothing")
        return cost
    }

    private static let allocators: Set = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"]
}
