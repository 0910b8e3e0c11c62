import FuseboxClient
import FuseboxWire

/// A worker process of the load benchmark.
struct LoadWorker {
    private let client: FuseboxClient
    private let requests: Int
    private let inFlight: Int
    private let booksPath: String
    private var generator: SeededGenerator
    private var books = Books()
    private var latencies = Latencies()
    private let providers: [Name]
    private let models: [Name]

    init(_ arguments: Arguments) throws {
        var configuration = FuseboxClient.Configuration(clientName: "bench", requestTimeoutMilliseconds: 60_000)
        configuration.connectTimeoutMilliseconds = 10_000
        client = try FuseboxClient.connect(to: arguments.text("socket"), configuration: configuration)
        requests = arguments.number("requests", default: 1)
        inFlight = arguments.number("in-flight", default: 64)
        booksPath = arguments.text("books")
        generator = SeededGenerator(state: UInt64(arguments.number("number", default: 0)))
        providers = try (0..<Books.providers).map { try Name(Books.providerName($0)) }
        models = try (0..<Books.modelsPerProvider).map { try Name(Books.modelName($0)) }
    }

    mutating func run() throws {
        var waiting: [(since: Int, finish: () throws -> Void)] = []
        waiting.reserveCapacity(inFlight)
        var oldest = 0
        for number in 0..<requests {
            let entry = (since: nanoseconds(), finish: try submit(number))
            if waiting.count < inFlight {
                waiting.append(entry)
            } else {
                try conclude(waiting[oldest])
                waiting[oldest] = entry
                oldest = (oldest + 1) % inFlight
            }
        }
        for number in waiting.indices { try conclude(waiting[(oldest + number) % waiting.count]) }
        try books.write(latencies, to: booksPath)
    }

    private mutating func conclude(_ entry: (since: Int, finish: () throws -> Void)) throws {
        try entry.finish()
        latencies.add(nanoseconds() - entry.since)
    }

    /// Submits one request of the mix. The result waits for its reply.
    private mutating func submit(_ number: Int) throws -> () throws -> Void {
        let provider = Int.random(in: 0..<Books.providers, using: &generator)
        let name = providers[provider]
        switch Int.random(in: 0..<100, using: &generator) {
        case ..<30: return try waiter(BreakerAcquire(name: name))
        case ..<45:
            books.noteOutcome(provider, success: true)
            return try waiter(BreakerSuccess(name: name))
        case ..<50:
            books.noteOutcome(provider, success: false)
            return try waiter(BreakerFailure(name: name))
        case ..<80:
            let model = Int.random(in: 0..<Books.modelsPerProvider, using: &generator)
            let record = LedgerRecord(
                provider: name, model: models[model],
                cost: Money(nanodollars: Int64.random(in: 0..<5_000_000, using: &generator)),
                inputTokens: UInt32.random(in: 0..<4_000, using: &generator),
                outputTokens: UInt32.random(in: 0..<1_000, using: &generator))
            books.note(record, provider, model)
            return try waiter(record)
        case ..<82: return try waiter(ExhaustionMark(provider: name, resetAfterMilliseconds: 5))
        case ..<90: return try waiter(ExhaustionGet(provider: name))
        case ..<98: return try waiter(LimitList(scope: Scope(provider: name)))
        default: return try waiter(Overview())
        }
    }

    private func waiter<C: Command>(_ command: C) throws -> () throws -> Void {
        let pending = try client.submit(command)
        return { _ = try pending.wait() }
    }
}

/// A random generator with a seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
