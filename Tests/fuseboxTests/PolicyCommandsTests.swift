import FuseboxClient
import FuseboxInterop
import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import fusebox

/// `fusebox apply` and `fusebox policy` against a daemon.
struct PolicyCommandsTests {
    private static let policy = """
        version: 1
        limits:
          - scope: openai
            limits:
              - $5 per day
              - 8 in flight
        prices:
          openai:
            gpt-4o: {input: 2.50}
        breakers:
          - route: openai
            min_requests: 9
        """

    private static let lines = [
        "+ limit openai: $5 per day", "+ limit openai: 8 in flight", "+ price openai/gpt-4o: input $2.5",
        "+ breaker openai: min requests 9",
    ]

    @Test func aDryRunTellsWhatAnApplyThenDoesAndASecondApplyFindsNothingToDo() throws {
        let daemon = try Daemon()
        let dry = try daemon.fusebox("apply", "-f", "-", "--dry-run", input: Self.policy)
        #expect(dry.lines == Self.lines + ["Would apply: 4 added."])
        #expect(dry.status == 0 && dry.errors == "")
        #expect(try daemon.fusebox("limit").lines == ["No limit is set."])
        let applied = try daemon.fusebox("apply", "-f", "-", input: Self.policy)
        #expect(applied.lines == Self.lines + ["Applied: 4 added."])
        let again = try daemon.fusebox("apply", "-f", "-", input: Self.policy)
        #expect(again.lines == ["Nothing to change: 4 items are as standard input says."])
        #expect(again.status == 0)
        let json = try daemon.json("apply", "-f", "-", "--dry-run", input: "version: 1\nmarks: {cooldown: 7s}\n")
        #expect(json["applied"] == false)
        #expect(json["changes"]?[0]?["subject"] == "cooldown")
        #expect(json["changes"]?[0]?["after"] == "7s")
    }

