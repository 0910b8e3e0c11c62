import FuseboxStore
import FuseboxWire
import Testing

/// Power loss at any time leaves an intact snapshot.
@Suite struct SnapshotStoreTests {
    private func header(_ sequence: UInt64, epoch: UInt64 = 7) -> SnapshotHeader {
        SnapshotHeader(epoch: epoch, sequence: sequence, moment: Moment(milliseconds: 1_000), profile: .fusebox)
    }

    @discardableResult
    private func write(
        _ sequence: UInt64, epoch: UInt64 = 7, into storage: MemoryStorage, refuses: Bool = false
    ) throws(SnapshotFailure) -> SnapshotInfo {
        let store = SnapshotStore(storage)
        let name = SnapshotName(sequence: sequence)
        let isNew = try store.prepare(header(sequence, epoch: epoch)) { (writer) throws(StorageError) in
            for kind in 1...3 as ClosedRange<UInt32> {
                var contents = ByteWriter()
                contents.write(sequence &* UInt64(kind))
                try writer.section(SectionHead(kind: kind, version: 1), contents)
            }
        }
        guard isNew else { return try store.info(name) }
        return try store.adopt(name) { (_) throws(SnapshotDamage) in
            if refuses { throw .contents(offset: 0, Refusal(.damagedData, "a rule that the state does not keep")) }
        }
    }

    private func storage(holding sequences: [UInt64]) throws -> MemoryStorage {
        let storage = MemoryStorage()
        for sequence in sequences { try write(sequence, into: storage) }
        storage.clearOperations()
        return storage
    }

    /// The newest readable snapshot, as recovery finds it.
    private func newestGood(_ storage: MemoryStorage) throws -> UInt64? {
        let store = SnapshotStore(storage)
        return try store.list().first { (try? store.load($0)) != nil }?.sequence
    }

    private func name(_ sequence: UInt64) -> String { SnapshotName(sequence: sequence).file }

    @Test func itIsDurableAndVerifiedBeforeItIsNamedAndBeforeAnythingOlderGoes() throws {
        let storage = try storage(holding: [1, 2, 3])
        try write(4, into: storage)
        let partial = name(4) + ".partial"
        let order = [
            "create \(partial)", "write \(partial)", "sync \(partial)", "read \(partial)",
            "rename \(partial) \(name(4))", "sync directory", "list", "remove \(name(1))",
        ]
        var rest = storage.operations[...]
        for step in order {
            let place = try #require(rest.firstIndex(of: step), "\(step) is missing or too early")
            rest = rest[(place + 1)...]
        }
    }

    @Test(arguments: [true, false])
    func powerLossAtAnyMomentLeavesAGoodOne(keepingNames: Bool) throws {
        var moment = 0
        while true {
            let storage = try storage(holding: [1, 2, 3])
            storage.crash(after: moment)
            let result = Result { try write(4, into: storage) }
            let found = try newestGood(storage.afterPowerLoss(keepingNames: keepingNames))
            // Snapshots that were reported as written exist. Others may exist.
            if (try? result.get()) != nil {
                #expect(found == 4)
                return
            }
            #expect(found == 3 || found == 4, "after \(moment) operations")
            moment += 1
        }
    }

    @Test func aFailureOfAnyOperationKeepsWhatWasThereAndTheNextAttemptSucceeds() throws {
        var failures = 0
        for moment in 0..<40 {
            let storage = try storage(holding: [1, 2, 3])
            storage.fail(after: moment)
            let succeeded = (try? write(4, into: storage)) != nil
            storage.failNoMore()
            if !succeeded { failures += 1 }
            #expect(try newestGood(storage).map { $0 >= 3 } == true)
            let next = try write(5, into: storage)
            #expect(next.sequence == 5)
            #expect(try newestGood(storage) == 5)
            #expect(try SnapshotStore(storage).list().count <= 3 || !succeeded)
        }
        #expect(failures >= 8, "create, writes, sync, rename, directory, verification, retirement")
    }

