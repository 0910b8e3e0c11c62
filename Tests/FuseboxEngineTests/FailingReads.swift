import FuseboxSimulation
import FuseboxStore
import Glibc

/// Files that the disk fails to read.
struct FailingReads: Storage {
    enum Call: String, CaseIterable {
        case list, read, readPart, length
    }

    let files: SimulatedStorage
    /// The operation that fails.
    let call: Call
    /// The prefix of the files for which it fails.
    let prefix: String

    static func error(_ call: Call, _ name: String) -> StorageError {
        StorageError(operation: call.rawValue, path: name, code: EIO, reason: "Input/output error")
    }

    private func check(_ call: Call, _ name: String) throws(StorageError) {
        if call == self.call, name.hasPrefix(prefix) { throw Self.error(call, name) }
    }

    func list() throws(StorageError) -> [String] {
        try check(.list, "")
        return try files.list()
    }

    func read(_ name: String) throws(StorageError) -> [UInt8] {
        try check(.read, name)
        return try files.read(name)
    }

    func read(_ name: String, at offset: Int, length: Int) throws(StorageError) -> [UInt8] {
        try check(.readPart, name)
        return try files.read(name, at: offset, length: length)
    }

    func length(of name: String) throws(StorageError) -> Int {
        try check(.length, name)
        return try files.length(of: name)
    }

    func create(_ name: String) throws(StorageError) -> SimulatedFile { try files.create(name) }
    func rename(_ name: String, to other: String) throws(StorageError) { try files.rename(name, to: other) }
    func remove(_ name: String) throws(StorageError) { try files.remove(name) }
    func syncDirectory() throws(StorageError) { try files.syncDirectory() }
}
