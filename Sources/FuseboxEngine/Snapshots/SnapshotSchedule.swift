import FuseboxCore
import FuseboxStore
import FuseboxWire

/// When snapshots are taken, and which requests wait for one.
struct SnapshotSchedule {
    let intervalMilliseconds: Int64
    private(set) var newest: SnapshotInfo?
    private(set) var failure = ""
    /// Whether the last snapshot was written but could not be loaded. An early retry would give the same result and
    /// take as long.
    private var wasRefused = false
    private(set) var isWriting = false
    private var lastAttempt: Timestamp
    /// The work of a replay since the newest capture: the bytes of the entries, and the processor time of the turns
    /// that changed the state, counted up to the input `timed`.
    private(set) var journaledBytes = 0
    private var replayNanoseconds: Int64 = 0
    private var timed: UInt64 = 0
    private var waiting: [Ticket] = []
    private var served: [Ticket] = []

    init(intervalMilliseconds: Int64, newest: SnapshotInfo?, at now: Timestamp) {
        self.intervalMilliseconds = intervalMilliseconds
        self.newest = newest
        lastAttempt = now
    }

    /// Asks for a snapshot that is captured after this.
    mutating func request(_ ticket: Ticket) { waiting.append(ticket) }

    /// Whether a request waits for a snapshot.
    var hasRequests: Bool { !waiting.isEmpty }

    mutating func noteJournaled(bytes: Int) { journaledBytes += bytes }

    /// Notes the processor time of a turn that ended with the input `sequence`. A turn that changed nothing does not
    /// count, because a replay does not repeat it.
    mutating func noteTurn(processorNanoseconds: Int64, upTo sequence: UInt64) {
        guard sequence != timed else { return }
        timed = sequence
        replayNanoseconds += processorNanoseconds
    }

    /// Whether a snapshot is due now.
    ///
    /// - Parameters:
    ///   - lastChange: the newest input that changed more than the time
    ///   - isUrgent: whether the journal cannot continue without a snapshot
    func isDue(lastChange: UInt64, isUrgent: Bool, at now: Timestamp) -> Bool {
        guard !isWriting else { return false }
        if hasRequests { return true }
        let patience = wasRefused ? intervalMilliseconds : min(Bounds.snapshotRetryMilliseconds, intervalMilliseconds)
        let hasGrown = journaledBytes > Bounds.journalBetweenSnapshots || replayNanoseconds > Bounds.replayNanoseconds
        if isUrgent || hasGrown, now - lastAttempt >= patience { return true }
        return lastChange > newest?.sequence ?? 0 && now - lastAttempt >= intervalMilliseconds
    }

    mutating func begin(at now: Timestamp) {
        isWriting = true
        lastAttempt = now
        journaledBytes = 0
        replayNanoseconds = 0
        served = waiting
        waiting = []
    }

    /// Ends the attempt. Returns the requests that it answers.
    mutating func end(_ result: Result<SnapshotInfo, SnapshotFailure>) -> [Ticket] {
        isWriting = false
        switch result {
        case .success(let info):
            newest = info
            failure = ""
            wasRefused = false
        case .failure(let error):
            failure = error.description
            wasRefused = if case .damaged = error { true } else { false }
        }
        defer { served = [] }
        return served
    }
}
