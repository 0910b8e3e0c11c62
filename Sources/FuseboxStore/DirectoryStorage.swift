import FuseboxWire
import Glibc

/// A directory of the file system.
///
/// Every system call of the store is in this file. Interrupted calls are repeated, and short ones are continued.
package final class DirectoryStorage: Storage {
    /// The path that the directory was opened with.
    package let path: String
    private let directory: Int32

    /// The purpose that a directory is opened for.
    package enum Purpose: Sendable {
        /// To change it. The directory is created with mode 0700 if it is missing, and locked for this process.
        case owning
        /// To read it, also while another process owns it. The directory must exist.
        case looking
    }

    /// Opens a directory.
    ///
    /// - Throws: `alreadyLocked` if another process owns the directory, `failed` if a system call fails
    package init(_ path: String, _ purpose: Purpose) throws(DirectoryError) {
        self.path = path
        if purpose == .owning, unsafe mkdir(path, 0o700) != 0, errno != EEXIST {
            throw .failed(Self.error("mkdir", path))
        }
        directory = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw .failed(Self.error("open", path)) }
        if purpose == .owning { try takeLock() }
    }

    deinit { if directory >= 0 { Glibc.close(directory) } }

    /// Locks the directory for as long as it is open. The lock is on the directory itself, because a lock file could be
    /// deleted, and another one locked.
    private func takeLock() throws(DirectoryError) {
        // A process that may only read the directory could lock it too, so write permission is required.
        guard unsafe faccessat(directory, ".", W_OK | X_OK, AT_EACCESS) == 0 else {
            throw .failed(Self.error("write to", path))
        }
        guard flock(directory, LOCK_EX | LOCK_NB) == 0 else {
            let failure = Self.error("flock", path)
            throw failure.code == EWOULDBLOCK ? .alreadyLocked(path) : .failed(failure)
        }
        // The directory may have been replaced between the open and the lock.
        do throws(StorageError) { try checkPlace() } catch { throw .failed(error) }
    }

    // MARK: The directory

    /// The directory's device and number.
    private func identity() throws(StorageError) -> FileIdentity {
        guard let identity = FileIdentity(of: directory) else { throw Self.error("fstat", path) }
        return identity
    }

    package func checkPlace() throws(StorageError) {
        guard try FileIdentity(at: path) == identity() else { throw .gone(path) }
    }

    /// Checks that only the daemon's own user and root can change the directory.
    ///
    /// - Throws: `exposed`, with a text that says what to do
    package func checkPermissions() throws(DirectoryError) {
        var status = stat()
        guard unsafe fstat(directory, &status) == 0 else { throw .failed(Self.error("fstat", path)) }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw .exposed(
                "the data directory \(path) belongs to user \(status.st_uid), who could replace its files, and the daemon runs as user \(geteuid()); run it as that user, or `chown -R \(geteuid()) \(path)`"
            )
        }
        guard status.st_mode & 0o022 == 0 else {
            let mode = String(status.st_mode & 0o7777, radix: 8)
            throw .exposed(
                "others than its owner may write to the data directory \(path) (mode 0\(mode)) and could replace its files; `chmod 700 \(path)`"
            )
        }
    }

    /// The bytes that new files may take on the directory's file system. Quotas do not count.
    package func freeSpace() throws(StorageError) -> UInt64 {
        var status = stat()
        var system = statvfs()
        guard unsafe fstat(directory, &status) == 0, unsafe fstatvfs(directory, &system) == 0 else {
            throw Self.error("statvfs", path)
        }
        // Blocks that are reserved for root count if the directory belongs to root.
        let blocks = status.st_uid == 0 ? system.f_bfree : system.f_bavail
        return UInt64(blocks) * UInt64(system.f_frsize)
    }

    /// Why there is no room for the next segment of a journal, as a sentence. Nil if there is.
    ///
    /// - Parameter length: the length of a segment in bytes
    package func shortage(forSegment length: Int) throws(StorageError) -> String? {
        // An existing spare is used, or makes room for another one.
        let spare = (try? self.length(of: JournalName.spare)) ?? 0
        let free = try freeSpace()
        guard free + UInt64(spare) < UInt64(length) else { return nil }
        return
            "there is no room for the next segment of the journal: it needs \(Quantity.count(length, "byte")), and \(path) has \(Quantity.count(free, "free byte")). Changes that must be journaled are refused when this segment is full"
    }

    /// Opens a regular file. Does not wait for the other end of a pipe, and does not follow a symbolic link.
    private func openRegular(_ name: String, _ flags: Int32) throws(StorageError) -> Int32 {
        let place = "\(path)/\(name)"
        let file = unsafe openat(directory, name, flags | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
        guard file >= 0 else {
            // These codes stand for a link, a socket, and a directory that is opened for writing.
            throw [ELOOP, ENXIO, EISDIR].contains(errno) ? .notRegular(place) : Self.error("open", place)
        }
        var status = stat()
        guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            Glibc.close(file)
            throw .notRegular(place)
        }
        return file
    }

    // MARK: Storage

    package func list() throws(StorageError) -> [String] {
        // A second descriptor, because reading moves the position.
        let copy = unsafe openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = unsafe fdopendir(copy) else { throw Self.error("open", path) }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        // `readdir` returns nil at the end and after a failure. Only errno tells them apart, and a failure must not
        // look like an empty directory.
        errno = 0
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw Self.error("readdir", path) }
        return names
    }

    package func create(_ name: String) throws(StorageError) -> DirectoryFile {
        let file = unsafe openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600 as mode_t)
        guard file >= 0 else { throw Self.error("create", "\(path)/\(name)") }
        Self.giveToOwner(file, of: directory)
        return DirectoryFile(descriptor: file, path: "\(path)/\(name)")
    }

    package func length(of name: String) throws(StorageError) -> Int {
        var status = stat()
        guard unsafe fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw Self.error("stat", "\(path)/\(name)")
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular("\(path)/\(name)") }
        return Int(status.st_size)
    }

    package func read(_ name: String) throws(StorageError) -> [UInt8] {
        try read(name, at: 0, length: try length(of: name))
    }

    package func read(_ name: String, at offset: Int, length: Int) throws(StorageError) -> [UInt8] {
        let place = "\(path)/\(name)"
        let file = try openRegular(name, O_RDONLY)
        defer { Glibc.close(file) }
        var failure: StorageError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: length) { buffer, filled in
            filled = 0
            while filled < length {
                let count = unsafe pread(file, buffer.baseAddress! + filled, length - filled, off_t(offset + filled))
                if count < 0, errno == EINTR { continue }
                if count < 0 { failure = Self.error("read", place) }
                guard count > 0 else { return }
                filled += count
            }
        }
        if let failure { throw failure }
        return bytes
    }

    package func rename(_ name: String, to other: String) throws(StorageError) {
        guard unsafe renameat(directory, name, directory, other) == 0 else {
            throw Self.error("rename", "\(path)/\(name)")
        }
    }

    package func remove(_ name: String) throws(StorageError) {
        guard unsafe unlinkat(directory, name, 0) == 0 else { throw Self.error("unlink", "\(path)/\(name)") }
    }

    /// The bytes that this process may still take on the file system. Nil if the system call fails.
    package func room() -> UInt64? {
        var status = statvfs()
        guard unsafe fstatvfs(directory, &status) == 0 else { return nil }
        return UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue
    }

    package func syncDirectory() throws(StorageError) {
        guard fsync(directory) == 0 else { throw Self.error("fsync", path) }
    }

    /// Moves files into a new subdirectory, and syncs both directories.
    package func setAside(_ names: [String], into subdirectory: String) throws(StorageError) {
        guard unsafe mkdirat(directory, subdirectory, 0o700) == 0 else {
            throw Self.error("mkdir", "\(path)/\(subdirectory)")
        }
        let aside = unsafe openat(directory, subdirectory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard aside >= 0 else { throw Self.error("open", "\(path)/\(subdirectory)") }
        defer { Glibc.close(aside) }
        Self.giveToOwner(aside, of: directory)
        for name in names {
            guard unsafe renameat(directory, name, aside, name) == 0 else {
                throw Self.error("rename", "\(path)/\(name)")
            }
        }
        guard fsync(aside) == 0 else { throw Self.error("fsync", "\(path)/\(subdirectory)") }
        try syncDirectory()
    }

    /// Gives a file that root has made to the directory's owner. A daemon with a user of its own must be able to use
    /// files that an operator restored.
    private static func giveToOwner(_ file: Int32, of directory: Int32) {
        var status = stat()
        guard geteuid() == 0, unsafe fstat(directory, &status) == 0, status.st_uid != 0 else { return }
        _ = fchown(file, status.st_uid, status.st_gid)
    }

    fileprivate static func error(_ operation: String, _ path: String) -> StorageError {
        let code = errno
        return StorageError(
            operation: operation, path: path, code: code, reason: unsafe String(cString: strerror(code)))
    }
}

