import FuseboxClient
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

/// The command line accepts exactly the values that the daemon accepts.
struct OptionRangesTests {
    /// A value of an option: its text, and the request for the same value over the wire; nil if the wire cannot
    /// represent it.
    struct Value {
        let text: String
        let isInRange: Bool
        let ask: ((FuseboxClient) throws(ClientError) -> Void)?
    }

    struct Row: CustomTestStringConvertible {
        let command: String
        let option: String
        /// The arguments after the option and its value.
        var rest: [String] = []
        let values: [Value]

        var testDescription: String { "\(command) \(option)" }
    }

    private static let name = try! Name("p")

    // MARK: Kinds of values

    private static func durations(
        _ range: ClosedRange<Int64>, _ ask: @escaping (FuseboxClient, Int64) throws(ClientError) -> Void
    ) -> [Value] {
        numbers(range, ask).map { Value(text: $0.text + "ms", isInRange: $0.isInRange, ask: $0.ask) }
    }

    /// The ends of a range, and their neighbours outside.
    private static func numbers<Number: FixedWidthInteger & Sendable>(
        _ range: ClosedRange<Number>, _ ask: @escaping (FuseboxClient, Number) throws(ClientError) -> Void
    ) -> [Value] {
        func value(_ number: Number, _ isInRange: Bool) -> Value {
            Value(text: "\(number)", isInRange: isInRange) { client throws(ClientError) in try ask(client, number) }
        }
        var values = [value(range.lowerBound, true), value(range.upperBound, true)]
        if range.lowerBound > .min { values.append(value(range.lowerBound - 1, false)) }
        if range.upperBound < .max { values.append(value(range.upperBound + 1, false)) }
        return values
    }

    /// Counts with 32 bits on the wire.
    private static func counts(
        upTo most: UInt32 = .max, _ ask: @escaping (FuseboxClient, UInt32) throws(ClientError) -> Void
    ) -> [Value] {
        numbers(0...most, ask) + ["-1", "4294967296"].map { Value(text: $0, isInRange: false, ask: nil) }
    }

    private static func dollars(
        from least: Money = .zero, upTo most: Money,
        _ ask: @escaping (FuseboxClient, Money) throws(ClientError) -> Void
    ) -> [Value] {
        numbers(least.nanodollars...most.nanodollars) { client, amount throws(ClientError) in
            try ask(client, Money(nanodollars: amount))
        }.map { Value(text: "\(Money(nanodollars: Int64($0.text)!))", isInRange: $0.isInRange, ask: $0.ask) }
    }

    /// Shares, as numbers and in percent.
    private static var shares: [Value] {
        [
            ("0", true), ("1", true), ("0%", true), ("100%", true), ("0.07", true), ("1.001", false), ("-0.001", false),
            ("101%", false), ("half", false), ("nan", false), ("", false),
        ].map { Value(text: $0.0, isInRange: $0.1, ask: nil) }
    }

    // MARK: The options

    private static func configure(
        _ option: String, _ values: [Value]
    ) -> Row { Row(command: "breaker configure p", option: option, values: values) }

    private static func configuring<Number>(
        _ field: WritableKeyPath<BreakerConfigurationChange, Number?>
    ) -> (FuseboxClient, Number) throws(ClientError) -> Void {
        { client, number throws(ClientError) in
            var change = BreakerConfigurationChange()
            change[keyPath: field] = number
            _ = try client.call(BreakerConfigure(name: name, change: change))
        }
    }

    private static let today = CivilDate(dayNumber: Int64(time(nil)) / 86_400)
    private static let month = "\(today.year)-\(today.month < 10 ? "0" : "")\(today.month)"

    private static func record(_ cost: Money, _ input: UInt32, _ output: UInt32) -> LedgerRecord {
        LedgerRecord(provider: name, model: name, cost: cost, inputTokens: input, outputTokens: output)
    }

    private static func report(_ usage: CallUsage?, retryAfter: Int64? = nil) -> Report {
        Report(
            candidate: Candidate(provider: name), outcome: .failure, usage: usage, retryAfterMilliseconds: retryAfter)
    }

    /// The options for tokens of the kinds that are not the plain ones.
    private static let tokens: [(option: String, kind: WritableKeyPath<TokenUsage, UInt32?> & Sendable)] = [
        ("--cached-input-tokens", \.cachedInput), ("--cache-write-tokens", \.cacheWrite),
        ("--reasoning-tokens", \.reasoning),
    ]

