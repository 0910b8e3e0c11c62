/// How far an input has come.
enum Watermark: Sendable, Comparable {
    /// The state has it. It is lost with the process.
    case applied
    /// It survives the death of the process.
    case written
    /// It survives power loss.
    case synced
}

/// The last inputs that have come that far, with all before them.
struct Watermarks: Sendable, Equatable {
    var written: UInt64
    var synced: UInt64

    /// Whether an input has come so far.
    func has(_ watermark: Watermark, reached sequence: UInt64) -> Bool {
        switch watermark {
        case .applied: true
        case .written: sequence <= written
        case .synced: sequence <= synced
        }
    }
}

/// Where the inputs are: in the state, in the journal's files, on the disk, in a snapshot.
///
/// What the files hold after a gap does not count: a start uses it only with a snapshot from after the gap.
struct Progress: Sendable {
    /// The last input that was applied.
    private(set) var applied: UInt64
    /// The last one that changed more than the time. Time alone is no reason for a snapshot.
    private(set) var lastChange: UInt64
    /// The last one that the journal's files hold.
    private(set) var appended: UInt64
    /// The last one of these that is on the disk.
    private(set) var flushed: UInt64
    /// The last one before the first gap that is open.
    private var gap = UInt64.max
    /// The last one of the snapshot that a start would begin with, if the files alone tell it less.
    private var base: UInt64

    /// - Parameters:
    ///   - sequence: the last input that was recovered; all are on the disk
    ///   - journaled: the last one of them that the journal's files hold
    init(sequence: UInt64, journaled: UInt64) {
        applied = sequence
        lastChange = sequence
        base = sequence
        appended = journaled
        flushed = journaled
    }

    var watermarks: Watermarks {
        Watermarks(written: max(base, min(appended, gap)), synced: max(base, min(flushed, gap)))
    }

    /// The last input of the files that a start would use without another snapshot.
    var useful: UInt64 { min(appended, gap) }

    mutating func apply(_ sequence: UInt64) {
        applied = sequence
        lastChange = sequence
    }

    /// Tells that what was applied after `sequence` has changed the time alone.
    mutating func timeAlone(since sequence: UInt64) { lastChange = sequence }

    mutating func append(upTo sequence: UInt64) { appended = sequence }
    mutating func flush(upTo sequence: UInt64) { flushed = max(flushed, sequence) }

    /// What follows `sequence` is not continued by the files.
    mutating func openGap(after sequence: UInt64) { gap = min(gap, sequence) }

    /// A snapshot from after the gap is on the disk.
    ///
    /// - Parameter isClosed: whether the files continue it
    mutating func begin(withSnapshot sequence: UInt64, isClosed: Bool) {
        base = max(base, sequence)
        if isClosed { gap = .max }
    }
}
