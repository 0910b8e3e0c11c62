import FuseboxClient
import FuseboxWire

/// What a daemon says about itself.
struct DaemonFindings {
    private let status: ServerStatus.Reply
    private let isOperator: Bool
    private let roundTrip: Duration
    /// The policy. Nil if this user may not read it.
    private let inForce: PolicyInForce?

    /// Asks the daemon.
    init(_ client: FuseboxClient) throws(Failure) {
        do throws(ClientError) {
            status = try client.status()
            isOperator = client.hello?.isOperator ?? false
            inForce = try? client.policy.inForce()
            let clock = ContinuousClock()
            var fastest = Duration.seconds(60)
            for _ in 0..<5 {
                let begun = clock.now
                _ = try client.ping()
                fastest = min(fastest, begun.duration(to: clock.now))
            }
            roundTrip = fastest
        } catch { throw Failure(error) }
    }

    var all: [Finding] { [daemon, version, role, journal, sync, disk, snapshot, room, policy, clock] }

    private var daemon: Finding {
        let milliseconds = (roundTrip / .milliseconds(1) * 1_000).rounded() / 1_000
        return .ok(
            "daemon",
            "\(status.server), process \(status.processID), answers in \(milliseconds) ms, \(Formatting.bytes(status.residentBytes)) of memory"
        )
    }

    private var version: Finding {
        let own = Fusebox.configuration.version.split(separator: " ").last
        let other = status.server.split(separator: " ").last
        guard own != other else { return .ok("version", "this tool has the daemon's version") }
        return .todo(
            "version",
            "this tool is \(Fusebox.configuration.version) and the daemon is \(status.server): restart the daemon after an upgrade, or use the tool beside it"
        )
    }

    private var role: Finding {
        isOperator
            ? .ok("role", "this user is an operator")
            : .note("role", "this user is a worker: it may record and read, and not change limits or force breakers")
    }

    private var journal: Finding {
        let reason = status.journalFailure.isEmpty ? "" : ": \(status.journalFailure)"
        return switch status.journal {
        case .none where status.durability == "snapshot":
            .note("journal", "none is kept (--durability snapshot): a crash loses what came after the last snapshot")
        case .none, .following: .ok("journal", "it takes every change; durability \(status.durability)")
        case .short:
            .todo("journal", "it is short of room\(reason): make room on the file system of \(status.dataDirectory)")
        case .full:
            .todo(
                "journal",
                "it is full, and changes are refused\(reason): make room on the file system of \(status.dataDirectory)")
        case .interrupted:
            .todo("journal", "it needs a snapshot before it can go on\(reason): see the daemon's log")
        case .unknown: .note("journal", "\(status.journal)\(reason)")
        }
    }

    private var sync: Finding {
        guard status.journal != .none else { return .note("sync", "nothing is synced between snapshots") }
        guard let microseconds = status.syncMicroseconds else { return .ok("sync", "none was needed since the start") }
        let text = "the last sync took \(Double(microseconds) / 1_000) ms"
        guard microseconds > 100_000 else { return .ok("sync", text) }
        return .todo(
            "sync",
            "\(text), and every durable change waits for one: move \(status.dataDirectory) to a faster disk, or choose --durability interval"
        )
    }

    private var disk: Finding {
        let text = "\(Formatting.bytes(status.fileSystemRoom)) are free for \(status.dataDirectory)"
        guard status.fileSystemRoom < Self.littleRoom else { return .ok("disk", text) }
        return .todo("disk", "\(text): make room, because changes are refused once it is full")
    }

    /// A few segments of the journal and a few snapshots.
    private static let littleRoom: UInt64 = 256 << 20

    private var snapshot: Finding {
        guard status.snapshotFailure.isEmpty else {
            return .todo("snapshot", "the last attempt failed: \(status.snapshotFailure)")
        }
        guard let taken = status.snapshotAt else {
            return .ok("snapshot", "none yet; \(Quantity.count(status.sequence, "change")) so far")
        }
        let clock = DaemonClock(now: status.now, wall: status.wall)
        return .ok(
            "snapshot",
            "\(clock.relative(wall: taken)), with \(status.snapshotSequence) of \(Quantity.count(status.sequence, "change"))"
        )
    }

    private var room: Finding {
        let full = [
            ("connections", UInt64(status.connections), UInt64(status.connectionLimit)),
            ("names", UInt64(status.names), UInt64(status.nameLimit)),
        ].filter { $0.1 * 10 >= $0.2 * 8 }
        let text =
            "\(status.connections) of \(status.connectionLimit) connections, \(status.names) of \(status.nameLimit) names"
        guard let first = full.first else { return .ok("room", text) }
        return .todo("room", "\(text): more \(first.0) will soon be refused")
    }

    private var policy: Finding {
        guard let inForce else { return .note("policy", "this user may not read it: run this as an operator") }
        guard !inForce.drift.isEmpty else {
            return .ok("policy", inForce.policy == Policy() ? "none was applied" : "all is as it says")
        }
        let count = Quantity.count(inForce.drift.count, "item")
        return .todo("policy", "\(count) changed or removed by hand since it was applied: see `fusebox policy show`")
    }

    private var clock: Finding {
        let gap = abs(status.systemWall - status.wall)
        guard gap < 1_000 else {
            return .todo(
                "clock",
                "the system's clock shows \(DaemonClock.date(wall: status.systemWall)) and the daemon's date is \(DaemonClock.date(wall: status.wall)): check the system's clock with `timedatectl`; limits by calendar follow it once it has kept its time for ten minutes"
            )
        }
        guard status.isClockSynchronised else {
            return .note(
                "clock",
                "the system's clock is not synchronised: limits by calendar follow it; `timedatectl set-ntp true` keeps it right"
            )
        }
        return .ok("clock", "\(DaemonClock.date(wall: status.wall)), synchronised")
    }
}