/// Why a data directory cannot be used.
package enum DirectoryError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Another process holds the lock of the directory at this path.
    case alreadyLocked(String)
    /// Other users may change the directory. The text says what to do.
    case exposed(String)
    /// A system call has failed.
    case failed(StorageError)

    package var description: String {
        switch self {
        case .alreadyLocked(let path):
            "another fuseboxd uses the data directory \(path); stop it, or name another directory with --data"
        case .exposed(let text): text
        case .failed(let error): error.description
        }
    }
}

/// A file's device and inode number. They tell a file from another one under the same name.
struct FileIdentity: Equatable {
    private let device: dev_t
    private let number: ino_t

    /// The identity of an open file. Nil if the system call fails; `errno` then says why.
    init?(of descriptor: Int32) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return nil }
        device = status.st_dev
        number = status.st_ino
    }

    /// The identity of the file at a path. Nil if there is no file, or if the system call fails.
    init?(at path: String) {
        var status = stat()
        // Every sync calls this. `withCString` avoids the copy that passing the string would make.
        guard unsafe path.withCString({ unsafe stat($0, &status) }) == 0 else { return nil }
        device = status.st_dev
        number = status.st_ino
    }
}

/// A file of a directory that is being written.
package final class DirectoryFile: StorageFile {
    private let descriptor: Int32
    private let path: String

    fileprivate init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { Glibc.close(descriptor) }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        var offset = 0
        while offset < bytes.count {
            let count = unsafe Glibc.write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
            if count < 0, errno == EINTR { continue }
            if count == 0 { errno = EIO }
            guard count > 0 else { throw DirectoryStorage.error("write", path) }
            offset += count
        }
    }

    package func sync() throws(StorageError) {
        guard fsync(descriptor) == 0 else { throw DirectoryStorage.error("fsync", path) }
    }
}

