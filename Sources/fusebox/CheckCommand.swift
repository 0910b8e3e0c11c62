import ArgumentParser
import FuseboxCore
import FuseboxEngine
import FuseboxInterop
import FuseboxStore
import Glibc

/// `fusebox check DIR`
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check every file of a data directory, and show what a start would do.",
        discussion: """
            It changes nothing, and works while a daemon runs. It checks all checksums, names, sequences and epochs, whether \
            the state can be recovered, whether the journal reaches as far as it did, and whether the ends of all permits \
            add up, and the files of the ledger's history. In a directory of backups, it loads each backup by the rules of a start. Exit status 65 if something is \
            wrong, 74 if only room for the journal's next segment is missing, 64 if it is not a data directory.

            EXAMPLE
              fusebox check /var/lib/fusebox
            """)

    @Argument(help: "The data directory.", completion: .directory)
    var directory: String

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let files = try DirectoryStorage(directory, .looking)
        let names = try files.list()
        guard DataDirectory.isOne(names) else {
            return try BackupReport(names, in: files, directory).deliver(asJSON: connection.json)
        }
        let store = SnapshotStore(files)
        let isInUse = DataDirectory.isInUse(directory)
        var inspection = try Inspection(of: store)
        // A file that changed while it was read may look damaged. A second inspection shows whether it is.
        if isInUse, !inspection.isGood { inspection = try Inspection(of: store) }
        let report = DirectoryReport(
            inspection: inspection, directory: directory, isInUse: isInUse,
            shortage: try files.shortage(forSegment: inspection.segments.last?.bytes ?? Self.usualSegmentLength))
        try Answer(json: report.json, text: report.text).deliver(asJSON: connection.json)
        if !inspection.isGood { throw ExitCode(Failure.Status.damagedData.rawValue) }
        if report.shortage != nil { throw ExitCode(Self.noRoom) }
    }

    /// The length of a segment if the directory has none, in bytes.
    private static let usualSegmentLength = Bounds.segmentLength
    /// The exit status if there is no room: `EX_IOERR` of `sysexits.h`.
    private static let noRoom: Int32 = 74
}

/// Facts about a data directory.
enum DataDirectory {
    /// Whether a directory with these files is a data directory. Every daemon leaves at least one such file.
    static func isOne(_ names: [String]) -> Bool {
        names.contains {
            SnapshotName(file: $0) != nil || JournalName(file: $0) != nil || $0 == SyncMark.fileName
        }
    }

    /// The error for a directory that is not a data directory.
    static func isNone(_ path: String) -> Failure {
        Failure(
            .usage,
            "\(path) is not a data directory of Fusebox: it has neither a snapshot nor a segment of a journal")
    }

    /// Whether a daemon has locked the directory, according to `/proc/locks`. This takes no lock itself, so it does not
    /// disturb a daemon that is starting.
    static func isInUse(_ path: String) -> Bool {
        var status = stat()
        guard unsafe stat(path, &status) == 0,
            let locks = try? LocalFile.read("/proc/locks")
        else { return false }
        // 1: FLOCK  ADVISORY  WRITE 4711 08:01:131077 0 EOF
        return String(decoding: locks, as: UTF8.self).split(separator: "\n").contains { line in
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count > 5, fields[1] == "FLOCK", fields[3] == "WRITE" else { return false }
            let place = fields[5].split(separator: ":")
            guard place.count == 3, let major = UInt64(place[0], radix: 16), let minor = UInt64(place[1], radix: 16)
            else { return false }
            return device(major, minor) == UInt64(status.st_dev) && UInt(place[2]) == UInt(status.st_ino)
        }
    }

    /// A device's number as in `stat`. It is the C library's `makedev`.
    private static func device(_ major: UInt64, _ minor: UInt64) -> UInt64 {
        (major & 0xFFF) << 8 | (major & ~0xFFF) << 32 | minor & 0xFF | (minor & ~0xFF) << 12
    }
}
