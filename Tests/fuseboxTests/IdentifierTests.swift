import FuseboxClient
import FuseboxInterop
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

/// Identifiers are text in JSON, because a reader with 53-bit numbers would confuse them.
struct IdentifierTests {
    private static let keys: Set<String> = ["permit", "epoch", "worker", "workerHigh", "workerLow"]

    /// The identifiers in a value. Numbers that some readers cannot represent, and identifiers that are numbers, are
    /// recorded.
    private static func identifiers(in value: JSONValue, _ place: String) -> [String] {
        switch value {
        case .null, .bool, .string: return []
        case .number(let literal):
            let number = Double(literal) ?? .infinity
            #expect(number.magnitude <= 9_007_199_254_740_992, "\(place): \(literal)")
            return []
        case .array(let elements): return elements.flatMap { identifiers(in: $0, place + "[]") }
        case .object(let members):
            return members.flatMap { key, member in
                guard keys.contains(key) else { return identifiers(in: member, "\(place).\(key)") }
                if member.isNull { return [String]() }
                #expect(member.text != nil, "\(place).\(key): \(member.text())")
                return [key]
            }
        }
    }

    @Test func permitsEpochsAndWorkersAreTextInTheJSONOfEveryCommand() throws {
        let daemon = try Daemon()
        let client = try daemon.connect()
        defer { client.close() }
        let watch = try daemon.begin("watch", "--json")
        try daemon.waitForSubscribers(1)
        try client.limits.set(
            [Limit(.cost, 50_000_000_000, .calendar(.month)), Limit(.requests, 100, .sliding(milliseconds: 60_000))],
            on: Scope(provider: try Name("p")))
        guard case .success(let held) = try client.admission.admit([Candidate("p")], estimate: .cost(.dollars("1"))),
            let number = held.number
        else { throw CancellationError() }
        try client.ledger.record(provider: "p", model: "m", cost: .dollars("1"))
        _ = try daemon.fusebox("snapshot", "save", "\(daemon.folder.path)/saved")
        let segment = try #require(
            try Program.run(["/bin/sh", "-c", "ls '\(daemon.data)'/journal-*"]).lines.first)
        var found: [String] = []
        for arguments in [
            ["status"], ["overview"], ["permits", "list"], ["admit", "--dry-run", "--provider", "p"],
            ["breaker", "list"],
            ["exhaustion", "list"], ["ledger", "show"], ["ledger", "show", "p"], ["ledger", "burn", "p"],
            ["ledger", "depletion", "p"], ["snapshot", "now"], ["snapshot", "list"], ["ping"], ["export"],
            ["snapshot", "verify", "\(daemon.folder.path)/saved"], ["snapshot", "show", "\(daemon.folder.path)/saved"],
            ["backup", "\(daemon.folder.path)/backups"], ["check", "\(daemon.folder.path)/backups"],
            ["check", daemon.data], ["spool", "list"], ["permits", "revoke", "\(number)"],
        ] {
            let json = arguments == ["export"] ? [] : ["--json"]
            let outcome = try Program.run([Program.fusebox] + arguments + json + ["--socket", daemon.socket])
            #expect(outcome.errors == "", "\(arguments)")
            found += Self.identifiers(in: try outcome.json, arguments.joined(separator: " "))
        }
        for line in try daemon.fusebox("journal", "dump", segment).lines {
            found += Self.identifiers(in: try JSONValue(parsing: Array(line.utf8)), "journal dump")
        }
        var isLapseSeen = false
        while !isLapseSeen, let line = watch.line() {
            let event = try JSONValue(parsing: Array(line.utf8))
            found += Self.identifiers(in: event, "watch")
            isLapseSeen = event["event"]?.text == "permitLapsed"
        }
        watch.interrupt(with: SIGINT)
        #expect(watch.end().status == 0)
        #expect(Set(found) == Self.keys, "each has been seen")
        #expect(isLapseSeen)
    }

    /// The number that `run` gives its command is the one that the list shows.
    @Test func run() throws {
        let daemon = try Daemon()
        let outcome = try Program.run(
            [
                Program.fusebox, "run", "--provider", "p", "--", "/bin/sh", "-c",
                "echo $FUSEBOX_PERMIT; '\(Program.fusebox)' permits list --json",
            ], environment: ["FUSEBOX_SOCKET": daemon.socket])
        let permits = try JSONValue(parsing: Array(outcome.lines[1].utf8))["permits"]?.list
        #expect(permits?.count == 1)
        #expect(permits?.first?["permit"]?.text == outcome.lines[0])
    }
}
