internal import Glibc

extension ListeningSocket {
    /// Checks whether `bind` would succeed at the path. Changes nothing.
    ///
    /// - Throws: the error that `bind` would throw: the path cannot be an address, its directory cannot be written, or
    ///   a file is in the way
    static func check(path: String) throws(LoopError) {
        let address = try SocketAddress(path)
        let folder = folder(of: path)
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else { throw LoopError.last(.bind, folder) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw LoopError(.bind, code: ENOTDIR, detail: folder) }
        if try isStaleSocket(path, address), try isKept(path, in: status) {
            throw LoopError(
                .bind, code: EPERM, detail: "\(path) belongs to another user, and its directory has the sticky bit")
        }
        // The check uses the effective user id, because a start creates files there.
        guard unsafe faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0 else {
            throw LoopError.last(.bind, folder)
        }
    }

    /// Whether the sticky bit of the directory keeps this process from removing another user's file in it.
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
