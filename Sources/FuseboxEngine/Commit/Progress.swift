/// How far an input has come on its way to disk.
enum Watermark: Sendable, Comparable {
    /// The input is in the state. It is lost with the process.
    case applied
    /// The input survives the death of the process.
    case written
    /// The input survives power loss.
    case synced
}

/// The last inputs that are written and synced, with all inputs before them.
struct Watermarks: Sendable, Equatable {
    var written: UInt64
    var synced: UInt64

    /// Whether an input has reached a watermark.
    func has(_ watermark: Watermark, reached sequence: UInt64) -> Bool {
        switch watermark {
        case .applied: true
        case .written: sequence <= written
        case .synced: sequence <= synced
        }
    }
}

/// Where the inputs are: in the state, in the journal's files, on disk, in a snapshot.
///
/// Entries after a gap do not count, because a start uses them only with a snapshot from after the gap.
struct Progress: Sendable {
    /// The last input that was applied.
    private(set) var applied: UInt64
    /// The last input that changed more than the time. A snapshot is not taken for the time alone.
    private(set) var lastChange: UInt64
    /// The last input in the journal's files.
    private(set) var appended: UInt64
    /// The last input in the journal's files that is synced.
    private(set) var flushed: UInt64
    /// The last input before the first open gap.
    private var gap = UInt64.max
    /// The last input that was recovered at the start, or that a snapshot from after a gap holds. All inputs up to it
    /// are on disk.
    private var base: UInt64

    /// The progress at a start.
    ///
    /// - Parameters:
    ///   - sequence: the last input that was recovered; all of them are on disk
    ///   - journaled: the last input in the journal's files
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

    /// The last input in the files that a start would use without another snapshot.
    var useful: UInt64 { min(appended, gap) }

    mutating func apply(_ sequence: UInt64) {
        applied = sequence
        lastChange = sequence
    }

    /// Notes that the inputs after `sequence` have changed the time alone.
    mutating func timeAlone(since sequence: UInt64) { lastChange = sequence }

    mutating func append(upTo sequence: UInt64) { appended = sequence }
    mutating func flush(upTo sequence: UInt64) { flushed = max(flushed, sequence) }

    /// Notes a gap: the input after `sequence` is in no file.
    mutating func openGap(after sequence: UInt64) { gap = min(gap, sequence) }

    /// Notes that a snapshot from after the gap is on disk.
    ///
    /// - Parameter isClosed: whether the journal's files continue the snapshot, so that the gap is closed
    mutating func begin(withSnapshot sequence: UInt64, isClosed: Bool) {
        base = max(base, sequence)
        if isClosed { gap = .max }
    }
}
