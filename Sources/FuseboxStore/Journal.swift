import FuseboxWire

/// A directory that can hold a journal.
public protocol JournalStorage: Storage {
    associatedtype Segment: JournalFile

    /// Creates a file of this length with its space reserved: writing within it does not run out of space.
    func createSegment(_ name: String, length: Int) throws(StorageError) -> Segment
    /// Opens a file to go on writing in it.
    func openSegment(_ name: String) throws(StorageError) -> Segment
}

/// A segment's file.
public protocol JournalFile: AnyObject, Sendable {
    /// Writes all of the bytes at an offset. Called by one thread.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StorageError)
    /// Makes what was written survive power loss. May run beside `write`.
    func sync() throws(StorageError)
}

/// The name of a segment's file: the sequence of its first entry in twenty digits.
public struct JournalName: Sendable, Hashable {
    public let firstSequence: UInt64

    private static let prefix = "journal-"
    private static let suffix = ".fusebox"

    public init(firstSequence: UInt64) { self.firstSequence = firstSequence }

    /// Nil if it is no segment's.
    public init?(file: String) {
        guard file.hasPrefix(Self.prefix), file.hasSuffix(Self.suffix) else { return nil }
        let digits = file.dropFirst(Self.prefix.count).dropLast(Self.suffix.count)
        guard digits.utf8.count == 20, let sequence = UInt64(digits) else { return nil }
        firstSequence = sequence
    }

    public var file: String {
        let digits = String(firstSequence)
        return Self.prefix + String(repeating: "0", count: 20 - digits.utf8.count) + digits + Self.suffix
    }

    /// When it has been set aside.
    public var damaged: String { file + ".damaged" }
}

/// The journal that is being written: its last segment and, when there is one, a spare to go on in.
///
/// It is used on one thread, but for what `syncTask` and `spareTask` return, which run elsewhere.
public struct Journal<Files: JournalStorage>: ~Copyable {
    /// A segment that is being written.
    private struct Active {
        let name: JournalName
        let file: Files.Segment
        var offset: Int
    }

    /// A segment that was prepared and has neither a header nor its name.
    public struct Spare: Sendable {
        let file: Files.Segment
    }

    /// The name that a segment has before its first entry is known.
    static var spareName: String { "journal-spare.fusebox" }

    public let files: Files
    public let epoch: UInt64
    public let segmentLength: Int
    private var active: Active
    private var spare: Spare?
    /// Segments that are complete and may not be on the disk yet.
    private var unsynced: [Files.Segment] = []
    /// Bytes in entries since the last snapshot, to know when the next is due.
    public private(set) var length = 0
}