// MARK: The journal

extension DirectoryStorage: JournalStorage {
    package func createSegment(_ name: String, length: Int) throws(StorageError) -> DirectorySegment {
        let place = "\(path)/\(name)"
        let file = unsafe openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600 as mode_t)
        guard file >= 0 else { throw Self.error("create", place) }
        Self.giveToOwner(file, of: directory)
        let segment = DirectorySegment(descriptor: file, path: place)
        // The blocks are allocated now, so that no write within the file can run out of space.
        do throws(StorageError) { try segment.reserve(length) } catch {
            _ = unsafe unlinkat(directory, name, 0)
            throw error
        }
        try segment.sync()
        return segment
    }

    package func openSegment(_ name: String) throws(StorageError) -> DirectorySegment {
        DirectorySegment(descriptor: try openRegular(name, O_RDWR), path: "\(path)/\(name)")
    }

    package func rename(_ segment: DirectorySegment, from name: String, to other: String) throws(StorageError) {
        try rename(name, to: other)
        segment.path = "\(path)/\(other)"
    }
}

/// A segment of the journal in a directory.
///
/// It is `Sendable` because its path changes only once, when a spare gets its name. That happens on the journal's
/// thread, before a sync is handed to another thread, and the handover orders the two.
package final class DirectorySegment: JournalFile, @unchecked Sendable {
    private let descriptor: Int32
    fileprivate(set) var path: String

    fileprivate init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { Glibc.close(descriptor) }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StorageError) {
        var done = 0
        while done < bytes.count {
            let count = unsafe pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            if count == 0 { errno = EIO }
            guard count > 0 else { throw DirectoryStorage.error("write", path) }
            done += count
        }
    }

    package func sync() throws(StorageError) {
        while fdatasync(descriptor) != 0 {
            // An interrupted sync has not failed. The kernel has not reported and cleared an error.
            guard errno == EINTR else { throw DirectoryStorage.error("fdatasync", path) }
        }
    }

    package func reserve(_ length: Int) throws(StorageError) {
        var status = posix_fallocate(descriptor, 0, off_t(length))
        while status == EINTR { status = posix_fallocate(descriptor, 0, off_t(length)) }
        guard status == 0 else {
            errno = status
            throw DirectoryStorage.error("fallocate", path)
        }
    }

    package func checkPlace() throws(StorageError) {
        guard let own = FileIdentity(of: descriptor) else { throw DirectoryStorage.error("fstat", path) }
        guard FileIdentity(at: path) == own else { throw .gone(path) }
    }
}
