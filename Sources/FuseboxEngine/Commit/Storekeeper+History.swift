import FuseboxStore
import FuseboxWire

/// The history of closed days, which is written to the files of the months.
///
/// An entry is written once its input is on disk, in the journal or in a snapshot. A start then yields it again from
/// there, and finds it in the file. Nothing waits for the history: an entry that cannot be written stays in the outbox,
/// which is part of every snapshot, and is tried again once a second. A tag that was forgotten leaves the files in the
/// same way.
extension Storekeeper {
    /// The state of the writing.
    struct HistoryWriting {
        var writer: HistoryWriter
        var isUnderWay = false
        /// The number of times that a writing began or ended, files that are written anew included. A reader that has met
        /// one may have found an entry half written.
        var writes: UInt32 = 0
        /// The number of times that a rewriting of files began or ended, from a number of this start on. While it is odd,
        /// files are being written anew. A place in a file is good as long as the number stays.
        var generation: UInt32
        /// Why the last attempt has failed. Nil if it has not.
        var failure: StorageError?
        /// When the next attempt is made after a failure.
        var retryAt: Timestamp?

        /// Why the last attempt to write files anew has failed. Nil if it has not.
        var erasureFailure: StorageError?
        /// Whether the last attempt was one to write files anew.
        var hasErasedLast = false
        /// Requests for a page that wait until nothing is being written.
        var held: [(request: LedgerHistory, ticket: Ticket, waiting: UInt64, openDay: Int64)] = []

        /// - Parameter salt: random bits of this start
        init(_ bounds: HistoryBounds, salt: UInt32) {
            writer = HistoryWriter(bounds)
            generation = salt & ~1
        }

        /// Whether files are being written anew.
        var isErasing: Bool { generation & 1 == 1 }
    }

    /// Whether every closed day is in the files of the history, as far as its input is synced.
    package var isHistoryWritten: Bool { engine.state.history.isEmpty && !history.isUnderWay }

    /// Begins to write the entries whose inputs are synced, unless some are being written.
    func writeHistory() {
        guard !history.isUnderWay, !engine.state.history.isEmpty, failure == nil else { return }
        if let retryAt = history.retryAt, moment.now < retryAt { return }
        let erasures = engine.state.history.takeErasures(upTo: onDisk)
        let items = engine.state.history.takeReady(upTo: onDisk)
        // A file that cannot be written anew must not keep entries from the others.
        let erases = !erasures.isEmpty && (items.isEmpty || !history.hasErasedLast)
        history.hasErasedLast = erases
        if erases {
            engine.state.history.written(0)
            return erase(erasures)
        }
        guard !items.isEmpty else { return }
        beginWriting()
        let (writer, files) = (history.writer, store.files)
        delegate?.work {
            () -> (HistoryWriter, HistoryWriter.Outcome) in
            var writer = writer
            let outcome = writer.append(items, to: files)
            return (writer, outcome)
        } then: { [unowned self] writer, outcome in
            guard failure == nil else { return }
            engine.state.history.written(outcome.done)
            tell(outcome, before: \.failure)
            endWriting(writer)
        }
    }

    private func beginWriting() {
        history.isUnderWay = true
        history.writes &+= 1
        history.retryAt = nil
    }

    private func endWriting(_ writer: HistoryWriter) {
        history.isUnderWay = false
        history.writes &+= 1
        history.writer = writer
        let held = history.held
        history.held = []
        for (request, ticket, waiting, openDay) in held {
            read(request, for: ticket, waiting: waiting, openDay: openDay)
        }
        delegate?.runAgain()
    }

    /// Takes tags that were forgotten out of the files.
    private func erase(_ erasures: [HistoryErasure]) {
        beginWriting()
        history.generation &+= 1
        let (writer, files) = (history.writer, store.files)
        delegate?.work {
            () -> (HistoryWriter, HistoryWriter.Outcome) in
            var writer = writer
            let outcome = writer.erase(erasures, in: files)
            return (writer, outcome)
        } then: { [unowned self] writer, outcome in
            history.generation &+= 1
            guard failure == nil else { return }
            engine.state.history.erased(outcome.done)
            tell(outcome, before: \.erasureFailure)
            endWriting(writer)
        }
    }

    /// The last input that is on disk. Without a journal, it is once a snapshot holds it.
    private var onDisk: UInt64 {
        max(engine.commit.progress.watermarks.synced, engine.commit.snapshots.newest?.sequence ?? 0)
    }

    /// Whether files are being written anew, or about to be. Not after an attempt that has failed.
    private var rewritesFiles: Bool {
        guard let erasure = engine.state.history.erasures.first else { return false }
        return history.isErasing || (history.retryAt == nil && erasure.input <= onDisk)
    }

    /// Reads a page of the history.
    ///
    /// Files that are written anew have other places. A first page waits for that, so it tells nothing of a tag that was
    /// forgotten before. A further page of before is refused.
    func read(_ request: LedgerHistory, for ticket: Ticket, waiting: UInt64, openDay: Int64) {
        let (files, generation, writes) = (store.files, history.generation, history.writes)
        let isFirst = request.cursor == 0
        if isFirst, rewritesFiles { return history.held.append((request, ticket, waiting, openDay)) }
        guard isFirst || (HistoryPage.isOf(generation, cursor: request.cursor) && !history.isErasing) else {
            return refuse(ticket, .rewritten)
        }
        let (erasing, wasWriting) = (UInt32(engine.state.history.erasures.count), history.isUnderWay)
        delegate?.work {
            () -> Result<LedgerHistory.Reply, Refusal> in
            do throws(Refusal) {
                var reply = try LedgerHistory.Reply(files, request, generation)
                reply.waiting = waiting
                reply.openDay = openDay
                reply.erasing = erasing
                return .success(reply)
            } catch { return .failure(error) }
        } then: { [unowned self] result in
            guard history.generation == generation || isFirst else { return refuse(ticket, .rewritten) }
            // What was being written meanwhile looks damaged, or is the file of before.
            let isStable = history.writes == writes && !wasWriting
            guard isStable || (history.generation == generation && !Self.tellsProblems(result)) else {
                guard !history.isUnderWay else { return history.held.append((request, ticket, waiting, openDay)) }
                return read(request, for: ticket, waiting: waiting, openDay: openDay)
            }
            complete(ticket, result)
        }
    }

    private static func tellsProblems(_ result: Result<LedgerHistory.Reply, Refusal>) -> Bool {
        switch result {
        case .success(let page): !page.problems.isEmpty
        case .failure: true
        }
    }

    private func tell(
        _ outcome: HistoryWriter.Outcome, before last: WritableKeyPath<HistoryWriting, StorageError?>
    ) {
        for damage in outcome.damage { delegate?.note(.historyDamaged(damage)) }
        if outcome.lost > 0 { delegate?.note(.historyFull(records: outcome.lost)) }
        if let error = outcome.failure {
            history.retryAt = moment.now + 1_000
            if history[keyPath: last] != error { delegate?.note(.historyFailed(error)) }
        } else if history[keyPath: last] != nil {
            delegate?.note(.historyAgain)
        }
        history[keyPath: last] = outcome.failure
    }
}