    /// It does not count: no older snapshot is removed for it, and the next start does not find it.
    @Test func oneThatIsRefusedLeavesEverythingAsItWas() throws {
        let storage = try storage(holding: [1, 2, 3])
        let before = try storage.list().sorted()
        let failure = #expect(throws: SnapshotFailure.self) { try self.write(4, into: storage, refuses: true) }
        #expect(failure?.description.contains("a rule that the state does not keep") == true)
        #expect(try storage.list().sorted() == before)
        #expect(!storage.operations.contains { $0.hasPrefix("remove snapshot") && !$0.hasSuffix(".partial") })
        try write(4, into: storage)
        #expect(try SnapshotStore(storage).list().map(\.sequence) == [4, 3, 2])
    }

    @Test func aNameAboveTheNewestTakesNoPlace() throws {
        let storage = try storage(holding: [1, 2, 3])
        storage.put(name(.max), [1])
        try write(4, into: storage)
        #expect(try SnapshotStore(storage).list().map(\.sequence) == [.max, 4, 3, 2])
    }

    @Test func oneUnderAWrongNameIsNotGood() throws {
        let storage = try storage(holding: [1])
        storage.put(name(9), try storage.read(name(1)))
        #expect(throws: SnapshotFailure.damaged(name(9), .misnamed(sequence: 1))) {
            _ = try SnapshotStore(storage).load(SnapshotName(sequence: 9))
        }
    }

    @Test func threeGenerationsStay() throws {
        let storage = try storage(holding: [1, 2, 3, 10, 200])
        #expect(try SnapshotStore(storage).list().map(\.sequence) == [200, 10, 3])
    }

    @Test func oneThatIsThereAlreadyIsNotWrittenAgain() throws {
        let storage = try storage(holding: [4])
        let info = try write(4, into: storage)
        #expect(info.file == name(4))
        #expect(!storage.operations.contains { $0.hasPrefix("create") })
    }

    @Test func oneOfAnotherLifeIsReplaced() throws {
        let storage = try storage(holding: [4])
        try write(4, epoch: 8, into: storage)
        #expect(try SnapshotStore(storage).load(SnapshotName(sequence: 4)).header.epoch == 8)
    }

    @Test func aDamagedOneOfTheSameSequenceIsReplaced() throws {
        let storage = MemoryStorage()
        storage.put(name(4), Array("FUSEBOXS but no more".utf8))
        try write(4, into: storage)
        #expect(try newestGood(storage) == 4)
    }

    @Test func anAttemptThatWasCutOffIsInNobodysWay() throws {
        let storage = MemoryStorage()
        storage.put(name(4) + ".partial", [1, 2, 3])
        try write(4, into: storage)
        #expect(try newestGood(storage) == 4)
        storage.put(name(9) + ".partial", [1, 2, 3])
        try SnapshotStore(storage).removePartials()
        #expect(try storage.list() == [name(4)])
    }

    @Test func oneThatIsSetAsideIsNotListedAnyMore() throws {
        let storage = try storage(holding: [1, 2])
        try SnapshotStore(storage).setAside(SnapshotName(sequence: 2))
        #expect(try SnapshotStore(storage).list().map(\.sequence) == [1])
        #expect(try storage.list().contains(name(2) + ".damaged"))
    }

    @Test func infoTellsWhatItIs() throws {
        let storage = try storage(holding: [1])
        let info = try SnapshotStore(storage).info(SnapshotName(sequence: 1))
        #expect(info.file == "snapshot-00000000000000000001.fusebox")
        #expect(info.takenAt == Timestamp(milliseconds: 1_000))
        #expect(info.length == UInt64(try storage.read(info.file).count))
    }

    @Test(arguments: [
        "snapshot-1.fusebox", "snapshot-0000000000000000000x.fusebox", "snapshot-00000000000000000001.fusebox.partial",
        "snapshot-00000000000000000001.fusebox.damaged", "other-00000000000000000001.fusebox", "fuseboxd.lock",
        "snapshot-99999999999999999999.fusebox", "snapshot-+0000000000000000001.fusebox",
    ])
    func otherFilesAreNoSnapshots(_ file: String) {
        #expect(SnapshotName(file: file) == nil)
    }
}
