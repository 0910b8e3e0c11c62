import FuseboxWire
import Glibc

/// An open folder of a user's spool. It belongs to the user, and no other user has access.
package struct SpoolFolder: ~Copyable {
    /// The path that the folder was opened with.
    package let path: String
    private let place: ForkGuard.Place
    var descriptor: Int32 { place.descriptor }

    // MARK: Where it is

    /// The paths of the folders in which reports may be, best first. If `$FUSEBOX_SPOOL` is set, it is the only one.
    /// Otherwise they are `$XDG_STATE_HOME/fusebox/spool` or `$HOME/.local/state/fusebox/spool`, and
    /// `/var/tmp/fusebox-spool-UID` for users without a home directory.
    package static func paths(_ place: FuseboxClient.SpoolPlace) -> [String] {
        switch place {
        case .none: return []
        case .folder(let path): return [path]
        case .standard: break
        }
        if let path = variable("FUSEBOX_SPOOL") { return [path] }
        var paths: [String] = []
        if let state = variable("XDG_STATE_HOME"), state.hasPrefix("/") {
            paths.append(state + "/fusebox/spool")
        } else if let home = variable("HOME"), home.hasPrefix("/"), isOwn(folder: home) {
            paths.append(home + "/.local/state/fusebox/spool")
        }
        return paths + ["/var/tmp/fusebox-spool-\(geteuid())"]
    }

    /// Whether a home directory exists and belongs to this user. A missing home is not made, and another user's is not
    /// used.
    private static func isOwn(folder path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR && status.st_uid == geteuid()
    }

    private static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name), unsafe value.pointee != 0 else { return nil }
        return unsafe String(cString: value)
    }

    // MARK: Opening

    /// Opens a folder.
    ///
    /// - Throws: if it does not exist, is not a folder, belongs to another user, or other users have access
    package init(opening path: String) throws(SystemFailure) {
        place = try Self.open(path)
        self.path = path
    }

    private static func open(_ path: String) throws(SystemFailure) -> ForkGuard.Place {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemFailure("open", errno) }
        let place = ForkGuard.enter(descriptor)
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw SystemFailure("fstat", errno) }
        guard status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else { throw SystemFailure("open", EPERM) }
        return place
    }

    /// Opens a folder. Makes it and the folders above it if they are missing, but nothing in another user's folder.
    static func make(_ path: String) throws(SystemFailure) -> SpoolFolder {
        if let folder = try? SpoolFolder(opening: path) { return folder }
        try makeFolders(above: path)
        if unsafe mkdir(path, 0o700) != 0, errno != EEXIST { throw SystemFailure("mkdir", errno) }
        let folder = try SpoolFolder(opening: path)
        try syncFolder(above: path)
        return folder
    }

    private static func makeFolders(above path: String) throws(SystemFailure) {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return }
        let parent = String(path[..<slash])
        var status = stat()
        if unsafe stat(parent, &status) == 0 {
            // The environment may name another user's home. /var/tmp is open to all users.
            let isEverybodys = status.st_mode & S_ISVTX != 0 && status.st_mode & 0o002 != 0
            guard status.st_uid == geteuid() || isEverybodys else { throw SystemFailure("mkdir", EPERM) }
            return
        }
        guard errno == ENOENT else { throw SystemFailure("stat", errno) }
        try makeFolders(above: parent)
        if unsafe mkdir(parent, 0o700) != 0, errno != EEXIST { throw SystemFailure("mkdir", errno) }
        try syncFolder(above: parent)
    }

    private static func syncFolder(above path: String) throws(SystemFailure) {
        let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = unsafe Glibc.open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemFailure("open", errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemFailure("fsync", errno) }
    }

    // MARK: What is in it

    static let suffix = ".spool"
    static let partSuffix = ".part"

    /// Whether a name has the form that the spool gives: milliseconds, and random digits.
    static func isOwn(_ name: String, _ suffix: String = suffix) -> Bool {
        guard name.hasSuffix(suffix), name.utf8.count == 14 + 16 + suffix.utf8.count else { return false }
        let digits = name.utf8.prefix(13)
        let rest = name.utf8.dropFirst(14).prefix(16)
        return digits.allSatisfy { (0x30...0x39).contains($0) } && Array(name.utf8)[13] == 0x2D
            && rest.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// The name of a file before it gets its own, and while it is rewritten.
    static func part(of name: String) -> String { name.dropLast(suffix.utf8.count) + partSuffix }

    /// The name that such a file gets.
    static func file(of part: String) -> String { part.dropLast(partSuffix.utf8.count) + suffix }

    /// The names of all entries of the folder.
    func allNames() throws(SystemFailure) -> [String] {
        let copy = unsafe openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0 else { throw SystemFailure("open", errno) }
        guard let stream = unsafe fdopendir(copy) else {
            close(copy)
            throw SystemFailure("fdopendir", errno)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            names.append(name)
        }
        return names
    }

    /// The names of the files of reports, oldest first. Other files are left out.
    package func names() throws(SystemFailure) -> [String] { try allNames().filter { Self.isOwn($0) }.sorted() }

    /// Syncs the folder's entries.
    func sync() throws(SystemFailure) {
        guard fsync(descriptor) == 0 else { throw SystemFailure("fsync", errno) }
    }

    /// The length of a file in bytes. Nil if the file does not exist any more.
    func length(of name: String) -> Int? {
        var status = stat()
        guard unsafe fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        return Int(status.st_size)
    }

    /// Seconds since the last change of a file. Nil if the file does not exist any more.
    func age(of name: String) -> Int? {
        var status = stat()
        guard unsafe fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        return time(nil) - status.st_mtim.tv_sec
    }

    /// Checks the limits on the bytes and files of a spool.
    ///
    /// - Throws: if another file with this number of bytes would exceed a limit
    func checkRoom(for bytes: Int) throws(SystemFailure) {
        guard bytes <= ClientLimits.spoolFileBytes else { throw SystemFailure("spool", EFBIG) }
        var files = 0
        var sum = bytes
        for name in try allNames() where Self.isOwn(name) || Self.isOwn(name, Self.partSuffix) {
            guard let length = length(of: name) else { continue }
            files += 1
            sum += length
        }
        guard files < ClientLimits.spoolFiles, sum <= ClientLimits.spoolBytes else {
            throw SystemFailure("spool", EDQUOT)
        }
    }
}
