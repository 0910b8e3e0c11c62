import FuseboxCore
import FuseboxWire
import Glibc

/// The system's database of time zones: a folder with a file for each zone.
///
/// The files are read here, because the C library knows only one zone in a process and changing it is not thread-safe.
/// An update of the database takes effect with the next file that is read.
package struct ZoneDatabase: Sendable {
    /// The path of the database's folder, without a slash at the end.
    package let directory: String

    /// The database in a folder.
    package init(directory: String) { self.directory = directory }

    /// The database of this process: `$TZDIR` if that is an absolute path, otherwise `/usr/share/zoneinfo`.
    package static var system: ZoneDatabase { system(told: unsafe getenv("TZDIR").map { unsafe String(cString: $0) }) }

    /// The database for a value of `$TZDIR`.
    ///
    /// - Parameter told: the value of `$TZDIR`; nil if it is not set
    static func system(told: String?) -> ZoneDatabase {
        guard let told, told.hasPrefix("/") else { return ZoneDatabase(directory: "/usr/share/zoneinfo") }
        return ZoneDatabase(directory: told)
    }

    /// The zone with a name. `UTC` needs no database.
    ///
    /// - Throws: why the zone cannot be used
    package func zone(_ name: ZoneName) throws(ZoneError) -> Zone {
        if name == .utc { return .utc }
        let path = "\(directory)/\(name)"
        let bytes = try read(path, name)
        do throws(ZoneFileFlaw) { return try ZoneFile.zone(name, bytes) } catch {
            throw .broken(path: path, flaw: error)
        }
    }

    private func read(_ path: String, _ name: ZoneName) throws(ZoneError) -> [UInt8] {
        // A file may be a symbolic link. O_NONBLOCK avoids a wait if it is a pipe.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw failure(errno, path, name) }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw failure(errno, path, name) }
        // A folder such as `Europe` is not a zone.
        guard status.st_mode & S_IFMT != S_IFDIR else { throw .unknown(name, directory: directory) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .unreadable(path: path, reason: "it is no regular file") }
        // One more byte than a zone may have reveals a file that is too large.
        let capacity = Bounds.zoneFileBytes + 1
        var code: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, filled in
            filled = 0
            while filled < capacity {
                let count = unsafe Glibc.read(file, buffer.baseAddress! + filled, capacity - filled)
                if count < 0, errno == EINTR { continue }
                if count < 0 { code = errno }
                guard count > 0 else { return }
                filled += count
            }
        }
        guard code == 0 else { throw failure(code, path, name) }
        return bytes
    }

    private func failure(_ code: Int32, _ path: String, _ name: ZoneName) -> ZoneError {
        guard code == ENOENT || code == ENOTDIR else {
            return .unreadable(path: path, reason: unsafe String(cString: strerror(code)))
        }
        let isThere = unsafe access(directory, F_OK) == 0
        return isThere ? .unknown(name, directory: directory) : .noDatabase(directory: directory)
    }

    // MARK: Names

    /// The names of all zones, in order. They serve for suggestions, so names of broken files are included.
    package func names() -> [ZoneName] {
        var names: Set<ZoneName> = [.utc]
        collect(below: "", depth: 3, into: &names)
        return names.sorted()
    }

    private func collect(below prefix: String, depth: Int, into names: inout Set<ZoneName>) {
        guard depth > 0, let stream = unsafe opendir("\(directory)/\(prefix)") else { return }
        defer { unsafe closedir(stream) }
        while names.count < Bounds.zoneNames, let entry = unsafe readdir(stream) {
            let file = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            guard let name = ZoneName(prefix + file) else { continue }
            var status = stat()
            guard unsafe stat("\(directory)/\(name)", &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: collect(below: "\(name)/", depth: depth - 1, into: &names)
            case S_IFREG: names.insert(name)
            default: break
            }
        }
    }
}
