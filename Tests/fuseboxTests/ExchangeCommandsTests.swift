import FuseboxInterop
import Glibc
import Testing

/// `export` and `import`.
struct ExchangeCommandsTests {
    /// What a trace imports: breakers, marks and accounts that the reference library has written.
    private static func imported() throws -> JSONValue {
        let line = try #require(ConformanceTrace(number: 10).lines.first)
        let request = try JSONValue(parsing: line)
        return .object(["breakers", "exhaustion", "ledger"].compactMap { part in request[part].map { (part, $0) } })
    }

    /// An export without its date.
    private static func undated(_ export: JSONValue) -> JSONValue {
        .object(
            (export.members ?? []).map { part, value in
                (part, .object((value.members ?? []).filter { $0.key != "exportedAt" }))
            })
    }

    @Test(arguments: ["fusebox", "llm-providers"]) func whatIsImportedIsExportedAgain(_ profile: String) throws {
        let daemon = try Daemon(arguments: ["--profile", profile])
        let document = try Self.imported()
        let imported = try daemon.fusebox("import", "--format", "llm-providers", "-", input: document.text())
        #expect(imported.status == 0)
        #expect(imported.output.hasPrefix("imported "))

        let export = try daemon.fusebox("export", "--format", "llm-providers")
        #expect(export.status == 0)
        #expect(try export.json.members?.map(\.key) == ["breakers", "exhaustion", "ledger"])
        // The library adds doubles, whose last digits are not money.
        let spend = { (state: JSONValue) in
            (state["ledger"]?["providers"]?.members ?? [])
                .map { "\($0.key) \((($0.value["spend"]?.double ?? -1) * 1e9).rounded())" }.sorted()
        }
        #expect(!spend(document).isEmpty)
        #expect(try spend(export.json) == spend(document))
        let names = { (state: JSONValue) in
            (state["breakers"]?["breakers"]?.list ?? []).compactMap { $0["name"]?.text }.sorted()
        }
        #expect(try names(export.json) == names(document))

        // Into another daemon and out of it again: the same, to the last digit.
        let other = try Daemon(arguments: ["--profile", profile])
        let file = "\(other.folder.path)/state.json"
        other.folder.write("state.json", export.output.utf8)
        #expect(try other.json("import", file)["sequence"] == 1)
        #expect(try Self.undated(other.json("export")) == Self.undated(export.json))
    }

    @Test(arguments: [
        ("", "line 1, column 1"), ("[]", "expected an object of"),
        (#"{"version":1,"breakers":[]}"#, "expected an object of"),
        (#"{"breakers":{"version":1,"defaultConfig":{},"breakers":[{"version":1}]}}"#, "breakers.breakers[0]"),
    ])
    func whatIsNoStateEndsWith65AndChangesNothing(_ document: String, _ place: String) throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("breaker", "open", "openai", "--create")
        let outcome = try daemon.fusebox("import", "-", input: document)
        #expect(outcome.status == 65)
        #expect(outcome.errors.hasPrefix("fusebox: standard input: "))
        #expect(outcome.errors.contains(place))
        #expect(try daemon.json("status")["sequence"] == 2, "the change and the goodbye after it")
    }
}
