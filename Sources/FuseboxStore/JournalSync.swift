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
    /// Where the end is to be marked, and up to which sequence.
    private var mark: (marks: SyncMarks<Files.Segment>, sequence: UInt64)?
    /// What failed in the last run.
    public private(set) var failure: StorageError?

    init(_ files: Files) { self.files = files }

    func begin(
        _ active: Files.Segment?, _ complete: inout [Files.Segment], withDirectory: Bool,
        marking mark: (marks: SyncMarks<Files.Segment>, sequence: UInt64)?
    ) {
        self.active = active
        self.mark = mark
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
            if let mark { try mark.marks.write(mark.sequence) }
            failure = nil
        } catch { failure = error }
        active = nil
        mark = nil
        if !complete.isEmpty { complete = [] }
    }
}
