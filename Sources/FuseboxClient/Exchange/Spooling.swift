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

extension Spooling: CustomStringConvertible {
    /// How many reports were left and where, and why others were not, as a sentence.
    public var description: String {
        let left = file.map { "reports left: \(reports), in \($0)" } ?? "no reports were left"
        return left + (failure.map { "; reports are lost: \($0)" } ?? "")
    }
}
