import FuseboxConformance
import FuseboxInterop
import FuseboxWire
import Testing

/// Conformance with the reference library.
struct ConformanceTests {
    static let traces = (1...11).map { $0 < 10 ? "0\($0)" : "\($0)" }

    @Test(arguments: traces) func everyReplyAgreesWithTheLibrarys(number: String) throws {
        let lines = Fixtures.lines("conformance/trace-\(number).jsonl")
        let requests = try Fixtures.documents("conformance/trace-\(number).jsonl")
        let expected = try Fixtures.documents("conformance/expected-\(number).jsonl")
        #expect(lines.count >= 500)
        #expect(lines.count == expected.count)
        var runner = TraceRunner(profile: .llmProviders)
        let actual = try replies(to: lines, from: &runner)
        #expect(actual.count == expected.count)
        var comparison = ReplyComparison()
        var differences: [String] = []
        for index in expected.indices {
            let operation = requests[index]["op"]?.text ?? ""
            comparison.see(requests[index])
            if let found = comparison.difference(operation, expected[index], actual[index]) {
                differences.append("line \(index + 1): \(found)")
            }
        }
        #expect(differences.isEmpty, "\(differences.count) differ, first: \(differences.prefix(3))")
    }

    @Test(arguments: [Profile.fusebox, .llmProviders])
    func twoRunsGiveTheSameRepliesBitForBit(profile: Profile) throws {
        let lines = Fixtures.lines("conformance/trace-05.jsonl")
        var first = TraceRunner(profile: profile)
        var second = TraceRunner(profile: profile)
        let replies = (try replies(to: lines, from: &first), try FuseboxInteropTests.replies(to: lines, from: &second))
        #expect(replies.0.map { $0.text() } == replies.1.map { $0.text() })
    }

    @Test(arguments: traces) func underTheDefaultProfileEveryTraceIsAnsweredToo(number: String) throws {
        let lines = Fixtures.lines("conformance/trace-\(number).jsonl")
        var runner = TraceRunner(profile: .fusebox)
        // The daemon refuses to reset a breaker that does not exist yet.
        var refused = 0
        for line in lines {
            do { _ = try runner.reply(to: line) } catch {
                #expect(error.message.contains("no breaker is named"))
                refused += 1
            }
        }
        #expect(refused < 5)
    }

    /// The comparison is strict: only money may differ, and by no more than adding doubles costs.
    @Test func theComparisonIsStrict() {
        func difference(
            _ want: JSONValue, _ got: JSONValue, _ operation: String = "op", after request: JSONValue = .null
        ) -> String? {
            var comparison = ReplyComparison()
            comparison.see(request)
            return comparison.difference(operation, want, got)
        }
        let want: JSONValue = ["a": 1, "b": [1.5, "x"], "c": .null]
        #expect(difference(want, want) == nil)
        #expect(difference(want, ["a": 1.0000001, "b": [1.5, "x"], "c": .null]) == "op.a: want 1, got 1.0000001")
        #expect(difference(want, ["a": 1, "b": [1.5, "x"], "c": .null, "d": 7]) != nil, "a field too many")
        #expect(difference(want, ["a": 1, "b": [1.5, "x"]]) != nil, "a field that is null is not one that is absent")
        #expect(difference(want, ["a": 1, "b": [1.5], "c": .null]) != nil)
        #expect(difference(want, ["a": true, "b": [1.5, "x"], "c": .null]) != nil)
        // A millionth of the milliseconds since the epoch is half an hour.
        #expect(difference(["nextAttempt": 1_767_225_600_000], ["nextAttempt": 1_767_225_600_001]) != nil)
        #expect(difference(["primaryTrafficPct": 0.7], ["primaryTrafficPct": 0.7000000000000001]) != nil)
        #expect(difference(["spend": 0.30000000000000004], ["spend": 0.3]) == nil)
        #expect(difference(["spend": 0.3], ["spend": 0.300000002]) != nil)
        // The tolerance grows with the amount of money.
        #expect(difference(["spend": 0.3], ["spend": 0.300000002], after: ["cost": 10_000]) == nil)
        #expect(difference(["utilizationPct": 0.8], ["utilizationPct": 0.8000001]) != nil)
        let entry: (Int64, Double) -> JSONValue = {
            ["ledger": ["spendHistory": [["provider": "p", "cost": .init($1), "timestamp": .init($0)]]]]
        }
        #expect(difference(entry(1, 1), entry(1, 1), "export") == nil)
        #expect(difference(entry(1, 1), entry(1, 2), "export") != nil)
        #expect(difference(entry(1, 1), entry(2, 1), "export") != nil)
        let breakers: ([JSONValue]) -> JSONValue = { ["breakers": ["breakers": .array($0.map { ["name": $0] })]] }
        #expect(difference(breakers(["a", "b"]), breakers(["b", "a"]), "export") == nil)
        #expect(difference(breakers(["a", "b"]), breakers(["b", "c"]), "export") != nil)
    }
}
