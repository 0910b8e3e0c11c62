import FuseboxCore
import FuseboxEngine
import FuseboxInterop
import FuseboxStore
import FuseboxWire
import Glibc
import Testing

/// `export` and `import`.
struct ExchangeCommandsTests {
    /// The imports in a trace: breakers, marks and accounts that the reference library wrote.
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
        let imported = try daemon.fusebox("import", "--format", "llm-providers", "-", "--yes", input: document.text())
        #expect(imported.status == 0)
        #expect(imported.output.hasPrefix("imported "))

        let export = try daemon.fusebox("export", "--format", "llm-providers")
        #expect(export.status == 0)
        #expect(try export.json.members?.map(\.key) == ["breakers", "exhaustion", "ledger"])
        // The library adds doubles, whose last digits are not exact amounts.
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

        // Imported into another daemon and exported again, it is the same to the last digit.
        let other = try Daemon(arguments: ["--profile", profile])
        let file = "\(other.folder.path)/state.json"
        other.folder.write("state.json", export.output.utf8)
        #expect(try other.json("import", file, "--yes")["sequence"] == 1)
        #expect(try Self.undated(other.json("export")) == Self.undated(export.json))
    }

    @Test func aPartAloneReplacesThatPartAndKeepsTheRest() throws {
        let daemon = try Daemon()
        #expect(try daemon.fusebox("breaker", "open", "mine", "--create").status == 0)
        _ = try daemon.fusebox("ledger", "record", "mine", "m", "--cost", "2")
        _ = try daemon.fusebox("exhaustion", "mark", "mine")
        let end = try #require(daemon.json("export")["ledger"]?["exportedAt"]?.int64) + 600_000
        let marks =
            #"{"version":1,"defaultResetMs":9000,"entries":[{"provider":"q","exhaustedAt":1,"resetAt":\#(end),"#
            + #""by":"hand"}]}"#
        // As `serialize()` returns it: a text.
        let imported = try daemon.fusebox("import", "-", "--yes", input: JSONValue(marks).text())
        #expect(imported.output.hasPrefix("imported 1 mark; "))
        let export = try daemon.json("export")
        #expect(export["exhaustion"]?["entries"]?.list?.compactMap { $0["provider"]?.text } == ["q"])
        #expect(export["exhaustion"]?["defaultResetMs"] == 9000)
        #expect(export["breakers"]?["breakers"]?[0]?["name"] == "mine")
        #expect(export["ledger"]?["providers"]?["mine"]?["spend"] == 2)
        #expect(export["exhaustion"]?["entries"]?[0]?["by"] == "hand", "what nobody knows is handed through")
    }

    @Test func anExportBringsBreakersUpToDateAsTheLibrarysSnapshotDoes() throws {
        let daemon = try Daemon(arguments: ["--profile", "llm-providers"])
        // A monitoring window of a millisecond begins again at each read, so its start depends on the time of the read.
        _ = try daemon.fusebox("breaker", "configure", "a", "--create", "--monitoring-period", "1ms")
        let begin = try daemon.connect().ping().now
        let clock = ContinuousClock()
        let limit = clock.now + .seconds(20)
        while try daemon.connect().ping().now.milliseconds < begin.milliseconds + 2 { #expect(clock.now < limit) }
        let breaker = try #require(try daemon.json("export")["breakers"]?["breakers"]?[0])
        let exported = try #require(breaker["state"]?["windowStart"]?.int64)
        #expect(exported > begin.milliseconds)
        // The daemon's own state, from its disk.
        #expect(try daemon.fusebox("snapshot", "save", "\(daemon.folder.path)/state").status == 0)
        let stored = try SnapshotReader(daemon.folder.read("state")).stateMachine(bounds: Bounds())
        let id = try #require(stored.names.find(try Name("a")))
        let record = try #require(stored.breakers[id]).record(name: try Name("a"), isConfigured: true)
        #expect(record.windowStart.milliseconds == exported)
    }

    @Test(arguments: [
        ("", "line 1, column 1"), ("[]", "expected an object of"),
        (#"{"version":1,"name":"a","config":{},"state":{}}"#, "for a single breaker"),
        (#"{"breakers":{"version":1,"defaultConfig":{},"breakers":[{"version":1}]}}"#, "breakers.breakers[0]"),
    ])
    func whatIsNoStateEndsWith65AndChangesNothing(_ document: String, _ place: String) throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("breaker", "open", "openai", "--create")
        let outcome = try daemon.fusebox("import", "-", "--yes", input: document)
        #expect(outcome.status == 65)
        #expect(outcome.errors.hasPrefix("fusebox: standard input: "))
        #expect(outcome.errors.contains(place))
        #expect(try daemon.json("status")["sequence"] == 2, "the change and the goodbye after it")
    }
}
