import FuseboxWire

// A snapshot file is a head, sections, and a trailer. All numbers are little-endian.
//
//   head      64 bytes: a `FileHead` with a `SnapshotHeader`
//   section   kind u32, version u32, length u32, `length` bytes of records, then the CRC-32C of all that
//   trailer   a section of the kind `trailer` whose record is a `SnapshotTrailer`
//
// A file without its trailer, or with anything after it, is damaged.

/// What a snapshot says of itself before its sections.
public struct SnapshotHeader: HeadRecord {
    /// The first bytes of every snapshot.
    public static let magic: StaticString = "FUSEBOXS"

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
        try visitor.field("epoch", &epoch, "the life of the state: the same after a restart, another after a restore")
        try visitor.field("sequence", &sequence, "state changes that the snapshot holds")
        try visitor.field("now", &now, "the steady clock when the state was captured")
        try visitor.field("wall", &wall, "the wall clock when the state was captured")
        var number = ProfileNumber(profile)
        try visitor.field("profile", &number, "the semantics in force")
        profile = number.profile
    }
}

/// The semantics in force, in a file.
enum ProfileNumber: UInt8, ClosedEnumeration {
    case fusebox = 0
    case llmProviders = 1

    init(_ profile: Profile) {
        self =
            switch profile {
            case .fusebox: .fusebox
            case .llmProviders: .llmProviders
            case .unknown: preconditionFailure("a daemon runs under a known profile")
            }
    }

    var profile: Profile {
        switch self {
        case .fusebox: .fusebox
        case .llmProviders: .llmProviders
        }
    }
}

/// What the section says that ends a snapshot.
public struct SnapshotTrailer: VersionedRecord {
    /// The kind of its section.
    public static let kind: UInt32 = .max

    public var sections: UInt32 = 0
    public var checksum: UInt32 = 0

    public init() {}

    init(sections: UInt32, checksum: UInt32) {
        self.sections = sections
        self.checksum = checksum
    }

    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("sections", &sections, "the number of sections before it")
        try visitor.field("checksum", &checksum, "the CRC-32C of the whole file before the trailer")
    }
}

/// What is wrong with a snapshot's bytes.
public enum SnapshotDamage: Error, Sendable, Equatable, CustomStringConvertible {
    /// It does not begin like a snapshot.
    case notASnapshot
    /// A newer program wrote it: the version of its head is not known.
    case newerVersion(UInt32)
    /// A newer program wrote it: a section, or its version, is not known. The text says which.
    case newerSection(offset: Int, String)
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
        case .newerVersion: 8
        case .truncated(let offset), .checksum(let offset), .trailingBytes(let offset), .contents(let offset, _),
            .newerSection(let offset, _):
            offset
        }
    }

    /// Whether nothing is wrong with it but that a newer program wrote it.
    public var isNewer: Bool {
        switch self {
        case .newerVersion, .newerSection: true
        case .notASnapshot, .truncated, .checksum, .trailingBytes, .contents, .misnamed: false
        }
    }

    public var description: String {
        switch self {
        case .notASnapshot: "this is not a snapshot of Fusebox: its first bytes are others"
        case .newerVersion(let version):
            "its head has format version \(version), and this program reads versions up to \(SnapshotHeader.version); use the program that wrote it, or a newer one"
        case .newerSection(let offset, let what):
            "at byte \(offset), \(what); use the program that wrote it, or a newer one"
        case .truncated(let offset): "it is cut off at byte \(offset)"
        case .checksum(let offset): "the bytes from \(offset) on do not agree with their checksum"
        case .trailingBytes(let offset): "there are bytes after its end, from byte \(offset) on"
        case .contents(let offset, let refusal):
            "the section at byte \(offset) cannot be understood: \(refusal.message)"
        case .misnamed(let sequence): "it is a copy under a wrong name: it holds \(Quantity.count(sequence, "change"))"
        }
    }
}

enum SectionFrame {
    /// Kind, version and length before its bytes.
    static let headBytes = 12
    static let checksumBytes = 4
}
