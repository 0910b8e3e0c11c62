import FuseboxWire

// A snapshot file is a header, sections, and a trailer. All numbers are little-endian.
//
//   header    magic "FUSEBOXS", then a `SnapshotHeader`, then the CRC-32C of both
//   section   kind u32, length u32, `length` bytes, then the CRC-32C of kind, length and bytes
//   trailer   a section of the kind `trailer` whose bytes are the number of sections before it (u32) and the
//             CRC-32C of the whole file before the trailer (u32)
//
// A file without its trailer, or with anything after it, is damaged.

/// What a snapshot says of itself before its sections.
public struct SnapshotHeader: WireRecord {
    /// The version of the format that this code writes, and the only one it reads.
    public static let currentVersion: UInt32 = 1
    static let magic: [UInt8] = Array("FUSEBOXS".utf8)

    public var version: UInt32 = SnapshotHeader.currentVersion
    public var epoch: UInt64 = 0
    public var sequence: UInt64 = 0
    public var now = Timestamp(milliseconds: 0)
    public var wall = Timestamp(milliseconds: 0)
    public var profile: Profile = .fusebox

    public init() {}

    public init(epoch: UInt64, sequence: UInt64, moment: Moment, profile: Profile) {
        self.epoch = epoch
        self.sequence = sequence
        now = moment.now
        wall = moment.wall
        self.profile = profile
    }

    public var moment: Moment { Moment(now: now, wall: wall) }

    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("version", &version, "of the format: 1")
        try visitor.field("epoch", &epoch, "the life of the state: the same after a restart, another after a restore")
        try visitor.field("sequence", &sequence, "state changes that the snapshot holds")
        try visitor.field("now", &now, "the steady clock when the state was captured")
        try visitor.field("wall", &wall, "the wall clock when the state was captured")
        try visitor.field("profile", &profile, "the semantics in force")
    }
}

/// What is wrong with a snapshot's bytes.
public enum SnapshotDamage: Error, Sendable, Equatable, CustomStringConvertible {
    /// It does not begin like a snapshot.
    case notASnapshot
    /// It was written by a version whose format this one does not know.
    case unknownVersion(UInt32)
    /// It ends too early; the offset is where something was missing.
    case truncated(offset: Int)
    /// A checksum does not agree with the bytes that it covers.
    case checksum(offset: Int)
    /// Bytes follow the trailer.
    case trailingBytes(offset: Int)
    /// A section's checksum is right and its contents are not.
    case contents(offset: Int, Refusal)
    /// It is good, and not the one that its name tells: it holds so many changes.
    case misnamed(sequence: UInt64)

    /// Where in the file it was found.
    public var offset: Int {
        switch self {
        case .notASnapshot, .misnamed: 0
        case .unknownVersion: 8
        case .truncated(let offset), .checksum(let offset), .trailingBytes(let offset), .contents(let offset, _): offset
        }
    }

    public var description: String {
        switch self {
        case .notASnapshot: "this is not a snapshot of Fusebox: its first bytes are others"
        case .unknownVersion(let version):
            "it has format version \(version), and this program reads version \(SnapshotHeader.currentVersion) only; use the program that wrote it, or a newer one"
        case .truncated(let offset): "it is cut off at byte \(offset)"
        case .checksum(let offset): "the bytes from \(offset) on do not agree with their checksum"
        case .trailingBytes(let offset): "there are bytes after its end, from byte \(offset) on"
        case .contents(let offset, let refusal):
            "the section at byte \(offset) cannot be understood: \(refusal.message)"
        case .misnamed(let sequence): "it is a copy under a wrong name: it holds \(Quantity.count(sequence, "change"))"
        }
    }
}

enum SnapshotSection {
    /// The kind of the section that ends a snapshot.
    static let trailer: UInt32 = .max
    /// Kind and length before its bytes.
    static let headBytes = 8
    static let checksumBytes = 4
}
