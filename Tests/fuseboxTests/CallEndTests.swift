import FuseboxClient
import FuseboxWire
import Glibc
import Testing

@testable import fusebox

/// The outcome that follows from the end of a command, and the charge for it.
struct CallEndTests {
    typealias Ending = ChildProcess.Ending

    private func call(
        _ ending: Ending, passed: Set<Int32> = [], timedOut: Bool = false, told lines: [String] = [],
        estimate: Estimate = Estimate(), charging: Bool = false, unread: Bool = false
    ) -> CallEnd {
        var told = ToldUsage()
        told.take(lines.joined(separator: "\n"))
        return CallEnd(
            end: ChildProcess.End(ending: ending, passed: passed, hasTimedOut: timedOut), told: told,
            estimate: estimate,
            chargesEstimate: charging, isUnread: unread)
    }

    @Test(arguments: [SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM])
    func aCallerThatGoesAwayIsNoFailureOfTheProvider(signal: Int32) {
        #expect(call(.killed(by: signal)).call.outcome == .abandoned)
        #expect(call(.exited(128 + signal)).call.outcome == .abandoned)
        #expect(call(.killed(by: signal), timedOut: true).call.outcome == .failure)
    }

    @Test(arguments: [SIGHUP, SIGINT, SIGQUIT, SIGTERM])
    func afterASignalToEndWasPassedOnNoFailureIsTheProviders(signal: Int32) {
        for status in [Int32(1), 2, 69, 75, 143] {
            #expect(call(.exited(status), passed: [signal]).call.outcome == .abandoned, "\(status)")
        }
        #expect(call(.exited(0), passed: [signal]).call.outcome == .success)
        #expect(call(.exited(1), passed: [signal], told: ["outcome=failure"]).call.outcome == .failure)
    }

    @Test func otherSignalsThatArePassedOnSayNothingUnlessTheCommandEndsByThem() {
        #expect(call(.exited(1), passed: [SIGUSR1, SIGWINCH]).call.outcome == .failure)
        #expect(call(.exited(75), passed: [SIGUSR1]).call.outcome == .throttled)
        #expect(call(.killed(by: SIGUSR1), passed: [SIGUSR1]).call.outcome == .abandoned)
        #expect(call(.killed(by: SIGUSR1)).call.outcome == .failure)
        #expect(call(.killed(by: SIGKILL)).call.outcome == .failure)
        #expect(call(.killed(by: SIGSEGV)).call.outcome == .failure)
    }

    @Test func aCommandThatFailsWhenNobodyReadsItsOutputAnyMoreWasAbandoned() {
        #expect(call(.exited(1), unread: true).call.outcome == .abandoned)
        #expect(call(.exited(0), unread: true).call.outcome == .success)
        #expect(call(.exited(75), unread: true).call.outcome == .throttled)
    }

    @Test func anInnerRunThatMadeNoCallSaysNothingAboutTheOutersProvider() {
        #expect(call(.exited(75), told: ["not-sent=75"]).call.outcome == .cancelled)
        #expect(call(.exited(69), told: ["not-sent=69"]).call.outcome == .cancelled)
        #expect(call(.exited(75), told: ["not-sent=69"]).call.outcome == .throttled)
        #expect(call(.exited(0), told: ["not-sent=75"]).call.outcome == .success)
        #expect(call(.exited(75), told: ["not-sent=75", "cost=0.5"]).call.outcome == .abandoned)
        #expect(call(.exited(75), told: ["not-sent=75", "outcome=throttled"]).call.outcome == .throttled)
        let charged = call(.exited(75), told: ["not-sent=75"], estimate: Estimate(cost: .dollars("1")), charging: true)
        #expect(charged.call.outcome == .cancelled && charged.call.usage == nil)
    }

    @Test(arguments: [Ending.exited(0), .exited(75), .killed(by: SIGKILL)])
    func aCommandThatTimedOutHasFailedHoweverItEnds(ending: Ending) {
        #expect(call(ending, timedOut: true).call.outcome == .failure)
        #expect(call(ending, timedOut: true, told: ["outcome=rejected"]).call.outcome == .rejected)
    }

