import FuseboxClient
import Glibc

/// A worker process: asks Fusebox before each call to a provider and reports afterwards.
struct DemoWorker {
    private let client: FuseboxClient
    private let provider: String

    init(daemon: String, provider: String) throws {
        client = try FuseboxClient.connect(to: daemon, configuration: .init(clientName: "demo worker"))
        self.provider = provider
    }

    /// Takes tasks from standard input, one a line, and answers each with a report.
    func run() throws {
        while let line = readLine() {
            let words = line.split(separator: " ").map(String.init)
            var report = DemoReport()
            switch words.first {
            case "work":
                for _ in 0..<(Int(words[1]) ?? 0) { try call(words[2], &report) }
            case "until-open":
                while try call(words[1], &report) > 0 {}
            default: throw DemoFailure("a worker knows no task '\(line)'")
            }
            Demo.say(report.text)
        }
        client.close()
    }

    /// One call, as a worker makes it. Returns the share of traffic that the breaker admits.
    @discardableResult
    private func call(_ name: String, _ report: inout DemoReport) throws -> Double {
        guard try client.exhaustion.get(name).entry == nil else {
            report.skipped += 1
            return 1
        }
        let route = try Candidate(route: name)
        let admission = try client.breakers.acquire(route)
        guard admission.admitted else {
            report.denied += 1
            return admission.share
        }
        report.called += 1
        switch try FakeProvider.ask(provider, name) {
        case .answer(let cost, let input, let output):
            try client.breakers.success(route)
            try client.ledger.record(
                provider: name, model: "large", cost: cost, inputTokens: input, outputTokens: output)
            report.succeeded += 1
            report.spent = report.spent.adding(cost) ?? report.spent
        case .failure:
            try client.breakers.failure(route)
            report.failed += 1
        case .quota:
            try client.exhaustion.mark(name, for: .seconds(300))
            report.throttled += 1
        }
        return admission.share
    }
}

/// What a worker did for one task.
struct DemoReport {
    var called = 0
    var succeeded = 0
    var failed = 0
    var throttled = 0
    var denied = 0
    var skipped = 0
    var spent = FuseboxClient.Money.zero

    init() {}

    var text: String {
        [called, succeeded, failed, throttled, denied, skipped, Int(spent.nanodollars)].map(String.init)
            .joined(separator: " ")
    }

    init(_ text: String) throws {
        let numbers = text.split(separator: " ").compactMap { Int($0) }
        guard numbers.count == 7 else { throw DemoFailure("a worker reported '\(text)'") }
        called = numbers[0]
        succeeded = numbers[1]
        failed = numbers[2]
        throttled = numbers[3]
        denied = numbers[4]
        skipped = numbers[5]
        spent = FuseboxClient.Money(nanodollars: Int64(numbers[6]))
    }
}
