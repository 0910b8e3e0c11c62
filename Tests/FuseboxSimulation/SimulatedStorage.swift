import FuseboxStore
import FuseboxTestSupport
import Glibc

/// A directory in memory that keeps after a crash only what a disk may keep.
///
/// Written bytes are volatile until their file is synced. Created, renamed and removed names are volatile until the
/// directory is synced. A power loss keeps any part of what is volatile, cut at any byte. The death of the process
/// keeps all of it. Faults are planned: before, during or after the operation with a given number.
package final class SimulatedStorage: JournalStorage, @unchecked Sendable {
    /// A file, without its name.
    final class Node {
        struct Write {
            let number: UInt64
            let offset: Int
            let bytes: [UInt8]
        }

        /// The contents that the process sees.
        var content: [UInt8]
        /// The contents on disk.
        var durable: [UInt8]
        /// The volatile writes, oldest first.
        var volatile: [Write] = []

        init(_ content: [UInt8]) {
            self.content = content
            durable = content
        }
    }

    private enum Change {
        case link(String, Node)
        case move(String, String, Node)
        case unlink(String, Node)
    }

    /// How much of the operation is done at which the process dies, or which fails.
    package enum Progress: Sendable, CaseIterable {
        case before, during, after
    }

    package enum Fault: Sendable {
        /// The process dies.
        case death
        /// The disk fails with EIO.
        case failure
    }

    private var visible: [String: Node] = [:]
    private var durable: [String: Node] = [:]
    private var changes: [Change] = []
    private var random: SplitMix64
    private var writes: UInt64 = 0
    private var plan: (operation: Int, fault: Fault, progress: Progress)?

    /// The number of operations that changed something.
    package private(set) var operations = 0
    /// Whether the process has died as planned.
    package private(set) var isDead = false
    /// Whether a sync has failed. What was not on disk at that time may be lost, although the process sees it.
    package private(set) var hasFailedSync = false
    /// Whether there is no space for new data.
    package var isFull = false
    /// The number of the last write when a segment's sync began. The sync covers the writes up to it, and no others.
    var syncHorizon = UInt64.max
    /// Whether the directory was deleted or replaced.
    package var isGone = false
    /// A planted bug: syncs of the directory do nothing.
    var ignoresDirectorySync = false
    /// A planted bug: no mark records how far the journal was on disk.
    var ignoresMarks = false
    /// A planted bug: entries stay in the process for a while.
    var delaysEntries = false
    private var delayed: [(bytes: [UInt8], node: Node, offset: Int, name: String)] = []

    package init(seed: UInt64) { random = SplitMix64(seed: seed) }

    /// The number of the last write.
    var lastWrite: UInt64 { writes }

    // MARK: Faults

    /// Plans a fault for the operation after this many others.
    package func plan(_ fault: Fault, afterOperations count: Int, _ progress: Progress) {
        plan = (operations + max(1, count), fault, progress)
    }

    func cancelPlan() { plan = nil }

    private static let dead = StorageError(operation: "any", path: "", code: ESHUTDOWN, reason: "the process is dead")

    private static func error(_ code: Int32, _ operation: String, _ path: String) -> StorageError {
        StorageError(operation: operation, path: path, code: code, reason: "simulated error \(code)")
    }

    /// Does one operation, or the part of it that the plan permits.
    private func perform(
        _ operation: String, _ path: String, partly: () -> Void = {}, _ whole: () -> Void
    ) throws(StorageError) {
        guard !isDead else { throw Self.dead }
        operations += 1
        guard let plan, operations == plan.operation else { return whole() }
        switch plan.progress {
        case .before: break
        case .during: partly()
        case .after: whole()
        }
        self.plan = nil
        if plan.fault == .death {
            isDead = true
            throw Self.dead
        }
        if operation == "sync" { hasFailedSync = true }
        throw Self.error(EIO, operation, path)
    }

    // MARK: The end of a process

    /// The files after the death of the process: everything that it wrote.
    package func killProcess() {
        plan = nil
        isDead = false
        hasFailedSync = false
        syncHorizon = .max
        delayed = []
    }

    /// The files after a power loss: what was synced, and any part of the rest.
    package func losePower() {
        killProcess()
        let keeping = random.pick([0, 10, 50, 90, 100])
        for change in changes where random.below(100) < keeping { Self.apply(change, to: &durable) }
        changes = []
        for name in durable.keys.sorted() { loseVolatile(durable[name]!, keeping) }
        visible = durable
    }

    private static func apply(_ change: Change, to directory: inout [String: Node]) {
        switch change {
        case .link(let name, let node): directory[name] = node
        case .move(let name, let other, let node):
            if directory[name] === node { directory[name] = nil }
            directory[other] = node
        case .unlink(let name, let node):
            if directory[name] === node { directory[name] = nil }
        }
    }

    private func loseVolatile(_ node: Node, _ keeping: Int) {
        for write in node.volatile { keepPieces(of: write, keeping, in: &node.durable) }
        node.volatile = []
        node.content = node.durable
    }

    /// Lets some of the sectors of a write reach the disk, the last of them possibly cut.
    private func keepPieces(of write: Node.Write, _ keeping: Int, in bytes: inout [UInt8]) {
        let size = random.pick([8, 64, 512, 4096])
        var place = 0
        while place < write.bytes.count {
            let sector = size - (write.offset + place) % size
            let whole = min(sector, write.bytes.count - place)
            if random.below(100) < keeping {
                let length = random.once(in: 16) ? random.within(0...whole) : whole
                Self.put(write.bytes[place..<place + length], at: write.offset + place, in: &bytes)
            }
            place += whole
        }
    }

    private static func put(_ piece: ArraySlice<UInt8>, at offset: Int, in bytes: inout [UInt8]) {
        let end = offset + piece.count
        if bytes.count < end { bytes += zeros(end - bytes.count) }
        bytes.withUnsafeMutableBytes { all in
            piece.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: all[offset..<end]).copyMemory(from: $0) }
        }
    }

    /// Without optimization, `repeating:` visits each element: a third of a walk's time.
    private static func zeros(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { bytes, initialized in
            if let start = bytes.baseAddress { memset(start, 0, count) }
            initialized = count
        }
    }

    /// The same files, all of them synced.
    func copy() -> SimulatedStorage {
        let copy = SimulatedStorage(seed: 0)
        for (name, node) in visible { copy.visible[name] = Node(node.content) }
        copy.durable = copy.visible
        return copy
    }

    /// Flips one bit of a file, in all its copies.
    package func flip(bit: Int, of name: String) {
        visible[name]!.content[bit / 8] ^= 1 << UInt8(bit % 8)
        visible[name]!.durable = visible[name]!.content
    }

    /// Adds a file that is on disk already.
    package func put(_ bytes: [UInt8], as name: String) {
        visible[name] = Node(bytes)
        durable[name] = visible[name]
    }

    // MARK: Storage

    package func list() throws(StorageError) -> [String] {
        guard !isDead else { throw Self.dead }
        return visible.keys.sorted()
    }

    package func create(_ name: String) throws(StorageError) -> SimulatedFile {
        SimulatedFile(self, try createNode(name, []), name, isSegment: false)
    }

    private func createNode(_ name: String, _ content: [UInt8]) throws(StorageError) -> Node {
        guard !isFull else { throw Self.error(ENOSPC, "create", name) }
        guard visible[name] == nil else { throw Self.error(EEXIST, "create", name) }
        let node = Node(content)
        try perform("create", name) {
            visible[name] = node
            changes.append(.link(name, node))
        }
        return node
    }

    private func node(_ name: String) throws(StorageError) -> Node {
        guard !isDead else { throw Self.dead }
        guard let node = visible[name] else { throw Self.error(ENOENT, "open", name) }
        return node
    }

    package func read(_ name: String) throws(StorageError) -> [UInt8] { try node(name).content }

    package func read(_ name: String, at offset: Int, length: Int) throws(StorageError) -> [UInt8] {
        Array(try node(name).content.dropFirst(offset).prefix(length))
    }

    package func length(of name: String) throws(StorageError) -> Int { try node(name).content.count }

    package func rename(_ name: String, to other: String) throws(StorageError) {
        let node = try node(name)
        try perform("rename", name) {
            visible[name] = nil
            visible[other] = node
            changes.append(.move(name, other, node))
        }
    }

    package func remove(_ name: String) throws(StorageError) {
        let node = try node(name)
        try perform("unlink", name) {
            visible[name] = nil
            changes.append(.unlink(name, node))
        }
    }

    package func syncDirectory() throws(StorageError) {
        guard !ignoresDirectorySync else { return }
        try perform("sync", ".") {
            for change in changes.prefix(random.within(0...changes.count)) { Self.apply(change, to: &durable) }
        } _: {
            durable = visible
            changes = []
        }
    }

    package func createSegment(_ name: String, length: Int) throws(StorageError) -> SimulatedFile {
        SimulatedFile(self, try createNode(name, Self.zeros(length)), name, isSegment: true)
    }

    package func openSegment(_ name: String) throws(StorageError) -> SimulatedFile {
        // A file of the history is written and synced by the same work.
        SimulatedFile(self, try node(name), name, isSegment: HistoryMonth(file: name) == nil)
    }

    package func checkPlace() throws(StorageError) {
        if isGone { throw .gone(".") }
    }

    // MARK: Files

    fileprivate func write(
        _ bytes: UnsafeRawBufferPointer, to node: Node, at offset: Int, _ name: String, mayRunOut: Bool
    ) throws(StorageError) {
        guard !(mayRunOut && isFull) else { throw Self.error(ENOSPC, "write", name) }
        if ignoresMarks, name == SyncMark.fileName { return }
        if delaysEntries, !mayRunOut { return delayed.append((Array(bytes), node, offset, name)) }
        try write(Array(bytes), to: node, at: offset, name)
    }

    private func write(_ bytes: [UInt8], to node: Node, at offset: Int, _ name: String) throws(StorageError) {
        try perform("write", name) {
            record(Array(bytes.prefix(random.within(0...bytes.count))), to: node, at: offset)
        } _: {
            record(bytes, to: node, at: offset)
        }
    }

    /// Writes the delayed entries.
    func writeDelayed() throws(StorageError) {
        defer { delayed = [] }
        for entry in delayed { try write(entry.bytes, to: entry.node, at: entry.offset, entry.name) }
    }

    private func record(_ bytes: [UInt8], to node: Node, at offset: Int) {
        writes += 1
        Self.put(bytes[...], at: offset, in: &node.content)
        node.volatile.append(Node.Write(number: writes, offset: offset, bytes: bytes))
    }

    fileprivate func sync(_ node: Node, _ name: String, isSegment: Bool) throws(StorageError) {
        try writeDelayed()
        let horizon = isSegment ? syncHorizon : .max
        try perform("sync", name) {
            for write in node.volatile { keepPieces(of: write, 50, in: &node.durable) }
        } _: {
            for write in node.volatile where write.number <= horizon {
                Self.put(write.bytes[...], at: write.offset, in: &node.durable)
            }
            node.volatile.removeAll { $0.number <= horizon }
        }
    }
}

/// A file of a simulated directory that is open for writing.
package final class SimulatedFile: StorageFile, JournalFile, @unchecked Sendable {
    private let storage: SimulatedStorage
    private let node: SimulatedStorage.Node
    private let name: String
    /// Whether it may be written while it is being synced.
    private let isSegment: Bool
    private var end = 0

    fileprivate init(_ storage: SimulatedStorage, _ node: SimulatedStorage.Node, _ name: String, isSegment: Bool) {
        self.isSegment = isSegment
        self.storage = storage
        self.node = node
        self.name = name
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        try storage.write(bytes, to: node, at: end, name, mayRunOut: true)
        end += bytes.count
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StorageError) {
        // What lies within the file was allocated.
        let grows = offset + bytes.count > node.content.count
        try storage.write(bytes, to: node, at: offset, name, mayRunOut: grows)
    }

    package func sync() throws(StorageError) { try storage.sync(node, name, isSegment: isSegment) }

    /// Every segment was allocated when it was created.
    package func reserve(_ length: Int) throws(StorageError) {}

    package func checkPlace() throws(StorageError) { try storage.checkPlace() }
}
