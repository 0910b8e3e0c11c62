import FuseboxWire
import Testing

@testable import FuseboxCore

/// A section that was changed twice: each version is read beside the newer ones, and brought forward.
struct SnapshotSectionTests {
    private static let first = SectionTable<[Visitor], [Visitor]>([FirstSection.self])
    private static let second = SectionTable<[Visitor], [Visitor]>([SecondSection.self])
    private static let third = SectionTable<[Visitor], [Visitor]>([ThirdSection.self])

    private let visitors = [Visitor(name: name("ada"), visits: 3), Visitor(name: name("bob"), visits: 40_000)]

    /// The section as a table writes it.
    private func written(
        _ visitors: [Visitor], by table: SectionTable<[Visitor], [Visitor]>
    ) -> [(head: SectionHead, bytes: [UInt8])] {
        var parts: [(head: SectionHead, bytes: [UInt8])] = []
        table.forEachPart(of: visitors) { (head: SectionHead, records: borrowing ByteWriter) in
            parts.append((head, records.bytes))
        }
        return parts
    }

    private func read(
        _ parts: [(head: SectionHead, bytes: [UInt8])], by table: SectionTable<[Visitor], [Visitor]>
    ) throws(Refusal) -> [Visitor] {
        var visitors: [Visitor] = []
        for part in parts {
            let result = part.bytes.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                return Result { () throws(Refusal) in try table.read(part.head, &reader, into: &visitors) }
            }
            guard try result.get() else { throw Refusal(.notFound, "the table has no section \(part.head.kind)") }
        }
        return visitors
    }

    @Test func theVersionIsTheNumberOfTheRecordInItsChainAndTheHeadHasIt() {
        #expect([VisitorImageV1.version, VisitorImageV2.version, VisitorImage.version] == [1, 2, 3])
        #expect(written(visitors, by: Self.first).map(\.head) == [SectionHead(kind: 99, version: 1)])
        #expect(written(visitors, by: Self.third).map(\.head) == [SectionHead(kind: 99, version: 3)])
    }

    @Test func whatIsWrittenIsRead() throws {
        #expect(try read(written(visitors, by: Self.third), by: Self.third) == visitors)
    }

    @Test func anOlderSectionIsBroughtForwardOverEveryVersionBetween() throws {
        // Version 1 counted visits in one byte, and version 2 had no home.
        #expect(
            try read(written(visitors, by: Self.first), by: Self.third)
                == [Visitor(name: name("ada"), visits: 3), Visitor(name: name("bob"), visits: 255)])
        #expect(try read(written(visitors, by: Self.first), by: Self.second).map(\.visits) == [3, 255])
        #expect(try read(written(visitors, by: Self.second), by: Self.third) == visitors)
    }

    @Test func aNewerSectionIsRefusedByItsVersionBeforeItsRecordsAreLookedAt() {
        for bytes in [written(visitors, by: Self.third)[0].bytes, [], [1, 2, 3]] {
            let refused = refusal { () throws(Refusal) in
                _ = try read([(SectionHead(kind: 99, version: 3), bytes)], by: Self.second)
            }
            #expect(refused?.status == .unsupportedVersion)
            #expect(
                refused?.message
                    == "the section visitors (kind 99) has version 3, and this program reads versions up to 2")
        }
    }

    @Test func noSectionHasTheVersion0AndAnOlderOneWithWrongBytesIsDamaged() {
        for (version, bytes) in [(0, [1]), (1, [3])] as [(UInt32, [UInt8])] {
            let refused = refusal { () throws(Refusal) in
                _ = try read([(SectionHead(kind: 99, version: version), bytes)], by: Self.third)
            }
            #expect(refused != nil && refused?.status != .unsupportedVersion, "version \(version)")
        }
    }

    @Test func aSectionOfAnotherKindIsNotTheTables() throws {
        var visitors: [Visitor] = []
        let isRead = try [UInt8]().withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            return try Self.third.read(SectionHead(kind: 98, version: 9), &reader, into: &visitors)
        }
        #expect(!isRead)
    }

    @Test func aLongSectionComesInPartsAndNothingIsWrittenAfterAFailure() {
        let many = Array(repeating: Visitor(name: name("somebody with a long name"), visits: 1), count: 20_000)
        let parts = written(many, by: Self.third)
        #expect(parts.count > 1)
        #expect(parts.allSatisfy { $0.bytes.count < 257 * 1024 && $0.head.version == 3 })
        var taken = 0
        let refused = refusal { () throws(Refusal) in
            try Self.third.forEachPart(of: many) { (_: SectionHead, _: borrowing ByteWriter) throws(Refusal) in
                taken += 1
                throw Refusal(.storageFailed, "no room")
            }
        }
        #expect(refused?.status == .storageFailed && taken == 1)
    }

    @Test func theSectionsOfAStateHaveKindsOfTheirOwnInRisingOrderBelowThoseOfTheWorkers() {
        let kinds = StateImage.sections.sections.map { $0.kind }
        #expect(kinds == kinds.sorted() && Set(kinds).count == kinds.count)
        #expect(kinds.allSatisfy { (1..<64).contains($0) })
        #expect(Set(StateImage.sections.sections.map { $0.name }).count == kinds.count)
    }
}

