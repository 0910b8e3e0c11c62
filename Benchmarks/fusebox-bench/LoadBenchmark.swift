import FuseboxClient
import FuseboxWire
import Glibc

/// Worker processes with mixed, pipelined requests. At the end the daemon's totals must equal the sums of the workers'
/// records.
struct LoadBenchmark {
    private let workers: Int
    private let requests: Int
    private let inFlight: Int

    init(_ arguments: Arguments) {
        workers = arguments.number("workers", default: 4)
        requests = arguments.number("requests", default: 250_000)
        inFlight = arguments.number("in-flight", default: 64)
    }

    func run() throws {
        let daemon = try Daemon(["--snapshot-interval", "1s"])
        print("\(workers) workers, \(requests) requests each, \(inFlight) in flight, a snapshot each second")
        let begun = nanoseconds()
        let children = try (0..<workers).map { number in
            try ChildProcess([
                Daemon.beside("fusebox-bench"), "worker", "--socket", daemon.socket, "--number", "\(number)",
                "--requests", "\(requests)", "--in-flight", "\(inFlight)", "--books", books(daemon, number),
            ])
        }
        for child in children { try child.expectSuccess() }
        let seconds = Double(nanoseconds() - begun) / 1e9

        var sum = Books()
        var latencies = Latencies()
        for number in 0..<workers {
            let (books, own) = try Books.read(books(daemon, number))
            sum.add(books)
            latencies.add(contentsOf: own)
        }
        try sum.compare(with: FuseboxClient.connect(to: daemon.socket))
        let rate = Int(Double(workers * requests) / seconds)
        print("totals exact: \(sum.records) records, \(sum.outcomes) outcomes, \(sum.nanodollars) nano-dollars")
        print("\(rate) requests a second; from submit to reply: \(latencies.summary)")
        print("longest turn of the daemon: \(try daemon.longestTurn()) µs of processor time")
        try daemon.stop()
    }

    private func books(_ daemon: Daemon, _ number: Int) -> String { "\(daemon.folder)/books\(number)" }
}

/// The totals that a worker has reported.
struct Books {
    static let providers = 4
    static let modelsPerProvider = 5

    /// Requests, spend, input and output tokens, by provider and model.
    private var accounts = [[Int64]](repeating: [0, 0, 0, 0], count: providers * modelsPerProvider)
    /// Successes and failures, by provider.
    private var breakers = [[Int64]](repeating: [0, 0], count: providers)

    static func providerName(_ provider: Int) -> String { "provider-\(provider)" }
    static func modelName(_ model: Int) -> String { "model-\(model)" }

    var records: Int64 { accounts.reduce(0) { $0 + $1[0] } }
    var nanodollars: Int64 { accounts.reduce(0) { $0 + $1[1] } }
    var outcomes: Int64 { breakers.reduce(0) { $0 + $1[0] + $1[1] } }

    mutating func note(_ record: LedgerRecord, _ provider: Int, _ model: Int) {
        let place = provider * Self.modelsPerProvider + model
        accounts[place][0] += 1
        accounts[place][1] += record.cost?.nanodollars ?? 0
        accounts[place][2] += Int64(record.tokens.input ?? 0)
        accounts[place][3] += Int64(record.tokens.output ?? 0)
    }

    mutating func noteOutcome(_ provider: Int, success: Bool) { breakers[provider][success ? 0 : 1] += 1 }

    mutating func add(_ other: Books) {
        for place in accounts.indices { for item in 0..<4 { accounts[place][item] += other.accounts[place][item] } }
        for place in breakers.indices { for item in 0..<2 { breakers[place][item] += other.breakers[place][item] } }
    }

    /// Throws unless the daemon's totals equal these.
    func compare(with client: FuseboxClient) throws {
        for provider in 0..<Self.providers {
            let name = Self.providerName(provider)
            let models = try client.ledger.models(of: name)
            for model in 0..<Self.modelsPerProvider {
                let own = accounts[provider * Self.modelsPerProvider + model]
                let usage = models.first { $0.model.text == Self.modelName(model) }?.usage ?? AccountUsage()
                let theirs = [usage.requests, usage.spend.nanodollars, usage.inputTokens, usage.outputTokens]
                try expect(
                    own == theirs, "\(name)/\(Self.modelName(model)): the workers say \(own), the daemon \(theirs)")
            }
            let status = try client.breakers.get(Candidate(route: name)).status
            let theirs = [Int64(status.totalSuccesses), Int64(status.totalFailures)]
            try expect(
                breakers[provider] == theirs,
                "breaker \(name): the workers say \(breakers[provider]), the daemon \(theirs)")
        }
        let total = try client.ledger.total().spend.nanodollars
        try expect(total == nanodollars, "the workers spent \(nanodollars), the daemon says \(total)")
    }

    // MARK: Exchange between processes

    func write(_ latencies: Latencies, to path: String) throws {
        let numbers = (accounts + breakers).flatMap { $0 }
        let bytes = numbers.withUnsafeBytes { Array($0) } + latencies.bytes
        guard let file = fopen(path, "w") else { throw Failure("cannot write \(path)") }
        defer { fclose(file) }
        try expect(fwrite(bytes, 1, bytes.count, file) == bytes.count, "cannot write \(path)")
    }

    static func read(_ path: String) throws -> (Books, Latencies) {
        guard let file = fopen(path, "r") else { throw Failure("cannot read \(path)") }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: ftell(file))
        rewind(file)
        try expect(fread(&bytes, 1, bytes.count, file) == bytes.count, "cannot read \(path)")
        var books = Books()
        var offset = 0
        func next() -> Int64 {
            defer { offset += 8 }
            return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Int64.self) }
        }
        for place in books.accounts.indices { for item in 0..<4 { books.accounts[place][item] = next() } }
        for place in books.breakers.indices { for item in 0..<2 { books.breakers[place][item] = next() } }
        return (books, Latencies(bytes: Array(bytes[offset...])))
    }
}
