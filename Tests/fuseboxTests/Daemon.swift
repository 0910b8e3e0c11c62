import FuseboxClient
import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

/// A daemon with a temporary socket and data directory, and the tool against it.
final class Daemon {
    private let process: DaemonProcess

    /// Starts the daemon and waits until it is ready.
    init(in folder: TemporaryFolder = TemporaryFolder(), data: String? = nil, arguments: [String] = []) throws {
        process = try DaemonProcess(DaemonProcess.Options(flags: arguments, dataPath: data), in: folder)
    }

    deinit { stop() }

    var folder: TemporaryFolder { process.folder }
    var socket: String { process.socketPath }
    var data: String { process.dataPath }

    /// Stops the daemon in order and returns its log.
    @discardableResult func stop() -> String {
        if !process.hasEnded { _ = try? process.stop() }
        return process.log
    }

    /// Kills the daemon, like a crash.
    func kill() { process.kill() }

    /// Runs the tool against the daemon.
    func fusebox(_ arguments: String..., input: String = "") throws -> Program.Outcome {
        try Program.run(command(arguments), input: input, environment: environment)
    }

    /// Runs the tool against the daemon and returns the JSON value that it prints.
    func json(_ arguments: String..., input: String = "") throws -> JSONValue {
        let outcome = try Program.run(command(arguments + ["--json"]), input: input, environment: environment)
        #expect(outcome.errors == "")
        return try outcome.json
    }

    /// Starts the tool against the daemon.
    func begin(_ arguments: String...) throws -> Child { try Child(command(arguments), environment: environment) }

    /// The spool of its workers.
    var spool: String { "\(folder.path)/spool" }
    var environment: [String: String] { ["FUSEBOX_SPOOL": spool] }

    private func command(_ arguments: [String]) -> [String] { [Program.fusebox] + arguments + ["--socket", socket] }

    /// A client of the daemon.
    /// A client that waits ten minutes: no test is about how fast the daemon answers it.
    func connect() throws -> FuseboxClient {
        var configuration = FuseboxClient.Configuration()
        configuration.connectTimeoutMilliseconds = 600_000
        configuration.requestTimeoutMilliseconds = 600_000
        return try FuseboxClient.connect(to: socket, configuration: configuration)
    }

    /// Waits until there are this many subscribers.
    func waitForSubscribers(_ count: UInt32) throws {
        let client = try connect()
        defer { client.close() }
        try #require(try waitUntil { try client.status().subscribers == count }, "there are not \(count) subscribers")
    }
}

extension Program.Outcome {
    /// The one JSON value that was printed.
    var json: JSONValue {
        get throws { try JSONValue(parsing: Array(output.utf8)) }
    }
}
