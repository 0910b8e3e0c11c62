import ArgumentParser
import FuseboxEngine
import FuseboxInterop
import FuseboxStore

/// `fusebox repair DIR`
struct RepairCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Make a damaged data directory one that a daemon starts on, without what is damaged.",
        discussion: """
            A damaged segment of the journal is cut at its first bad entry, and what comes after it is set aside; so are \
            snapshots that cannot be read, if an older one can. Every original is kept as *.damaged. What was lost is said. No \
            daemon may use the directory, and none ever does this by itself: look with `fusebox check` first. Exit status \
            65 if only a backup helps (`fusebox snapshot restore`). The socket is stopped too: else the next worker that \
            connects starts the daemon again.

            EXAMPLE
              systemctl stop fuseboxd.socket fuseboxd.service
              fusebox repair /var/lib/fusebox
              systemctl start fuseboxd.socket fuseboxd.service
            """)

    @Argument(help: "The data directory.")
    var directory: String

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        // To own a directory is to create it; here it must be there.
        guard DataDirectory.isOne(try DirectoryStorage(directory, .looking).list()) else {
            throw DataDirectory.isNone(directory)
        }
        let repair = try Repair(SnapshotStore(try DirectoryStorage(directory, .owning)))
        let lost = repair.lost.map { "lost are at most the changes \($0.lowerBound) to \($0.upperBound)" }
        let closing = repair.steps.isEmpty ? "there was nothing to repair" : lost ?? "nothing was lost"
        try Answer(
            json: [
                "directory": .string(directory), "steps": .array(repair.steps.map { .string($0) }),
                "lost": repair.lost.map { .array([JSONValue($0.lowerBound), JSONValue($0.upperBound)]) } ?? .null,
                "snapshot": repair.written.map { .string($0.file) } ?? .null,
            ],
            text: (repair.steps + [closing]).joined(separator: "\n")
        ).deliver(asJSON: connection.json)
    }
}
