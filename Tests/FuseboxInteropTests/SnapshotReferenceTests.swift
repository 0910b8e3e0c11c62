import FuseboxCore
import FuseboxInterop
import Testing

/// `proto-docs/snapshot.md`, compared with the code.
struct SnapshotReferenceTests {
    @Test("proto-docs/snapshot.md ends with the records that the code declares")
    func thePageIsCurrent() throws {
        let page = try #require(ProtocolDocuments.text("snapshot.md"))
        #expect(
            page.hasSuffix("\n\(SnapshotReference.marker)\n\n\(SnapshotReference.markdown())"),
            "run `make proto-docs` and review the difference")
    }

    @Test("proto-docs/snapshot.md has a row for every section", arguments: ImageSection.allCases)
    func everySectionIsThere(_ section: ImageSection) throws {
        let page = try #require(ProtocolDocuments.text("snapshot.md"))
        #expect(page.contains("\n| \(section.rawValue) | "))
    }
}
