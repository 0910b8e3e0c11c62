import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxStore
import FuseboxWire

/// `fusebox snapshot`
struct SnapshotCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Snapshots of the daemon's state: take, save, show, verify and restore them.",
        discussion:
            "`verify`, `show` and `restore` work on files and need no daemon. The others are for operators only.",
        subcommands: [Now.self, List.self, Save.self, Verify.self, Show.self, Restore.self])

    /// The argument that names a snapshot's file.
    struct FileArgument: ParsableArguments {
        @Argument(help: "A snapshot's file; - for standard input.", completion: .file())
        var file: String

        /// Reads the file and checks every checksum in it.
        func verified() throws(Failure) -> SnapshotFile {
            try SnapshotFile(LocalFile.read(file), LocalFile.label(file))
        }
    }
}

extension SnapshotCommands {
    /// The table of the snapshots on the daemon's disk.
    static func table(_ snapshots: [SnapshotInfo], _ clock: DaemonClock) -> Table {
        Table(
            [.left("FILE"), .right("CHANGES"), .left("TAKEN"), .right("SIZE")],
            rows: snapshots.map { snapshot in
                [
                    snapshot.file, "\(snapshot.sequence)", clock.relative(wall: snapshot.takenAt),
                    Formatting.bytes(snapshot.length),
                ]
            })
    }
}

/// The bytes of a snapshot. Every checksum is verified.
struct SnapshotFile {
    let bytes: [UInt8]
    let reader: SnapshotReader
    /// The name in messages.
    let label: String

    init(_ bytes: [UInt8], _ label: String) throws(Failure) {
        self.bytes = bytes
        self.label = label
        do throws(SnapshotDamage) {
            reader = try SnapshotReader(bytes)
            try reader.verify()
        } catch { throw Failure(error, in: label) }
    }

    /// Lets the daemon take a snapshot, and fetches it.
    static func taken(by client: FuseboxClient) throws -> (file: SnapshotFile, info: SnapshotInfo) {
        let info = try client.snapshots.now()
        var bytes: [UInt8] = []
        try client.snapshots.read(sequence: info.sequence) { bytes += $0 }
        return (try SnapshotFile(bytes, info.file), info)
    }
}
