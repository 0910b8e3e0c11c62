internal import Glibc

extension ListeningSocket {
    /// Whether `bind` would find at the path what it needs; changes nothing.
    ///
    /// - Throws: what `bind` would throw: the path cannot be an address, its folder cannot be written, or something is there
    static func check(path: String) throws(LoopError) {
        let address = try SocketAddress(path)
        let folder = folder(of: path)
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else { throw LoopError.last(.bind, folder) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw LoopError(.bind, code: ENOTDIR, detail: folder) }
        if try isStaleSocket(path, address), try isKept(path, in: status) {
            throw LoopError(.bind, code: EPERM, detail: "\(path) is another user's, and its folder is sticky")
        }
        // As the effective user: a start makes files there.
        guard unsafe faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0 else {
            throw LoopError.last(.bind, folder)
        }
    }

    /// Whether a folder's sticky bit keeps this process from removing what another user has made in it.
    private static func isKept(_ path: String, in folder: stat) throws(LoopError) -> Bool {
        var file = stat()
        guard unsafe lstat(path, &file) == 0 else { throw LoopError.last(.bind, path) }
        let user = geteuid()
        return folder.st_mode & S_ISVTX != 0 && user != 0 && user != folder.st_uid && user != file.st_uid
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
