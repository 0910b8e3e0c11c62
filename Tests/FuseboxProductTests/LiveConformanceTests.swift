import FuseboxConformance
import FuseboxInterop
import FuseboxTestSupport
import Testing

/// Conformance of the live daemon, asked through the client.
struct LiveConformanceTests {
    @Test(arguments: (1...11).map { $0 < 10 ? "0\($0)" : "\($0)" })
    func whatDependsOnNeitherTimeNorDrawAgreesWithTheReferenceLibrarysReplies(number: String) throws {
        let requests = try documents("trace-\(number)")
        let expected = try documents("expected-\(number)")
        try #require(requests.count == expected.count && requests.count >= 500)
        let daemon = try DaemonProcess("--profile", "llm-providers")
        var trace = LiveTrace(client: try daemon.connect())
        var differences: [String] = []
        for (index, pair) in zip(requests, expected).enumerated() {
            let found = try trace.differences(request: pair.0, expected: pair.1)
            differences += found.map { "line \(index + 1): \($0)" }
        }
        #expect(differences.isEmpty, "\(differences.count) differ, first: \(differences.prefix(3))")
        // Otherwise a comparison that compares nothing would pass.
        #expect(trace.comparedReplies >= 230, "only \(trace.comparedReplies) replies")
        #expect(trace.comparedFields >= 800, "only \(trace.comparedFields) fields")
        #expect(try daemon.stop() == 0, "\(daemon.log)")
    }

    private func documents(_ name: String) throws -> [JSONValue] {
        try Package.bytes("Tests/FuseboxInteropTests/Fixtures/conformance/\(name).jsonl").split(separator: 0x0A)
            .map { try JSONValue(parsing: $0) }
    }

    @Test func whatDependsOnTimeIsPassedOverAndNothingElse() {
        let want: JSONValue = ["spend": 1.5, "used": 3, "models": ["a": ["spend": 1]]]
        func differences(_ got: JSONValue) -> [String] {
            var comparison = ReplyComparison(passingOver: ["used"])
            comparison.compare(want, got, "reply")
            return comparison.differences
        }
        #expect(differences(["spend": 1.5, "used": 4, "models": ["a": ["spend": 1]]]).isEmpty)
        #expect(differences(["spend": 1.6, "models": ["a": ["spend": 1]]]) == ["reply.spend: want 1.5, got 1.6"])
        #expect(differences(["spend": 1.5, "models": ["a": ["spend": 1], "b": ["spend": 1]]]).count == 1)
        #expect(differences(["spend": 1.5, "models": [:]]).count == 1)
        #expect(differences(["spend": "1.5", "models": ["a": ["spend": 1]]]).count == 1)
    }
}
