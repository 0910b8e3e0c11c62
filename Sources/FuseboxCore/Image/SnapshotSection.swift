import FuseboxWire

/// A section of a snapshot: its declaration, its writer and its reader.
///
/// Each section is one type. The reader and writer of snapshots, the list of kinds and the page in `proto-docs/` derive
/// from these types.
public protocol SnapshotSection<Source, Target>: SendableMetatype {
    /// The records of the section. Their version is the version of the section.
    associatedtype Record: VersionedRecord
    /// The value that is written.
    associatedtype Source
    /// The value that receives the records that are read.
    associatedtype Target

    /// Its number in files. It is never reused for another section.
    static var kind: UInt32 { get }
    /// Its name in errors and in the page.
    static var name: String { get }
    /// One line for the page: which records, in which order.
    static var summary: String { get }

    /// Writes the records of `source`.
    static func write(_ source: Source, to part: inout SectionWriter)
    /// Adds a record that was read.
    ///
    /// - Throws: what is wrong with the record.
    static func add(_ record: Record, to target: inout Target) throws(Refusal)
    /// Adds the records of a section, or of a part of one, in this version or an older one.
    ///
    /// - Throws: what is wrong with the bytes or a record.
    static func read(_ contents: inout ByteReader, version: UInt32, into target: inout Target) throws(Refusal)
}

extension SnapshotSection {
    /// The version that is written, and the highest that is read.
    public static var version: UInt32 { Record.version }

    /// Reads record by record to the end of the contents.
    ///
    /// - Throws: `unsupportedVersion` if the version is newer; otherwise what is wrong with the bytes or a record.
    public static func read(
        _ contents: inout ByteReader, version: UInt32, into target: inout Target
    ) throws(Refusal) {
        while contents.remaining > 0 { try add(try Record.read(version: version, from: &contents), to: &target) }
    }

    /// The kind and version that are written before the records.
    public static var head: SectionHead { SectionHead(kind: kind, version: version) }
}

/// The sections of a value, in the order in which they are written and read.
public struct SectionTable<Source, Target>: Sendable {
    /// A row: the type of the section.
    public typealias Section = any SnapshotSection<Source, Target>.Type

    /// The rows.
    public let sections: [Section]

    /// A table of these rows. No two rows may have the same kind.
    public init(_ sections: [Section]) {
        precondition(Set(sections.map { $0.kind }).count == sections.count, "every section has a kind of its own")
        self.sections = sections
    }

    /// Calls `body` with the head and the records of every section, in the order of the table.
    ///
    /// A long section comes in several parts with the same head, so that memory stays bounded. A section without
    /// records is left out.
    ///
    /// - Throws: what `body` throws. It is then not called again.
    public func forEachPart<Failure: Error>(
        of source: Source, _ body: (SectionHead, borrowing ByteWriter) throws(Failure) -> Void
    ) throws(Failure) {
        var failure: Failure?
        withoutActuallyEscaping(body) { body in
            for section in sections where failure == nil {
                var part = SectionWriter(section.head) { head, records in
                    do throws(Failure) { try body(head, records) } catch { failure = error }
                    return failure == nil
                }
                section.write(source, to: &part)
                part.end()
            }
        }
        if let failure { throw failure }
    }

    /// Reads a section, or a part of one, if its kind is in the table.
    ///
    /// - Returns: whether the kind is in the table
    /// - Throws: `unsupportedVersion` if a newer program wrote the section; otherwise what is wrong with its records.
    public func read(
        _ head: SectionHead, _ contents: inout ByteReader, into target: inout Target
    ) throws(Refusal) -> Bool {
        guard let section = sections.first(where: { $0.kind == head.kind }) else { return false }
        guard head.version <= section.version else {
            throw Refusal(
                .unsupportedVersion,
                "the section \(section.name) (kind \(head.kind)) has version \(head.version), and this program reads versions up to \(section.version)"
            )
        }
        do throws(Refusal) { try section.read(&contents, version: head.version, into: &target) } catch {
            throw Refusal(error.status, "\(section.name): \(error.message)")
        }
        return true
    }
}

/// Collects the records of a section and passes them on in parts.
public struct SectionWriter: ~Copyable {
    private let head: SectionHead
    /// Receives a part. Returns whether more parts are wanted.
    private let take: (SectionHead, borrowing ByteWriter) -> Bool
    @usableFromInline var writer = ByteWriter(capacity: 4096)
    @usableFromInline var isWanted = true

    init(_ head: SectionHead, _ take: @escaping (SectionHead, borrowing ByteWriter) -> Bool) {
        self.head = head
        self.take = take
    }

    /// Adds a record, and passes a part on once it has `Bounds.sectionPartBytes`.
    @inlinable
    public mutating func add(_ record: some VersionedRecord) {
        guard isWanted else { return }
        record.encode(into: &writer)
        if writer.count >= Bounds.sectionPartBytes { end() }
    }

    @usableFromInline
    mutating func end() {
        guard !writer.isEmpty else { return }
        isWanted = take(head, writer)
        writer.removeAll()
    }
}
