import ArgumentParser
import FuseboxCore
import FuseboxEngine
import FuseboxServer
import FuseboxWire
import Glibc

/// The daemon's entry point. It reads the command line and runs the server.
@main
struct Fuseboxd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuseboxd",
        abstract: "Share circuit breakers, quota exhaustion and the credit ledger among the workers of a host.",
        discussion: """
            The daemon listens on a Unix socket, or on a socket that systemd passes. It keeps its state in a directory. \
            On SIGTERM and SIGINT it answers all received requests, writes a last snapshot and ends. SIGUSR1 logs \
            statistics. SIGHUP and SIGUSR2 are logged and have no other effect.

            Exit status: 0 orderly stop, 64 the command line is wrong, 65 the data is damaged, 69 the socket cannot be used, \
            74 the data directory cannot be used, 75 another daemon uses the directory or the socket.
            """,
        version: serverVersion)

    @Option(help: "The path of the socket. It is not used if the service manager passes a socket.", completion: .file())
    var socket = ServerConfiguration().socketPath

    @Option(
        parsing: .unconditional,
        help:
            "The permission bits of the socket file, in octal. Users that may write to it may connect. (default: 0660)",
        transform: { text in
            guard let mode = UInt32(text, radix: 8), mode <= 0o777 else {
                throw ValidationError("give permission bits in octal, such as 0660, from 0 to 0777")
            }
            return mode
        })
    var socketMode: UInt32 = ServerConfiguration().socketMode

    @Option(help: "The data directory. It is created if it does not exist.", completion: .directory)
    var data = ServerConfiguration().dataDirectory

    @Option(
        parsing: .unconditional,
        help: "The time between snapshots, if something has changed: 500ms, 60s, 5m. (default: 60s)",
        transform: interval)
    var snapshotInterval: Int64 = ServerConfiguration().snapshotIntervalMilliseconds

    @Option(
        parsing: .unconditional,
        help:
            "How long a client may take until its hello: 500ms, 5s. (default: \(Quantity.text(milliseconds: Bounds().helloMilliseconds)))",
        transform: interval)
    var helloTimeout: Int64 = ServerConfiguration().bounds.helloMilliseconds

    @Option(
        parsing: .unconditional,
        help: """
            The most connections at a time. The limit of descriptors may lower it. One sixteenth is reserved for operators: \
            root, the daemon's own user and the admin group. (default: \(Bounds().connections))
            """, transform: count)
    var maxConnections: Int = Bounds().connections

    @Option(
        parsing: .unconditional,
        help: """
            The most connections of one user at a time. It does not apply to operators. (default: half of those that are \
            not reserved)
            """, transform: count)
    var maxConnectionsPerUser: Int?

    @Option(
        parsing: .unconditional,
        help: """
            The number of workers whose replies are kept, so that resent requests count once. Beyond it, workers of the user \
            with the most are forgotten. (default: \(Bounds().workers))
            """,
        transform: count)
    var maxWorkers: Int = Bounds().workers

    @Option(
        parsing: .unconditional,
        help: """
            The memory for unread output and incomplete requests: 1MiB to 64GiB. One user may have half of it. Beyond that \
            the user's largest connection is dropped. (default: \(Bounds().bufferBytes >> 20)MiB)
            """,
        transform: { text in
            guard let bytes = Quantity.bytes(text), (1 << 20...64 << 30).contains(bytes) else {
                throw ValidationError("give a size with a unit, such as 256MiB, from 1MiB to 64GiB")
            }
            return Int(bytes)
        })
    var maxBuffers: Int = Bounds().bufferBytes

    @Option(
        help: """
            When a change is acknowledged. commit: money and configuration once they are on disk, outcomes once the kernel \
            has them. interval: once the kernel has them, and they are on disk within a second. snapshot: at once, and \
            changes since the last snapshot are lost with the process. (default: commit)
            """,
        transform: { text in
            guard let durability = Durability(rawValue: text) else {
                throw ValidationError("'\(text)' is not a durability; give commit, interval or snapshot")
            }
            return durability
        })
    var durability: Durability = .commit

    @Option(
        parsing: .unconditional,
        help: "The size of the journal's segments, which are allocated in advance: 64KiB to 1GiB. (default: 16MiB)",
        transform: { text in
            guard let bytes = Quantity.bytes(text), Bounds.segmentLengths.contains(Int(clamping: bytes)) else {
                throw ValidationError("give a size with a unit, such as 16MiB, from 64KiB to 1GiB")
            }
            return Int(bytes)
        })
    var journalSegment: Int = ServerConfiguration().journalSegmentLength

    @Option(
        help: "The semantics: fusebox, or llm-providers for the behaviour of that library. (default: fusebox)",
        transform: { text in
            guard let profile = Profile(name: text) else {
                throw ValidationError("'\(text)' is not a profile; give fusebox or llm-providers")
            }
            return profile
        })
    var profile: Profile = .fusebox

    @Option(
        help: "A group whose members are operators, besides root and the daemon's own user. (default: none)"
    )
    var adminGroup: String?

    @Option(
        help: """
            A group whose members may read everything of the ledger, besides operators. Other workers read totals of \
            providers and of the tags that their user's calls have named. (default: none)
            """)
    var readers: String?

    @Flag(help: "Let every worker read everything of the ledger.")
    var openLedger = false

    @Option(
        help: "The lowest level that is logged: debug, info, notice, warning, error or critical. (default: info)",
        transform: { text in
            guard let level = Log.Level.allCases.first(where: { "\($0)" == text }) else {
                throw ValidationError("'\(text)' is not a level; give debug, info, notice, warning, error or critical")
            }
            return level
        })
    var logLevel: Log.Level = .info

    @Flag(
        help: """
            Check the command line, the data directory and the socket path, and change nothing. The exit status is that of a \
            start: 75 while a daemon runs there.
            """)
    var check = false

    private static func count(_ text: String) throws -> Int {
        guard let count = Int(text), (1...1_000_000).contains(count) else {
            throw ValidationError("give a whole number from 1 to 1000000")
        }
        return count
    }

    private static func interval(_ text: String) throws -> Int64 {
        guard let milliseconds = Quantity.milliseconds(text), (10...366 * 86_400_000).contains(milliseconds) else {
            throw ValidationError("give \(Quantity.durationForms), from 10ms to 366d")
        }
        return milliseconds
    }

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            guard exitCode(for: error) == .success else { exit(withError: error) }
            do throws(ServerFailure) { try print(fullMessage(for: error)) } catch {
                Log(threshold: .info)(.critical, error.description)
                Glibc.exit(error.exitStatus)
            }
            Glibc.exit(0)
        }
    }

    func run() throws {
        Server.prepareProcess()
        let log = Log(threshold: logLevel)
        defer { log.flush() }
        do throws(ServerFailure) {
            let configuration = try serverConfiguration()
            if check {
                try Server.check(configuration) { (line) throws(ServerFailure) in try Self.print(line) }
            } else {
                try Server(configuration).run()
            }
        } catch {
            log(.critical, error.description)
            throw ExitCode(error.exitStatus)
        }
    }

    private static func print(_ line: String) throws(ServerFailure) {
        var bytes = Array((line + "\n").utf8)[...]
        while !bytes.isEmpty {
            let count = unsafe bytes.withUnsafeBytes { unsafe write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw .storage("cannot write standard output: \(unsafe String(cString: strerror(errno)))")
            }
            bytes = bytes.dropFirst(count)
        }
    }

    private func serverConfiguration() throws(ServerFailure) -> ServerConfiguration {
        var configuration = ServerConfiguration()
        configuration.socketPath = socket
        configuration.socketMode = socketMode
        configuration.dataDirectory = data
        configuration.snapshotIntervalMilliseconds = snapshotInterval
        configuration.bounds.helloMilliseconds = helloTimeout
        configuration.bounds.connections = maxConnections
        configuration.bounds.connectionsPerUser = maxConnectionsPerUser
        configuration.bounds.workers = maxWorkers
        configuration.bounds.bufferBytes = maxBuffers
        configuration.bounds.bufferBytesPerUser = maxBuffers / 2
        configuration.profile = profile
        configuration.durability = durability
        configuration.journalSegmentLength = journalSegment
        configuration.logLevel = logLevel
        configuration.adminGroup = try Self.group(adminGroup, option: "--admin-group")
        configuration.readersGroup = try Self.group(readers, option: "--readers")
        configuration.opensLedger = openLedger
        return configuration
    }

    /// The number of a group. Nil if none is named.
    private static func group(_ name: String?, option: String) throws(ServerFailure) -> UInt32? {
        guard let name else { return nil }
        guard let entry = unsafe getgrnam(name) else {
            throw .configuration("the group '\(name)' does not exist; name another one with \(option)")
        }
        return unsafe entry.pointee.gr_gid
    }
}
