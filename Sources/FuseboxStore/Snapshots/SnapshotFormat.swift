import FuseboxWire

// A snapshot file is a head, sections, and a trailer. All numbers are little-endian.
//
//   head      64 bytes: a `FileHead` with a `SnapshotHeader`
//   section   kind u32, version u32, length u32, `length` bytes of records, then the CRC-32C of all that
//   trailer   a section of the kind `trailer` whose record is a `SnapshotTrailer`
//
// A file without its trailer, or with bytes after it, is damaged.

/// The header of a snapshot.
package struct SnapshotHeader: HeadRecord {
    /// The first bytes of every snapshot.
    package static let magic: StaticString = "FUSEBOXS"

    /// The epoch of the state. A restart keeps it, a restore changes it.
    package var epoch: UInt64 = 0
    /// The number of state changes in the snapshot.
    package var sequence: UInt64 = 0
    /// The steady clock when the state was captured.
    package var now = Timestamp(milliseconds: 0)
    /// The daemon's date when the state was captured.
    package var wall = Timestamp(milliseconds: 0)
    /// The system's wall clock minus the steady clock when the state was captured, in milliseconds.
    package var lead: Int64 = 0
    /// The profile that the daemon ran under.
    package var profile: Profile = .fusebox

    package init() {}

    /// A header with these values.
    ///
    /// - Parameter lead: nil if the wall clock of the moment is the system's
    package init(epoch: UInt64, sequence: UInt64, moment: Moment, lead: Int64? = nil, profile: Profile) {
        self.epoch = epoch
        self.sequence = sequence
        now = moment.now
        wall = moment.wall
        self.lead = lead ?? moment.wall - moment.now
        self.profile = profile
    }

    /// The moment when the state was captured.
    package var moment: Moment { Moment(now: now, wall: wall) }

    package mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("epoch", &epoch, "the life of the state: the same after a restart, another after a restore")
        try visitor.field("sequence", &sequence, "state changes that the snapshot holds")
        try visitor.field("now", &now, "the steady clock when the state was captured")
        try visitor.field("wall", &wall, "the daemon's date when the state was captured")
        try visitor.field(
            "lead", &lead, "the system's wall clock minus the steady clock when the state was captured, in milliseconds"
        )
        var number = ProfileNumber(profile)
        try visitor.field("profile", &number, "the semantics in force")
        profile = number.profile
    }
}

/// The number of a profile in a file.
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

/// The record in the last section of a snapshot.
package struct SnapshotTrailer: VersionedRecord {
    /// The kind of the last section.
    package static let kind: UInt32 = .max

    /// The number of sections before the trailer.
    package var sections: UInt32 = 0
    /// The CRC-32C of the whole file before the trailer.
    package var checksum: UInt32 = 0

    package init() {}

    init(sections: UInt32, checksum: UInt32) {
        self.sections = sections
        self.checksum = checksum
    }

    package mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("sections", &sections, "the number of sections before it")
        try visitor.field("checksum", &checksum, "the CRC-32C of the whole file before the trailer")
    }
}

/// The damage of a snapshot file.
package enum SnapshotDamage: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file does not begin with the magic of a snapshot.
    case notASnapshot
    /// A newer program wrote the file: the version of its head is unknown.
    case newerVersion(UInt32)
    /// A newer program wrote the file: a section or its version is unknown. The text says which.
    case newerSection(offset: Int, String)
    /// The file ends too early. The offset is where bytes are missing.
    case truncated(offset: Int)
    /// A checksum does not agree with its bytes.
    case checksum(offset: Int)
    /// Bytes follow the trailer.
    case trailingBytes(offset: Int)
    /// A section's checksum agrees, but its contents are invalid.
    case contents(offset: Int, Refusal)
    /// The file is good, but has the wrong name: it holds this number of changes.
    case misnamed(sequence: UInt64)

    /// The offset in bytes at which the damage was found.
    package var offset: Int {
        switch self {
        case .notASnapshot, .misnamed: 0
        case .newerVersion: 8
        case .truncated(let offset), .checksum(let offset), .trailingBytes(let offset), .contents(let offset, _),
            .newerSection(let offset, _):
            offset
        }
    }

    /// Whether the only problem is that a newer program wrote the file.
    package var isNewer: Bool {
        switch self {
        case .newerVersion, .newerSection: true
        case .notASnapshot, .truncated, .checksum, .trailingBytes, .contents, .misnamed: false
        }
    }

    package var description: String {
        switch self {
        case .notASnapshot: "this is not a snapshot of Fusebox: it does not begin like one"
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

/// What surrounds the bytes of a section.
enum SectionFrame {
    /// The bytes of kind, version and length before a section.
    static let headBytes = 12
    static let checksumBytes = 4
}
