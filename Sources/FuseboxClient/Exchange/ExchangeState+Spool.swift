import FuseboxWire

/// What has become of the reports that a client could not deliver before it was closed.
public struct Spooling: Sendable, Equatable {
    /// How many were left in the spool.
    public var reports = 0
    /// The file that holds them; the first, if they fill several.
    public var file: String?
    /// Why they could not be left there, or some of them; nil: they were, or there were none.
    public var failure: String?

    /// None were left.
    public init() {}
}

extension ExchangeState {
    /// Ends everything, and gives out the reports that have no reply; nil if there are none, or they are not to be kept.
    ///
    /// A worker that leaves reports says no goodbye: what it has sent must count once when it is sent again.
    mutating func end(isFarewellSaid: Bool, keepsReports: Bool) -> LeftReports? {
        let left = keepsReports && phase != .closed ? takeReports() : nil
        close(isFarewellSaid: isFarewellSaid || left != nil)
        return left
    }

    mutating func noteSpooled(_ count: Int, _ outcome: Result<String, SystemFailure>) {
        switch outcome {
        case .success(let file):
            spooling.reports += count
            spooling.file = spooling.file ?? file
        case .failure(let failure):
            spooling.failure = failure.description
            droppedReports += UInt64(count)
        }
    }

    /// Takes the reports that have no reply, in the order in which they are to be sent. All have their numbers then.
    private mutating func takeReports() -> LeftReports? {
        let numbered = waiters.all.filter { $0.sequence != 0 && isLeft($0) }.sorted { $0.sequence < $1.sequence }
        let waiting = backlog.all.filter { $0.sequence == 0 && isLeft($0) }
        guard !numbered.isEmpty || !waiting.isEmpty else { return nil }
        let reports = (numbered + waiting).map { take($0) }
        queuedReports = 0
        var header = SpoolHeader()
        header.workerHigh = worker.high
        header.workerLow = worker.low
        header.lastSequence = window.next - 1
        header.socket = path
        header.acquaintance = acquaintance?.written
        header.reports = UInt32(reports.count)
        return LeftReports(header: header, reports: reports)
    }

    /// Whether a request is a report that may not have counted, and that its caller has left to the client.
    private func isLeft(_ waiter: Waiter) -> Bool {
        guard waiter.place != .nowhere, Self.reportCommands.contains(waiter.command) else { return false }
        if waiter.isReport { return true }
        // Its caller was told that it counts once at the most, and may have it counted.
        return waiter.outcome != nil && (waiter.mayHaveArrived || waiter.place == .written)
    }

    private static let reportCommands: Set<UInt16> = [
        BreakerSuccess.declaration.number, BreakerFailure.declaration.number, ExhaustionMark.declaration.number,
        LedgerRecord.declaration.number, Settle.declaration.number, Report.declaration.number,
    ]

    private mutating func take(_ waiter: Waiter) -> SpoolReport {
        var report = SpoolReport()
        report.sequence = waiter.sequence != 0 ? waiter.sequence : window.issue()
        report.command = waiter.command
        report.payload = Bytes(waiter.request.bytes)
        report.mayHaveLeft = waiter.mayHaveArrived || waiter.place == .written
        if let substitute = waiter.substitute {
            report.permitEpoch = substitute.epoch
            report.substitute = Bytes(substitute.report)
        }
        if waiter.place == .backlog { backlog.remove(waiter) }
        waiter.place = .nowhere
        settle(waiter)
        if waiter.outcome == nil { complete(waiter, .queued) }
        reclaim(waiter)
        return report
    }
}