    @Test func pruningRemovesWhatTheFileDoesNotNameAnyMore() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("apply", "-f", "-", input: Self.policy)
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "9 rpm")
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "9 in flight")
        let rest = "version: 1\nlimits: [{scope: openai, limits: 8 in flight}]\n"
        #expect(
            try daemon.fusebox("apply", "-f", "-", "--prune", input: rest).lines == [
                "- limit openai: $5 per day", "- price openai/gpt-4o: input $2.5", "- breaker openai: min requests 9",
                "~ limit openai: 9 in flight -> 8 in flight (was changed by hand; set back)",
                "Applied: 1 set back, 3 removed.",
            ])
        #expect(try daemon.fusebox("limit", "list").output.contains("9 requests per minute"))
    }

    @Test func aRefusalOfTheDaemonIsToldAtTheLineOfItsItem() throws {
        let daemon = try Daemon(arguments: [])
        let text = """
            version: 1
            limits:
              - scope: openai/latest
                limits: [5 rpm]
              - scope: openai/gpt-4o
                limits:
                  - 6 rpm
            aliases:
              openai: {latest: gpt-4o}
            """
        let outcome = try daemon.fusebox("apply", "-f", "-", input: text)
        #expect(outcome.status == 64)
        #expect(
            outcome.errors.split(separator: "\n").map(String.init) == [
                "standard input:7:9: '6 requests per minute' on openai/gpt-4o is the same limit as that in line 4: they have the same dimension and window; tell one",
                "fusebox: the policy was not applied: 1 error in standard input",
            ])
        #expect(outcome.output == "")
        #expect(try daemon.fusebox("limit").lines == ["No limit is set."])
    }

    /// What cannot be told is not done. The second output is a pipe that nobody reads any more.
    @Test(arguments: ["> /dev/full", "3<> pipe > pipe 3>&-"], ["", "--json"])
    func nothingIsAppliedIfTheDifferenceCannotBeWritten(output: String, option: String) throws {
        let daemon = try Daemon()
        daemon.folder.write("policy.yaml", Self.policy.utf8)
        let outcome = try Program.run(
            [
                "/bin/sh", "-c",
                "cd '\(daemon.folder.path)' && mkfifo pipe && exec '\(Program.fusebox)' apply -f policy.yaml \(option) \(output)",
            ], environment: ["FUSEBOX_SOCKET": daemon.socket])
        #expect(outcome.status == 74, "\(outcome.errors)")
        #expect(outcome.errors.contains("cannot write standard output: "))
        #expect(try daemon.fusebox("policy").lines == ["No policy was applied."])
    }

    /// Before an apply nobody knows how it ends; as JSON it is one value all the same.
    @Test func anApplyIsOneJSONValue() throws {
        let daemon = try Daemon()
        let applied = try daemon.json("apply", "-f", "-", input: Self.policy)
        #expect(applied["applied"] == true)
        #expect(applied["changes"]?.list?.count == 4)
        #expect(applied["appliedInstead"] == nil)
        let again = try daemon.json("apply", "-f", "-", input: Self.policy)
        #expect(again["applied"] == true && again["changes"] == [] && again["unchanged"] == 4)
    }

    @Test func theEndOfAnApplyTellsWhatWasAppliedInsteadAndWhatIsNotKnown() throws {
        var change = PolicyChange()
        change.subject = .cooldown
        change.action = .added
        change.after = "7s"
        var changed = PolicyReport()
        changed.changes = [change]
        let nothing = PolicyDifference(report: PolicyReport())
        let text = ApplyTelling(preview: nothing, label: "p.yaml", isJSON: false)
        #expect(text.beginning == "")
        #expect(text.end(with: nothing) == "Nothing to change: 0 items are as p.yaml says.\n")
        #expect(
            text.end(with: PolicyDifference(report: changed)) == """
                The state has changed meanwhile. This was applied instead:
                + marks, cooldown: 7s
                Applied: 1 added.

                """)
        let json = ApplyTelling(preview: nothing, label: "p.yaml", isJSON: true)
        func value(_ end: String) throws -> JSONValue { try JSONValue(parsing: Array((json.beginning + end).utf8)) }
        let instead = try value(json.end(with: PolicyDifference(report: changed)))
        #expect(instead["changes"] == [] && instead["applied"] == true)
        #expect(instead["appliedInstead"]?["changes"]?[0]?["after"] == "7s")
        let refused = ClientError.refused(Refusal(.busy, "the journal has no room"))
        #expect(try value(json.end(failedWith: refused))["applied"] == false)
        #expect(try value(json.end(failedWith: Failure(.unavailable, "no answer")))["applied"] == .null)
        #expect(text.end(failedWith: refused) == "")
    }

    @Test func errorsOfAPolicyAreOneJSONValueWithTheirPlaces() throws {
        let daemon = try Daemon()
        let folder = daemon.folder
        folder.write("bad.yaml", "version: 1\nlimits:\n  - scope: host\n    limits: [5 rmp]\nnames: []\n".utf8)
        for command in [["apply", "-f"], ["policy", "check"]] {
            let arguments = [Program.fusebox] + command + ["\(folder.path)/bad.yaml", "--json"]
            let outcome = try Program.run(arguments, environment: ["FUSEBOX_SOCKET": daemon.socket])
            #expect(outcome.status == 65 && outcome.output == "")
            let error = try JSONValue(parsing: Array(outcome.errors.utf8))["error"]
            #expect(error?["exitStatus"] == 65)
            #expect(error?["message"]?.text == "the policy was not applied: 2 errors in \(folder.path)/bad.yaml")
            #expect(error?["faults"]?.list?.count == 2)
            #expect(error?["faults"]?[0]?["line"] == 4 && error?["faults"]?[0]?["column"] == 14)
            #expect(error?["faults"]?[0]?["message"]?.text?.hasPrefix("'5 rmp' is not a limit: ") == true)
        }
        // What the daemon refuses.
        let twice = """
            version: 1
            limits:
              - {scope: openai/latest, limits: 5 rpm}
              - {scope: openai/gpt, limits: 6 rpm}
            aliases: {openai: {latest: gpt}}
            """
        let refused = try daemon.fusebox("apply", "-f", "-", "--json", input: twice)
        #expect(refused.status == 64 && refused.output == "")
        let error = try JSONValue(parsing: Array(refused.errors.utf8))["error"]
        #expect(error?["exitStatus"] == 64 && error?["faults"]?[0]?["line"] == 4)
        let checked = try Program.run([Program.fusebox, "policy", "check", "-", "--json"], input: Self.policy)
        #expect(try checked.json["limits"]?.list?.count == 2)
    }

    @Test func aFileThatIsWrongIsToldWithoutADaemon() throws {
        let folder = TemporaryFolder()
        let path = "\(folder.path)/policy.yaml"
        folder.write("policy.yaml", "version: 1\nlimits:\n  - scope: host\n    limits: [5 rmp]\n".utf8)
        for arguments in [["apply", "-f", path, "--socket", "/nowhere"], ["policy", "check", path]] {
            let outcome = try Program.run([Program.fusebox] + arguments)
            #expect(outcome.status == 65)
            #expect(outcome.errors.hasPrefix("\(path):4:14: '5 rmp' is not a limit: "))
        }
        folder.write("policy.yaml", Self.policy.utf8)
        let checked = try Program.run([Program.fusebox, "policy", "check", path])
        #expect(checked.lines == ["\(path): 2 limits, 1 price, 1 breaker"])
        let missing = try Program.run([Program.fusebox, "apply", "-f", "\(path).no", "--socket", "/nowhere"])
        #expect(missing.status == 64)
    }

    @Test func aPolicyThatDoesNotFitInARequestIsToldItsSize() throws {
        let prices = (0..<4_000).map { "    model-\($0)-\(String(repeating: "x", count: 60)): {input: 1}\n" }.joined()
        let text = "version: 1\nprices:\n  openai:\n" + prices
        let outcome = try Program.run([Program.fusebox, "policy", "check", "-"], input: text)
        #expect(outcome.status == 65)
        #expect(
            outcome.errors.contains(#/the policy takes [0-9,]+ bytes in a request, and one has room for 262,080/#),
            "\(outcome.errors)")
    }

    @Test func showTellsWhatThePolicyHasSetAndWhatHasChangedSince() throws {
        let daemon = try Daemon()
        #expect(try daemon.fusebox("policy").lines == ["No policy was applied."])
        _ = try daemon.fusebox("apply", "-f", "-", input: Self.policy)
        #expect(
            try daemon.fusebox("policy", "show").lines == [
                "The policy has set 2 limits, 1 price, 1 breaker.", "All of it is as it says.",
            ])
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "$6 per day")
        #expect(
            try daemon.fusebox("policy", "show").lines == [
                "The policy has set 2 limits, 1 price, 1 breaker.",
                "1 item changed or removed since; `fusebox apply` sets back:",
                "  ~ limit openai: $6 per day -> $5 per day",
            ])
        #expect(try daemon.json("policy", "show")["drift"]?[0]?["action"] == "setBack")
        _ = try daemon.fusebox("limit", "remove", "--provider", "openai", "--all")
        #expect(
            try daemon.fusebox("policy", "show").lines == [
                "The policy has set 2 limits, 1 price, 1 breaker.",
                "2 items changed or removed since; `fusebox apply` sets back:",
                "  + limit openai: $5 per day (is lost)", "  + limit openai: 8 in flight (is lost)",
            ])
    }

    /// An export has each rule, also those that nobody has touched.
    @Test func anExportOfAnUntouchedDaemonIsNotToldToBeSetByHand() throws {
        let (one, other) = (try Daemon(), try Daemon())
        let export = try one.fusebox("policy", "export").output
        let applied = try other.fusebox("apply", "-f", "-", input: export)
        #expect(applied.lines.contains("+ marks, cooldown: 5m"), "\(applied.output)")
        #expect(!applied.output.contains("by hand"), "\(applied.output)")
    }

    /// An export that is applied to an empty daemon makes it alike: an export of that is the same text.
    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func anExportMakesAnotherDaemonAlike(seed: UInt64) throws {
        var values = PolicyValues(seed: seed)
        let (one, other) = (try Daemon(), try Daemon())
        let first = try PolicyText.text(of: values.policy())
        let applied = try one.fusebox("apply", "-f", "-", input: first)
        #expect(applied.status == 0, "\(applied.errors)\n\(first)")
        // Some of it by hand.
        _ = try one.fusebox("limit", "set", "--host", "77 rpm", "$3 prepaid", "--notify")
        _ = try one.fusebox("limit", "top-up", "--host", "$1")
        _ = try one.fusebox("price", "set", "byhand", "--input", "7")
        _ = try one.fusebox("breaker", "configure", "byhand", "--max-probes", "2", "--create")
        let export = try one.fusebox("policy", "export")
        #expect(export.status == 0 && export.errors == "")
        let there = try other.fusebox("apply", "-f", "-", input: export.output)
        #expect(there.status == 0, "\(there.errors)\n\(export.output)")
        #expect(try other.fusebox("policy", "export").output == export.output)
        #expect(try other.fusebox("policy", "export", "--owned").status == 0)
        #expect(try other.fusebox("apply", "-f", "-", "--prune", input: export.output).lines.count == 1)
    }

    /// The example that ships can be applied as it is.
    @Test func theExampleIsAppliedAsItIs() throws {
        let daemon = try Daemon()
        let path =
            #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined() + "/systemd/policy.example.yaml"
        let applied = try daemon.fusebox("apply", "-f", path, "--prune")
        #expect(applied.status == 0, "\(applied.errors)")
        #expect(applied.lines.count >= 20)
        #expect(try daemon.fusebox("apply", "-f", path, "--prune").lines.last?.hasPrefix("Nothing to change: ") == true)
    }

    /// What an apply has done is there after a restart, and after a kill.
    @Test(arguments: [true, false]) func aRestartKeepsThePolicy(isKilled: Bool) throws {
        let folder = TemporaryFolder()
        var daemon = try Daemon(in: folder)
        let data = daemon.data
        _ = try daemon.fusebox("apply", "-f", "-", input: Self.policy)
        let owned = try daemon.fusebox("policy", "export", "--owned").output
        if isKilled { daemon.kill() } else { daemon.stop() }
        daemon = try Daemon(in: folder, data: data)
        #expect(
            try daemon.fusebox("apply", "-f", "-", "--prune", input: Self.policy).lines == [
                "Nothing to change: 4 items are as standard input says."
            ])
        #expect(try daemon.fusebox("policy", "export", "--owned").output == owned)
    }
}
