import FuseboxClient
import FuseboxInterop
import FuseboxWire
import Glibc

/// A subcommand that reports something. Without a daemon the report is kept in the spool, and that is success: it will count.
protocol ReportingCommand: DaemonCommand {}

extension ReportingCommand {
    func run() throws {
        let client = try connection.connectToReport()
        let answer: Answer
        do { answer = try self.answer(from: client) } catch {
            client.close()
            throw error
        }
        client.close()
        let kept = try KeptReports.tell(of: client)
        try (kept ?? answer).deliver(asJSON: connection.json)
        KeptReports.warn()
    }
}

/// What a subcommand says of reports that have not been delivered.
enum KeptReports {
    /// Tells where the reports of a client that has been closed are kept; nil if there are none.
    ///
    /// - Throws: if they are lost
    static func tell(of client: FuseboxClient) throws(Failure) -> Answer? {
        let spooling = client.spooling
        if let failure = spooling.failure {
            throw Failure(
                .unavailable,
                "the daemon at \(client.path) did not answer, and the report could not be kept: \(failure)")
        }
        guard let file = spooling.file else { return nil }
        Failure.tell(
            "fusebox: the daemon at \(client.path) did not answer; the report is kept in \(file) and counts when the next "
                + "client of this user connects")
        return Answer(json: ["delivery": "spooled", "file": .string(file)], text: "")
    }

    /// Says on standard error that reports wait for a person, if any do.
    static func warn() {
        let files = SpoolListing(.standard).files
        let held = files.reduce(0) { $0 + $1.held }
        let damaged = files.count { $0.damage != nil }
        guard held + damaged > 0 else { return }
        let what = [
            held > 0 ? Quantity.count(held, "report") : nil,
            damaged > 0 ? Quantity.count(damaged, "damaged file") : nil,
        ].compactMap(\.self).joined(separator: " and ")
        Failure.tell("fusebox: \(what) in the spool will not be delivered without you; see `fusebox spool list`")
    }
}

extension ConnectionOptions {
    /// A client that can report: one without a connection if no daemon answers.
    func connectToReport() throws(Failure) -> FuseboxClient {
        var configuration = self.configuration
        configuration.failurePolicy = .failOpen(queueLimit: 1_024)
        let client = try connect(configuration)
        if client.hello == nil {
            // Who may not connect may not leave anything for later either.
            do throws(Failure) { try checkPermission() } catch {
                client.close()
                throw error
            }
        }
        return client
    }
}
