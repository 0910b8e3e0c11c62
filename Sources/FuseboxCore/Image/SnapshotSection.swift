import FuseboxWire

/// A section of a snapshot: its declaration, how it is written, and what becomes of its records.
///
/// It is declared once. Writer, reader, the list of kinds and the page in `proto-docs/` derive from it.
public protocol SnapshotSection<Source, Target>: SendableMetatype {
    /// What the section consists of. Its version is the section's.
    associatedtype Record: VersionedRecord
    /// What it is written from.
    associatedtype Source
    /// What it is read into.
    associatedtype Target

    /// Its number in files, never used again for another section.
    static var kind: UInt32 { get }
    /// Its name in errors and in the page.
    static var name: String { get }
    /// One line for the page: which records, in which order.
    static var summary: String { get }

    /// Writes its records.
    static func write(_ source: Source, to part: inout SectionWriter)
    /// Takes a record.
    static func add(_ record: Record, to target: inout Target) throws(Refusal)
    /// Takes the records of a section, or of a part of one, of this version or an older one.
    static func read(_ contents: inout ByteReader, version: UInt32, into target: inout Target) throws(Refusal)
}

extension SnapshotSection {
    /// The version that is written, and the highest that is read.
    public static var version: UInt32 { Record.version }

    public static func read(
        _ contents: inout ByteReader, version: UInt32, into target: inout Target
    ) throws(Refusal) {
        while contents.remaining > 0 { try add(try Record.read(version: version, from: &contents), to: &target) }
    }

    /// What a section says of itself before its records.
    public static var head: SectionHead { SectionHead(kind: kind, version: version) }
}

/// The sections that one value is written in, in the order in which they are written.
public struct SectionTable<Source, Target>: Sendable {
    /// A row: the type that declares the section.
    public typealias Section = any SnapshotSection<Source, Target>.Type

    /// The rows.
    public let sections: [Section]

    /// A table of these rows. No two have the same kind.
    public init(_ sections: [Section]) {
        precondition(Set(sections.map { $0.kind }).count == sections.count, "every section has a kind of its own")
        self.sections = sections
    }

    /// Calls `body` with every section: its head and its records, one after the other.
    ///
    /// A long section comes in parts, so that memory stays bounded.
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

    /// Reads a section, or a part of one, if the table has it.
    ///
    /// - Returns: whether it has
    /// - Throws: `unsupportedVersion` if a newer program wrote it; what is wrong with its records
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

/// Collects the records of a section and hands them on in parts.
public struct SectionWriter: ~Copyable {
    private let head: SectionHead
    /// Takes a part, and says whether more is wanted.
    private let take: (SectionHead, borrowing ByteWriter) -> Bool
    @usableFromInline var writer = ByteWriter(capacity: 4096)
    @usableFromInline var isWanted = true

    init(_ head: SectionHead, _ take: @escaping (SectionHead, borrowing ByteWriter) -> Bool) {
        self.head = head
        self.take = take
    }

    /// Adds a record.
    @inlinable
    public mutating func add(_ record: some VersionedRecord) {
        guard isWanted else { return }
        record.encode(into: &writer)
        if writer.count >= Limits.sectionPartBytes { end() }
    }

    @usableFromInline
    mutating func end() {
        guard !writer.isEmpty else { return }
        isWanted = take(head, writer)
        writer.removeAll()
    }
}
