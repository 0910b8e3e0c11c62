import FuseboxEngine
import FuseboxSimulation
import FuseboxStore
import Testing

/// A start puts a directory in order before it is used. A crash at any moment of that must not change what comes of it.
struct TidyingTests {
    private let newest = SnapshotName(sequence: 5)

    /// The newest of two snapshots is damaged, and what changed since the older one is lost.
    private func damagedDirectory() throws -> WrittenDirectory {
        let directory = WrittenDirectory()
        try directory.snapshot(at: 3)
        try directory.segment(1..<5)
        try directory.snapshot(at: 5)
        try directory.change(newest.file) { $0[$0.count / 2] ^= 1 }
        return directory
    }

    private func tidy(_ directory: WrittenDirectory) throws {
        var recovered = try directory.recover()
        try recovered.tidy(SnapshotStore(directory.storage))
    }

    @Test(arguments: SimulatedStorage.Progress.allCases, [true, false])
    func sequencesThatMayBeTakenAreNotGivenAwayAgain(progress: SimulatedStorage.Progress, losesPower: Bool) throws {
        var crashes = 0
        for operation in 1... {
            let directory = try damagedDirectory()
            directory.storage.plan(.death, afterOperations: operation, progress)
            let died = (try? tidy(directory)) == nil
            if losesPower { directory.storage.losePower() } else { directory.storage.killProcess() }
            let recovered = try directory.recover()
            #expect(recovered.sequence == 6, "after operation \(operation)")
            #expect(recovered.machine.ledger.providerCount == 1)
            // Either the loss is still to be reported, or the snapshot that was written then is there.
            #expect(recovered.needsSnapshot == !recovered.isWhole)
            #expect(recovered.isJournalContinuous == false, "what comes next does not follow entry 4")
            guard died else { break }
            crashes += 1
        }
        #expect(crashes >= 6)
    }

    @Test func whatWasSetAsideBeforeIsKept() throws {
        let directory = try damagedDirectory()
        directory.storage.put([1, 2, 3], as: newest.damaged)
        let damaged = try directory.storage.read(newest.file)
        try tidy(directory)
        #expect(try directory.storage.read(newest.damaged) == [1, 2, 3])
        #expect(try directory.storage.read("\(newest.damaged)-2") == damaged)
        #expect(try SnapshotStore(directory.storage).list().map(\.sequence) == [6, 3])
    }

    /// A part that waited for a snapshot goes as a whole or from its end: else what is left of it would be a gap.
    @Test(arguments: SimulatedStorage.Progress.allCases, [true, false])
    func whatWasNeverAcknowledgedGoesFromItsEnd(progress: SimulatedStorage.Progress, losesPower: Bool) throws {
        for operation in 1... {
            let directory = WrittenDirectory()
            try directory.snapshot(at: 5)
            try directory.segment(1..<8)
            try directory.segment(9..<12, isSealed: true, isRebased: true)
            try directory.segment(12..<15)
            directory.storage.plan(.death, afterOperations: operation, progress)
            let died = (try? tidy(directory)) == nil
            if losesPower { directory.storage.losePower() } else { directory.storage.killProcess() }
            let recovered = try directory.recover()
            #expect(recovered.sequence == 7, "after operation \(operation)")
            guard died else { break }
        }
    }
}
