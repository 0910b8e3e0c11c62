import FuseboxInterop
import FuseboxStore
import Glibc

/// An open descriptor with one owner. It is closed when its owner goes away.
struct Descriptor: ~Copyable {
    let number: Int32
    /// The name in error messages.
    let path: String

    private init(_ number: Int32, _ path: String) throws(Failure) {
        self.number = number
        self.path = path
        guard number >= 0 else { throw .system("open", path) }
    }

    init(open path: String, _ flags: Int32, mode: mode_t = 0) throws(Failure) {
        try self.init(unsafe Glibc.open(path, flags | O_CLOEXEC, mode), path)
    }

    /// Opens a file for reading, or standard input for `-`.
    init(reading argument: String) throws(Failure) {
        if argument == "-" {
            // A duplicate, so that descriptor 0 stays open when it is closed.
            try self.init(dup(STDIN_FILENO), LocalFile.label(argument))
        } else {
            try self.init(open: argument, O_RDONLY)
        }
    }

    deinit { if number >= 0 { close(number) } }

    /// Reads once and appends at most 64 KiB. Returns false at the end of the file.
    func read(into bytes: inout [UInt8]) throws(Failure) -> Bool {
        var result = 0
        let piece = unsafe [UInt8](unsafeUninitializedCapacity: 64 * 1024) { buffer, count in
            repeat {
                result = unsafe Glibc.read(number, buffer.baseAddress, buffer.count)
            } while result < 0 && errno == EINTR
            count = max(result, 0)
        }
        guard result >= 0 else { throw .system("read", path) }
        bytes += piece
        return result > 0
    }

    static func writeAll(_ bytes: [UInt8], to number: Int32, _ path: String) throws(StorageError) {
        var offset = 0
        while offset < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { all in
                unsafe Glibc.write(number, all.baseAddress! + offset, all.count - offset)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw StorageError(lastError: "write", path) }
            offset += count
        }
    }
}

/// Files on the command line.
enum LocalFile {
    /// Reads a whole file, or standard input for `-`.
    static func read(_ argument: String) throws(Failure) -> [UInt8] {
        let file = try Descriptor(reading: argument)
        var bytes: [UInt8] = []
        while try file.read(into: &bytes) {}
        return bytes
    }

    /// Reads a JSON document from a file, or from standard input for `-`.
    static func readJSON(_ argument: String) throws(Failure) -> JSONValue {
        let bytes = try read(argument)
        do throws(JSONError) { return try JSONValue(parsing: bytes) } catch {
            throw Failure(error, in: label(argument))
        }
    }

    /// The names of all entries of a directory.
    static func names(in path: String) throws(Failure) -> [String] {
        do throws(DirectoryError) {
            let directory = try DirectoryStorage(path, .looking)
            do throws(StorageError) { return try directory.list() } catch { throw .failed(error) }
        } catch { throw Failure(error) }
    }

    /// The name of a file argument in messages.
    static func label(_ argument: String) -> String { argument == "-" ? "standard input" : argument }

    /// Writes a file atomically and durably. It replaces an older file.
    ///
    /// - Parameter verify: gets the bytes that were read back, before the file gets its name. If it throws, no file is
    ///   left
    static func write(
        _ bytes: [UInt8], to path: String, mode: mode_t = 0o600,
        verifying verify: ([UInt8]) throws(Failure) -> Void = { (_) throws(Failure) in }
    ) throws(Failure) {
        var status = stat()
        if unsafe stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw Failure(
                .usage, "\(path) exists and is not a regular file; name another file, or - for standard output")
        }
        try PartialFile(for: path, mode: mode).complete(bytes, verifying: verify)
        let folder = try Descriptor(open: directory(of: path), O_RDONLY | O_DIRECTORY)
        guard fsync(folder.number) == 0 else { throw .system("fsync", folder.path) }
        let name = path.split(separator: "/").last.map(String.init)
        PartialFile.removeAbandoned(in: folder.path) { $0 == name }
    }

    /// The directory that a file is in.
    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
