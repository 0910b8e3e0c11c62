import ArgumentParser
import FuseboxClient
import FuseboxInterop

/// `fusebox ping`
struct PingCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping", abstract: "Measure round trips to the daemon.",
        discussion: "EXAMPLE\n  fusebox ping --count 10000 | tail -1")

    @Option(
        parsing: .unconditional, help: "The number of round trips, one after the other. (default: 5)",
        transform: NumberArgument.within(1...1_000_000))
    var count = 5

    @OptionGroup var connection: ConnectionOptions

    func answer(from client: FuseboxClient) throws -> Answer {
        let clock = ContinuousClock()
        var milliseconds: [Double] = []
        for _ in 0..<count {
            let time = try clock.measure { _ = try client.ping() }
            milliseconds.append(time / .milliseconds(1))
        }
        let lines = milliseconds.enumerated().map { "reply \($0.offset + 1): \(Self.spelled($0.element))" }
        let summary = Summary(milliseconds)
        return Answer(json: summary.json(milliseconds), text: (lines + [summary.text]).joined(separator: "\n"))
    }

    /// Milliseconds with three decimals, so that the lines are aligned.
    fileprivate static func spelled(_ milliseconds: Double) -> String {
        let microseconds = Int((milliseconds * 1000).rounded())
        return "\(microseconds / 1000).\(String(microseconds % 1000 + 1000).dropFirst()) ms"
    }

    private struct Summary {
        let minimum, median, ninetyNinth, maximum: Double

        /// Statistics of round trips.
        ///
        /// - Parameter measurements: the round trips in milliseconds, at least one
        init(_ measurements: [Double]) {
            let sorted = measurements.sorted()
            func quantile(_ part: Double) -> Double { sorted[Int((Double(sorted.count - 1) * part).rounded(.up))] }
            (minimum, median, ninetyNinth, maximum) = (quantile(0), quantile(0.5), quantile(0.99), quantile(1))
        }

        var text: String {
            "min \(spelled(minimum)), median \(spelled(median)), p99 \(spelled(ninetyNinth)), max \(spelled(maximum))"
        }

        func json(_ measurements: [Double]) -> JSONValue {
            [
                "count": JSONValue(measurements.count), "minimumMilliseconds": JSONValue(minimum),
                "medianMilliseconds": JSONValue(median), "p99Milliseconds": JSONValue(ninetyNinth),
                "maximumMilliseconds": JSONValue(maximum),
                "roundTripMilliseconds": .array(measurements.map { JSONValue($0) }),
            ]
        }
    }
}
