import FuseboxClient
import FuseboxJSON
import FuseboxTestSupport
import FuseboxWire
import Testing

/// Answers of providers are read as `proto-docs/answers.json` says, which the tests of every client read.
struct ProviderAnswerTests {
    /// An answer, and what it means.
    private struct Example: CustomTestStringConvertible, Sendable {
        let row: String?
        let status: Int?
        let headers: [String: String]
        let body: JSONValue?
        let outcome: String
        let retryAfter: Int64?
        let remaining: [ProviderAnswer.Remaining]

        var testDescription: String { "\(row ?? "no row") \(status ?? 0) \(headers) \(body?.text() ?? "")" }

        init(_ value: JSONValue) throws {
            row = value["row"]?.text
            status = value["status"]?.int64.map { Int($0) }
            headers = Dictionary(
                uniqueKeysWithValues: try #require(value["headers"]?.members).map { ($0.key, $0.value.text ?? "") })
            body = value["body"]
            outcome = try #require(value["outcome"]?.text)
            retryAfter = value["retryAfter"]?.int64
            remaining = try (value["remaining"]?.list ?? []).map { limit in
                ProviderAnswer.Remaining(
                    limit: try #require(limit[0]?.text), count: try #require(limit[1]?.int64),
                    resetAfter: limit[2]?.int64.map { .milliseconds($0) })
            }
        }

        func answer(at wall: Timestamp) -> ProviderAnswer {
            ProviderAnswer(status: status, headers: headers, document: body, at: wall)
        }
    }

    private let wall: Timestamp
    private let examples: [Example]

    init() throws {
        let folder = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        let file = try JSONValue(parsing: contents(of: "\(folder)/proto-docs/answers.json"))
        wall = Timestamp(milliseconds: try #require(file["now"]?.int64))
        examples = try #require(file["answers"]?.list).map(Example.init)
    }

    @Test func everyExampleMeansWhatItSays() {
        for example in examples {
            let answer = example.answer(at: wall)
            #expect("\(answer.outcome)" == example.outcome, "\(example.testDescription)")
            let retryAfter = example.retryAfter.map { Duration.milliseconds($0) }
            #expect(answer.retryAfter == retryAfter, "\(example.testDescription)")
            #expect(answer.remaining == example.remaining, "\(example.testDescription)")
        }
    }

    @Test func everyRowOfTheTableHasAnExampleAndASource() {
        for row in AnswerTable.rows {
            #expect(examples.contains { $0.row == row.name }, "no example of `\(row.name)`")
            #expect(!row.source.isEmpty && (!row.statuses.isEmpty || !row.words.isEmpty || !row.places.isEmpty))
        }
        #expect(Set(AnswerTable.rows.map(\.name)).count == AnswerTable.rows.count)
        for headers in AnswerTable.limits {
            let isShown = examples.contains { example in
                example.headers.keys.contains { $0.lowercased() == headers.remaining }
            }
            #expect(isShown, "no example with \(headers.remaining)")
        }
    }

    /// The row that an example names is the first that applies to it.
    @Test func everyExampleNamesTheRowThatDecides() {
        for example in examples {
            #expect(
                AnswerTable.row(status: example.status, headers: example.headers, document: example.body)?.name
                    == example.row, "\(example.testDescription)")
        }
    }

    @Test func anOutcomeIsMadeOfAnAnswerWithItsUsage() {
        let throttled = CallOutcome(
            status: 429, headers: ["Retry-After": "30"], body: "no JSON", usage: Usage(inputTokens: 3))
        #expect(throttled == .throttled(retryAfter: .seconds(30), usage: Usage(inputTokens: 3)))
        let quota = CallOutcome(status: 429, body: #"{"error": {"code": "insufficient_quota"}}"#)
        #expect(quota == .quotaExhausted(resetAfter: nil))
        #expect(CallOutcome(status: 200) == .success)
        let last: KeyValuePairs = ["ratelimit-remaining": "0", "ratelimit-reset": "9"]
        #expect(CallOutcome(status: 200, headers: last) == .success(usage: nil, retryAfter: .seconds(9)))
    }

    @Test func anAnswerThatIsThrownTellsHowItsCallWent() {
        let answer = ProviderAnswer(status: 503, headers: ["retry-after": "2"])
        #expect(CallPolicy.outcome(of: answer) == .failure(retryAfter: .seconds(2)))
    }
}
