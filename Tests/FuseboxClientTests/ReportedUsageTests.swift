import FuseboxJSON
import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxClient

/// Usage as providers tell it: every form by a sample of its real shape.
struct ReportedUsageTests {
    private static func read(_ document: String) throws -> ReportedUsage {
        try ReportedUsage(JSONValue(parsing: document.utf8))
    }

    private static func tokens(_ usage: ReportedUsage) -> [Int?] { TokenKind.allCases.map { usage.tokens[$0] } }

    @Test(arguments: UsageSample.all)
    func everyKindOfTokensIsCountedOnce(_ sample: UsageSample) throws {
        let usage = try Self.read(sample.document)
        #expect(Self.tokens(usage) == sample.tokens)
        #expect(usage.cost == sample.cost.flatMap { Money($0) })
        #expect(usage.model == sample.model)
        #expect(usage.call == sample.call)
    }

    @Test func theLastReportOfAStreamCountsAndWhatItLeavesOutStays() throws {
        // The events of Anthropic's stream: the second tells the output so far and leaves the input out.
        var usage = try Self.read(
            #"{"type": "message_start", "message": {"id": "msg_1", "model": "claude-opus-4", "usage": {"input_tokens": 25, "cache_read_input_tokens": 4, "output_tokens": 1}}}"#
        )
        for output in [8, 15] {
            usage.update(
                with: try Self.read(
                    #"{"type": "message_delta", "delta": {"stop_reason": null}, "usage": {"output_tokens": \#(output)}}"#
                ))
        }
        #expect(Self.tokens(usage) == [25, 4, nil, 15, nil])
        #expect(usage.model == "claude-opus-4")
        #expect(usage.call == "msg_1")
    }

    /// Streams by their events, and the tokens of each kind in the end.
    static let streams: [(what: String, events: [String], tokens: [Int?])] = [
        (
            "details that only one event tells",
            [
                #"{"usage": {"prompt_tokens": 2006, "prompt_tokens_details": {"cached_tokens": 1920}}}"#,
                #"{"usage": {"prompt_tokens": 2006, "completion_tokens": 300, "prompt_tokens_details": null}}"#,
            ], [86, 1920, nil, 300, nil]
        ),
        (
            "Gemini's cache in the first event, and no candidates in the last",
            [
                #"{"usageMetadata": {"promptTokenCount": 10, "cachedContentTokenCount": 8, "totalTokenCount": 10}}"#,
                #"{"usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 300, "totalTokenCount": 310}}"#,
                #"{"usageMetadata": {"promptTokenCount": 10, "totalTokenCount": 310}}"#,
            ], [2, 8, nil, 300, nil]
        ),
        (
            "Anthropic's cache at the beginning, and its thinking at the end",
            [
                #"{"message": {"usage": {"input_tokens": 25, "cache_read_input_tokens": 4, "output_tokens": 1}}}"#,
                #"{"usage": {"output_tokens": 50, "output_tokens_details": {"thinking_tokens": 30}}}"#,
            ], [25, 4, nil, 20, 30]
        ),
        (
            "another prompt, of which no cache is told",
            [
                #"{"prompt_tokens": 2006, "prompt_tokens_details": {"cached_tokens": 1920}, "completion_tokens": 5}"#,
                #"{"prompt_tokens": 100, "completion_tokens": 7}"#,
            ], [100, nil, nil, 7, nil]
        ),
        (
            "an output that grows beyond what is counted of its reasoning",
            [
                #"{"completion_tokens": 40, "completion_tokens_details": {"reasoning_tokens": 40}}"#,
                #"{"completion_tokens": 90}"#,
            ], [nil, nil, nil, 50, 40]
        ),
    ]

    @Test(arguments: streams)
    func theKindsAreTakenApartAfterTheLastEvent(_ what: String, _ events: [String], _ tokens: [Int?]) throws {
        var report = ReportedUsage()
        var usage = Usage()
        for event in events {
            report.update(with: try Self.read(event))
            try usage.update(reported: event)
        }
        #expect(Self.tokens(report) == tokens, "\(what)")
        #expect(TokenKind.allCases.map { usage[$0] } == tokens, "\(what)")
    }

    @Test func whatSomebodySetByHandStaysUntilAnEventTellsIt() throws {
        var usage = try Usage(reported: #"{"prompt_tokens": 10, "completion_tokens": 1}"#)
        usage.inputTokens = 12
        try usage.update(reported: #"{"completion_tokens": 2}"#)
        #expect(usage == Usage(inputTokens: 12, outputTokens: 2))
    }

    @Test(arguments: ["null", #"{"usage": null}"#, #"{"choices": [], "usage": null, "model": "gpt-4o"}"#])
    func aNullTellsNothing(_ document: String) throws {
        #expect(try Self.read(document).isEmpty)
    }

    @Test(arguments: [
        (#"{"error": {"message": "overloaded"}}"#, "no usage is found in this object"),
        ("[1]", "usage is a JSON object"),
        (#"{"usage": {"prompt_tokens": -1}}"#, "usage.prompt_tokens is not a whole number from 0 to 4,294,967,295"),
        (#"{"prompt_tokens": 1.5}"#, "prompt_tokens is not a whole number"),
        (#"{"prompt_tokens": "12"}"#, "prompt_tokens is not a whole number"),
        (#"{"prompt_tokens": 4294967296}"#, "prompt_tokens is not a whole number"),
        (
            #"{"promptTokenCount": 4294967295, "toolUsePromptTokenCount": 1}"#,
            "input has more than 4,294,967,295 tokens"
        ),
        (#"{"prompt_tokens": 1, "cost": -0.1}"#, "cost is not a number of dollars from 0 to 1000000"),
        (#"{"prompt_tokens": 1, "cost": "0.1"}"#, "cost is not a number of dollars"),
    ])
    func whatIsNotUnderstoodIsSaid(_ document: String, _ words: String) throws {
        let refusal = try #require(throws: Refusal.self) { try Self.read(document) }
        #expect(refusal.message.contains(words), "\(refusal.message)")
    }

    @Test func aPartThatIsGreaterThanItsWholeLeavesNothingOfIt() throws {
        let usage = try Self.read(#"{"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 12}}"#)
        #expect(Self.tokens(usage) == [0, 12, nil, 0, nil])
    }
}
