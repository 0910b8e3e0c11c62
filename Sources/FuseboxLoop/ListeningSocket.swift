internal import Glibc

/// A listening Unix socket before a loop has it: bound to a path, or inherited from a service manager.
struct ListeningSocket: ~Copyable {
    let descriptor: Descriptor
    /// The path to unlink at the end; nil for an inherited socket, whose path belongs to somebody else.
    let ownPath: OwnPath?

    /// A path that this process bound, known by the file that it made there.
    struct OwnPath {
        let path: String
        fileprivate let device: dev_t
        fileprivate let inode: ino_t

        /// Removes the socket file if it is still the one that was made.
        ///
        /// Do so while still listening: whoever wants the path meanwhile finds that somebody answers, and leaves it.
        func unlink() {
            guard let file = FileStatus(path), file.device == device, file.inode == inode else { return }
            _ = unsafe Glibc.unlink(path)
        }
    }

    /// Gives the descriptor away: whoever takes the number must close it.
    consuming func releaseDescriptor() -> Int32 { descriptor.release() }

    /// Takes over a socket that is listening already. It is closed in programs that this process starts.
    static func inherit(_ number: Int32) throws(LoopError) -> ListeningSocket {
        let expected = [(SO_DOMAIN, AF_UNIX), (SO_TYPE, Int32(SOCK_STREAM.rawValue)), (SO_ACCEPTCONN, 1)]
        for (option, value) in expected {
            var actual: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            guard unsafe getsockopt(number, SOL_SOCKET, option, &actual, &length) == 0 else {
                throw LoopError.last(.adopt, "descriptor \(number)")
            }
            guard actual == value else {
                throw LoopError(.adopt, code: EINVAL, detail: "descriptor \(number) is no listening Unix stream socket")
            }
        }
        guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else { throw LoopError.last(.adopt, "descriptor \(number)") }
        return ListeningSocket(descriptor: Descriptor(owning: number), ownPath: nil)
    }

    /// Binds a socket to a path and listens on it.
    ///
    /// A socket file that nobody answers on any more is replaced. The lock on the folder makes looking and replacing
    /// one step, for two processes that start at once. The mode is set before anybody can connect.
    static func bind(path: String, mode: UInt32, backlog: Int32) throws(LoopError) -> ListeningSocket {
        let address = try SocketAddress(path)
        let lock = try lockFolder(of: path)
        defer { _ = lock.number }  // Held to the end.
        try removeStaleSocket(path, address)
        let socket = try openSocket(path)
        guard unsafe address.withPointer({ unsafe Glibc.bind(socket.number, $0, $1) }) == 0 else {
            throw LoopError.last(.bind, path)
        }
        do throws(LoopError) {
            guard unsafe chmod(path, mode_t(mode)) == 0 else { throw LoopError.last(.bind, path) }
            guard Glibc.listen(socket.number, backlog) == 0 else { throw LoopError.last(.listen, path) }
            guard let file = FileStatus(path) else { throw LoopError.last(.bind, path) }
            let own = OwnPath(path: path, device: file.device, inode: file.inode)
            return ListeningSocket(descriptor: socket, ownPath: own)
        } catch {
            _ = unsafe Glibc.unlink(path)
            throw error
        }
    }

    private static func openSocket(_ path: String) throws(LoopError) -> Descriptor {
        let flags = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let number = socket(AF_UNIX, flags, 0)
        guard number >= 0 else { throw LoopError.last(.bind, path) }
        return Descriptor(owning: number)
    }

    /// Unlinks what is at the path if it is a socket that nobody answers on; throws if it is anything else.
    private static func removeStaleSocket(_ path: String, _ address: borrowing SocketAddress) throws(LoopError) {
        guard try isStaleSocket(path, address) else { return }
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw LoopError.last(.bind, path) }
    }

    /// Whether there is a socket at the path that nobody answers on; false if there is nothing.
    ///
    /// - Throws: `bind` for anything else that is there
    static func isStaleSocket(_ path: String, _ address: borrowing SocketAddress) throws(LoopError) -> Bool {
        guard let file = FileStatus(path) else {
            if errno == ENOENT { return false }
            throw LoopError.last(.bind, path)
        }
        guard file.isSocket else {
            throw LoopError(.bind, code: EEXIST, detail: "\(path) is no socket; it is left alone")
        }
        let probe = try openSocket(path)
        let status = unsafe address.withPointer { unsafe connect(probe.number, $0, $1) }
        // A full backlog (EAGAIN) is an answer too.
        if status == 0 || errno == EAGAIN { throw LoopError(.bind, code: EADDRINUSE, detail: path) }
        if errno == ENOENT { return false }
        guard errno == ECONNREFUSED else { throw LoopError.last(.bind, path) }
        return true
    }

    /// Locks the folder that the path is in, against others who bind there; the lock goes with the descriptor.
    ///
    /// It is held for a moment only, so waiting for it is bounded: a stranger who never lets go must not hang us.
    private static func lockFolder(of path: String) throws(LoopError) -> Descriptor {
        let folder = folder(of: path)
        let number = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw LoopError.last(.bind, folder) }
        let descriptor = Descriptor(owning: number)
        for _ in 0..<100 {
            if flock(number, LOCK_EX | LOCK_NB) == 0 { return descriptor }
            guard errno == EWOULDBLOCK || errno == EINTR else { break }
            _ = poll(nil, 0, 10)
        }
        throw LoopError.last(.bind, "\(folder) is locked")
    }
}

/// What is to be known of the file at a path, itself and not what it may link to.
private struct FileStatus {
    let device: dev_t
    let inode: ino_t
    let isSocket: Bool

    /// Nil if there is none, or it cannot be looked at: see `errno`.
    init?(_ path: String) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        device = status.st_dev
        inode = status.st_ino
        isSocket = status.st_mode & S_IFMT == S_IFSOCK
    }
}

/// The address of a Unix socket path.
struct SocketAddress: ~Copyable {
    private var address: sockaddr_un

    /// - Throws: `bind` for a path that the kernel's structure cannot hold: libuv and others cut it silently.
    init(_ path: String) throws(LoopError) {
        address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let limit = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard bytes.count <= limit else {
            throw LoopError(
                .bind, code: ENAMETOOLONG,
                detail: "\(path) has \(bytes.count) bytes; a socket path has at most \(limit)")
        }
        // An empty path, or one that begins with a zero byte, would name a socket that is not in the file system.
        guard !bytes.isEmpty, !bytes.contains(0) else {
            throw LoopError(.bind, code: EINVAL, detail: "a socket path is not empty and has no zero byte")
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    }

    func withPointer(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        unsafe withUnsafeBytes(of: address) { bytes in
            guard let base = bytes.baseAddress else { preconditionFailure("an address has bytes") }
            return unsafe body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
    }
}
