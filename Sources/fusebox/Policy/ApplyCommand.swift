import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox apply -f FILE`
struct ApplyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Apply a policy from a file, all of it or nothing.",
        discussion: """
            A policy is a YAML file with limits, prices, aliases of models, breakers, and what is asked of marks and names. \
            The difference is printed: + added, ~ changed, - removed, = as it was and the policy's from now on. What is so \
            already stays untouched. What was used of a limit, what was topped up and raises in force stay in any case. What \
            was changed by hand is set back. Operators only.

            Without --prune, what an earlier policy has set and this one does not name stays. What was set by other commands is \
            never removed. An error is told with its line and column, and nothing is applied then. \
            `fusebox policy check` reads a file without a daemon.

            EXAMPLES
              fusebox apply -f /etc/fusebox/policy.yaml --dry-run --prune
              fusebox policy export > policy.yaml
            """)

    @Option(
        name: [.short, .customLong("file")], help: ArgumentHelp("The policy; - for standard input.", valueName: "file"))
    var file: String

    @Flag(help: "Print the difference and change nothing.")
    var dryRun = false

    @Flag(help: "Remove what an earlier policy has set and this one does not name.")
    var prune = false

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let policy = try PolicyFile.reading(file)
        let client = try connection.connect()
        defer {
            client.close()
            KeptReports.warn()
        }
        try answer(policy, from: client).deliver(asJSON: connection.json)
    }

    private func answer(_ file: PolicyFile, from client: FuseboxClient) throws -> Answer {
        let report: PolicyReport
        do throws(ClientError) {
            report =
                dryRun
                ? try client.policy.preview(file.policy, prunes: prune)
                : try client.policy.apply(file.policy, prunes: prune)
        } catch {
            if case .refused(let refusal) = error, let fault = file.fault(for: refusal) {
                try PolicyFaults([fault], in: file.label).tell(status: Failure.Status(refusal.status))
            }
            throw error
        }
        let difference = PolicyDifference(report: report)
        let end =
            if difference.isEmpty {
                "Nothing to change: \(Quantity.count(report.unchanged, "item is", plural: "items are")) as \(file.label) says."
            } else {
                "\(dryRun ? "Would apply" : "Applied"): \(difference.counts)."
            }
        return Answer(
            json: difference.json(isApplied: !dryRun),
            text: (difference.lines + [end.printable]).joined(separator: "\n"))
    }
}

extension PolicyFile {
    /// Reads a policy, or tells everything that is wrong in its file and ends.
    static func reading(_ argument: String) throws -> PolicyFile {
        do { return try read(argument) } catch let faults as PolicyFaults {
            try faults.tell(status: .damagedData)
            throw faults
        }
    }
}

extension PolicyFaults {
    /// Writes the faults to standard error, a line each, and throws the exit status.
    func tell(status: Failure.Status) throws {
        for line in lines { Failure.tell(line) }
        throw ExitCode(status.rawValue)
    }
}
