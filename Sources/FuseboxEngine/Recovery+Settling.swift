import FuseboxCore
import FuseboxStore
import FuseboxWire

/// What a start makes of what it has found.
extension Recovered {
    /// Makes the directory begin with this state: call it before anything else is written.
    ///
    /// What was found becomes durable before anything is made of it: a process that was killed leaves names that the
    /// system holds and the disk does not.
    ///
    /// A crash at any moment leaves what the next start makes the same state of, without a sequence that is given away
    /// twice. What was never acknowledged goes first, and from its end, for a part of it tells of what is before it. Then
    /// comes the snapshot of a state that the files do not hold yet. Only when that is on the disk does a damaged one go
    /// out of the way, whose name told that the sequences up to it are taken.
    public mutating func settle<Files: Storage>(_ store: SnapshotStore<Files>) throws(SnapshotFailure) {
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

    /// Whether nothing that was acknowledged is lost.
    public var isWhole: Bool { !hasNewerSequence }

    /// Whether the journal's files end where the state does, so that a next segment continues them.
    public var isJournalContinuous: Bool { lastJournaled == sequence || (lastJournaled == nil && sequence == 0) }

    /// The segment that was left open and where its good entries end, if there is one.
    ///
    /// What follows them was found not to count. It has to be cleared even if nothing is to be written there: what a later
    /// segment says is on the disk would make damage of it.
    public var openEnd: (name: JournalName, offset: Int)? { openSegment }

    /// The last sequence that the journal's files hold.
    public var journaledSequence: UInt64 { isJournalContinuous ? sequence : lastJournaled ?? 0 }

    /// Whether `settle` has to write a snapshot: the state is not what the files hold.
    public var needsSnapshot: Bool {
        guard let snapshot else { return true }
        return (hasNewerSequence || hasOtherProfile || trimmedWorkers > 0) && snapshot.sequence != sequence
    }

    /// One sentence for the log.
    public func report(of directory: String) -> String {
        let contents = [
            Quantity.count(machine.breakers.count, "breaker"), Quantity.count(machine.exhaustion.count, "mark"),
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
                "; \(file) was dropped: it waited for a snapshot that was never written, and nothing in it was acknowledged"
        }
        if trimmedWorkers > 0 {
            report +=
                "; \(Quantity.count(trimmedWorkers, "worker was", plural: "workers were")) forgotten: more is kept for them than the limits of this start allow"
        }
        if !situation.foreign.isEmpty {
            report +=
                "; files of another life of the state, kept as *.foreign: \(situation.foreign.joined(separator: ", "))"
        }
        return report
    }
}
