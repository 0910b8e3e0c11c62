import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox latency`
struct LatencyCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency", abstract: "Show how long calls have taken lately, by their routes.",
        discussion: """
            Calls that have succeeded in the last 5 to 10 minutes count, from the permit on. P50 is the time that half of \
            them did not exceed, at most an eighth too long. FIRST is the time to the first token, where it was told. A \
            restart of the daemon may lose these times.
            """)

    @OptionGroup var connection: ConnectionOptions

    func answer(from client: FuseboxClient) throws -> Answer {
        let entries = try client.admission.latencies().sorted { Self.route($0) < Self.route($1) }
        let table = Table(
            [
                .left("ROUTE"), .right("CALLS"), .right("P50"), .right("P95"), .right("P99"), .right("FIRST P50"),
                .right("FIRST P95"),
            ],
            rows: entries.map { entry in
                let (all, first) = (entry.duration, entry.firstToken)
                return [
                    Self.route(entry), "\(all.count)", Self.text(all.p50Milliseconds), Self.text(all.p95Milliseconds),
                    Self.text(all.p99Milliseconds), Self.text(first?.p50Milliseconds),
                    Self.text(first?.p95Milliseconds),
                ]
            })
        return Answer(
            json: ["routes": .array(entries.map { JSONValue(record: $0) })],
            text: table.fitted(ifEmpty: "No call has succeeded in the last minutes."))
    }

    private static func route(_ entry: RouteLatency) -> String {
        Candidate(provider: entry.provider, deployment: entry.deployment, model: entry.model).route
    }

    /// A time: `850ms`, `1.9s`, `2m 5s`; `-` if it is not known.
    static func text(_ milliseconds: UInt32?) -> String {
        guard let milliseconds else { return "-" }
        guard 1_000..<60_000 ~= milliseconds else { return Formatting.span(milliseconds: Int64(milliseconds)) }
        let tenths = (milliseconds + 50) / 100
        return tenths % 10 == 0 ? "\(tenths / 10)s" : "\(tenths / 10).\(tenths % 10)s"
    }
}
