import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// The calls that wait for their turn, as `fusebox permits --waiting` shows them.
enum WaitingTable {
    static func answer(_ overview: WaitingOverview, _ clock: DaemonClock) -> Answer {
        let table = Table(
            [
                .left("ROUTES"), .left("TAGS"), .right("PRIORITY"), .left("WAITS FOR"), .left("SINCE"), .left("UNTIL"),
                .right("USER"), .left("WORKER"),
            ],
            rows: overview.calls.map { row($0, clock) })
        return Answer(
            json: [
                "calls": .array(overview.calls.map { JSONValue(record: $0) }), "waiting": JSONValue(overview.count),
                "limit": JSONValue(overview.limit), "limitPerUser": JSONValue(overview.limitPerUser),
                "now": JSONValue(overview.now.milliseconds),
            ],
            text: table.text(ifEmpty: "No call waits.")
                + "\n\n\(Quantity.count(overview.count, "call")) of \(overview.limit) wait; "
                + "one user may have \(overview.limitPerUser)")
    }

    private static func row(_ call: WaitingEntry, _ clock: DaemonClock) -> [String] {
        [
            call.candidates.map(\.route).joined(separator: " "),
            call.tags.filter { !TagText.isOfUser($0) }.map(\.text).joined(separator: " "), "\(call.priority)",
            call.isAway ? "its connection" : "\(call.reason)", clock.relative(call.since), clock.relative(call.until),
            "\(call.user)", String(Formatting.epoch(call.worker.high).prefix(8)),
        ]
    }
}
