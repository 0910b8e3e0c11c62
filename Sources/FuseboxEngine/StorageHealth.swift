import FuseboxWire

/// How the journal's storage does, as its owner tells it: for status.
public struct StorageHealth: Sendable {
    /// Why there is no room for the next segment of the journal; nil if there is.
    public internal(set) var shortage: String?
    /// When the journal was last synced, on the steady clock; or when this life of the daemon began, which
    /// finds all of it on the disk; nil without a journal.
    public internal(set) var lastSync: Timestamp?
    /// The bytes of entries that the segment at hand takes, as of the beginning of this turn; 0 without a journal.
    public internal(set) var room = 0
}
