internal import Glibc

/// The file that clients of a listening socket connect to, known by its device and inode.
///
/// While the socket is open no other file can have that inode: the kernel keeps it for the socket.
struct SocketFile {
    struct Owner: Equatable {
        var user: UInt32
        var group: UInt32
    }

    /// What stands at the path now.
    enum Finding: Equatable {
        case unchanged, missing, replaced
    }

    let path: String
    /// Whether this process made it, and removes it in the end.
    let isOwn: Bool
    private let device: dev_t
    private let inode: ino_t
    /// Its permission bits and its owner when it was last seen: an operator may have changed them since it was made.
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

    /// The file that an inherited socket was bound to; nil if it has none or the path does not lead to a socket.
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

    /// Looks at the path.
    mutating func look() -> Finding {
        guard let status = FileStatus(path) else { return errno == ENOENT || errno == ENOTDIR ? .missing : .unchanged }
        guard status.device == device, status.inode == inode else { return .replaced }
        mode = status.mode
        owner = status.owner
        return .unchanged
    }

    /// Removes the file if it was made here and is still the one that was made.
    ///
    /// Do so while still listening: whoever wants the path meanwhile finds that somebody answers, and leaves it.
    func unlinkIfOwn() {
        guard isOwn, let status = FileStatus(path), status.device == device, status.inode == inode else { return }
        _ = unsafe Glibc.unlink(path)
    }
}

/// Keeps two processes from binding to one path at once: a locked file beside it, which only this user may open.
///
/// The folder itself would do, but everybody who may read it can lock it, and so keep a daemon from starting. A file that
/// only its owner may open cannot be locked by others. It is gone when nobody holds it: whoever has locked a file that is
/// not at the path any more tries again.
struct SocketLock: ~Copyable {
    private let path: String
    /// Nil if somebody else's file is in the way and cannot be removed: then there is no lock, and no waiting either.
    private let held: Descriptor?

    /// - Parameters:
    ///   - socket: the path that is to be bound
    ///   - patience: how long whoever holds it is waited for, in milliseconds
    /// - Throws: `bind` with `EWOULDBLOCK` if it is held for longer, or with what the system says
    init(_ socket: String, patience: Int) throws(LoopError) {
        path = socket + ".lock"
        for attempt in 0... {
            let number = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
            if number >= 0 {
                let descriptor = Descriptor(owning: number)
                if Self.isOnlyOurs(number) {
                    if flock(number, LOCK_EX | LOCK_NB) == 0 {
                        guard Self.isAt(path, number) else { continue }
                        held = consume descriptor
                        return
                    }
                    guard errno == EWOULDBLOCK || errno == EINTR, attempt * Self.pause < patience else {
                        throw LoopError.last(.bind, "\(path) is locked")
                    }
                    _ = poll(nil, 0, Int32(Self.pause))
                    continue
                }
            } else {
                // Anything but a file that is in the way says that the folder cannot be used.
                guard [EACCES, ELOOP, EISDIR, ENXIO].contains(errno), FileStatus(path) != nil else {
                    throw LoopError.last(.bind, path)
                }
            }
            guard attempt == 0, unsafe unlink(path) == 0 else { break }
        }
        held = nil
    }

    private static let pause = 10

    deinit {
        // Still locked: whoever waits for it finds that it is not at the path any more.
        if held != nil { _ = unsafe unlink(path) }
    }

    /// Keeps the lock up to here.
    borrowing func hold() {}

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

/// What is to be known of the file at a path, itself and not what it may link to.
struct FileStatus {
    let device: dev_t
    let inode: ino_t
    let isSocket: Bool
    let mode: UInt32
    let owner: SocketFile.Owner

    /// Nil if there is none, or it cannot be looked at: see `errno`.
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
