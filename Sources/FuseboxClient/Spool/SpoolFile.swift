import FuseboxWire
import Glibc

/// An open file of the spool. This process holds its lock, so no other works on it.
struct SpoolFile: ~Copyable {
    private(set) var name: String
    private let place: ForkGuard.Place
    private var descriptor: Int32 { place.descriptor }

    private init(_ descriptor: Int32, _ name: String) {
        // A forked child closes its copy of the descriptor. Otherwise the lock could outlive this process.
        place = ForkGuard.enter(descriptor)
        self.name = name
    }

    deinit {
        // An explicit unlock, because a program that is being started holds a copy of the descriptor until its exec.
        if place.generation == ForkGuard.generation { flock(descriptor, LOCK_UN) }
    }

    /// Opens a file and locks it. Nil if another process works on the file or has just removed it.
    ///
    /// - Throws: if the file cannot be opened or does not belong to this user
    static func open(_ name: String, in folder: borrowing SpoolFolder) throws(SystemFailure) -> SpoolFile? {
        let flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        let descriptor = unsafe openat(folder.descriptor, name, flags)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw SystemFailure("open", errno)
        }
        let file = SpoolFile(descriptor, name)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            if errno == EWOULDBLOCK { return nil }
            throw SystemFailure("flock", errno)
        }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw SystemFailure("fstat", errno) }
        // The file may have been removed or renamed between the open and the lock.
        var named = stat()
        guard status.st_nlink > 0, unsafe fstatat(folder.descriptor, name, &named, AT_SYMLINK_NOFOLLOW) == 0,
            named.st_ino == status.st_ino
        else { return nil }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(), status.st_mode & 0o077 == 0,
            status.st_nlink == 1
        else { throw SystemFailure("open", EPERM) }
        return file
    }

    /// Makes a file with these bytes, or replaces the file `old` by it, which this process has locked. The bytes are
    /// synced before the file gets its name.
    ///
    /// - Parameter rank: the file's place among those that are made together; 0 is delivered first
    static func make(
        _ bytes: [UInt8], in folder: borrowing SpoolFolder, replacing old: String? = nil, rank: Int = 0
    ) throws(SystemFailure) -> SpoolFile {
        let final = old ?? newName(rank) + SpoolFolder.suffix
        let part = SpoolFolder.part(of: final)
        // Only who has the file's lock rewrites it. This is what a crash has left.
        if old != nil { _ = unsafe unlinkat(folder.descriptor, part, 0) }
        let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let descriptor = unsafe openat(folder.descriptor, part, flags, 0o600)
        guard descriptor >= 0 else { throw SystemFailure("open", errno) }
        var file = SpoolFile(descriptor, part)
        do throws(SystemFailure) {
            // Nobody else locks a file that is as young.
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw SystemFailure("flock", errno) }
            try file.append(bytes, at: 0)
            guard unsafe renameat(folder.descriptor, part, folder.descriptor, final) == 0 else {
                throw SystemFailure("rename", errno)
            }
            do throws(SystemFailure) { try folder.sync() } catch {
                // The caller is told that the reports are not kept and may report again, so this file must not be
                // delivered.
                if old == nil { _ = unsafe unlinkat(folder.descriptor, final, 0) }
                throw error
            }
            file.name = final
            return file
        } catch {
            _ = unsafe unlinkat(folder.descriptor, part, 0)
            throw error
        }
    }

    private static func newName(_ rank: Int) -> String {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        let milliseconds = max(Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000 + Int64(rank), 0)
        let digits = String(milliseconds)
        let random = String(UInt64.random(in: 0 ... .max), radix: 16)
        return String(repeating: "0", count: max(13 - digits.utf8.count, 0)) + digits.suffix(13) + "-"
            + String(repeating: "0", count: 16 - random.utf8.count) + random
    }

    /// Reads a file without locking it. The file may change meanwhile.
    static func look(at name: String, in folder: borrowing SpoolFolder) throws(SystemFailure) -> [UInt8] {
        let descriptor = unsafe openat(folder.descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemFailure("open", errno) }
        let file = SpoolFile(descriptor, name)
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_uid == geteuid()
        else { throw SystemFailure("open", EPERM) }
        guard !file.isTooLong else { throw SystemFailure("open", EFBIG) }
        return try file.read()
    }

    /// Whether the file is longer than any file of the spool can be; see `ClientLimits.spoolReadBytes`.
    var isTooLong: Bool {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 && status.st_size > ClientLimits.spoolReadBytes
    }

    /// Reads all bytes of the file.
    func read() throws(SystemFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        var failure: SystemFailure?
        while failure == nil {
            let offset = bytes.count
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 64 * 1024) { buffer, count in
                let result = unsafe pread(descriptor, buffer.baseAddress, buffer.count, offset)
                if result < 0, errno != EINTR { failure = SystemFailure("read", errno) }
                count = max(result, 0)
            }
            if piece.isEmpty, failure == nil { return bytes }
            bytes += piece
        }
        throw failure ?? SystemFailure("read", EIO)
    }

    /// Cuts the file off at `offset` and appends bytes there. They are synced when this returns.
    func append(_ bytes: [UInt8], at offset: Int) throws(SystemFailure) {
        // A crash may have left bytes after the good records.
        guard ftruncate(descriptor, offset) == 0 else { throw SystemFailure("ftruncate", errno) }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { all in
                unsafe pwrite(descriptor, all.baseAddress! + written, all.count - written, offset + written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemFailure("write", errno) }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw SystemFailure("fsync", errno) }
    }

    /// Gives the file its final name, because its writer died before it could.
    consuming func adopt(in folder: borrowing SpoolFolder) throws(SystemFailure) {
        guard fsync(descriptor) == 0 else { throw SystemFailure("fsync", errno) }
        let final = SpoolFolder.file(of: name)
        guard unsafe renameat(folder.descriptor, name, folder.descriptor, final) == 0 else {
            throw SystemFailure("rename", errno)
        }
        try folder.sync()
    }

    /// Removes the file. The removal is synced when this returns.
    ///
    /// What is left of a rewriting goes first. As soon as the file is gone, it would be taken for a file that its writer
    /// could not name.
    consuming func remove(from folder: borrowing SpoolFolder) throws(SystemFailure) {
        if SpoolFolder.isOwn(name), unsafe unlinkat(folder.descriptor, SpoolFolder.part(of: name), 0) == 0 {
            try folder.sync()
        }
        guard unsafe unlinkat(folder.descriptor, name, 0) == 0 else { throw SystemFailure("unlink", errno) }
        try folder.sync()
    }

    /// Seconds since the last change of the file.
    var age: Int {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return 0 }
        return time(nil) - status.st_mtim.tv_sec
    }
}
