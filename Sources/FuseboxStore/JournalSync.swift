/// A sync of a journal: one object for all of them, so that beginning one allocates nothing.
///
/// From `begin` until its end has been told to the journal's thread, only the thread that runs it may touch it; what
/// hands the work over and back orders the two. That is why it may be sent.
public final class JournalSync<Files: JournalStorage>: @unchecked Sendable {
    private let files: Files
    private var active: Files.Segment?
    /// Complete segments that are not on the disk yet: hardly ever any.
    private var complete: [Files.Segment] = []
    private var includesDirectory = false
    /// The sequence that is to be marked as on the disk, and where.
    private var sequence: UInt64?
    private var marks: SyncMarks<Files.Segment>?
    /// What failed in the last run.
    public private(set) var failure: StorageError?

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

    /// Brings it all to the disk. It waits: run it elsewhere. Then `failure` tells how it went.
    ///
    /// What is on the disk where no start would look for it is lost as well: a segment, or a directory, that was deleted or
    /// replaced is a failure.
    public func run() {
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
}
