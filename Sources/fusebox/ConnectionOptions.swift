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
        FuseboxClient.Configuration(
            clientName: "fusebox", requestTimeoutMilliseconds: Self.requestTimeoutMilliseconds)
    }

    func connect() throws(Failure) -> FuseboxClient {
        do throws(ClientError) {
            return try FuseboxClient.connect(to: socket, configuration: configuration)
        } catch {
            let path = socket ?? FuseboxClient.defaultPath
            if case .unavailable = error, unsafe access(path, R_OK | W_OK) != 0, errno == EACCES {
                throw Failure(
                    .notPermitted, "no permission to use \(path); who may is set by the daemon's --socket-mode")
            }
            throw Failure(error)
        }
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
        defer { client.close() }
        try answer(from: client).deliver(asJSON: connection.json)
    }
}
