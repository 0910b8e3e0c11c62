/// A version of a record in a file. It also reads every version before it.
public protocol RecordVersion: Sendable {
    /// Its number: 1 is the first.
    static var version: UInt32 { get }

    /// Reads a record that was written in this version or an older one. An older record is brought forward.
    ///
    /// - Throws: `unsupportedVersion` if the version is newer; otherwise what is wrong with the bytes.
    static func read(version: UInt32, from reader: inout ByteReader) throws(Refusal) -> Self
}

/// A record in a file, in the version that is written now.
///
/// Versions form a chain. To change the bytes of a record, rename its type (to `MarkImageV1`, for instance) and leave
/// it otherwise as it is. The new type takes the old name, declares the old type as `Earlier`, and derives its fields
/// from an earlier record in `init(bringingForward:)`. Its version number follows from the chain.
///
/// Records of files are separate from those of the wire. A reply can grow without changing a file, and a file without
/// changing a reply.
public protocol VersionedRecord: WireRecord, RecordVersion {
    /// The version before this one; `Never` before the first.
    associatedtype Earlier: RecordVersion = Never

    /// The record of this version that means the same as a record of the version before.
    init(bringingForward earlier: Earlier)
}

extension VersionedRecord {
    /// The number after that of `Earlier`.
    @inlinable public static var version: UInt32 { Earlier.version + 1 }

    /// Reads a record of this version, or brings an earlier one forward.
    ///
    /// - Throws: `unsupportedVersion` if the version is newer; otherwise what is wrong with the bytes.
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
    /// Is never called: the first version has no earlier one.
    public init(bringingForward earlier: Never) { switch earlier {} }
}

/// The end of the chain of versions. It has no records.
extension Never: RecordVersion {
    /// 0: the first version is 1.
    @inlinable public static var version: UInt32 { 0 }

    /// Reads nothing.
    ///
    /// - Throws: `damagedData`, because no record has version 0.
    public static func read(version: UInt32, from reader: inout ByteReader) throws(Refusal) -> Never {
        throw Refusal(.damagedData, "no record has the version \(version)")
    }
}
