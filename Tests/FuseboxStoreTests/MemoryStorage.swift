import FuseboxCollections
import FuseboxStore
import Glibc

/// A directory in memory that records operations, fails as planned, and loses unsynced data in a crash.
final class MemoryStorage: Storage {
    struct State {
        /// Files by number, with the bytes that would survive power loss.
        var contents: [Int: [UInt8]] = [:]
        var synced: [Int: Int] = [:]
        /// The directory as it is, and as it would be after power loss.
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        var operations: [String] = []
        /// The number of operations that still succeed. All later ones fail.
        var remaining = Int.max
        /// The only operation that fails.
        var failing: Int?
    }

    let state = Lock(State())

    init() {}

    private init(_ state: State) {
        self.state.withLock { $0 = state }
    }

    /// The operations so far. Repeated writes count as one.
    var operations: [String] {
        state.withLock { state in
            state.operations.reduce(into: []) { list, operation in
                if list.last != operation { list.append(operation) }
            }
        }
    }

    func clearOperations() { state.withLock { $0.operations = [] } }

    /// Lets this many operations succeed, and all later ones fail.
    func crash(after operations: Int) { state.withLock { $0.remaining = operations } }

    /// Lets the operation after this many others fail.
    func fail(after operations: Int) { state.withLock { $0.failing = operations } }

    func failNoMore() { state.withLock { $0.failing = nil } }

    /// The directory after power loss: no unsynced data, but possibly unsynced names.
    func afterPowerLoss(keepingNames: Bool) -> MemoryStorage {
        state.withLock { state in
            var survivor = State()
            survivor.names = keepingNames ? state.names : state.durableNames
            survivor.durableNames = survivor.names
            for file in survivor.names.values {
                survivor.contents[file] = Array((state.contents[file] ?? []).prefix(state.synced[file] ?? 0))
                survivor.synced[file] = survivor.contents[file]?.count
            }
            return MemoryStorage(survivor)
        }
    }

    /// Adds a durable file.
    func put(_ name: String, _ bytes: [UInt8]) {
        state.withLock { state in
            let file = state.contents.count
            state.contents[file] = bytes
            state.synced[file] = bytes.count
            state.names[name] = file
            state.durableNames[name] = file
        }
    }

    fileprivate func perform<Result>(
        _ operation: String, _ body: (inout State) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        let outcome: Swift.Result<Result, StorageError> = state.withLock { state in
            let failure = StorageError(operation: operation, path: "memory", code: EIO, reason: "told to fail")
            if state.remaining == 0 { return .failure(failure) }
            state.remaining -= 1
            if let failing = state.failing {
                state.failing = failing == 0 ? nil : failing - 1
                if failing == 0 { return .failure(failure) }
            }
            state.operations.append(operation)
            do throws(StorageError) { return .success(try body(&state)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    private static func missing(_ name: String) -> StorageError {
        StorageError(operation: "open", path: name, code: ENOENT, reason: "no such file")
    }

    // MARK: Storage

    func list() throws(StorageError) -> [String] {
        try perform("list") { (state) throws(StorageError) in Array(state.names.keys) }
    }

    func create(_ name: String) throws(StorageError) -> MemoryFile {
        try perform("create \(name)") { (state) throws(StorageError) in
            let file = state.contents.count
            state.contents[file] = []
            state.names[name] = file
            return MemoryFile(self, file, name)
        }
    }

    func read(_ name: String) throws(StorageError) -> [UInt8] {
        try perform("read \(name)") { (state) throws(StorageError) in
            guard let file = state.names[name] else { throw Self.missing(name) }
            return state.contents[file] ?? []
        }
    }

    func read(_ name: String, at offset: Int, length: Int) throws(StorageError) -> [UInt8] {
        Array(try read(name).dropFirst(offset).prefix(length))
    }

    func length(of name: String) throws(StorageError) -> Int { try read(name).count }

    func rename(_ name: String, to other: String) throws(StorageError) {
        try perform("rename \(name) \(other)") { (state) throws(StorageError) in
            guard let file = state.names.removeValue(forKey: name) else { throw Self.missing(name) }
            state.names[other] = file
        }
    }

    func remove(_ name: String) throws(StorageError) {
        try perform("remove \(name)") { (state) throws(StorageError) in
            guard state.names.removeValue(forKey: name) != nil else { throw Self.missing(name) }
        }
    }

    func syncDirectory() throws(StorageError) {
        try perform("sync directory") { (state) throws(StorageError) in state.durableNames = state.names }
    }
}

final class MemoryFile: StorageFile {
    private let storage: MemoryStorage
    private let file: Int
    private let name: String

    init(_ storage: MemoryStorage, _ file: Int, _ name: String) {
        self.storage = storage
        self.file = file
        self.name = name
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        let copy = Array(bytes)
        try storage.perform("write \(name)") { (state) throws(StorageError) in state.contents[file]? += copy }
    }

    func sync() throws(StorageError) {
        try storage.perform("sync \(name)") { (state) throws(StorageError) in
            state.synced[file] = state.contents[file]?.count
        }
    }
}
