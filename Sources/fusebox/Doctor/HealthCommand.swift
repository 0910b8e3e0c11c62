import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox health`
struct HealthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Tell a probe whether the daemon serves: the exit status is the answer.",
        discussion: """
            For probes of supervisors and containers. Without --live the daemon must take changes: a full disk makes it \
            unhealthy, although it still answers. A restart helps where --live fails, and does not help against a full disk.

            EXIT STATUS
              0   the daemon serves
              69  no daemon answers in time
              75  the daemon answers and takes no changes

            EXAMPLE
              fusebox health --live --timeout 2s
            """)

    @Flag(help: "Ask only whether the daemon answers.")
    var live = false

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let client = try connection.connect()
        defer { client.close() }
        let status: ServerStatus.Reply
        do throws(ClientError) { status = try client.status() } catch { throw Failure(error) }
        guard !live else { return try answer("it answers", "live") }
        switch status.journal {
        case .none, .following, .short, .unknown: try answer("it serves", "serving")
        case .full, .interrupted:
            throw Failure(
                .tryAgain,
                "the daemon answers and takes no changes: \(status.journalFailure.isEmpty ? "its journal is \(status.journal)" : status.journalFailure)"
            )
        }
    }

    private func answer(_ text: String, _ state: String) throws {
        try Answer(json: ["state": .string(state)], text: text).deliver(asJSON: connection.json)
    }
}
