import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox status`
struct StatusCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the state of the daemon.")

    @OptionGroup var connection: ConnectionOptions

    func answer(from client: FuseboxClient) throws -> Answer {
        let status = try client.status()
        // Under this profile reading them is a change, and what only looks at the daemon changes nothing.
        let limits = status.profile == .llmProviders ? nil : try client.limits.list()
        let full = Self.full(limits ?? [])
        return Answer(
            json: JSONValue(record: status).adding([
                "limits": limits.map { JSONValue($0.count) } ?? .null, "fullLimits": .array(full.map(LimitReport.json)),
            ]),
            text: [Self.listing(status, limits.map { Self.text($0.count, full.count) }).text, Self.table(full)]
                .compactMap(\.self).joined(separator: "\n\n"))
    }

    /// The limits that are more than 80 % full, the fullest first. A limit of zero has nothing to be full of.
    private static func full(_ limits: [LimitEntry]) -> [LimitEntry] {
        limits.filter { $0.amount > 0 && $0.fullness > 0.8 }.sorted { $0.fullness > $1.fullness }
    }

    private static func listing(_ status: ServerStatus.Reply, _ limits: String?) -> Listing {
        let clock = DaemonClock(now: status.now, wall: status.wall)
        let changes = Quantity.count(status.sequence, "change")
        let snapshot = status.snapshotAt.map { taken in
            "\(status.snapshotSequence) of \(changes), \(clock.relative(wall: taken))"
        }
        return [
            "server": "\(status.server), process \(status.processID)",
            "profile": status.profile.name,
            "started": "\(DaemonClock.date(wall: status.startedAt)), \(clock.relative(wall: status.startedAt))",
            "epoch": Formatting.epoch(status.epoch),
            "connections": "\(status.connections) of \(status.connectionLimit), \(status.subscribers) subscribed",
            "requests": "\(status.requests), \(status.refusals) refused",
            "breakers": "\(status.breakers)",
            "exhausted": "\(Quantity.count(status.exhausted, "mark")), \(Quantity.count(status.paused, "pause"))",
            "permits": "\(status.permits) in force",
            "ledger":
                "\(Quantity.count(status.providers, "provider")), \(Quantity.count(status.modelAccounts, "model"))",
            "limits": limits,
            "names": "\(status.names) of \(status.nameLimit)",
            "snapshot": snapshot ?? "none of \(changes)",
            "snapshot failure": status.snapshotFailure.isEmpty ? nil : status.snapshotFailure,
            "durability": "\(status.durability), in \(status.dataDirectory)",
            "journal": journal(status, clock),
            "room": room(status),
            "memory": "\(Formatting.bytes(status.residentBytes)) resident",
            "steady time": DaemonClock.date(wall: status.now),
            "wall clock": wallClock(status),
        ]
    }

    /// How many limits are set, and how many are nearly used up.
    private static func text(_ limits: Int, _ full: Int) -> String {
        "\(limits) set" + (full > 0 ? ", \(full) above 80%" : "")
    }

    /// The fullest limits, below the listing; nil if none is nearly used up.
    private static func table(_ full: [LimitEntry]) -> String? {
        guard !full.isEmpty else { return nil }
        let more = full.count > shownLimits ? "\nand \(full.count - shownLimits) more, see `fusebox limit list`" : ""
        return LimitReport.table(Array(full.prefix(shownLimits)), ifEmpty: "") + more
    }

    private static let shownLimits = 5

    private static func journal(_ status: ServerStatus.Reply, _ clock: DaemonClock) -> String {
        let length =
            "\(Formatting.bytes(status.journalBytes)) since the last snapshot, synced \(clock.relative(status.syncedAt))"
        let reason = status.journalFailure.isEmpty ? "" : " (\(status.journalFailure))"
        return switch status.journal {
        case .none: "none"
        case .following: length
        case .short: "SHORT OF ROOM: changes are accepted until the open segment is full\(reason); \(length)"
        case .full: "FULL: changes are refused\(reason); \(length)"
        case .interrupted: "INTERRUPTED: a snapshot must be written first\(reason); \(length)"
        case .unknown: "\(status.journal)\(reason); \(length)"
        }
    }

    private static func room(_ status: ServerStatus.Reply) -> String {
        let disk = "\(Formatting.bytes(status.fileSystemRoom)) on the file system"
        return status.journal == .none ? disk : "\(disk), \(Formatting.bytes(status.journalRoom)) in the open segment"
    }
}

extension StatusCommand {
    /// The system's wall clock, and the daemon's date if the two differ.
    private static func wallClock(_ status: ServerStatus.Reply) -> String {
        let system = DaemonClock.date(wall: status.systemWall)
        let standing = status.isClockSynchronised ? "synchronised" : "not synchronised"
        guard abs(status.systemWall - status.wall) >= 1_000 else { return "\(system), \(standing)" }
        return "\(system), \(standing); the daemon's date is \(DaemonClock.date(wall: status.wall))"
    }
}
