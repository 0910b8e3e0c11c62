internal import Glibc

/// The file that clients of a listening socket connect to, identified by its device and inode.
///
/// While the socket is open, no other file can get that inode.
struct SocketFile {
    struct Owner: Equatable {
        var user: UInt32
        var group: UInt32
    }

    /// The file at the path, compared with the one that was there.
    enum State: Equatable {
        case unchanged, missing, replaced
    }

    let path: String
    /// Whether this process created the file. Only then does it remove the file.
    let isOwn: Bool
    private let device: dev_t
    private let inode: ino_t
    /// The file's permission bits and owner at the last check. An operator may have changed them.
    private(set) var mode: UInt32
    private(set) var owner: Owner

    init(_ path: String, _ status: FileStatus, isOwn: Bool) {
        self.path = path
        self.isOwn = isOwn
        device = status.device
        inode = status.inode
        mode = status.mode
        owner = status.owner
    }

    /// The file of an inherited socket; nil if it has none, or if its path does not lead to a socket.
    init?(boundBy descriptor: Int32) {
        var address = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &length)
            }
        }
        guard status == 0, address.sun_family == sa_family_t(AF_UNIX) else { return nil }
        let bytes = unsafe withUnsafeBytes(of: &address.sun_path) { place in
            unsafe place.prefix { $0 != 0 }.map { $0 }
        }
        let path = String(decoding: bytes, as: UTF8.self)
        guard !bytes.isEmpty, let file = FileStatus(path), file.isSocket else { return nil }
        self.init(path, file, isOwn: false)
    }

    /// Examines the path.
    mutating func check() -> State {
        guard let status = FileStatus(path) else { return errno == ENOENT || errno == ENOTDIR ? .missing : .unchanged }
        guard status.device == device, status.inode == inode else { return .replaced }
        mode = status.mode
        owner = status.owner
        return .unchanged
    }

    /// Removes the file if this process created it and it was not replaced.
    ///
    /// Call this while the socket still listens. Another process that wants the path then finds that it is in use.
    func unlinkIfOwn() {
        guard isOwn, let status = FileStatus(path), status.device == device, status.inode == inode else { return }
        _ = unsafe Glibc.unlink(path)
    }
}

/// A lock that keeps two processes from binding to one path at once.
///
/// The lock is on a file beside the socket that only this user may open. A lock on the directory would let every user
/// that may read it keep a daemon from starting. The file is removed with the lock. A process that has locked a file
/// which was removed meanwhile tries again.
struct SocketLock: ~Copyable {
    private let path: String
    /// The locked file. It is nil if another user's file is in the way and cannot be removed. Then there is no lock.
    private let file: Descriptor?

    /// Takes the lock.
    ///
    /// - Parameters:
    ///   - socket: the path of the socket
    ///   - patience: how long to wait for another process that has the lock, in milliseconds
    /// - Throws: `bind` with `EWOULDBLOCK` if the other process keeps it for longer, or with the system's code
    init(_ socket: String, patience: Int) throws(LoopError) {
        path = socket + ".lock"
        for attempt in 0... {
            let number = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
            if number >= 0 {
                let descriptor = Descriptor(owning: number)
                if Self.isOnlyOurs(number) {
                    if flock(number, LOCK_EX | LOCK_NB) == 0 {
                        guard Self.isAt(path, number) else { continue }
                        file = consume descriptor
                        return
                    }
                    guard errno == EWOULDBLOCK || errno == EINTR, attempt * Self.pause < patience else {
                        throw LoopError.last(.bind, "\(path) is locked by a process that binds to the same socket")
                    }
                    _ = poll(nil, 0, Int32(Self.pause))
                    continue
                }
            } else {
                // Any other error means that the directory cannot be used.
                guard [EACCES, ELOOP, EISDIR, ENXIO].contains(errno), FileStatus(path) != nil else {
                    throw LoopError.last(.bind, path)
                }
            }
            guard attempt == 0, unsafe unlink(path) == 0 else { break }
        }
        file = nil
    }

    private static let pause = 10

    deinit {
        // The file is still locked. A process that waits for the lock finds that the file was removed.
        if file != nil { _ = unsafe unlink(path) }
    }

    /// Keeps the compiler from ending the lock's lifetime before this call.
    borrowing func extendLifetime() {}

    private static func isOnlyOurs(_ number: Int32) -> Bool {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { return false }
        return status.st_mode & S_IFMT == S_IFREG && status.st_uid == geteuid() && status.st_mode & 0o077 == 0
    }

    private static func isAt(_ path: String, _ number: Int32) -> Bool {
        var status = stat()
        guard unsafe fstat(number, &status) == 0, let file = FileStatus(path) else { return false }
        return file.device == status.st_dev && file.inode == status.st_ino
    }
}

/// What `lstat` says about the file at a path. A symbolic link is not followed.
struct FileStatus {
    let device: dev_t
    let inode: ino_t
    let isSocket: Bool
    let mode: UInt32
    let owner: SocketFile.Owner

    /// The status of the file at a path. Nil if there is no file, or if it cannot be examined. `errno` has the reason.
    init?(_ path: String) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        device = status.st_dev
        inode = status.st_ino
        isSocket = status.st_mode & S_IFMT == S_IFSOCK
        mode = UInt32(status.st_mode & 0o777)
        owner = SocketFile.Owner(user: status.st_uid, group: status.st_gid)
    }
}
