import FuseboxInterop
import FuseboxWire
import Testing

struct TraceRunnerTests {
    private func reply(_ lines: String..., profile: Profile = .llmProviders) throws -> String {
        var runner = TraceRunner(profile: profile)
        var last: JSONValue?
        for line in lines { last = try runner.reply(to: line.utf8) }
        return try #require(last).text()
    }

    @Test func repliesHaveTheLibrarysFieldsInItsWords() throws {
        #expect(
            try reply(#"{"at":1000,"op":"breaker.acquire","name":"a","draw":0.5}"#)
                == #"{"admitted":true,"retryAfterSec":null,"consecutiveFailures":0,"primaryTrafficPct":1}"#)
        #expect(
            try reply(
                #"{"at":1000,"op":"breaker.configure","name":"a","config":{"failureThreshold":1,"resetTimeout":1500}}"#,
                #"{"at":1000,"op":"breaker.failure","name":"a"}"#,
                #"{"at":1000,"op":"breaker.acquire","name":"a","draw":0.5}"#)
                == #"{"admitted":false,"retryAfterSec":2,"consecutiveFailures":1,"primaryTrafficPct":0}"#)
        #expect(
            try reply(
                #"{"at":1000,"op":"breaker.failure","name":"a"}"#, #"{"at":1001,"op":"breaker.state","name":"a"}"#)
                == #"{"state":"DEGRADED","failures":1,"consecutiveFailures":1,"primaryTrafficPct":0.9,"#
                + #""totalFailures":1,"totalSuccesses":0,"totalRequests":1,"lastFailure":1000}"#)
        #expect(try reply(#"{"at":1,"op":"ledger.accumulator","provider":"a"}"#) == #"{"accumulator":null}"#)
        #expect(
            try reply(
                #"{"at":5,"op":"exhaustion.mark","provider":"a","resetAfterMs":10}"#,
                #"{"at":6,"op":"exhaustion.get","provider":"a"}"#)
                == #"{"entry":{"provider":"a","exhaustedAt":5,"resetAt":15}}"#)
        #expect(
            try reply(
                #"{"at":5,"op":"exhaustion.mark","provider":"a","resetAfterMs":10}"#,
                #"{"at":15,"op":"exhaustion.get","provider":"a"}"#) == #"{"entry":null}"#)
    }

    @Test func amountsAreExactDecimals() throws {
        #expect(
            try reply(
                #"{"at":1,"op":"ledger.record","provider":"a","model":"m","cost":0.1,"inputTokens":1,"outputTokens":2}"#,
                #"{"at":1,"op":"ledger.record","provider":"b","model":"m","cost":2e-1,"inputTokens":1,"outputTokens":2}"#,
                #"{"at":2,"op":"ledger.totalSpend"}"#) == #"{"totalSpend":0.3}"#)
    }

    /// Lists are sorted as JavaScript sorts them: by UTF-16 code units.
    @Test func listsAreSortedAsJavaScriptSortsThem() throws {
        #expect(
            try reply(
                #"{"at":5,"op":"exhaustion.mark","provider":"ﬁn"}"#, #"{"at":5,"op":"exhaustion.mark","provider":"🙂"}"#,
                #"{"at":5,"op":"exhaustion.mark","provider":"a"}"#, #"{"at":6,"op":"exhaustion.list"}"#)
                == #"{"providers":["a","🙂","ﬁn"]}"#)
    }

    @Test func aListGoesOnBeyondAPage() throws {
        var runner = TraceRunner(profile: .llmProviders)
        for number in 0..<700 {
            let line = """
                {"at":\(number),"op":"ledger.record","provider":"p","model":"m\(number)","cost":1,"inputTokens":0,\
                "outputTokens":0}
                """
            _ = try runner.reply(to: line.utf8)
            _ = try runner.reply(to: #"{"at":\#(number),"op":"breaker.success","name":"b\#(number)"}"#.utf8)
            _ = try runner.reply(to: #"{"at":\#(number),"op":"exhaustion.mark","provider":"e\#(number)"}"#.utf8)
        }
        let account = try runner.reply(to: #"{"at":700,"op":"ledger.accumulator","provider":"p"}"#.utf8)
        #expect(account?["accumulator"]?["models"]?.members?.count == 700)
        let states = try runner.reply(to: #"{"at":700,"op":"breaker.states"}"#.utf8)
        #expect(states?["states"]?.members?.count == 700)
        let providers = try runner.reply(to: #"{"at":700,"op":"exhaustion.list"}"#.utf8)
        #expect(providers?["providers"]?.list?.count == 700)
    }

    @Test func blankLinesHaveNoReplyButCount() throws {
        var runner = TraceRunner(profile: .fusebox)
        #expect(try runner.reply(to: " \t\r".utf8) == nil)
        let error = #expect(throws: TraceError.self) { _ = try runner.reply(to: "?".utf8) }
        #expect(error?.line == 2)
        #expect(error?.message.hasPrefix("column 1: ") == true)
        #expect(runner.line == 2)
    }

    @Test(
        arguments: [
            (#"{"op":"export"}"#, "at: missing; expected a whole number"),
            (#"{"at":-1,"op":"export"}"#, "at: -1 is not a time"),
            (#"{"at":1}"#, "op: missing; expected a string"),
            (#"{"at":1,"op":"breaker.close"}"#, "op: no operation is named breaker.close"),
            (#"{"at":1,"op":"breaker.acquire"}"#, "name: missing; expected a string"),
            (#"{"at":1,"op":"breaker.acquire","name":"a","draw":"x"}"#, "draw: expected a number"),
            (#"{"at":1,"op":"breaker.acquire","name":"a","draw":1}"#, "draw 1.0 must lie in [0, 1)"),
            (#"{"at":1,"op":"breaker.acquire","name":"","draw":0}"#, "name: a name must not be empty"),
            (#"{"at":1,"op":"breaker.configure","name":"a","config":{"resetTimeout":0}}"#, "resetTimeout 0 ms"),
            (
                #"{"at":1,"op":"breaker.configure","name":"a","config":{"degradationCurve":[1,"x"]}}"#,
                "config.degradationCurve[1]: expected a number"
            ),
            (
                #"{"at":1,"op":"exhaustion.mark","provider":"a","resetAfterMs":1.5}"#,
                "resetAfterMs: expected a whole number"
            ),
            (
                #"{"at":1,"op":"ledger.record","provider":"a","model":"m","cost":1e300,"inputTokens":0,"outputTokens":0}"#,
                "cost: 1e300 dollars are out of range"
            ),
            (
                #"{"at":1,"op":"ledger.record","provider":"a","model":"m","cost":-1,"inputTokens":0,"outputTokens":0}"#,
                "ledger.record was refused"
            ),
            (
                #"{"at":1,"op":"ledger.record","provider":"a","model":"m","cost":1,"inputTokens":-1,"outputTokens":0}"#,
                "inputTokens: -1 is out of range; expected a number from 0 to 4294967295"
            ),
            (
                #"{"at":1,"op":"ledger.checkRateLimit","provider":"a","dimension":"rps"}"#,
                "expected rpm, rpd, tpm or tpd"
            ),
            (
                #"{"at":1,"op":"ledger.setBudget","budget":{"provider":"a","rateLimits":{"rpm":"1"}}}"#,
                "budget.rateLimits.rpm"
            ),
            (#"{"at":1,"op":"import","state":{}}"#, "an import needs at least one of them"),
            (#"[]"#, "expected an object"),
        ])
    func whatIsWrongWithALineIsToldWithItsNumberAndField(line: String, message: String) {
        var runner = TraceRunner(profile: .llmProviders)
        _ = try? runner.reply(to: "".utf8)
        do {
            _ = try runner.reply(to: line.utf8)
            Issue.record("the line was answered")
        } catch {
            #expect(error.description.hasPrefix("line 2: "))
            #expect(error.description.contains(message), "\(error)")
        }
    }

    @Test func aRefusedLineChangesNothing() throws {
        var runner = TraceRunner(profile: .llmProviders)
        _ = try runner.reply(to: #"{"at":1,"op":"exhaustion.mark","provider":"a"}"#.utf8)
        let before = try runner.reply(to: #"{"at":2,"op":"export"}"#.utf8)
        #expect(throws: TraceError.self) {
            _ = try runner.reply(to: #"{"at":2,"op":"import","breakers":{},"exhaustion":{},"ledger":{}}"#.utf8)
        }
        #expect(try runner.reply(to: #"{"at":2,"op":"export"}"#.utf8) == before)
    }

    /// Time passes before a line is answered: marks expire, periods roll over.
    @Test func timePassesBeforeALineIsAnswered() throws {
        var runner = TraceRunner(profile: .fusebox)
        let january: Int64 = 1_767_225_600_000
        let record =
            #"{"at":\#(january),"op":"ledger.record","provider":"a","model":"m","cost":1,"inputTokens":0,"outputTokens":0}"#
        _ = try runner.reply(to: record.utf8)
        _ = try runner.reply(to: #"{"at":\#(january),"op":"exhaustion.mark","provider":"a"}"#.utf8)
        let february = january + 31 * 86_400_000
        #expect(
            try runner.reply(to: #"{"at":\#(february - 1),"op":"ledger.totalSpend"}"#.utf8) == ["totalSpend": 1])
        #expect(runner.machine?.exhaustion.count == 0)
    }
}
