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
            was changed by hand is set back. The difference is written before the policy is applied: if standard output cannot be \
            written, nothing is applied. Operators only.

            Without --prune, what an earlier policy has set and this one does not name stays. What was set by other commands is \
            never removed. An error is told with its line and column, and nothing is applied then. \
            `fusebox policy check` reads a file without a daemon.

            EXAMPLES
              fusebox apply -f /etc/fusebox/policy.yaml --dry-run --prune
              fusebox policy export > policy.yaml
            """)

    @Option(
        name: [.short, .customLong("file")], help: ArgumentHelp("The policy; - for standard input.", valueName: "file"),
        completion: .file())
    var file: String

    @Flag(help: "Print the difference and change nothing.")
    var dryRun = false

    @Flag(help: "Remove what an earlier policy has set and this one does not name.")
    var prune = false

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let file = try PolicyFile.reading(file)
        let client = try connection.connect()
        defer {
            client.close()
            KeptReports.warn()
        }
        let preview = PolicyDifference(
            report: try refusing(file) { () throws(ClientError) in
                try client.policy.preview(file.policy, prunes: prune)
            })
        guard !dryRun else {
            let text = preview.lines + [preview.conclusion(of: file.label, isApplied: false).printable]
            return try Answer(json: preview.json.adding(["applied": false]), text: text.joined(separator: "\n"))
                .deliver(asJSON: connection.json)
        }
        let telling = ApplyTelling(preview: preview, label: file.label, isJSON: connection.json)
        // If this fails, nothing is applied.
        var output = Output(mustBeRead: true)
        try output.write(text: telling.beginning)
        try output.flush()
        let end: String
        var failure: (any Error)?
        do {
            let report = try refusing(file) { () throws(ClientError) in
                try client.policy.apply(file.policy, prunes: prune)
            }
            end = telling.end(with: PolicyDifference(report: report))
        } catch {
            end = telling.end(failedWith: error)
            failure = error
        }
        var rest = Output()
        try rest.write(text: end)
        try rest.flush()
        if let failure { throw failure }
    }

    /// Runs a request about a policy. A refusal that names an item is told at its place in the file.
    private func refusing(
        _ file: PolicyFile, _ request: () throws(ClientError) -> PolicyReport
    ) throws -> PolicyReport {
        do throws(ClientError) { return try request() } catch {
            if case .refused(let refusal) = error, let fault = file.fault(for: refusal) {
                try PolicyFaults([fault], in: file.label).tell(status: Failure.Status(refusal.status))
            }
            throw error
        }
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