    private static var tokenRows: [Row] {
        tokens.flatMap { option, kind in
            [
                Row(
                    command: "report --provider p --outcome failure", option: option,
                    values: counts { client, count throws(ClientError) in
                        var usage = CallUsage()
                        usage.tokens[keyPath: kind] = count
                        _ = try client.call(report(usage))
                    }),
                Row(
                    command: "ledger record p p --cost 0", option: option,
                    values: counts { client, count throws(ClientError) in
                        var command = record(.zero, 0, 0)
                        command.tokens[keyPath: kind] = count
                        _ = try client.call(command)
                    }),
            ]
        }
    }

    private static let amounts: [(option: String, amount: WritableKeyPath<Price, Money?> & Sendable)] = [
        ("--input", \.input), ("--cached-input", \.cachedInput), ("--cache-write", \.cacheWrite),
        ("--output", \.output),
        ("--reasoning", \.reasoning), ("--request", \.request),
    ]

    private static var priceRows: [Row] {
        amounts.map { option, amount in
            Row(
                command: "price set p p", option: option,
                values: dollars(upTo: WireLimits.callCost) { client, money throws(ClientError) in
                    var entry = PriceEntry(provider: name, model: name, price: Price())
                    entry.price[keyPath: amount] = money
                    var command = PriceSet()
                    command.prices = [entry]
                    _ = try client.call(command)
                })
        }
    }

    private static func preview(_ client: FuseboxClient, _ estimate: Estimate) throws(ClientError) {
        var candidates = Candidates()
        candidates.append(Candidate(provider: name))
        _ = try client.call(AdmitPreview(candidates: candidates, estimate: estimate))
    }

    private static func admit(
        _ client: FuseboxClient, _ milliseconds: Int64, wait: Int64 = 0, priority: UInt8 = 3
    ) throws(ClientError) {
        var candidates = Candidates()
        candidates.append(Candidate(provider: name))
        _ = try client.call(
            Admit(
                candidates: candidates, ttlMilliseconds: milliseconds, waitMilliseconds: wait, priority: priority))
    }

    /// A limit that can be raised.
    private static let limited = Limit(.requests, 5, .sliding(milliseconds: 60_000))
    private static let elsewhere = Scope(provider: try! Name("elsewhere"))

