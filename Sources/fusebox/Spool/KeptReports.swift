import FuseboxClient
import FuseboxInterop
import FuseboxWire
import Glibc

/// A subcommand that sends a report. If no daemon answers, the report is kept in the spool. That is a success, because
/// it is delivered later.
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

/// Messages about reports that were not delivered.
enum KeptReports {
    /// Prints where the reports of a closed client are kept, and returns the answer for them; nil if there are none.
    ///
    /// - Throws: `unavailable` if the reports could not be kept
    static func tell(of client: FuseboxClient) throws(Failure) -> Answer? {
        let spooling = client.spooling
        if let failure = spooling.failure {
            throw Failure(
                .unavailable,
                "the daemon at \(client.path) did not answer, and the report could not be kept: \(failure)")
        }
        guard let file = spooling.file else { return nil }
        Failure.tell(
            "fusebox: the daemon at \(client.path) did not answer; the report is kept in \(file) and is delivered when the "
                + "next client of this user connects")
        return Answer(json: ["delivery": "spooled", "file": .string(file)], text: "")
    }

    /// Prints a warning if the spool has reports that need a person's decision.
    static func warn() {
        let files = SpoolListing(.standard).files
        let undecided = files.reduce(0) { $0 + $1.undecided }
        let damaged = files.count { $0.damage != nil }
        guard undecided + damaged > 0 else { return }
        let what = [
            undecided > 0 ? Quantity.count(undecided, "report") : nil,
            damaged > 0 ? Quantity.count(damaged, "damaged file") : nil,
        ].compactMap(\.self).joined(separator: " and ")
        let verb = undecided + damaged == 1 ? "needs" : "need"
        Failure.tell("fusebox: \(what) in the spool \(verb) your decision; see `fusebox spool list`")
    }
}

extension DaemonConnection {
    /// A client that can report. It has no connection if no daemon answers.
    func connectToReport() throws(Failure) -> FuseboxClient {
        var configuration = self.configuration
        configuration.failurePolicy = .failOpen(queueLimit: 1_024)
        let client = try connect(configuration)
        if client.hello == nil {
            // A user that may not connect must not spool reports either.
            do throws(Failure) { try checkPermission() } catch {
                client.close()
                throw error
            }
        }
        return client
    }
}
