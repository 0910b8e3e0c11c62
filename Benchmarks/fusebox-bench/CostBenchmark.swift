import FuseboxWire
import Glibc

/// What requests cost the daemon, counted and not timed: instructions in user space and allocations, by callgrind.
///
/// Each kind runs twice with different numbers of calls, one at a time; the difference leaves out start and end, and what
/// grows to its size once.
struct CostBenchmark {
    private let calls: Int

    init(_ arguments: Arguments) { calls = arguments.number("calls", default: 4_000) }

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
        @discardableResult
        func ask<C: Command>(_ command: C) throws -> C.Reply {
            if C.declaration.isSequenced { sequence += 1 }
            try connection.send(RawConnection.frame(command, sequence: sequence))
            return try connection.receiveReply(&reader)
        }
        try ask(Hello(worker: WorkerID(high: 1, low: .random(in: 1 ... .max)), client: "bench"))
        let name = try Name("openai")
        let model = try Name("gpt-5")
        try ask(
            LedgerSetBudget(
                budget: Budget(
                    provider: name, monthly: .dollars("1000000"), isEnforced: true, rpm: .max, tpd: .max)))
        let usage = CallUsage(cost: .dollars("0.0001"), inputTokens: 120, outputTokens: 300)
        let admit = Admit(
            candidates: try Candidates([Candidate(provider: name, model: model)]),
            estimate: Estimate(cost: .dollars("0.001"), tokens: 800), ttlMilliseconds: 60_000)
        for _ in 1...calls {
            switch kind {
            case .ping: try ask(Ping())
            case .acquire: try ask(BreakerAcquire(name: name))
            case .record:
                try ask(
                    LedgerRecord(
                        provider: name, model: model, cost: usage.cost, inputTokens: 120, outputTokens: 300))
            case .pair:
                guard let permit = try ask(admit).permit else { throw Failure("a permit was denied") }
                try ask(Settle(permit: permit, outcome: .success, usage: usage))
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
