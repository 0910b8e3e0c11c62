import ArgumentParser
import FuseboxEngine
import FuseboxInterop
import FuseboxStore

/// `fusebox repair DIR`
struct RepairCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Change a damaged data directory so that a daemon starts on it, without the damaged parts.",
        discussion: """
            A damaged segment of the journal is cut at its first damaged entry, and later segments are set aside. Snapshots \
            that cannot be read are set aside if an older one can be read. Every original is kept as *.damaged. The output \
            says which changes are lost. No daemon may use the directory, and no daemon ever repairs it by itself. Run \
            `fusebox check` first. Exit status 65 if only a backup helps (`fusebox snapshot restore`). The example stops the \
            socket too, because otherwise the next client that connects starts the daemon again.

            EXAMPLE
              systemctl stop fuseboxd.socket fuseboxd.service
              fusebox repair /var/lib/fusebox
              systemctl start fuseboxd.socket fuseboxd.service
            """)

    @Argument(help: "The data directory.", completion: .directory)
    var directory: String

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        // `.owning` creates the directory, and here it must exist.
        guard DataDirectory.isOne(try DirectoryStorage(directory, .looking).list()) else {
            throw DataDirectory.isNone(directory)
        }
        let repair = try Repair(SnapshotStore(try DirectoryStorage(directory, .owning)))
        let lost = repair.lost.map { "at most the changes \($0.lowerBound) to \($0.upperBound) are lost" }
        let closing = repair.steps.isEmpty ? "there was nothing to repair" : lost ?? "no change was lost"
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
