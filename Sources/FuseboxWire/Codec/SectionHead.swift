/// The kind and the version of a section, or of a part of one, in a file.
public struct SectionHead: Sendable, Equatable {
    /// The section's number.
    public var kind: UInt32
    /// The version of its records.
    public var version: UInt32

    /// The head of a section of this kind, with records of this version.
    public init(kind: UInt32, version: UInt32) {
        self.kind = kind
        self.version = version
    }
}
