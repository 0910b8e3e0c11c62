import ArgumentParser
import FuseboxClient
import FuseboxWire
import Glibc

/// What every subcommand that asks the daemon takes.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The daemon's socket. (default: $FUSEBOX_SOCKET, else /run/fusebox/fusebox.sock)", valueName: "path"))
    var socket: String?

    @Flag(help: "Answer with one JSON value.")
    var json = false

    /// People wait longer than workers do.
    private static let requestTimeoutMilliseconds = 5_000

    var configuration: FuseboxClient.Configuration {
        var configuration = FuseboxClient.Configuration(
            clientName: "fusebox", requestTimeoutMilliseconds: Self.requestTimeoutMilliseconds)
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

    /// - Throws: if the daemon's socket is there and may not be used
    func checkPermission() throws(Failure) {
        let path = socket ?? FuseboxClient.defaultPath
        guard unsafe access(path, R_OK | W_OK) != 0, errno == EACCES else { return }
        throw Failure(.notPermitted, "no permission to use \(path); \(Self.whoMay(use: path))")
    }

    /// Who may use a socket file that others may not.
    private static func whoMay(use path: String) -> String {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & 0o060 == 0o060,
            let group = unsafe getgrgid(status.st_gid)
        else { return "who may is set by the daemon's --socket-mode" }
        let name = unsafe String(cString: group.pointee.gr_name)
        return "members of the group '\(name)' may, from their next login on"
    }
}

/// A subcommand that asks the daemon something and prints the answer.
protocol DaemonCommand: ParsableCommand {
    var connection: ConnectionOptions { get }
    func answer(from client: FuseboxClient) throws -> Answer
}

extension DaemonCommand {
    func run() throws {
        let client = try connection.connect()
        defer {
            client.close()
            KeptReports.warn()
        }
        // What others have left counts before it is asked what counts.
        client.waitForSpool(atMost: .seconds(5))
        try answer(from: client).deliver(asJSON: connection.json)
    }
}
