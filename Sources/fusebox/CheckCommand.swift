import ArgumentParser
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
            It changes nothing, and works beside a running daemon. Checked are every checksum, the sequences, the epochs, \
            whether the state can be recovered, and whether the ledger adds up: a provider's sums are those of its models. (A \
            state that was imported from a library which rounds may differ from that.) Exit status 65 if something is wrong.

            EXAMPLE
              fusebox check /var/lib/fusebox
            """)

    @Argument(help: "The data directory.")
    var directory: String

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let store = SnapshotStore(try DirectoryStorage(directory, .looking))
        let isInUse = DataDirectory.isInUse(directory)
        var inspection = try Inspection(of: store)
        // What changed while it was read may look wrong once; what is wrong looks so twice.
        if isInUse, !inspection.isGood { inspection = try Inspection(of: store) }
        let text = DirectoryReport.text(inspection, of: directory, isInUse: isInUse)
        try Answer(json: DirectoryReport.json(inspection, of: directory, isInUse: isInUse), text: text)
            .deliver(asJSON: connection.json)
        if !inspection.isGood { throw ExitCode(Failure.Status.damagedData.rawValue) }
    }
}

/// What the system tells of a data directory.
enum DataDirectory {
    /// Whether a daemon holds the directory's lock, as far as the system tells. Asking takes no lock: a daemon that starts
    /// at this moment is not disturbed.
    static func isInUse(_ path: String) -> Bool {
        var status = stat()
        guard unsafe stat("\(path)/\(DirectoryStorage.lockName)", &status) == 0,
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