    // MARK: Usage

    private let estimate = Estimate(cost: .dollars("0.25"), tokens: 800)

    @Test(
        arguments: [
            (["cost=lots"], "0.25", 0), (["cost=lots", "cost=0.1"], "0.25", 0), (["cost=0.1", "cost=0,2"], "0.25", 0),
            (["cost=1", "cost=lots"], "1", 0), (["cost=-1"], "0.25", 0), (["cost=1000000.000000001"], "0.25", 0),
            (["cost=999999.5", "cost=0.6"], "999999.5", 0), (["cost=nan"], "0.25", 0), (["cost="], "0.25", 0),
            (["input-tokens=many"], nil, 800), (["input-tokens=300", "output-tokens=x"], nil, 800),
            (["input-tokens=900", "output-tokens=x"], nil, 900), (["output-tokens=1.5"], nil, 800),
            (["cost=x", "input-tokens=4294967296"], "0.25", 800),
        ] as [([String], String?, Int)])
    func whatIsNotUnderstoodIsChargedAsTheEstimateAndNeverNothing(lines: [String], cost: String?, tokens: Int) {
        let usage = call(.exited(0), told: lines, estimate: estimate).call.usage
        #expect(usage?.cost == cost.flatMap { Money($0) })
        #expect(usage.map(\.knownTokens) == tokens)
    }