/// What the sections are about.
private struct Visitor: Equatable {
    var name: Name
    var visits: UInt32
    var home = FuseboxCoreTests.name("unknown")
}

// MARK: Version 1

private struct VisitorImageV1: VersionedRecord {
    var name = Name.blank
    var visits: UInt8 = 0

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the visitor")
        try visitor.field("visits", &visits, "how often it came; 255: more often")
    }
}

private enum FirstSection: SnapshotSection {
    static let kind: UInt32 = 99
    static let name = "visitors"
    static let summary = "every visitor"

    static func write(_ visitors: [Visitor], to part: inout SectionWriter) {
        for visitor in visitors {
            part.add(VisitorImageV1(name: visitor.name, visits: UInt8(clamping: visitor.visits)))
        }
    }

    static func add(_ image: VisitorImageV1, to visitors: inout [Visitor]) throws(Refusal) {
        visitors.append(Visitor(name: image.name, visits: UInt32(image.visits)))
    }
}

// MARK: Version 2

private struct VisitorImageV2: VersionedRecord {
    var name = Name.blank
    var visits: UInt32 = 0

    init() {}

    init(name: Name, visits: UInt32) {
        self.name = name
        self.visits = visits
    }

    init(bringingForward earlier: VisitorImageV1) {
        name = earlier.name
        visits = UInt32(earlier.visits)
    }

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the visitor")
        try visitor.field("visits", &visits, "how often it came")
    }
}

private enum SecondSection: SnapshotSection {
    static let kind: UInt32 = 99
    static let name = "visitors"
    static let summary = "every visitor"

    static func write(_ visitors: [Visitor], to part: inout SectionWriter) {
        for visitor in visitors { part.add(VisitorImageV2(name: visitor.name, visits: visitor.visits)) }
    }

    static func add(_ image: VisitorImageV2, to visitors: inout [Visitor]) throws(Refusal) {
        visitors.append(Visitor(name: image.name, visits: image.visits))
    }
}

// MARK: Version 3

private struct VisitorImage: VersionedRecord {
    var home = Name.blank
    var name = Name.blank
    var visits: UInt32 = 0

    init() {}

    init(_ visitor: Visitor) {
        home = visitor.home
        name = visitor.name
        visits = visitor.visits
    }

    init(bringingForward earlier: VisitorImageV2) {
        home = FuseboxCoreTests.name("unknown")
        name = earlier.name
        visits = earlier.visits
    }

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("home", &home, "where it comes from")
        try visitor.field("name", &name, "the visitor")
        try visitor.field("visits", &visits, "how often it came")
    }
}

private enum ThirdSection: SnapshotSection {
    static let kind: UInt32 = 99
    static let name = "visitors"
    static let summary = "every visitor"

    static func write(_ visitors: [Visitor], to part: inout SectionWriter) {
        for visitor in visitors { part.add(VisitorImage(visitor)) }
    }

    static func add(_ image: VisitorImage, to visitors: inout [Visitor]) throws(Refusal) {
        visitors.append(Visitor(name: image.name, visits: image.visits, home: image.home))
    }
}
