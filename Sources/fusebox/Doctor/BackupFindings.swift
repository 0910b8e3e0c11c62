import FuseboxWire
import Glibc

/// The newest backup in a directory.
struct BackupFindings {
    let directory: String

    /// Backups are made nightly. One that is older than this was missed.
    private static let patience: Int = 2 * 86_400

    var finding: Finding {
        let names: [String]
        do throws(Failure) { names = try LocalFile.names(in: directory) } catch {
            if unsafe access(directory, F_OK) != 0, errno == ENOENT {
                return .note(
                    "backup",
                    "\(directory) does not exist: `systemctl enable --now fusebox-backup.timer` makes nightly backups, or see `fusebox help backup`"
                )
            }
            return .note("backup", "\(directory) cannot be read by this user: run this as root")
        }
        guard
            let newest = BackupName.byAge(
                names.filter { BackupName(file: $0) != nil }, at: BackupName(at: time(nil)).file
            ).last
        else {
            return .todo("backup", "\(directory) has no backup: `systemctl start fusebox-backup.service` makes one")
        }
        var status = stat()
        guard unsafe lstat("\(directory)/\(newest)", &status) == 0 else {
            return .note("backup", "\(newest) cannot be examined")
        }
        let age = max(0, time(nil) - status.st_mtim.tv_sec)
        let text = "the newest is \(Formatting.span(milliseconds: Int64(age) * 1_000)) old: \(newest)"
        guard age > Self.patience else { return .ok("backup", text) }
        return .todo("backup", text + "; see `systemctl status fusebox-backup.timer`")
    }
}
