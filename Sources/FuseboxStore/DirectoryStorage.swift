import Glibc

/// A real directory, locked for one daemon.
///
/// Every system call of the store is in this file. Interrupted calls are repeated, short ones continued.
public final class DirectoryStorage: Storage {
    public let path: String
    private let directory: Int32
    private let lock: Int32

    /// What a directory is opened for.
    public enum Purpose: Sendable {
        /// To be the only one that changes it: it is created (mode 0700) if need be, and locked.
        case owning
        /// To look at it, whoever owns it. It must be there.
        case looking
    }

    /// Opens a directory.
    ///
    /// - Throws: `alreadyLocked` if another process owns it
    public init(_ path: String, _ purpose: Purpose) throws(DirectoryError) {
        self.path = path
        if purpose == .owning, unsafe mkdir(path, 0o700) != 0, errno != EEXIST {
            throw .failed(Self.error("mkdir", path))
        }
        let directory = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw .failed(Self.error("open", path)) }
        self.directory = directory
        guard purpose == .owning else {
            lock = -1
            return
        }
        do {
            lock = try Self.takeLock(directory, path)
        } catch {
            Glibc.close(directory)
            throw error
        }
    }

    deinit {
        if lock >= 0 { Glibc.close(lock) }
        Glibc.close(directory)
    }

    /// The file whose lock a daemon holds for as long as it uses the directory.
    public static let lockName = "fuseboxd.lock"

    private static func takeLock(_ directory: Int32, _ path: String) throws(DirectoryError) -> Int32 {
        let lock = unsafe openat(directory, lockName, O_RDWR | O_CREAT | O_CLOEXEC, 0o600 as mode_t)
        guard lock >= 0 else { throw .failed(error("open", "\(path)/\(lockName)")) }
        giveToOwner(lock, of: directory)
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let failure = error("flock", "\(path)/\(lockName)")
            Glibc.close(lock)
            throw failure.code == EWOULDBLOCK ? .alreadyLocked(path) : .failed(failure)
        }
        return lock
    }

    // MARK: Storage

    public func list() throws(StorageError) -> [String] {
        // A descriptor of its own: reading moves its position.
        let copy = unsafe openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = unsafe fdopendir(copy) else { throw Self.error("open", path) }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        // The end and a failure look alike but for this: files that were not listed must not be taken for none.
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

    public func create(_ name: String) throws(StorageError) -> DirectoryFile {
        let file = unsafe openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600 as mode_t)
        guard file >= 0 else { throw Self.error("create", "\(path)/\(name)") }
        Self.giveToOwner(file, of: directory)
        return DirectoryFile(descriptor: file, path: "\(path)/\(name)")
    }

    public func length(of name: String) throws(StorageError) -> Int {
        var status = stat()
        guard unsafe fstatat(directory, name, &status, 0) == 0 else { throw Self.error("stat", "\(path)/\(name)") }
        return Int(status.st_size)
    }

    public func read(_ name: String) throws(StorageError) -> [UInt8] {
        try read(name, at: 0, length: try length(of: name))
    }

    public func read(_ name: String, at offset: Int, length: Int) throws(StorageError) -> [UInt8] {
        let place = "\(path)/\(name)"
        let file = unsafe openat(directory, name, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Self.error("open", place) }
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

    public func rename(_ name: String, to other: String) throws(StorageError) {
        guard unsafe renameat(directory, name, directory, other) == 0 else {
            throw Self.error("rename", "\(path)/\(name)")
        }
    }

    public func remove(_ name: String) throws(StorageError) {
        guard unsafe unlinkat(directory, name, 0) == 0 else { throw Self.error("unlink", "\(path)/\(name)") }
    }

    /// The bytes that this process may still take of the file system; nil if it cannot be asked.
    public func room() -> UInt64? {
        var status = statvfs()
        guard unsafe fstatvfs(directory, &status) == 0 else { return nil }
        return UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue
    }

    public func syncDirectory() throws(StorageError) {
        guard fsync(directory) == 0 else { throw Self.error("fsync", path) }
    }

    /// Moves files into a new subdirectory, and makes that survive power loss.
    public func setAside(_ names: [String], into subdirectory: String) throws(StorageError) {
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

    /// Gives what root has made to the directory's owner: a daemon that runs under a user of its own must be able to
    /// use what an operator restored for it.
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
public enum DirectoryError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Another process holds its lock.
    case alreadyLocked(String)
    case failed(StorageError)

    public var description: String {
        switch self {
        case .alreadyLocked(let path):
            "another fuseboxd uses the data directory \(path); stop it, or name another directory with --data"
        case .failed(let error): error.description
        }
    }
}

/// A file of a directory that is being written.
public final class DirectoryFile: StorageFile {
    private let descriptor: Int32
    private let path: String

    fileprivate init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { Glibc.close(descriptor) }

    public func write(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        var offset = 0
        while offset < bytes.count {
            let count = unsafe Glibc.write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
            if count < 0, errno == EINTR { continue }
            if count == 0 { errno = EIO }
            guard count > 0 else { throw DirectoryStorage.error("write", path) }
            offset += count
        }
    }

    public func sync() throws(StorageError) {
        guard fsync(descriptor) == 0 else { throw DirectoryStorage.error("fsync", path) }
    }
}

// MARK: The journal

extension DirectoryStorage: JournalStorage {
    public func createSegment(_ name: String, length: Int) throws(StorageError) -> DirectorySegment {
        let place = "\(path)/\(name)"
        let file = unsafe openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600 as mode_t)
        guard file >= 0 else { throw Self.error("create", place) }
        let segment = DirectorySegment(descriptor: file, path: place)
        // Its blocks are taken now, so that no write within it can run out of space.
        var status = posix_fallocate(file, 0, off_t(length))
        while status == EINTR { status = posix_fallocate(file, 0, off_t(length)) }
        guard status == 0 else {
            errno = status
            let failure = Self.error("fallocate", place)
            _ = unsafe unlinkat(directory, name, 0)
            throw failure
        }
        try segment.sync()
        return segment
    }

    public func openSegment(_ name: String) throws(StorageError) -> DirectorySegment {
        let file = unsafe openat(directory, name, O_RDWR | O_CLOEXEC)
        guard file >= 0 else { throw Self.error("open", "\(path)/\(name)") }
        return DirectorySegment(descriptor: file, path: "\(path)/\(name)")
    }
}

/// A segment of the journal in a directory.
public final class DirectorySegment: JournalFile {
    private let descriptor: Int32
    private let path: String

    fileprivate init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { Glibc.close(descriptor) }

    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StorageError) {
        var done = 0
        while done < bytes.count {
            let count = unsafe pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            if count == 0 { errno = EIO }
            guard count > 0 else { throw DirectoryStorage.error("write", path) }
            done += count
        }
    }

    public func sync() throws(StorageError) {
        while fdatasync(descriptor) != 0 {
            // Interrupted is not failed: nothing was reported and forgotten.
            guard errno == EINTR else { throw DirectoryStorage.error("fdatasync", path) }
        }
    }
}
