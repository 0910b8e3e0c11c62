import FuseboxInterop
import FuseboxWire
import Testing

@Suite("Conformance with the reference library")
struct ConformanceTests {
    static let traces = (1...10).map { $0 < 10 ? "0\($0)" : "\($0)" }

    @Test("Every reply agrees with the library's", arguments: traces)
    func agrees(number: String) throws {
        let lines = Fixtures.lines("conformance/trace-\(number).jsonl")
        let requests = try Fixtures.documents("conformance/trace-\(number).jsonl")
        let expected = try Fixtures.documents("conformance/expected-\(number).jsonl")
        #expect(lines.count >= 500)
        #expect(lines.count == expected.count)
        var runner = TraceRunner(profile: .llmProviders)
        let actual = try replies(to: lines, from: &runner)
        #expect(actual.count == expected.count)
        var differences: [String] = []
        for index in expected.indices {
            let operation = requests[index]["op"]?.text ?? ""
            if let found = ReplyComparison.difference(operation, expected[index], actual[index]) {
                differences.append("line \(index + 1): \(found)")
            }
        }
        #expect(differences.isEmpty, "\(differences.count) differ, first: \(differences.prefix(3))")
    }

    @Test("Two runs give the same replies, bit for bit", arguments: [Profile.fusebox, .llmProviders])
    func isDeterministic(profile: Profile) throws {
        let lines = Fixtures.lines("conformance/trace-05.jsonl")
        var first = TraceRunner(profile: profile)
        var second = TraceRunner(profile: profile)
        let replies = (try replies(to: lines, from: &first), try FuseboxInteropTests.replies(to: lines, from: &second))
        #expect(replies.0.map { $0.text() } == replies.1.map { $0.text() })
    }

    @Test("Under the default profile every trace is answered too", arguments: traces)
    func answeredUnderFusebox(number: String) throws {
        let lines = Fixtures.lines("conformance/trace-\(number).jsonl")
        var runner = TraceRunner(profile: .fusebox)
        // Resetting a breaker that nothing has created yet is refused there.
        var refused = 0
        for line in lines {
            do { _ = try runner.reply(to: line) } catch {
                #expect(error.message.contains("no breaker is named"))
                refused += 1
            }
        }
        #expect(refused < 5)
    }

    @Test("The comparison tells what differs")
    func comparisonFindsDifferences() {
        let want: JSONValue = ["a": 1, "b": [1.5, "x"], "c": .null]
        #expect(ReplyComparison.difference("op", want, ["a": 1.0000001, "b": [1.5, "x"], "d": 7]) == nil)
        #expect(ReplyComparison.difference("op", want, ["a": 1.1, "b": [1.5, "x"]]) == "op.a: want 1, got 1.1")
        #expect(ReplyComparison.difference("op", want, ["a": 1, "b": [1.5]]) != nil)
        #expect(ReplyComparison.difference("op", want, ["a": true, "b": [1.5, "x"]]) != nil)
        #expect(ReplyComparison.difference("op", want, ["b": [1.5, "x"]]) == "op.a: missing (want 1)")
        let entry: (String, Double) -> JSONValue = {
            ["ledger": ["spendHistory": [["provider": "p", "cost": .init($1)]]]]
        }
        #expect(ReplyComparison.difference("export", entry("p", 1), entry("p", 1)) == nil)
        #expect(ReplyComparison.difference("export", entry("p", 1), entry("p", 2)) != nil)
    }
}
