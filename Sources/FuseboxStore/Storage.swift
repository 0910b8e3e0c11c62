import Glibc

/// A directory of files, as the store needs it.
///
/// The protocol is small on purpose, because it is the store's only access to the outside world. It is implemented by a
/// real directory, and by simulated ones that lose what was not synced.
package protocol Storage: Sendable {
    /// A file that is being written.
    associatedtype File: StorageFile

    /// The names of all files, in no particular order.
    func list() throws(StorageError) -> [String]
    /// Creates a file for writing. A file with this name must not exist.
    func create(_ name: String) throws(StorageError) -> File
    /// Reads a whole file.
    func read(_ name: String) throws(StorageError) -> [UInt8]
    /// Reads at most `length` bytes of a file from an offset on, fewer at its end.
    func read(_ name: String, at offset: Int, length: Int) throws(StorageError) -> [UInt8]
    /// The length of a file in bytes.
    func length(of name: String) throws(StorageError) -> Int
    /// Renames a file. A file that has the new name is replaced.
    func rename(_ name: String, to other: String) throws(StorageError)
    /// Removes a file.
    func remove(_ name: String) throws(StorageError)
    /// Syncs the directory, so that creations, renames and removals survive power loss.
    func syncDirectory() throws(StorageError)
    /// Checks that a start would find this directory where it was opened.
    ///
    /// - Throws: `StorageError.gone` if it was deleted, moved or replaced
    func checkPlace() throws(StorageError)
}

extension Storage {
    /// The default does nothing, for storage that cannot be moved.
    package func checkPlace() throws(StorageError) {}
}

extension Storage {
    /// This name, or the first of `NAME-2`, `NAME-3` … that no file has.
    ///
    /// A file that is set aside is kept for good, so it must not replace a file that was set aside before.
    package func freeName(_ name: String) throws(StorageError) -> String {
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

/// A file that is being written. It is closed with its last reference.
package protocol StorageFile: AnyObject {
    /// Appends all bytes.
    func write(_ bytes: UnsafeRawBufferPointer) throws(StorageError)
    /// Syncs the file, so that what was written survives power loss.
    func sync() throws(StorageError)
}

/// A system call that failed.
package struct StorageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The operation: `open`, `write`, `fdatasync` …
    package var operation: String
    /// The path of the file or directory.
    package var path: String
    /// The system's error number.
    package var code: Int32
    /// The system's text for the error number.
    package var reason: String

    /// An error with these values.
    package init(operation: String, path: String, code: Int32, reason: String) {
        self.operation = operation
        self.path = path
        self.code = code
        self.reason = reason
    }

    /// Whether the file does not exist.
    package var isNotFound: Bool { code == ENOENT }
    /// Whether permission was denied.
    package var isNotPermitted: Bool { code == EACCES || code == EPERM }
    /// Whether the directory or the file was deleted, moved or replaced while it was in use.
    package var isGone: Bool { code == ESTALE }
    /// Whether the file system or the quota is full.
    package var isFull: Bool { code == ENOSPC || code == EDQUOT }

    /// The error of a file or directory in use that a start would not find any more.
    package static func gone(_ path: String) -> StorageError {
        StorageError(
            operation: "stat", path: path, code: ESTALE, reason: "it was deleted, moved or replaced while it was in use"
        )
    }

    /// The error of a directory, link, pipe, socket or device under the name of a regular file.
    package static func notRegular(_ path: String) -> StorageError {
        StorageError(
            operation: "open", path: path, code: EINVAL, reason: "it is no regular file; move it away")
    }

    package var description: String { "\(operation) \(path): \(reason)" }
}
