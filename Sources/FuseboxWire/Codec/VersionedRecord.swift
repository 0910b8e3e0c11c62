/// A version of a record in a file, and all versions before it.
public protocol RecordVersion: Sendable {
    /// Its number: 1 is the first.
    static var version: UInt32 { get }

    /// Reads a record that was written in this version or an older one. An older record is brought forward.
    ///
    /// - Throws: `unsupportedVersion` if the version is newer; what is wrong with the bytes
    static func read(version: UInt32, from reader: inout ByteReader) throws(Refusal) -> Self
}

/// A record in a file: the version that is written now.
///
/// Versions form a chain. When the bytes of a record have to change, the type of today is renamed (`MarkImageV1`) and
/// stays as it is. The new type takes its place, names it as `Earlier`, and says in `init(bringingForward:)` what its own
/// fields are where an earlier record is read. Its version is the next number by itself.
///
/// Such a record is apart from the wire's: a reply can grow without touching a file, and a file without touching a reply.
public protocol VersionedRecord: WireRecord, RecordVersion {
    /// The version before this one; `Never` before the first.
    associatedtype Earlier: RecordVersion = Never

    /// What a record of the version before means in this one.
    init(bringingForward earlier: Earlier)
}

extension VersionedRecord {
    @inlinable public static var version: UInt32 { Earlier.version + 1 }

    @inlinable
    public static func read(version: UInt32, from reader: inout ByteReader) throws(Refusal) -> Self {
        guard version == Self.version else { return try readEarlier(version: version, from: &reader) }
        var record = Self()
        try record.decode(from: &reader)
        return record
    }

    @usableFromInline @inline(never)
    static func readEarlier(version: UInt32, from reader: inout ByteReader) throws(Refusal) -> Self {
        guard version < Self.version else {
            throw Refusal(.unsupportedVersion, "version \(version) is above \(Self.version), the highest that is known")
        }
        return Self(bringingForward: try Earlier.read(version: version, from: &reader))
    }
}

extension VersionedRecord where Earlier == Never {
    public init(bringingForward earlier: Never) { switch earlier {} }
}

/// What is before the first version: nothing.
extension Never: RecordVersion {
    @inlinable public static var version: UInt32 { 0 }

    public static func read(version: UInt32, from reader: inout ByteReader) throws(Refusal) -> Never {
        throw Refusal(.damagedData, "no record has the version \(version)")
    }
}