    /// Every option whose value is sent to the daemon as a number.
    private static var rows: [Row] {
        [
            configure("--failure-threshold", counts(configuring(\.failureThreshold))),
            configure(
                "--reset-timeout", durations(ValueRanges.resetTimeout, configuring(\.resetTimeoutMilliseconds))),
            configure(
                "--monitoring-period",
                durations(ValueRanges.monitoringPeriod, configuring(\.monitoringPeriodMilliseconds))),
            configure("--min-requests", counts(configuring(\.minRequests))),
            configure("--max-probes", counts(configuring(\.maxProbes))),
            // A change treats 0 as 1.
            configure("--min-workers", counts(upTo: ValueRanges.minWorkers.upperBound, configuring(\.minWorkers))),
            configure("--slow-after", durations(ValueRanges.slowCall, configuring(\.slowCallMilliseconds))),
            configure(
                "--max-reset-timeout",
                durations(ValueRanges.maxResetTimeout, configuring(\.maxResetTimeoutMilliseconds))),
            configure("--failure-rate", shares),
            Row(command: "breaker configure p --slow-after 1s", option: "--slow-rate", values: shares),
            // A change clamps the points of a curve. The command line refuses them as mistakes.
            configure(
                "--curve",
                [("0,1", true), ("1.001", false), ("-0.001", false), ("", false)].map {
                    Value(text: $0.0, isInRange: $0.1, ask: nil)
                }),
            Row(
                command: "ledger record p p", option: "--cost",
                values: dollars(upTo: WireLimits.callCost) { client, cost throws(ClientError) in
                    _ = try client.call(record(cost, 0, 0))
                }),
            Row(
                command: "ledger record p p --cost 0", option: "--input-tokens",
                values: counts { client, count throws(ClientError) in _ = try client.call(record(.zero, count, 0)) }),
            Row(
                command: "ledger record p p --cost 0", option: "--output-tokens",
                values: counts { client, count throws(ClientError) in _ = try client.call(record(.zero, 0, count)) }),
            Row(
                command: "ledger adjust p --reason r", option: "--cost",
                values: dollars(
                    from: Money(nanodollars: -WireLimits.adjustment.nanodollars), upTo: WireLimits.adjustment
                ) { client, cost throws(ClientError) in
                    _ = try client.call(LedgerAdjust(scope: Scope(provider: name), cost: cost, reason: "r"))
                }),
            Row(
                command: "ledger reconcile p --month \(month)", option: "--billed",
                values: dollars(upTo: WireLimits.adjustment) { client, billed throws(ClientError) in
                    _ = try client.ledger.reconcile(
                        name.text, year: Int(today.year), month: Int(today.month), billed: billed, reason: "r")
                }),
            Row(
                command: "ledger burn p", option: "--window",
                values: durations(ValueRanges.window) { client, window throws(ClientError) in
                    _ = try client.call(LedgerBurnRate(provider: name, windowMilliseconds: window))
                }),
            Row(
                command: "ledger depletion p", option: "--window",
                values: durations(ValueRanges.window) { client, window throws(ClientError) in
                    _ = try client.call(LedgerDepletion(provider: name, windowMilliseconds: window))
                }),
            Row(
                command: "ledger summary p", option: "--window",
                values: durations(ValueRanges.window) { client, window throws(ClientError) in
                    _ = try client.call(LedgerSummary(provider: name, windowMilliseconds: window))
                }),
            Row(
                command: "exhaustion mark p", option: "--for",
                values: durations(ValueRanges.cooldown) { client, time throws(ClientError) in
                    _ = try client.call(ExhaustionMark(provider: name, resetAfterMilliseconds: time))
                }),
            Row(
                command: "exhaustion default", option: "--for",
                values: durations(ValueRanges.cooldown) { client, time throws(ClientError) in
                    _ = try client.call(ExhaustionSetDefault(cooldownMilliseconds: time))
                }),
            Row(
                command: "exhaustion default", option: "--max-mark",
                values: durations(ValueRanges.longestMark) { client, time throws(ClientError) in
                    _ = try client.call(ExhaustionSetDefault(longestMilliseconds: time))
                }),
            Row(
                command: "pause p --create --reason x", option: "--for",
                values: durations(ValueRanges.pause) { client, time throws(ClientError) in
                    _ = try client.call(ExhaustionPause(provider: name, reason: "x", durationMilliseconds: time))
                }),
            Row(
                command: "report --provider p --outcome failure", option: "--cost",
                values: dollars(upTo: WireLimits.callCost) { client, cost throws(ClientError) in
                    _ = try client.call(report(CallUsage(cost: cost)))
                }),
            Row(
                command: "report --provider p --outcome failure", option: "--input-tokens",
                values: counts { client, count throws(ClientError) in
                    _ = try client.call(report(CallUsage(cost: .zero, inputTokens: count)))
                }),
            Row(
                command: "report --provider p --outcome failure", option: "--output-tokens",
                values: counts { client, count throws(ClientError) in
                    _ = try client.call(report(CallUsage(cost: .zero, outputTokens: count)))
                }),
            Row(
                command: "report --provider p --outcome failure", option: "--retry-after",
                // A time in the past counts as now.
                values: durations(ValueRanges.cooldown) { client, time throws(ClientError) in
                    _ = try client.call(report(nil, retryAfter: time))
                }.filter { !$0.text.hasPrefix("-") }),
            Row(
                command: "admit --dry-run --provider other", option: "--cost",
                values: dollars(upTo: WireLimits.callCost) { client, cost throws(ClientError) in
                    try preview(client, Estimate(cost: cost))
                }),
            Row(
                command: "admit --dry-run --provider other", option: "--tokens",
                values: counts { client, count throws(ClientError) in
                    try preview(client, Estimate(cost: .zero, tokens: count))
                }),
            Row(
                command: "run --provider other", option: "--cost", rest: ["--", "/bin/true"],
                values: dollars(upTo: WireLimits.callCost) { client, cost throws(ClientError) in
                    try preview(client, Estimate(cost: cost))
                }),
            Row(
                command: "run --provider other", option: "--tokens", rest: ["--", "/bin/true"],
                values: counts { client, count throws(ClientError) in
                    try preview(client, Estimate(cost: .zero, tokens: count))
                }),
            Row(
                command: "run --provider other", option: "--ttl", rest: ["--", "/bin/true"],
                values: durations(ValueRanges.timeToLive) { client, time throws(ClientError) in
                    try admit(client, time)
                }),
            Row(
                command: "admit --dry-run --provider other", option: "--input-tokens",
                values: counts { client, count throws(ClientError) in
                    try preview(client, Estimate(inputTokens: count, outputTokens: nil))
                }),
            Row(
                command: "admit --dry-run --provider other", option: "--output-tokens",
                values: counts { client, count throws(ClientError) in
                    try preview(client, Estimate(inputTokens: nil, outputTokens: count))
                }),
            Row(
                command: "run --provider other", option: "--input-tokens", rest: ["--", "/bin/true"],
                values: counts { client, count throws(ClientError) in
                    try preview(client, Estimate(inputTokens: count, outputTokens: nil))
                }),
            Row(
                command: "run --provider other", option: "--output-tokens", rest: ["--", "/bin/true"],
                values: counts { client, count throws(ClientError) in
                    try preview(client, Estimate(inputTokens: nil, outputTokens: count))
                }),
            Row(
                command: "run --provider other", option: "--wait", rest: ["--", "/bin/true"],
                values: durations(ValueRanges.wait) { client, time throws(ClientError) in
                    try admit(client, 1_000, wait: time)
                }),
            Row(
                command: "run --provider other", option: "--priority", rest: ["--", "/bin/true"],
                values: numbers(0...7 as ClosedRange<UInt8>) { client, count throws(ClientError) in
                    try admit(client, 1_000, priority: count)
                }),
            Row(
                command: "limit raise --provider elsewhere 5rpm", option: "--for",
                values: durations(ValueRanges.raise) { client, time throws(ClientError) in
                    _ = try client.call(LimitRaise(scope: elsewhere, limit: limited, milliseconds: time))
                }),
        ] + tokenRows + priceRows
    }

