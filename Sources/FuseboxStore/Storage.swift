import Glibc

/// A directory of files, as the store needs it.
///
/// Small on purpose: whatever implements it — the real directory, or a simulated one that loses what was not
/// synced — is all of the outside world that the store sees.
public protocol Storage: Sendable {
    associatedtype File: StorageFile

    /// The names of all files, in no particular order.
    func list() throws(StorageError) -> [String]
    /// Creates a file for writing; one of that name must not exist.
    func create(_ name: String) throws(StorageError) -> File
    /// The whole of a file.
    func read(_ name: String) throws(StorageError) -> [UInt8]
    /// At most `length` bytes of a file, from an offset on; fewer at its end.
    func read(_ name: String, at offset: Int, length: Int) throws(StorageError) -> [UInt8]
    func length(of name: String) throws(StorageError) -> Int
    /// Gives a file another name, in the place of a file that may have it.
    func rename(_ name: String, to other: String) throws(StorageError)
    func remove(_ name: String) throws(StorageError)
    /// Makes creations, renames and removals survive power loss.
    func syncDirectory() throws(StorageError)
    /// Makes sure that a start would find this directory where it was opened.
    ///
    /// - Throws: `StorageError.gone` if it was deleted, moved or replaced
    func checkPlace() throws(StorageError)
}

extension Storage {
    /// Most storage cannot be moved.
    public func checkPlace() throws(StorageError) {}
}

extension Storage {
    /// The name, or the first of its kind (`NAME-2`, `NAME-3` …) that no file has.
    ///
    /// What is set aside is kept for good: it never takes the place of something that was set aside before.
    public func freeName(_ name: String) throws(StorageError) -> String {
        let taken = Set(try list())
        var candidate = name
        var number = 2
        while taken.contains(candidate) {
            candidate = "\(name)-\(number)"
            number += 1
        }
        return candidate
    }
}

/// A file that is being written; it is closed when the last reference to it goes.
public protocol StorageFile: AnyObject {
    /// Appends all of the bytes.
    func write(_ bytes: UnsafeRawBufferPointer) throws(StorageError)
    /// Makes what was written survive power loss.
    func sync() throws(StorageError)
}

/// A call to the operating system that failed.
public struct StorageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was attempted: `open`, `write`, `fdatasync` …
    public var operation: String
    /// The file or directory it was attempted on.
    public var path: String
    /// The system's error number.
    public var code: Int32
    /// The system's words for it.
    public var reason: String

    public init(operation: String, path: String, code: Int32, reason: String) {
        self.operation = operation
        self.path = path
        self.code = code
        self.reason = reason
    }

    /// Whether there is no such file.
    public var isNotFound: Bool { code == ENOENT }
    /// Whether this process may not do it.
    public var isNotPermitted: Bool { code == EACCES || code == EPERM }
    /// Whether the directory or the file was deleted, moved or replaced while it was in use.
    public var isGone: Bool { code == ESTALE }
    /// Whether there is no space for more.
    public var isFull: Bool { code == ENOSPC || code == EDQUOT }

    /// A file or directory in use that a start would not find any more.
    public static func gone(_ path: String) -> StorageError {
        StorageError(
            operation: "stat", path: path, code: ESTALE, reason: "it was deleted, moved or replaced while it was in use"
        )
    }

    /// A directory, link, pipe, socket or device under a name that only regular files have.
    public static func notRegular(_ path: String) -> StorageError {
        StorageError(
            operation: "open", path: path, code: EINVAL, reason: "it is no regular file; move it away")
    }

    public var description: String { "\(operation) \(path): \(reason)" }
}
