import Glibc

/// The sync of a journal. One object serves all syncs, so that a sync allocates nothing.
///
/// It is `Sendable` because only one thread uses it at a time. From `begin` on, that is the thread that runs it. After
/// its end it is the journal's thread again. The handovers order the two.
package final class JournalSync<Files: JournalStorage>: @unchecked Sendable {
    private let files: Files
    private var active: Files.Segment?
    /// Complete segments that are not synced yet. There are hardly ever any.
    private var complete: [Files.Segment] = []
    private var includesDirectory = false
    /// The sequence to mark as synced, and the file of marks.
    private var sequence: UInt64?
    private var marks: SyncMarks<Files.Segment>?
    /// The error of the last run. Nil if it succeeded.
    package private(set) var failure: StorageError?
    /// How long the last run took, in nanoseconds.
    package private(set) var nanoseconds: Int64 = 0

    init(_ files: Files) { self.files = files }

    func begin(
        _ active: Files.Segment?, _ complete: inout [Files.Segment], withDirectory: Bool,
        marking sequence: UInt64?, in marks: SyncMarks<Files.Segment>?
    ) {
        self.active = active
        self.sequence = sequence
        self.marks = marks
        includesDirectory = withDirectory
        guard !complete.isEmpty else { return }
        self.complete = complete
        complete = []
    }

    /// Syncs the segments and writes the mark. Run it on another thread, because it waits for the disk. Then `failure`
    /// tells the result.
    ///
    /// A segment or directory that was deleted or replaced is a failure too, because no start would find the entries
    /// there.
    package func run() {
        let begun = Self.monotonicNanoseconds
        defer { nanoseconds = Self.monotonicNanoseconds - begun }
        do throws(StorageError) {
            for segment in complete { try segment.sync() }
            try active?.sync()
            if includesDirectory { try files.syncDirectory() }
            try active?.checkPlace()
            if let marks, let sequence { try marks.write(sequence) }
            failure = nil
        } catch { failure = error }
        active = nil
        marks = nil
        if !complete.isEmpty { complete = [] }
    }

    private static var monotonicNanoseconds: Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
