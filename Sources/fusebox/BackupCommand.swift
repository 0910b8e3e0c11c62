import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxStore
import FuseboxWire
import Glibc

/// `fusebox backup DIR --keep N`
struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Save a dated snapshot of a running daemon, and remove the oldest backups.",
        discussion: """
            The daemon takes a snapshot. This command fetches it and writes it to DIR as fusebox-YYYY-MM-DDTHHMMSSZ.snapshot. \
            The file gets its name only after it was read back and loaded like at a start, so it is whole and durable or \
            does not exist. Then the oldest backups are removed, first those whose date is in the future, and the remains of \
            backups that were interrupted. The files of the ledger's history are brought up to date \
            beside the backups. Nothing else in DIR is touched. `fusebox check DIR` checks all backups, and \
            `fusebox snapshot restore` restores one. Operators only.

            EXAMPLE
              fusebox backup /var/backups/fusebox --keep 14
            """)

    @Argument(help: "The directory of the backups. It is created if it does not exist.", completion: .directory)
    var directory: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The number of backups to keep, including the new one. (default: 14)", valueName: "count"),
        transform: NumberArgument.within(1...1_000_000))
    var keep = 14

    @OptionGroup var connection: DiskConnectionOptions

    func run() throws {
        let client = try connection.connect()
        defer { client.close() }
        if unsafe mkdir(directory, 0o700) != 0, errno != EEXIST { throw Failure.system("mkdir", directory) }
        let (snapshot, info) = try SnapshotFile.taken(by: client)
        let name = BackupName(at: time(nil)).file
        let path = "\(directory)/\(name)"
        // The file is read back from disk and loaded by the rules of a start.
        try LocalFile.write(snapshot.bytes, to: path) { (bytes) throws(Failure) in
            try SnapshotFile(bytes, path).tryStart()
        }
        let history = try fetchHistory(client)
        let removed = try removeOldest(keeping: name)
        try Answer(
            json: [
                "file": .string(path), "sequence": JSONValue(info.sequence), "bytes": JSONValue(snapshot.bytes.count),
                "removed": .array(removed.map { .string($0) }), "history": .array(history.map { .string($0) }),
            ],
            text: "\(path): \(Formatting.bytes(UInt64(snapshot.bytes.count))), "
                + "\(Quantity.count(info.sequence, "change")), verified"
                + (history.isEmpty ? "" : "; \(history.joined(separator: ", "))")
                + (removed.isEmpty ? "" : "; removed \(removed.joined(separator: ", "))")
        ).deliver(asJSON: connection.json)
    }

    /// Fetches the files of the history that have another length, and those of the last two months, and returns their
    /// names. Files that the daemon has removed stay.
    private func fetchHistory(_ client: FuseboxClient) throws -> [String] {
        PartialFile.removeAbandoned(in: directory) { HistoryMonth(file: $0) != nil }
        var fetched: [String] = []
        let files = try client.ledger.historyFiles().filter { HistoryMonth(file: $0.file) != nil }
        for (place, file) in files.enumerated() {
            let path = "\(directory)/\(file.file)"
            if place < files.count - 2, Self.length(path) == file.length { continue }
            try LocalFile.write(try fetch(file.file, client), to: path)
            fetched.append(file.file)
        }
        return fetched
    }

    /// The bytes of a file of the history. They are fetched once more if a part does not follow the one before, because
    /// the daemon may have written the file anew meanwhile.
    private func fetch(_ file: String, _ client: FuseboxClient) throws -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<3 {
            bytes = []
            try client.ledger.readHistory(file) { bytes += $0 }
            guard let month = HistoryMonth(file: file), bytes.count > HistoryHeader.bytes else { break }
            var reader = HistoryReader(month)
            reader.read(Array(bytes[HistoryHeader.bytes...]), isLast: true) { _, _ in true }
            if reader.damage.isEmpty, !reader.isTorn { break }
        }
        return bytes
    }

    private static func length(_ path: String) -> UInt64? {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? UInt64(status.st_size) : nil
    }

    /// Removes the oldest backups and returns their names. Also removes the remains of interrupted backups.
    private func removeOldest(keeping newest: String) throws(Failure) -> [String] {
        PartialFile.removeAbandoned(in: directory) { BackupName(file: $0) != nil }
        let others = try LocalFile.names(in: directory).filter { name in
            BackupName(file: name) != nil && name != newest && Self.isFile("\(directory)/\(name)")
        }
        let removed = Array(BackupName.byAge(others, at: newest).dropLast(keep - 1))
        for name in removed where unsafe unlink("\(directory)/\(name)") != 0 && errno != ENOENT {
            throw Failure.system("unlink", "\(directory)/\(name)")
        }
        return removed
    }

    /// Whether the path is a regular file. Directories and links are not backups: they are not removed and not counted.
    private static func isFile(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }
}

/// The name of a backup. It has the time in UTC, so that names sort by age.
struct BackupName {
    let file: String

    private static let prefix = "fusebox-"
    private static let suffix = ".snapshot"
    private static let pattern = "0000-00-00T000000Z"

    init(at moment: time_t) {
        var seconds = moment
        var parts = unsafe tm()
        _ = unsafe gmtime_r(&seconds, &parts)
        let date = unsafe [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday].map(Self.digits).joined(
            separator: "-")
        let time = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec].map(Self.digits).joined()
        file = "\(Self.prefix)\(date)T\(time)Z\(Self.suffix)"
    }

    /// The name from a file name. Nil if the file is not a backup. Only backups are ever removed.
    init?(file: String) {
        guard file.hasPrefix(Self.prefix), file.hasSuffix(Self.suffix) else { return nil }
        let stamp = file.dropFirst(Self.prefix.count).dropLast(Self.suffix.count).utf8
        guard stamp.count == Self.pattern.utf8.count else { return nil }
        let isStamp = zip(stamp, Self.pattern.utf8).allSatisfy { character, model in
            model == UInt8(ascii: "0")
                ? (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character) : character == model
        }
        guard isStamp else { return nil }
        self.file = file
    }

    /// Names of backups from the oldest to the newest.
    ///
    /// A name from the future comes from a wrong clock, then or now. It counts as oldest, so that it does not take the
    /// place of new backups.
    static func byAge(_ names: [String], at now: String) -> [String] {
        let sorted = names.sorted()
        return sorted.filter { $0 > now } + sorted.filter { $0 <= now }
    }

    private static func digits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
