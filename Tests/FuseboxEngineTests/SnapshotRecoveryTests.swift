import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

/// The rows of the recovery table that are about snapshots, on real files.
@Suite struct SnapshotRecoveryTests {
    private let temporary = TemporaryFolder()
    private var folder: String { temporary.path }
    private let store: SnapshotStore<DirectoryStorage>

    init() throws { store = SnapshotStore(try DirectoryStorage(temporary.path, .owning)) }

    /// What was found, as something that a macro can take apart.
    private final class Found {
        private var recovered: Recovered
        init(_ recovered: consuming Recovered) { self.recovered = recovered }
        var situation: RecoveryCase { recovered.situation }
        var epoch: UInt64 { recovered.epoch }
        var sequence: UInt64 { recovered.sequence }
        var recorded: Moment? { recovered.recorded }
        var isWhole: Bool { recovered.isWhole }
        var machine: StateMachine { recovered.machine }
        var snapshot: SnapshotInfo? { recovered.snapshot }
        func report(of directory: String) -> String { recovered.report(of: directory) }
        func tidy(_ store: SnapshotStore<DirectoryStorage>) throws { try recovered.tidy(store) }
    }

    @discardableResult
    private func recover(_ profile: Profile = .fusebox) throws -> Found {
        Found(
            try Recovered.find(
                in: store, profile: profile, bounds: Bounds(), newEpoch: 99, at: Moment(milliseconds: 77)))
    }

    /// Writes snapshots of a growing state: the one of sequence n has n breakers.
    private func write(_ sequences: UInt64...) throws {
        for sequence in sequences {
            let conversation = Conversation()
            let peer = try conversation.peer()
            for number in 0..<sequence { _ = try peer.ok(BreakerSuccess(name: try Name("breaker-\(number)"))) }
            _ = try conversation.capture().write(to: store)
        }
    }

    private func change(_ sequence: UInt64, _ change: (inout [UInt8]) -> Void) throws {
        let name = SnapshotName(sequence: sequence).file
        var bytes = try store.files.read(name)
        change(&bytes)
        try store.files.remove(name)
        try put(name, bytes)
    }

    private func put(_ name: String, _ bytes: [UInt8]) throws {
        let file = try store.files.create(name)
        let result: Result<Void, StorageError> = bytes.withUnsafeBytes { bytes in
            do throws(StorageError) { return .success(try file.write(bytes)) } catch { return .failure(error) }
        }
        try result.get()
    }

    @Test func empty() throws {
        let found = try recover()
        #expect(found.situation.base == .empty)
        #expect(found.epoch == 99)
        #expect(found.sequence == 0)
        #expect(found.recorded == nil)
        #expect(found.isWhole)
    }

    @Test func newest() throws {
        try write(1, 2, 3)
        let found = try recover()
        #expect(found.situation.base == .newest(SnapshotName(sequence: 3)))
        #expect(found.machine.breakers.count == 3)
        #expect(found.epoch == 42)
        #expect(found.sequence == 3)
        #expect(found.recorded != nil)
        #expect(found.snapshot?.sequence == 3)
    }

    @Test func fellBack() throws {
        try write(1, 2, 3)
        try change(3) { $0[60] ^= 1 }
        try put("snapshot-00000000000000000009.fusebox.partial", [1])
        let found = try recover()
        guard case .fellBack(let name, let damaged) = found.situation.base else {
            Issue.record("\(found.situation)")
            return
        }
        #expect(name == SnapshotName(sequence: 2))
        #expect(damaged.count == 1)
        #expect(found.machine.breakers.count == 2)
        #expect(found.sequence == 4, "a new snapshot must get a newer name than the damaged one")
        #expect(!found.isWhole)
        #expect(found.report(of: folder).contains("FELL BACK"))
        // Finding out has changed nothing; tidying does.
        #expect(try store.list().map(\.sequence) == [3, 2, 1])
        try found.tidy(store)
        #expect(try store.list().map(\.sequence) == [4, 2, 1])
        #expect(
            try store.files.list().filter { $0.hasSuffix(".damaged") || $0.hasSuffix(".partial") }
                == ["snapshot-00000000000000000003.fusebox.damaged"])
    }

    @Test func fellBackOverTwo() throws {
        try write(1, 2, 3)
        try change(3) { $0.removeLast() }
        try change(2) { $0 = [] }
        let found = try recover()
        #expect(found.machine.breakers.count == 1)
        #expect(found.sequence == 4)
    }

    @Test func allDamaged() throws {
        try write(1, 2)
        for sequence in [1, 2] as [UInt64] { try change(sequence) { $0[60] ^= 1 } }
        let refusal = #expect(throws: RecoveryRefusal.self) { try self.recover() }
        guard case .allDamaged(let failures) = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        #expect(failures.count == 2)
        #expect(try store.list().map(\.sequence) == [2, 1])
    }

    @Test func newerVersion() throws {
        try write(1)
        let header = SnapshotHeader(epoch: 42, sequence: 2, moment: Moment(milliseconds: 5), profile: .fusebox)
        var bytes = try SnapshotWriter(header, into: MemorySink()).finish().bytes
        bytes[8] = 2
        bytes.mendHead()
        try put(SnapshotName(sequence: 2).file, bytes)
        let refusal = #expect(throws: RecoveryRefusal.self) { try self.recover() }
        guard case .newerVersion = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        #expect(try store.list().map(\.sequence) == [2, 1])
    }

    @Test func unreadable() throws {
        try write(1)
        // A directory in the place of a file can be listed and not be read.
        mkdir("\(folder)/\(SnapshotName(sequence: 2).file)", 0o700)
        defer { rmdir("\(folder)/\(SnapshotName(sequence: 2).file)") }
        let refusal = #expect(throws: RecoveryRefusal.self) { try self.recover() }
        guard case .unreadable = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
    }

    @Test func anotherProfileGoesOnWithTheState() throws {
        try write(2)
        let found = try recover(.llmProviders)
        #expect(found.machine.profile == .llmProviders)
        #expect(found.machine.breakers.count == 2)
    }
}
