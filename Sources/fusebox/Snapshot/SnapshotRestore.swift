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
            commandName: "restore",
            abstract: "Restore a snapshot into a data directory, on which a daemon then starts.",
            discussion: """
                The directory must be empty or not exist, and no daemon may use it. With --force its files are moved to a \
                directory `before-restore-…` inside it, but for those of the ledger's history, which stay. Files of the \
                history that lie beside FILE and that the directory lacks are copied. What they have of the snapshot's last \
                day is not counted again. The restored state begins a new epoch, which tells clients that the state was \
                replaced. The example stops the socket too, because otherwise the next client that connects starts the \
                daemon again.

                EXAMPLE
                  systemctl stop fuseboxd.socket fuseboxd.service
                  fusebox snapshot restore backup.fusebox --data /var/lib/fusebox --force
                  systemctl start fuseboxd.socket fuseboxd.service
                """)

        @OptionGroup var snapshot: FileArgument

        @Option(help: ArgumentHelp("The data directory.", valueName: "directory"), completion: .directory)
        var data: String

        @Flag(name: [.customLong("force"), .customLong("yes")], help: "Set aside the files in the directory.")
        var force = false

        @Flag(help: "Load the snapshot as a start does, say what would be restored, and change nothing.")
        var dryRun = false

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let file = try snapshot.verified()
            var state = try file.restored()
            guard !dryRun else { return try tellPlan(file) }
            let (store, occupants) = try claimed()
            for month in state.untoldMonths {
                if let bytes = try history(of: month, in: store.files) { state.leaveOut(bytes, of: month) }
            }
            // The snapshot is durable before old files are moved, so the directory always has a state to start on.
            let capture = state.capture(try Self.header(for: file.reader.header, in: store))
            let restored = try capture.write(to: store, keepingAll: true)
            let aside = occupants.isEmpty ? nil : Self.asidePrefix + "\(time(nil))-\(getpid())"
            if let aside { try store.files.setAside(occupants, into: aside) }
            try copyHistory(to: store.files)
            try Answer(
                json: .object(
                    (JSONValue(record: restored).members ?? []) + [("setAside", aside.map { .string($0) } ?? .null)]),
                text: "restored \(file.label) to \(data)/\(restored.file)"
                    + (aside.map { "; the old files are in \(data)/\($0)" } ?? "")
            ).deliver(asJSON: connection.json)
        }

        private static let asidePrefix = "before-restore-"

        /// Says what would be restored.
        private func tellPlan(_ file: SnapshotFile) throws {
            let occupants = try Self.names(in: data).filter { !$0.hasPrefix(Self.asidePrefix) }
            let header = file.reader.header
            try Answer(
                json: [
                    "isDryRun": true, "sequence": JSONValue(header.sequence),
                    "wouldSetAside": .array(occupants.map { .string($0) }),
                ],
                text:
                    "\(file.label) can be loaded: \(Quantity.count(header.sequence, "change")), of \(DaemonClock.date(wall: header.moment.wall)); "
                    + (occupants.isEmpty
                        ? "\(data) is empty"
                        : "\(Quantity.count(occupants.count, "file")) of \(data) would be set aside")
            ).deliver(asJSON: connection.json)
        }

        /// Locks the directory against daemons, and returns the names of its files.
        private func claimed() throws -> (store: SnapshotStore<DirectoryStorage>, occupants: [String]) {
            let names = try Self.names(in: data)
            let occupants = names.filter { !$0.hasPrefix(Self.asidePrefix) && HistoryMonth(file: $0) == nil }
            let refusal = Failure(
                .usage,
                "\(data) is not empty (\(Quantity.count(occupants.count, "file"))); name another directory, or set its files "
                    + "aside with --force"
            )
            // A directory that is not a data directory is not locked. For a data directory, a running daemon is
            // reported before files that are in the way.
            let isDaemons = DataDirectory.isOne(names)
            guard occupants.isEmpty || isDaemons || force else { throw refusal }
            let directory = try DirectoryStorage(data, .owning)
            guard occupants.isEmpty || force else { throw refusal }
            return (SnapshotStore(directory), occupants)
        }

        /// The file of a month that the directory has, or will have. Nil if it has none.
        private func history(of month: HistoryMonth, in files: DirectoryStorage) throws -> [UInt8]? {
            if try files.historyMonths().contains(month) { return try files.read(month.file) }
            guard snapshot.file != "-" else { return nil }
            let folder = LocalFile.directory(of: snapshot.file)
            guard try LocalFile.names(in: folder).contains(month.file) else { return nil }
            return try LocalFile.read("\(folder)/\(month.file)")
        }

        /// Copies the files of the history beside the snapshot that the directory lacks.
        private func copyHistory(to files: DirectoryStorage) throws {
            guard snapshot.file != "-" else { return }
            let folder = LocalFile.directory(of: snapshot.file)
            let known = Set(try files.historyMonths())
            for name in try LocalFile.names(in: folder) {
                guard let month = HistoryMonth(file: name), !known.contains(month) else { continue }
                let file = try files.create(name)
                let bytes = try LocalFile.read("\(folder)/\(name)")
                let failure: StorageError? = unsafe bytes.withUnsafeBytes { all in
                    do throws(StorageError) {
                        try unsafe file.write(all)
                        try file.sync()
                        return nil
                    } catch { return error }
                }
                if let failure { throw failure }
            }
            try files.syncDirectory()
        }

        /// The names of the entries of a directory; empty if it does not exist.
        private static func names(in path: String) throws -> [String] {
            let directory: DirectoryStorage
            do throws(DirectoryError) { directory = try DirectoryStorage(path, .looking) } catch {
                guard case .failed(let failure) = error, failure.code == ENOENT else { throw error }
                return []
            }
            return try directory.list()
        }

        /// The header of the restored snapshot. It has a new epoch, and a sequence above those of all snapshots and
        /// journal segments in the directory. So it is the newest snapshot at once, and the files beside it are of
        /// another epoch.
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
                moment: original.moment, lead: original.lead, profile: original.profile)
        }
    }
}
