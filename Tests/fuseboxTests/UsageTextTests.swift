import FuseboxClient
import Testing

@testable import fusebox

/// Usage files: what a command writes there, as a person or a program would.
struct UsageTextTests {
    private func told(_ text: String) -> ToldUsage {
        var told = ToldUsage()
        told.take(text)
        return told
    }

    @Test func aUsageObjectMayGoOverSeveralLinesAndStandBesideLines() {
        let told = told(
            """
            # as jq prints it
            {
              "prompt_tokens": 2006,
              "completion_tokens": 300,
              "prompt_tokens_details": {
                "cached_tokens": 1920
              }
            }
            cost=0.0012
            model=gpt-4o
            """)
        #expect(
            told.usage
                == Usage(
                    model: "gpt-4o", cost: .dollars("0.0012"), inputTokens: 86, outputTokens: 300,
                    cachedInputTokens: 1920))
        #expect(told.complaints == [])
    }

    @Test func ofAStreamTheLastNumbersCount() {
        let told = told(
            """
            event: message_start
            data: {"type": "message_start", "message": {"id": "msg_1", "model": "claude-opus-4", "usage": {"input_tokens": 25, "output_tokens": 1}}}

            event: content_block_delta
            data: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "cost=5 {"}}

            : keep alive
            event: message_delta
            data: {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 15}}

            data: [DONE]
            """)
        #expect(told.usage == Usage(model: "claude-opus-4", inputTokens: 25, outputTokens: 15))
        #expect(told.complaints == [])
        #expect(!told.hasUnread)
    }

    @Test func ofAStreamOfPlainLinesOnlyTheLastTellsUsage() {
        let told = told(
            """
            {"model": "llama3.2", "created_at": "2023-08-04T08:52:19Z", "response": "The", "done": false}
            {"model": "llama3.2", "created_at": "2023-08-04T08:52:20Z", "response": " sky", "done": false}
            {"model": "llama3.2", "response": "", "done": true, "prompt_eval_count": 26, "eval_count": 259}
            """)
        #expect(told.usage == Usage(model: "llama3.2", inputTokens: 26, outputTokens: 259))
        #expect(told.complaints == [])
        #expect(!told.hasUnread)
    }

    @Test func aStreamMayBeOneListOfItsEvents() {
        let told = told(
            """
            [{"candidates": [], "usageMetadata": {"promptTokenCount": 10, "cachedContentTokenCount": 8}}
            ,
            {"candidates": []}
            ,
            {"usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 300}, "modelVersion": "gemini-2.5-flash"}
            ]
            """)
        #expect(
            told.usage
                == Usage(model: "gemini-2.5-flash", inputTokens: 2, outputTokens: 300, cachedInputTokens: 8))
        #expect(told.complaints == [])
    }

    @Test func anObjectWithoutUsageOfWhichNoOtherTellsIsSaid() {
        let told = told(
            """
            {"id": "a", "usage": {"prompt_tokens": 10, "completion_tokens": 1}}
            {"id": "b", "choices": []}
            """)
        #expect(told.usage == Usage(inputTokens: 10, outputTokens: 1))
        #expect(told.complaints.count == 1)
        #expect(told.complaints.first?.hasPrefix("FUSEBOX_USAGE, line 2: no usage is found in this object") == true)
        #expect(told.hasUnread)
        let empty = self.told("[{\"a\": 1}, {\"b\": 2}]")
        #expect(empty.complaints.count == 2)
    }

    @Test func callsWithDifferentNamesAddUp() {
        let told = told(
            """
            {"id": "a", "usage": {"prompt_tokens": 10, "completion_tokens": 1, "cost": 0.25}}
            {"id": "b", "usage": {"prompt_tokens": 5, "completion_tokens": 2, "cost": 0.5}}
            {"id": "a", "usage": {"prompt_tokens": 10, "completion_tokens": 3, "cost": 0.75}}
            """)
        #expect(told.usage == Usage(cost: .dollars("1.25"), inputTokens: 15, outputTokens: 5))
    }

    @Test(arguments: ["null", #"{"id": "x", "usage": null}"#])
    func anAnswerWithoutUsageTellsNothing(_ text: String) {
        #expect(told(text).usage == nil)
        #expect(told(text).complaints == [])
    }

    @Test func everyKindOfTokensHasALine() {
        let told = told(
            """
            input-tokens=1
            cached-input-tokens=2
            cache-write-tokens=3
            output-tokens=4
            reasoning-tokens=5
            reasoning-tokens=5
            """)
        #expect(
            told.usage
                == Usage(
                    inputTokens: 1, outputTokens: 4, cachedInputTokens: 2, cacheWriteTokens: 3, reasoningTokens: 10))
    }

    @Test func aDocumentThatIsCutShortIsSaidAndEndsBeforeTheNextLine() {
        let told = told(
            """
            {
              "usage": {
                "prompt_tokens": 12,
            cost=0.5
            """)
        #expect(told.usage == Usage(cost: .dollars("0.5")))
        #expect(told.complaints.count == 1)
        #expect(told.complaints[0].hasPrefix("FUSEBOX_USAGE, line 1: { is not JSON: "))
        #expect(told.hasUnread)
    }

    @Test func whatADocumentTellsWronglyIsSaidWithItsPlace() {
        let told = told("\n{\"usage\": {\"prompt_tokens\": -3}}")
        #expect(
            told.complaints == [
                "FUSEBOX_USAGE, line 2: usage.prompt_tokens is not a whole number from 0 to 4,294,967,295"
            ])
        #expect(told.unreadTokens == .input)
        #expect(told.unreadCost == .cost)
    }

    @Test func theTimeToTheFirstTokenIsTold() {
        #expect(told("first-token=0.35").firstToken == .milliseconds(350))
        #expect(told("first-token=2s\nfirst-token=350ms").firstToken == .milliseconds(350))
        let wrong = told("first-token=soon")
        #expect(wrong.firstToken == nil && wrong.complaints.count == 1 && !wrong.hasUnread)
    }

    // MARK: Answers

    /// What `curl -D` has written, with the body of the error after it.
    @Test func theHeadOfAnAnswerAndItsErrorTellTheOutcome() throws {
        let told = told(
            """
            HTTP/1.1 200 Connection established\r
            \r
            HTTP/2 429 \r
            Date: Wed, 25 Nov 2026 18:53:52 GMT\r
            retry-after: 20\r
            x-request-id: req_1\r
            \r
            {
              "error": {"message": "Rate limit reached", "type": "tokens", "code": "rate_limit_exceeded"}
            }
            """)
        #expect(told.answer?.outcome == .throttled)
        #expect(told.answer?.retryAfter == .seconds(20))
        #expect(told.complaints == [])
        #expect(!told.hasUnread)
    }

    @Test func theBodyOfAnErrorThatIsNoJSONSaysNothingOfCosts() {
        let told = told(
            "HTTP/1.1 502 Bad Gateway\ncontent-type: text/html\n\n<html>\ncost of it: none\n</html>\ncost=0.5")
        #expect(told.answer?.outcome == .failure)
        #expect(told.complaints == [] && !told.hasUnread)
        #expect(told.usage == Usage(cost: .dollars("0.5")))
    }

    @Test func ofSeveralAnswersTheLastCounts() {
        let head = "HTTP/2 429\nretry-after: 20\n\n{\"error\": {\"code\": \"insufficient_quota\"}}\n"
        #expect(told(head).answer?.outcome == .quotaExhausted)
        let answered = told(head + "HTTP/2 200\n\n{\"usage\": {\"prompt_tokens\": 5, \"completion_tokens\": 2}}")
        #expect(answered.answer?.outcome == .success)
        #expect(answered.answer?.retryAfter == nil)
        #expect(answered.usage?.inputTokens == 5)
    }

    @Test func headersThatTellOfLimitsMayStandAlone() {
        let told = told("Retry-After: 9\nx-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 12s")
        #expect(told.answer == nil)
        #expect(told.retryAfter(with: .throttled) == .seconds(9))
        #expect(told.retryAfter(with: .success) == .seconds(12))
        #expect(told.retryAfter(with: .rejected) == nil)
        #expect(told.complaints == [])
    }

    /// Only in the head of an answer a name that nobody knows is a header.
    @Test func aLineThatLooksLikeAHeaderMayHaveMeantACost() {
        #expect(told("tokens: 5").complaints.count == 1)
        #expect(told("date: today").hasUnread)
        #expect(!told("HTTP/2 200\ndate: today\n").hasUnread)
    }
}
