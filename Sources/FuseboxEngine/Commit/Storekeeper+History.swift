import FuseboxStore
import FuseboxWire

/// The history of closed days, which is written to the files of the months.
///
/// An entry is written once its input is on disk, in the journal or in a snapshot. A start then yields it again from
/// there, and finds it in the file. Nothing waits for the history: an entry that cannot be written stays in the outbox,
/// which is part of every snapshot, and is tried again once a second.
extension Storekeeper {
    /// The state of the writing.
    struct HistoryWriting {
        var writer: HistoryWriter
        var isUnderWay = false
        /// Why the last attempt has failed. Nil if it has not.
        var failure: StorageError?
        /// When the next attempt is made after a failure.
        var retryAt: Timestamp?

        init(_ bounds: HistoryBounds) { writer = HistoryWriter(bounds) }
    }

    /// Whether every closed day is in the files of the history, as far as its input is synced.
    package var isHistoryWritten: Bool { engine.state.history.isEmpty && !history.isUnderWay }

    /// Begins to write the entries whose inputs are synced, unless some are being written.
    func writeHistory() {
        guard !history.isUnderWay, !engine.state.history.isEmpty, failure == nil else { return }
        if let retryAt = history.retryAt, moment.now < retryAt { return }
        // Without a journal, an input is on disk once a snapshot holds it.
        let inSnapshot = engine.commit.snapshots.newest?.sequence ?? 0
        let items = engine.state.history.takeReady(upTo: max(engine.commit.progress.watermarks.synced, inSnapshot))
        guard !items.isEmpty else { return }
        history.isUnderWay = true
        history.retryAt = nil
        let (writer, files) = (history.writer, store.files)
        delegate?.work {
            () -> (HistoryWriter, HistoryWriter.Outcome) in
            var writer = writer
            let outcome = writer.append(items, to: files)
            return (writer, outcome)
        } then: { [unowned self] writer, outcome in
            guard failure == nil else { return }
            history.isUnderWay = false
            history.writer = writer
            engine.state.history.written(outcome.done)
            tell(outcome)
            delegate?.runAgain()
        }
    }

    private func tell(_ outcome: HistoryWriter.Outcome) {
        for damage in outcome.damage { delegate?.note(.historyDamaged(damage)) }
        if outcome.lost > 0 { delegate?.note(.historyFull(records: outcome.lost)) }
        if let error = outcome.failure {
            history.retryAt = moment.now + 1_000
            if history.failure != error { delegate?.note(.historyFailed(error)) }
        } else if history.failure != nil {
            delegate?.note(.historyAgain)
        }
        history.failure = outcome.failure
    }
}
