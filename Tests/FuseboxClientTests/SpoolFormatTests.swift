import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxClient

/// The format of the spool's files: its version, its bytes, its page.
struct SpoolFormatTests {
    /// A checksum of the bytes of every version. From the first release on, lines are only added.
    private static let committed: [UInt8: UInt32] = [1: 3_322_381_684]

    /// A file with three examples of each kind of record.
    private static var example: [UInt8] {
        var writer = ByteWriter()
        writer.write(contentsOf: SpoolHeader.prefix)
        for variant in 0...2 {
            writer.writeSpool(.header, SpoolHeader.sample(variant))
            writer.writeSpool(.report, SpoolReport.sample(variant))
            writer.writeSpool(.beginning, SpoolBeginning.sample(variant))
            writer.writeSpool(.result, SpoolResult.sample(variant))
        }
        return writer.bytes
    }

    @Test func bytesChangeWithANewVersionOnly() {
        let found = Self.example.withUnsafeBytes { Checksum.of($0) }
        #expect(
            Self.committed[SpoolHeader.version] == found,
            "raise SpoolHeader.version, keep the reader of the old one, and add a line here with \(found)")
        #expect(Self.committed.keys.max() == SpoolHeader.version)
    }

    @Test func aNewerFileIsRefusedByItsVersion() throws {
        var bytes = LeftReports(header: SpoolHeader(), reports: []).bytes
        _ = try SpoolContents(bytes)
        bytes[SpoolHeader.magic.count] = SpoolHeader.version + 1
        let damage = #expect(throws: SpoolContents.Damage.self) { try SpoolContents(bytes) }
        #expect(damage?.offset == SpoolHeader.magic.count)
        #expect(damage?.reason.hasPrefix("a newer program wrote it (version \(SpoolHeader.version + 1)") == true)
    }

    /// `proto-docs/spool.md` lists the fields of every record as they are declared.
    @Test func thePageHasTheFieldsOfEveryRecord() {
        let page = String(
            decoding: contents(
                of: #filePath.replacing("Tests/FuseboxClientTests/SpoolFormatTests.swift", with: "proto-docs/spool.md")),
            as: UTF8.self)
        #expect(page.contains("the magic `FUSESPL`, the byte \(SpoolHeader.version), and records"))
        for (kind, fields) in [
            (SpoolKind.header, Self.fields(of: SpoolHeader.self)), (.report, Self.fields(of: SpoolReport.self)),
            (.beginning, Self.fields(of: SpoolBeginning.self)), (.result, Self.fields(of: SpoolResult.self)),
        ] {
            let row = page.split(separator: "\n").first { $0.hasPrefix("| \(kind.rawValue) |") }
            #expect(row?.hasSuffix("| \(fields) |") == true, "kind \(kind): \(fields)")
        }
        let acquaintance = "`epoch` u64, `forgottenWorkers` u64, and `isKnown` bool"
        #expect(page.contains(acquaintance))
        #expect(Self.fields(of: SpoolAcquaintance.self) == acquaintance.replacing(" and", with: ""))
    }

    /// The fields as the page writes them. The type of an acquaintance is left out, and an
    /// enumeration is its byte.
    private static func fields<Record: WireRecord>(of record: Record.Type) -> String {
        var schema = Schema()
        return schema.fields(of: record)
            .map { "`\($0.name)` \($0.type)".replacing(" SpoolAcquaintance", with: "").replacing(" Kind", with: " u8") }
            .joined(separator: ", ")
    }
}
