import FuseboxInterop
import Glibc
import Testing

struct ProtocolCommandTests {
    private static let documents = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined() + "/proto-docs"

    @Test func markdownIsTheCommittedReference() throws {
        let outcome = try Program.run([
            "/bin/sh", "-c", "'\(Program.fusebox)' protocol --format markdown | cmp - '\(Self.documents)/commands.md'",
        ])
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    }

    @Test(arguments: ["snapshot", "journal"]) func recordsAreTheCommittedEndOfTheirPage(_ format: String) throws {
        let records = try Program.run([Program.fusebox, "protocol", "--format", format]).output
        let page = try Program.run(["/bin/cat", "\(Self.documents)/\(format).md"]).output
        #expect(!records.isEmpty)
        #expect(page.hasSuffix(records))
    }

    @Test func jsonListsEveryCommand() throws {
        let outcome = try Program.run([Program.fusebox, "protocol", "--format", "json"])
        let names = try outcome.json["commands"]?.list?.compactMap { $0["name"]?.text } ?? []
        #expect(names.contains("breaker.acquire"))
        #expect(names.count > 40)
    }

    @Test func vectorsAreTheCommittedOnes() throws {
        let folder = TemporaryFolder()
        let target = "\(folder.path)/vectors"
        let outcome = try Program.run([Program.fusebox, "protocol", "--format", "vectors", target])
        #expect(outcome.status == 0)
        #expect(try Program.run(["/usr/bin/diff", "-r", target, "\(Self.documents)/vectors"]).status == 0)
    }
}
