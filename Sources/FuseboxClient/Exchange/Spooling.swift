/// What has become of the reports that a client could not deliver before it was closed.
public struct Spooling: Sendable, Equatable {
    /// The number of reports that were left in the spool.
    public var reports = 0
    /// The path of the file with these reports; of the first file, if there are several. Nil: no report was left.
    public var file: String?
    /// Why reports could not be left in the spool, as a sentence. Nil: all were left, or there were none.
    public var failure: String?

    /// No reports.
    public init() {}
}