    /// The options that are not sent to the daemon.
    private static let local = [
        "ping --count", "backup --keep", "run --max-age", "run --timeout", "run --kill-after", "report --status",
    ]

    // MARK: Tests

    @Test func theTableHasEveryOptionThatTakesANumberOrATime() throws {
        let found = try CommandDump(of: Program.fusebox).parameters.filter(\.isNumber).map(\.description)
        let tested = Self.rows.map { row in
            let words = row.command.split(separator: " ").prefix { !$0.hasPrefix("-") }.filter { $0 != "p" }
            return (words.map(String.init) + [row.option]).joined(separator: " ")
        }
        // Every command that asks the daemon has this one, and it is not sent.
        #expect(Set(found.filter { $0 == "run --timeout" || !$0.hasSuffix(" --timeout") }) == Set(tested + Self.local))
        #expect(found.count { $0.hasSuffix(" --timeout") } > 60)
    }

    @Test(arguments: rows.indices)
    func theCommandLineAndTheDaemonRefuseTheSameValuesNextToBothEnds(place: Int) throws {
        let row = Self.rows[place]
        let daemon = try Daemon()
        let client = try daemon.connect()
        defer { client.close() }
        _ = try client.call(BreakerSuccess(name: Self.name))
        _ = try client.call(Self.record(.zero, 0, 0))
        _ = try client.call(LimitSet(scope: Self.elsewhere, limits: [Self.limited]))
        for value in row.values {
            let arguments =
                [Program.fusebox] + row.command.split(separator: " ").map(String.init) + [row.option, value.text]
                + ["--socket", daemon.socket] + row.rest
            let outcome = try Program.run(arguments, environment: daemon.environment)
            let what = "\(row.testDescription) \(value.text): \(outcome.errors)"
            if value.isInRange {
                #expect(outcome.status == 0, "\(what)")
            } else {
                #expect(outcome.status == 64, "\(what)")
                // The refusal came from the tool.
                #expect(outcome.errors.contains(": give "), "\(what)")
                #expect(!outcome.errors.contains("[outOfRange]"), "\(what)")
            }
            guard let ask = value.ask else { continue }
            do throws(ClientError) {
                try ask(client)
                #expect(value.isInRange, "the daemon took it: \(row.testDescription) \(value.text)")
            } catch {
                guard case .refused(let refusal) = error, refusal.status == .outOfRange else { throw error }
                #expect(!value.isInRange, "the daemon refused it: \(row.testDescription) \(value.text): \(refusal)")
            }
        }
    }
}