    /// A line without a key that there is may have meant a cost: where nothing was used, the estimate is charged.
    @Test(
        arguments: [
            (["COST=0.5"], "0.25"), (["cost 0.5"], "0.25"), (["total_cost=0.5"], "0.25"),
            (["# asked once"], nil), (["0.5", "input-tokens=7"], nil), ([], nil),
            (["model=x", "cost:0.5"], "0.25"),
        ] as [([String], String?)])
    func aLineWithoutAKeyThatThereIsMayHaveMeantACost(lines: [String], cost: String?) {
        let end = call(.exited(0), told: lines, estimate: estimate)
        #expect(end.call.usage?.cost == cost.flatMap { Money($0) })
        #expect(
            end.told.complaints.allSatisfy {
                $0.hasSuffix("outcome=, status=, retry-after= or mark-scope=, or a provider's usage as JSON")
            })
        #expect(end.told.hasUnread == (cost == "0.25"))
    }

    @Test func withoutAnEstimateWhatWasUnderstoodIsChargedAndACallThatTellsACostWasSent() {
        #expect(call(.exited(0), told: ["cost=lots"]).call.usage == nil)
        #expect(call(.exited(0), told: ["cost=lots", "input-tokens=7"]).call.usage == Usage(inputTokens: 7))
        #expect(call(.exited(0), told: ["outcome=cancelled", "cost=lots"]).call.outcome == .abandoned)
        #expect(call(.exited(0), told: ["outcome=cancelled"]).call.outcome == .cancelled)
    }

    @Test func tokensAreWholeNumbersInEveryFormInWhichProgramsPrintThem() {
        let told = ["input-tokens=120.0", "input-tokens=1.2e3", "output-tokens=+3", "model=x"]
        #expect(call(.exited(0), told: told).call.usage == Usage(model: "x", inputTokens: 1_320, outputTokens: 3))
    }

    @Test(
        arguments: [
            (
                ["cost=lots"],
                "$0.25 charged; if the call used more, report the rest: fusebox report --provider 'open ai' "
                    + "--model gpt-4o --socket '/tmp/it'\\''s' --outcome abandoned --cost DOLLARS"
            ),
            (
                ["output-tokens=x", "cost=y"],
                "$0.25 and 800 tokens charged; if the call used more, report the rest: fusebox report --provider 'open ai' "
                    + "--model gpt-4o --socket '/tmp/it'\\''s' --outcome abandoned --cost DOLLARS --output-tokens COUNT"
            ),
            (
                ["retry-after=soon", "outcome=throttled"],
                "no mark was made; to make it: fusebox exhaustion mark 'open ai' --socket '/tmp/it'\\''s' --for TIME"
            ),
            (
                ["retry-after=5", "outcome=rejected"],
                "retry-after is ignored: it goes with success, failure, throttled and quota-exhausted, not with rejected"
            ),
        ] as [([String], String)])
    func theLineToRunIsExact(lines: [String], line: String) throws {
        let candidate = try Candidate("open ai", model: "gpt-4o")
        let advice = call(.exited(0), told: lines, estimate: estimate).advice(candidate, socket: "/tmp/it's")
        #expect(advice.last == line)
    }

    @Test(arguments: ["failure", "throttled", "quota-exhausted"]) func aTimeGoesWithAFailureToo(outcome: String) {
        let told = ["retry-after=34.5s", "outcome=\(outcome)"]
        #expect(call(.exited(0), told: told).call.retryAfter == .milliseconds(34_500))
        #expect(call(.exited(0), told: told).advice("p", socket: nil) == [])
    }

    @Test func whereAStatusWithoutAWordIsAFailureSoItIsWithATime() {
        #expect(call(.exited(1), told: ["retry-after=120"]).call == .failure(retryAfter: .seconds(120)))
        #expect(call(.exited(75), told: ["retry-after=0"]).call == .throttled(retryAfter: .zero))
    }

    @Test func aForbiddenCallMarksItsModelUnlessALineSaysOtherwise() {
        var told = call(.exited(22), told: ["status=403"]).call
        #expect(told.outcome == .unauthorized && told.markScope == .route)
        told = call(.exited(22), told: ["status=401"]).call
        #expect(told.outcome == .unauthorized && told.markScope == nil)
        told = call(.exited(22), told: ["status=403", "mark-scope=provider"]).call
        #expect(told.outcome == .unauthorized && told.markScope == .provider)
        // The scope goes with the outcome that the status tells, and not with another one.
        told = call(.exited(22), told: ["status=403", "outcome=throttled"]).call
        #expect(told.outcome == .throttled && told.markScope == nil)
    }

    @Test func aMarkMayBeOfLessThanTheRoute() {
        var told = call(.exited(69), told: ["mark-scope=model"]).call
        #expect(told.outcome == .quotaExhausted && told.markScope == .model)
        // A success marks nothing, so the scope is left out.
        told = call(.exited(0), told: ["mark-scope=provider"]).call
        #expect(told.outcome == .success && told.markScope == nil)
        let advice = call(.exited(69), told: ["mark-scope=all"]).advice("p", socket: nil)
        #expect(advice.contains { $0.hasSuffix("give provider, deployment, model, route") })
    }

    // MARK: Answers

    @Test(
        arguments: [
            (["status=429"], 0, .throttled), (["status=429"], 22, .throttled), (["status=500"], 0, .failure),
            (["status=401"], 22, .unauthorized), (["status=404"], 22, .rejected), (["status=402"], 0, .quotaExhausted),
            (["status=200"], 0, .success), (["status=200"], 1, .failure), (["status=200"], 75, .throttled),
            (["status=429", "outcome=rejected"], 0, .rejected), (["status=000"], 28, .failure),
            ([#"{"error": {"type": "overloaded_error"}}"#], 0, .failure),
            ([#"{"error": {"code": "insufficient_quota"}}"#], 1, .quotaExhausted),
        ] as [([String], Int32, Outcome)])
    func anErrorOfTheProviderTellsTheOutcomeAndASuccessLeavesItToTheCommand(
        told: [String], status: Int32, outcome: Outcome
    ) {
        #expect(call(.exited(status), told: told).call.outcome == outcome)
    }

    @Test func aSuccessThatWasTheLastForNowTellsForHowLong() {
        let told = ["status=200", "x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: 6m0s"]
        #expect(call(.exited(0), told: told).call == .success(usage: nil, retryAfter: .seconds(60)))
        #expect(call(.exited(1), told: told).call == .failure(retryAfter: .seconds(60)))
        #expect(call(.exited(0), told: told + ["retry-after=5"]).call.retryAfter == .seconds(5))
    }
}
