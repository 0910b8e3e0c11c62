/// What has become of the reports that a client could not deliver before it was closed.
public struct Spooling: Sendable, Equatable {
    /// How many were left in the spool.
    public var reports = 0
    /// The file that holds them; the first, if they fill several.
    public var file: String?
    /// Why they could not be left there, or some of them; nil: they were, or there were none.
    public var failure: String?

    /// None were left.
    public init() {}
}
