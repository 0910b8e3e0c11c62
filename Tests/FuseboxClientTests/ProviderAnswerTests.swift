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
        let markScope: String?
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
            markScope = value["markScope"]?.text
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
            #expect(answer.markScope.map { "\($0)" } == example.markScope, "\(example.testDescription)")
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

    /// Every word of every row, at every place where words are looked for.
    @Test func everyWordDecidesByItsRowAtEveryPlace() {
        for row in AnswerTable.rows {
            // What a row says besides its words holds too.
            let status = row.statuses.first?.lowerBound
            for word in row.words {
                for place in AnswerTable.wordPlaces {
                    let decides = Self.row(status, body: Self.body(.string(word), at: place))
                    #expect(decides?.name == row.name, "\(word) at \(place)")
                }
                let headers = [AnswerTable.wordHeader: "com.amazon#\(word.uppercased()):http://amazon.com/"]
                #expect(Self.row(status ?? 418, headers)?.name == row.name, "\(word) in a header")
            }
        }
    }

    @Test func everyPlaceOfARowDecidesByIt() {
        let rows = AnswerTable.rows.filter { !$0.places.isEmpty }
        #expect(!rows.isEmpty)
        for row in rows {
            for place in row.places {
                let decides = Self.row(row.statuses.first?.lowerBound, body: Self.body("x", at: place))
                #expect(decides?.name == row.name, "\(place)")
            }
        }
    }

    /// Every status is decided by the first row that has it, and every row of statuses decides one.
    @Test func everyStatusHasItsRow() {
        var left = Set(100...599)
        for row in AnswerTable.rows where row.words.isEmpty && row.places.isEmpty {
            let told = left.intersection(row.statuses.flatMap { Array($0) })
            #expect(!told.isEmpty, "`\(row.name)` decides nothing")
            left.subtract(told)
            for status in told { #expect(Self.row(status)?.name == row.name, "\(status)") }
        }
        #expect(left.isEmpty)
    }

    @Test func aTimeIsReadAtEveryPlace() {
        for header in AnswerTable.retryHeaders {
            let text = header.unit == .milliseconds ? "7000" : "7"
            let answer = ProviderAnswer(status: 429, headers: [header.name: text], document: nil, at: wall)
            #expect(answer.retryAfter == .seconds(7), "\(header.name)")
        }
        for place in AnswerTable.retryPlaces {
            let body = Self.body("7s", at: place)
            let answer = ProviderAnswer(status: 429, headers: [:] as [String: String], document: body, at: wall)
            #expect(answer.retryAfter == .seconds(7), "\(place)")
        }
        for limit in AnswerTable.limits {
            let headers = [limit.remaining: "0", limit.reset: "7s"]
            let answer = ProviderAnswer(status: 200, headers: headers, document: nil, at: wall)
            #expect(answer.retryAfter == .seconds(7), "\(limit.reset)")
            #expect(answer.remaining.map(\.limit) == [limit.name])
        }
    }

    @Test func anErrorIsToldAtEveryPlace() {
        for place in AnswerTable.errorPlaces {
            #expect(Self.row(200, body: Self.body(["message": "no"], at: place))?.name == nil, "\(place)")
        }
        #expect(Self.row(200, body: ["message": "no"])?.name == "answered")
    }

    /// The row that decides on an answer.
    private static func row(
        _ status: Int?, _ headers: [String: String] = [:], body: JSONValue? = nil
    ) -> AnswerTable.Row? {
        AnswerTable.row(status: status, headers: headers, document: body)
    }

    /// A body with a value at a place.
    private static func body(_ value: JSONValue, at place: String) -> JSONValue {
        place.split(separator: ".").reversed().reduce(value) { inner, name in .object([(String(name), inner)]) }
    }

    @Test func aForbiddenCallMarksItsRouteAndOneWithAWrongKeyWhatItsOutcomeMarks() {
        #expect(CallOutcome(status: 403) == .unauthorized(.route))
        #expect(CallOutcome(status: 401) == .unauthorized)
        let stream = ProviderAnswer(status: 200, body: #"{"error": {"type": "permission_error"}}"#)
        #expect(stream.callOutcome == .unauthorized(.route))
        let key = ProviderAnswer(status: 403, body: #"{"error": {"code": "invalid_api_key"}}"#)
        #expect(key.callOutcome == .unauthorized)
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
