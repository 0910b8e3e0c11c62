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
        abstract: "Read every file of a data directory, and tell what is wrong and what a start would do.",
        discussion: """
            It changes nothing, and works beside a running daemon. Checked are every checksum, the names, the sequences, the \
            epochs, whether the state can be recovered and the journal reaches as far as it once did, and whether the ledger \
            adds up: a provider's sums are those of its models. (A state that was imported from a library which rounds may \
            differ from that.) Of a folder of backups, each is loaded as a start would load it. Exit status 65 if something is \
            wrong, 74 if all is well and there is no room for the next segment of the journal, 64 if it is no data directory.

            EXAMPLE
              fusebox check /var/lib/fusebox
            """)

    @Argument(help: "The data directory.")
    var directory: String

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let files = try DirectoryStorage(directory, .looking)
        let names = try files.list()
        guard DataDirectory.isOne(names) else {
            return try BackupReport(names, in: directory).deliver(asJSON: connection.json)
        }
        let store = SnapshotStore(files)
        let isInUse = DataDirectory.isInUse(directory)
        var inspection = try Inspection(of: store)
        // What changed while it was read may look wrong once; what is wrong looks so twice.
        if isInUse, !inspection.isGood { inspection = try Inspection(of: store) }
        let report = DirectoryReport(
            inspection: inspection, directory: directory, isInUse: isInUse,
            shortage: try files.shortage(forSegment: inspection.segments.last?.bytes ?? Self.usualSegmentLength))
        try Answer(json: report.json, text: report.text).deliver(asJSON: connection.json)
        if !inspection.isGood { throw ExitCode(Failure.Status.damagedData.rawValue) }
        if report.shortage != nil { throw ExitCode(Self.noRoom) }
    }

    /// The length of a segment where there is none to tell.
    private static let usualSegmentLength = Limits.segmentLength
    /// The exit status if there is no room: an error of input or output, after `sysexits.h`.
    private static let noRoom: Int32 = 74
}

/// What the system tells of a data directory.
enum DataDirectory {
    /// Whether a daemon has ever begun there: it leaves at least one of these.
    static func isOne(_ names: [String]) -> Bool {
        names.contains {
            SnapshotName(file: $0) != nil || JournalName(file: $0) != nil || $0 == SyncMark.fileName
        }
    }

    /// What is said of a directory that is none.
    static func isNone(_ path: String) -> Failure {
        Failure(
            .usage,
            "\(path) is no data directory of Fusebox: there is neither a snapshot nor a segment of a journal in it")
    }

    /// Whether a daemon holds the directory's lock, as far as the system tells. Asking takes no lock: a daemon that starts
    /// at this moment is not disturbed.
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

    /// A device's number as `stat` gives it, after the C library's `makedev`.
    private static func device(_ major: UInt64, _ minor: UInt64) -> UInt64 {
        (major & 0xFFF) << 8 | (major & ~0xFFF) << 32 | minor & 0xFF | (minor & ~0xFF) << 12
    }
}
