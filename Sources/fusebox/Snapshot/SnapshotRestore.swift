import ArgumentParser
import FuseboxCore
import FuseboxEngine
import FuseboxInterop
import FuseboxStore
import FuseboxWire
import Glibc

extension SnapshotCommands {
    /// `fusebox snapshot restore FILE --data DIR`
    struct Restore: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a snapshot into a data directory, for a daemon to start on.",
            discussion: """
                The directory must be empty or missing, and no daemon may be using it. With --force what is in it is \
                set aside into a directory `before-restore-…` inside it. The restored state begins a new epoch, by which \
                clients learn that it is another one. The socket is stopped too: else the next worker that connects \
                starts the daemon again.

                EXAMPLE
                  systemctl stop fuseboxd.socket fuseboxd.service
                  fusebox snapshot restore backup.fusebox --data /var/lib/fusebox --force
                  systemctl start fuseboxd.socket fuseboxd.service
                """)

        @OptionGroup var snapshot: FileArgument

        @Option(help: ArgumentHelp("The data directory.", valueName: "directory"))
        var data: String

        @Flag(help: "Set aside what is in the directory.")
        var force = false

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let file = try snapshot.verified()
            let machine = try file.stateMachine()
            let (store, occupants) = try claimed()
            // Durable before anything old moves: at every moment the directory holds a state to start with.
            let capture = SnapshotCapture(machine, header: try Self.header(for: file.reader.header, in: store))
            let restored = try capture.write(to: store, keepingAll: true)
            let aside = occupants.isEmpty ? nil : Self.asidePrefix + "\(time(nil))-\(getpid())"
            if let aside { try store.files.setAside(occupants, into: aside) }
            try Answer(
                json: .object(
                    (JSONValue(record: restored).members ?? []) + [("setAside", aside.map { .string($0) } ?? .null)]),
                text: "restored \(file.label) to \(data)/\(restored.file)"
                    + (aside.map { "; what was there is in \(data)/\($0)" } ?? "")
            ).deliver(asJSON: connection.json)
        }

        private static let asidePrefix = "before-restore-"

        /// The directory, locked against daemons, and the names of what is in it.
        private func claimed() throws -> (store: SnapshotStore<DirectoryStorage>, occupants: [String]) {
            let names = try Self.names(in: data)
            let occupants = names.filter { !$0.hasPrefix(Self.asidePrefix) }
            let refusal = Failure(
                .usage,
                "\(data) is not empty (\(Quantity.count(occupants.count, "file"))); name another directory, or set aside what "
                    + "is in it with --force"
            )
            // A directory that is no daemon's is not even locked. In one that is, whether a daemon runs is said first.
            let isDaemons = DataDirectory.isOne(names)
            guard occupants.isEmpty || isDaemons || force else { throw refusal }
            let directory = try DirectoryStorage(data, .owning)
            guard occupants.isEmpty || force else { throw refusal }
            return (SnapshotStore(directory), occupants)
        }

        /// The names of what is in a directory; none if there is no such directory.
        private static func names(in path: String) throws -> [String] {
            let directory: DirectoryStorage
            do throws(DirectoryError) { directory = try DirectoryStorage(path, .looking) } catch {
                guard case .failed(let failure) = error, failure.code == ENOENT else { throw error }
                return []
            }
            return try directory.list()
        }

        /// The snapshot's header in the directory: a new epoch, and a sequence above those that are there, in snapshots and
        /// journal. So it is the newest from the moment it is there, and what is beside it is of another epoch.
        private static func header(
            for original: SnapshotHeader, in store: SnapshotStore<DirectoryStorage>
        ) throws -> SnapshotHeader {
            let bound = SequenceBound.highest - 1
            var newest = try store.list().first { $0.sequence <= bound }?.sequence ?? 0
            for segment in try store.files.segments() where segment.firstSequence <= bound {
                let bytes = try store.files.read(segment.file)
                let last = JournalReader.highestSequence(in: bytes, from: 0) ?? 0
                newest = max(newest, segment.firstSequence, min(last, bound))
            }
            return SnapshotHeader(
                epoch: .random(in: 1 ... .max), sequence: max(original.sequence, newest + 1),
                moment: original.moment, profile: original.profile)
        }
    }
}
