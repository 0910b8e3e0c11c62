import FuseboxInterop
import FuseboxTestSupport
import Testing

@testable import fusebox

/// Operators misspell names. They get an error, and nothing is created.
struct UnknownNameTests {
    /// The commands about a name, and their errors for an unknown one.
    static let commands: [[String]] = [
        ["breaker", "open", "NAME"], ["breaker", "reset", "NAME"], ["breaker", "get", "NAME"],
        ["breaker", "configure", "NAME"], ["breaker", "configure", "NAME", "--failure-threshold", "3"],
        ["breaker", "serialize", "NAME"], ["exhaustion", "clear", "NAME"], ["forget", "NAME"],
        ["ledger", "show", "NAME"], ["ledger", "burn", "NAME"], ["ledger", "depletion", "NAME"],
        ["ledger", "summary", "NAME"], ["ledger", "reset", "NAME"], ["ledger", "reset", "--provider", "NAME"],
    ]

    @Test(arguments: ["fusebox", "llm-providers"])
    func anUnknownNameIsRefusedWithWhatWasMeantAndNotMade(_ profile: String) throws {
        let daemon = try Daemon(arguments: ["--profile", profile])
        _ = try daemon.fusebox("breaker", "failure", "openai")
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "$50 prepaid")
        let before = try daemon.json("overview")["entries"]
        for command in Self.commands {
            for (name, hint) in [("opnai", "did you mean 'openai'?"), ("nobody", "`fusebox ")] {
                let words = command.map { $0 == "NAME" ? name : $0 }
                let outcome = try Program.run([Program.fusebox] + words + ["--socket", daemon.socket])
                #expect(outcome.status == 64, "\(words)")
                #expect(outcome.output == "")
                #expect(outcome.errors.hasPrefix("fusebox: ") && outcome.errors.contains(name), "\(words)")
                #expect(outcome.errors.contains(hint), "\(words): \(outcome.errors)")
                #expect(outcome.errors.split(separator: "\n").count == 1)
            }
        }
        #expect(try daemon.json("overview")["entries"] == before)
        #expect(before?.list?.count == 1)
    }

    @Test func aNameThatIsKnownOtherwiseNeedsNoCreation() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("ledger", "record", "openai", "gpt-4o", "--cost", "1")
        for command in [["breaker", "get"], ["exhaustion", "clear"], ["breaker", "open"], ["breaker", "reset"]] {
            let outcome = try Program.run([Program.fusebox] + command + ["openai", "--socket", daemon.socket])
            #expect(outcome.status == 0, "\(command)")
        }
        #expect(try daemon.fusebox("limit", "remove", "--provider", "openai", "--all").status == 64, "no limit is set")
    }

    @Test func createMakesOneWhereCreatingIsMeaningful() throws {
        let daemon = try Daemon()
        #expect(try daemon.fusebox("breaker", "open", "new").errors.contains("--create"))
        #expect(try daemon.fusebox("breaker", "open", "new", "--create").status == 0)
        #expect(
            try daemon.fusebox("breaker", "configure", "other", "--max-probes", "1", "--create").status == 0)
        let names = try daemon.json("breaker", "list")["breakers"]?.list?.compactMap { $0["name"]?.text }
        #expect(names == ["new", "other"])
        // There is nothing to set, so nothing is created.
        #expect(try daemon.fusebox("breaker", "configure", "third", "--create").status == 64)
    }

    @Test func workersGoOnCreatingNamesByUse() throws {
        let daemon = try Daemon()
        for command in [
            ["breaker", "acquire", "a"], ["breaker", "failure", "b"], ["exhaustion", "mark", "c"],
            ["ledger", "record", "d", "m", "--cost", "1"], ["exhaustion", "get", "e"],
        ] {
            #expect(try Program.run([Program.fusebox] + command + ["--socket", daemon.socket]).status == 0)
        }
    }

    @Test(arguments: [
        ("opnai", "openai"), ("OpenAI", "openai"), ("openia", "openai"), ("anthrpic", "anthropic"),
        ("anth", "anthropic"),
        ("openai2", "openai"), ("mistrals", "mistral"), ("nobody", nil), ("x", nil), ("", nil), ("op", nil),
        ("azureopenai", nil),
    ])
    func theNearestNameIsTheOneThatTheFewestSlipsLeadTo(_ name: String, _ meant: String?) {
        #expect(Spelling.nearest(to: name, among: ["openai", "anthropic", "mistral"]) == meant)
    }

    @Test func ofSeveralThatAreAsNearTheFirstIsTold() {
        #expect(Spelling.nearest(to: "az", among: ["ay", "aw", "ax"]) == "aw")
        #expect(Spelling.nearest(to: "gpt-4", among: ["gpt-3", "gpt-40", "gpt-4o"]) == "gpt-3")
    }
}
