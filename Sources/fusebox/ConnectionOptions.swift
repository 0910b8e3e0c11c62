import ArgumentParser
import FuseboxClient
import FuseboxWire
import Glibc

/// Where the daemon is, and how its answers are printed.
struct SocketOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The daemon's socket. (default: $FUSEBOX_SOCKET, else /run/fusebox/fusebox.sock)", valueName: "path"),
        completion: .file())
    var socket: String?

    @Flag(help: "Print the answer as one JSON value.")
    var json = false
}

/// The options of every subcommand that asks the daemon.
struct ConnectionOptions: ParsableArguments, DaemonConnection {
    @OptionGroup var base: SocketOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How long to wait for the daemon's answer: 500ms, 5s. (default: 5s)", valueName: "time"),
        transform: TimeoutArgument.milliseconds)
    var timeout = Self.patience
}

/// The options of a subcommand whose answers wait for the daemon's disk: it writes or reads whole files for them.
struct DiskConnectionOptions: ParsableArguments, DaemonConnection {
    @OptionGroup var base: SocketOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long to wait for each answer of the daemon, which may wait for its disk: 30s, 1h. (default: 10m)",
            valueName: "time"),
        transform: TimeoutArgument.milliseconds)
    var timeout = 600_000
}

/// The value of `--timeout`.
enum TimeoutArgument {
    @Sendable static func milliseconds(_ text: String) throws -> Int {
        guard let milliseconds = Quantity.milliseconds(text), (1...3_600_000).contains(milliseconds) else {
            throw ValidationError("give \(Quantity.durationForms), from 1ms to 1h")
        }
        return Int(milliseconds)
    }
}

/// The same without a timeout: for `fusebox run`, whose own one is for its command, and before a subcommand.
struct PlainConnectionOptions: ParsableArguments, DaemonConnection {
    @OptionGroup var base: SocketOptions

    var timeout: Int { Self.patience }
}

/// A connection to the daemon, as the command line describes it.
protocol DaemonConnection {
    var base: SocketOptions { get }
    /// How long a request may take, in milliseconds.
    var timeout: Int { get }
}

extension DaemonConnection {
    /// A request's timeout in milliseconds. It is longer than a worker's, because a person is waiting.
    static var patience: Int { 5_000 }

    var socket: String? { base.socket }
    var json: Bool { base.json }

    var configuration: FuseboxClient.Configuration {
        var configuration = FuseboxClient.Configuration(clientName: "fusebox", requestTimeoutMilliseconds: timeout)
        configuration.connectTimeoutMilliseconds = min(configuration.connectTimeoutMilliseconds, timeout)
        configuration.operatorTimeoutMilliseconds = timeout
        configuration.keepsReports = true
        return configuration
    }

    func connect(_ configuration: FuseboxClient.Configuration? = nil) throws(Failure) -> FuseboxClient {
        do throws(ClientError) {
            return try FuseboxClient.connect(to: socket, configuration: configuration ?? self.configuration)
        } catch {
            if case .unavailable = error { try checkPermission() }
            throw Failure(error)
        }
    }

    /// Checks whether this user may connect.
    ///
    /// - Throws: `notPermitted` if the socket exists and this user may not connect
    func checkPermission() throws(Failure) {
        let path = socket ?? FuseboxClient.defaultPath
        guard unsafe access(path, R_OK | W_OK) != 0, errno == EACCES else { return }
        throw Failure(.notPermitted, "no permission to connect to \(path); \(Self.whoMay(use: path))")
    }

    /// The users that may connect to a socket file, for an error.
    private static func whoMay(use path: String) -> String {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & 0o060 == 0o060,
            let group = unsafe getgrgid(status.st_gid)
        else { return "the daemon's option --socket-mode decides who may" }
        let name = unsafe String(cString: group.pointee.gr_name)
        return "members of the group '\(name)' may, from their next login on"
    }
}

/// A subcommand that asks the daemon something and prints the answer.
protocol DaemonCommand: ParsableCommand {
    /// `ConnectionOptions`, or `DiskConnectionOptions`.
    associatedtype Connection: DaemonConnection
    var connection: Connection { get }
    func answer(from client: FuseboxClient) throws -> Answer
}

extension DaemonCommand {
    func run() throws {
        let client = try connection.connect()
        defer {
            client.close()
            KeptReports.warn()
        }
        // Spooled reports of other processes are delivered first, so that the answer includes them.
        client.waitForSpool(atMost: .seconds(5))
        try answer(from: client).deliver(asJSON: connection.json)
    }
}
