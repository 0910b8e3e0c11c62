import FuseboxCore
import FuseboxEngine
import FuseboxWire

/// The settings of a daemon, as `fuseboxd` reads them from its command line. Each has its default.
package struct ServerConfiguration: Sendable {
    /// The path to listen on, 1 to 107 bytes. It is not used if the service manager passes a socket.
    package var socketPath = "/run/fusebox/fusebox.sock"
    /// The permission bits of the socket file. Users that may write to the file may connect.
    package var socketMode: UInt32 = 0o660
    /// The directory of journal and snapshots. A start creates it.
    package var dataDirectory = "/var/lib/fusebox"
    /// The time between snapshots, in milliseconds, above 0.
    package var snapshotIntervalMilliseconds: Int64 = 60_000
    /// When a change is acknowledged.
    package var durability: Durability = .commit
    /// The size of the journal's segments, in bytes.
    package var journalSegmentLength = Bounds.segmentLength
    /// The semantics of breakers, marks and ledger.
    package var profile: Profile = .fusebox
    /// The lowest level that is logged.
    package var logLevel: Log.Level = .info
    /// The group whose members are operators, in addition to root and the daemon's own user. Nil: no group.
    package var adminGroup: UInt32?
    /// The group whose members may read everything of the ledger, in addition to operators. Nil: no group.
    package var readersGroup: UInt32?
    /// Whether everybody may read everything of the ledger.
    package var opensLedger = false
    /// The bounds on connections, memory and work.
    package var bounds = Bounds()

    /// The default settings.
    package init() {}

    /// The settings of journal and snapshots.
    var storekeeping: StorekeepingOptions {
        var options = StorekeepingOptions()
        options.durability = durability
        options.snapshotIntervalMilliseconds = snapshotIntervalMilliseconds
        options.segmentLength = journalSegmentLength
        return options
    }
}

/// The name and version that the daemon reports.
package let serverVersion = "fuseboxd \(fuseboxVersion)"
