import FuseboxCore
import FuseboxStore
import FuseboxWire

/// Tidying: how a start puts the directory in order.
extension Recovered {
    /// Puts the directory in order, so that its files hold this state. Call it before anything else is written.
    ///
    /// What was found is synced first, because a killed process leaves names that are not on disk yet.
    ///
    /// After a crash at any moment the next start finds the same state and gives no sequence out twice. The steps
    /// therefore have this order:
    ///
    /// 1. Segments that were never acknowledged are removed, the last first, because a later one is evidence of those
    ///    before it.
    /// 2. A snapshot is written, if the files do not hold the state yet.
    /// 3. Damaged snapshots are set aside. Their names reserved the sequences up to theirs until the new snapshot was
    ///    on disk.
    package mutating func tidy<Files: Storage>(_ store: SnapshotStore<Files>) throws(SnapshotFailure) {
        do throws(StorageError) {
            try store.removePartials()
            try store.files.syncDirectory()
            for name in dropped.reversed() {
                try store.files.remove(name.file)
                try store.files.syncDirectory()
            }
            for name in foreignSnapshots { try store.files.rename(name.file, to: store.files.freeName(name.foreign)) }
            for name in foreignSegments { try store.files.rename(name.file, to: store.files.freeName(name.foreign)) }
            if !situation.foreign.isEmpty { try store.files.syncDirectory() }
        } catch { throw .storage(error) }
        if needsSnapshot { snapshot = try capture(sequence: sequence).write(to: store, keepingAll: true) }
        do throws(StorageError) {
            for name in damaged { try store.setAside(name) }
        } catch { throw .storage(error) }
    }

    /// Whether no acknowledged input is lost.
    package var isWhole: Bool { !hasNewerSequence }

    /// Whether the journal's files end with the state's last input, so that another segment can continue them.
    package var isJournalContinuous: Bool { lastJournaled == sequence || (lastJournaled == nil && sequence == 0) }

    /// The segment that was left open, and the offset at which its good entries end. Nil if there is none.
    ///
    /// The bytes after that offset do not count and must be cleared, even if nothing is written there. Otherwise a
    /// later segment would prove that they were synced, and the next start would take them for damage.
    package var openEnd: (name: JournalName, offset: Int)? { openSegment }

    /// The last sequence in the journal's files.
    package var journaledSequence: UInt64 { isJournalContinuous ? sequence : lastJournaled ?? 0 }

    /// Whether `tidy` must write a snapshot, because the files do not hold the state.
    package var needsSnapshot: Bool {
        guard let snapshot else { return true }
        return (hasNewerSequence || hasOtherProfile || trimmedWorkers > 0) && snapshot.sequence != sequence
    }

    /// What was recovered, as a sentence for the log.
    package func report(of directory: String) -> String {
        let contents = [
            Quantity.count(machine.breakers.count, "breaker"), Quantity.count(machine.exhaustion.countInForce, "mark"),
            Quantity.count(machine.ledger.providerCount, "provider"),
            Quantity.count(situation.replayed, "journal entry", plural: "journal entries"),
        ].joined(separator: ", ")
        var report =
            switch situation.base {
            case .empty: "no snapshot in \(directory): the state begins empty"
            case .newest(let name): "recovered \(name.file): \(contents)"
            case .fellBack(let name, let damaged):
                "FELL BACK to \(name.file): \(contents); \(isWhole ? "the journal brought everything back" : "what changed after it is lost"). Damaged and kept as *.damaged: \(damaged.map(\.description).joined(separator: "; "))"
            }
        switch situation.tail {
        case .none, .whole: break
        case .torn: report += situation.tornSentence.map { "; \($0)" } ?? ""
        case .unacknowledged(let file):
            report +=
                "; \(file) was dropped: it waited for a snapshot that was never written, and no change in it was acknowledged"
        }
        if trimmedWorkers > 0 {
            report +=
                "; \(Quantity.count(trimmedWorkers, "worker was", plural: "workers were")) forgotten, because their kept replies exceed the limits of this start"
        }
        if !situation.foreign.isEmpty {
            report +=
                "; files of another epoch, kept as *.foreign: \(situation.foreign.joined(separator: ", "))"
        }
        return report
    }
}
