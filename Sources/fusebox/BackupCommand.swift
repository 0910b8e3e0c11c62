import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire
import Glibc

/// `fusebox backup DIR --keep N`
struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Save a dated snapshot of a running daemon, and remove the oldest beyond a number.",
        discussion: """
            A snapshot of this moment is taken, fetched, written to DIR as fusebox-YYYY-MM-DDTHHMMSSZ.snapshot (whole and \
            durable, or not at all), read back and loaded as a start loads it before it gets its name. Only then older ones \
            are removed, those first whose date lies in the future, and what a backup that was cut short has left. Nothing \
            else in DIR is touched. `fusebox check DIR` loads every backup of a folder, `fusebox snapshot \
            restore` brings one back. For operators only.

            EXAMPLE
              fusebox backup /var/backups/fusebox --keep 14
            """)

    @Argument(help: "Where the backups are; created if need be.")
    var directory: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many backups stay, the new one among them. (default: 14)", valueName: "count"),
        transform: NumberArgument.within(1...1_000_000))
    var keep = 14

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let client = try connection.connect()
        defer { client.close() }
        if unsafe mkdir(directory, 0o700) != 0, errno != EEXIST { throw Failure.system("mkdir", directory) }
        let (snapshot, info) = try SnapshotFile.taken(by: client)
        let name = BackupName(at: time(nil)).file
        let path = "\(directory)/\(name)"
        // What counts is what can be read from the disk, and what a start would take.
        try LocalFile.write(snapshot.bytes, to: path) { (bytes) throws(Failure) in
            try SnapshotFile(bytes, path).tryStart()
        }
        let removed = try removeOldest(keeping: name)
        try Answer(
            json: [
                "file": .string(path), "sequence": JSONValue(info.sequence), "bytes": JSONValue(snapshot.bytes.count),
                "removed": .array(removed.map { .string($0) }),
            ],
            text: "\(path): \(Formatting.bytes(UInt64(snapshot.bytes.count))), "
                + "\(Quantity.count(info.sequence, "change")), verified"
                + (removed.isEmpty ? "" : "; removed \(removed.joined(separator: ", "))")
        ).deliver(asJSON: connection.json)
    }

    /// Removes the oldest backups, and what backups that were cut short have left; returns the names of the former.
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

    /// A directory or a link of such a name is no backup. It is left alone and takes no place.
    private static func isFile(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }
}

/// The name of a backup: its moment in UTC, so that names sort as their age does.
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

    /// Nil if it is no backup's: nothing else is ever removed.
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
    /// A name later than that of this moment was given by a clock that was wrong, then or now. Either way it is the older
    /// one: it must not keep the place of those to come.
    static func byAge(_ names: [String], at now: String) -> [String] {
        let sorted = names.sorted()
        return sorted.filter { $0 > now } + sorted.filter { $0 <= now }
    }

    private static func digits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
