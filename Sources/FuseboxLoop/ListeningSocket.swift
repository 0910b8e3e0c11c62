internal import Glibc

/// A listening Unix socket that no loop owns yet. It was bound to a path, or inherited from a service manager.
struct ListeningSocket: ~Copyable {
    let descriptor: Descriptor
    /// The file that clients connect to. It is nil for an inherited socket without a file, or with a file that this
    /// process cannot see.
    let file: SocketFile?

    /// Gives the descriptor away. The caller must close the number that it gets.
    consuming func releaseDescriptor() -> Int32 { descriptor.release() }

    /// Takes over a socket that is listening already. Child processes do not inherit it.
    static func inherit(_ number: Int32) throws(LoopError) -> ListeningSocket {
        let expected = [(SO_DOMAIN, AF_UNIX), (SO_TYPE, Int32(SOCK_STREAM.rawValue)), (SO_ACCEPTCONN, 1)]
        for (option, value) in expected {
            var actual: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            guard unsafe getsockopt(number, SOL_SOCKET, option, &actual, &length) == 0 else {
                throw LoopError.last(.adopt, "descriptor \(number)")
            }
            guard actual == value else {
                throw LoopError(
                    .adopt, code: EINVAL, detail: "descriptor \(number) is not a listening Unix stream socket")
            }
        }
        guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else { throw LoopError.last(.adopt, "descriptor \(number)") }
        return ListeningSocket(descriptor: Descriptor(owning: number), file: SocketFile(boundBy: number))
    }

    /// Binds a socket to a path and listens on it.
    ///
    /// A socket file on which no process answers is replaced. A lock keeps two processes from examining and replacing
    /// the file at once. Mode and owner are set before a client can connect.
    ///
    /// - Parameters:
    ///   - owner: the user and group that the file should belong to, if this process may change them; nil leaves them
    ///   - patience: how long to wait for another process that binds to the path, in milliseconds
    static func bind(
        path: String, mode: UInt32, owner: SocketFile.Owner? = nil, backlog: Int32, patience: Int = 1_000
    ) throws(LoopError) -> ListeningSocket {
        let address = try SocketAddress(path)
        let lock = try SocketLock(path, patience: patience)
        defer { lock.extendLifetime() }
        try removeStaleSocket(path, address)
        let socket = try openSocket(path)
        guard unsafe address.withPointer({ unsafe Glibc.bind(socket.number, $0, $1) }) == 0 else {
            throw LoopError.last(.bind, path)
        }
        do throws(LoopError) {
            guard unsafe chmod(path, mode_t(mode)) == 0 else { throw LoopError.last(.bind, path) }
            // A failure is ignored: a socket with the wrong owner is better than no socket.
            if let owner { _ = unsafe lchown(path, owner.user, owner.group) }
            guard Glibc.listen(socket.number, backlog) == 0 else { throw LoopError.last(.listen, path) }
            guard let status = FileStatus(path) else { throw LoopError.last(.bind, path) }
            return ListeningSocket(descriptor: socket, file: SocketFile(path, status, isOwn: true))
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

    /// Unlinks the file at the path if it is a socket on which no process answers. Throws if it is anything else.
    private static func removeStaleSocket(_ path: String, _ address: borrowing SocketAddress) throws(LoopError) {
        guard try isStaleSocket(path, address) else { return }
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw LoopError.last(.bind, path) }
    }

    /// Whether the file at the path is a socket on which no process answers; false if there is no file.
    ///
    /// - Throws: `bind` if the file is anything else
    static func isStaleSocket(_ path: String, _ address: borrowing SocketAddress) throws(LoopError) -> Bool {
        guard let file = FileStatus(path) else {
            if errno == ENOENT { return false }
            throw LoopError.last(.bind, path)
        }
        guard file.isSocket else {
            throw LoopError(.bind, code: EEXIST, detail: "\(path) is not a socket, so it is not replaced")
        }
        let probe = try openSocket(path)
        let status = unsafe address.withPointer { unsafe connect(probe.number, $0, $1) }
        // EAGAIN means that the backlog is full, so a process listens.
        if status == 0 || errno == EAGAIN { throw LoopError(.bind, code: EADDRINUSE, detail: path) }
        if errno == ENOENT { return false }
        guard errno == ECONNREFUSED else { throw LoopError.last(.bind, path) }
        return true
    }
}

/// The address of a Unix socket path.
struct SocketAddress: ~Copyable {
    private var address: sockaddr_un

    /// The address of a path.
    ///
    /// - Throws: `bind` for a path that does not fit into the kernel's structure; libuv would truncate it silently
    init(_ path: String) throws(LoopError) {
        address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let limit = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard bytes.count <= limit else {
            throw LoopError(
                .bind, code: ENAMETOOLONG,
                detail: "\(path) has \(bytes.count) bytes; a socket path may have \(limit) at most")
        }
        // An empty path, or one that begins with a zero byte, would name an abstract socket.
        guard !bytes.isEmpty, !bytes.contains(0) else {
            throw LoopError(.bind, code: EINVAL, detail: "a socket path must not be empty or contain a zero byte")
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
