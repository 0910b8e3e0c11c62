import FuseboxTestSupport
import Glibc
import Testing

/// A small file system in memory. Only root can mount it.
final class SmallDisk {
    let path: String
    private let folder = TemporaryFolder()

    /// Whether this process may mount file systems.
    static let isPossible = geteuid() == 0 && (try? SmallDisk()) != nil

    init(mebibytes: Int = 4) throws {
        path = folder("disk")
        mkdir(path, 0o700)
        let status = run(["/usr/bin/mount", "-t", "tmpfs", "-o", "size=\(mebibytes)m", "tmpfs", path])
        try #require(status == 0, "a tmpfs cannot be mounted")
    }

    deinit { _ = run(["/usr/bin/umount", "-l", path]) }

    private var filler: String { "\(path)/filler" }

    /// Uses up all free space.
    func fill() {
        let file = open(filler, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        defer { close(file) }
        for size in [65_536, 4_096, 1] {
            let piece = [UInt8](repeating: 1, count: size)
            while Glibc.write(file, piece, size) == size {}
        }
    }

    func free() { unlink(filler) }

    func becomeReadOnly() { _ = run(["/usr/bin/mount", "-o", "remount,ro", path]) }
}
