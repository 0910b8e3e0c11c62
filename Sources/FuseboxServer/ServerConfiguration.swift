import FuseboxCore
import FuseboxEngine
import FuseboxWire

/// What `fuseboxd` is told on its command line.
public struct ServerConfiguration: Sendable {
    /// Where to listen, unless the service manager passes a socket.
    public var socketPath = "/run/fusebox/fusebox.sock"
    /// Who may connect: the permission bits of the socket file.
    public var socketMode: UInt32 = 0o660
    /// Where snapshots are kept.
    public var dataDirectory = "/var/lib/fusebox"
    public var snapshotIntervalMilliseconds: Int64 = 60_000
    /// How acknowledgements are kept.
    public var durability: Durability = .commit
    /// The size of the journal's segments in bytes.
    public var journalSegmentLength = Limits.segmentLength
    public var profile: Profile = .fusebox
    public var logLevel: Log.Level = .info
    /// Members of this group may use operator commands, besides root and the daemon's own user.
    public var adminGroup: UInt32?
    public var limits = Limits()

    public init() {}

    /// How journal and snapshots are kept.
    var storekeeping: StorekeepingOptions {
        var options = StorekeepingOptions()
        options.durability = durability
        options.snapshotIntervalMilliseconds = snapshotIntervalMilliseconds
        options.segmentLength = journalSegmentLength
        return options
    }
}

/// The name and version that the daemon tells.
public let serverVersion = "fuseboxd 0.1.0"
