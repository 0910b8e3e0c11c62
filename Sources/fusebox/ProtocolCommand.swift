import ArgumentParser
import FuseboxClient
import FuseboxInterop
import Glibc

/// `fusebox protocol`
struct ProtocolCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "protocol", abstract: "Print the reference of the protocol, or write its example frames.",
        discussion: """
            EXAMPLES
              fusebox protocol --format markdown > proto-docs/commands.md
              fusebox protocol --format vectors proto-docs/vectors
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case markdown, json, snapshot, journal, history, outcomes, vectors
    }

    @Option(
        help:
            "The output: the reference for people or for programs, the records of snapshots, of the journal or of the history, what answers of providers mean, or files with example frames."
    )
    var format: Format

    @Argument(
        help: "The directory for --format vectors. It is created if it does not exist. (default: none)",
        completion: .directory)
    var directory: String?

    func validate() throws {
        guard (format == .vectors) == (directory != nil) else {
            throw ValidationError(
                format == .vectors
                    ? "name the directory for the vectors"
                    : "--format \(format) prints to standard output; leave the directory out"
            )
        }
    }

    func run() throws {
        if let directory { return try writeVectors(to: directory) }
        let reference =
            switch format {
            case .json: ProtocolReference.json([("usage", UsageForm.reference), ("answers", AnswerTable.reference)])
            case .snapshot: SnapshotReference.markdown()
            case .journal: JournalReference.markdown()
            case .history: HistoryReference.markdown()
            case .outcomes: OutcomeReference.markdown()
            case .markdown, .vectors: ProtocolReference.markdown()
            }
        var output = Output()
        try output.write(Array(reference.utf8))
        try output.flush()
    }

    private func writeVectors(to directory: String) throws {
        if unsafe mkdir(directory, 0o755) != 0, errno != EEXIST { throw Failure.system("mkdir", directory) }
        for file in ProtocolVectors.files() {
            try LocalFile.write(Array(file.contents.utf8), to: "\(directory)/\(file.name)", mode: 0o644)
        }
    }
}
