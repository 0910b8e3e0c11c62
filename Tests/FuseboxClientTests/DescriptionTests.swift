import FuseboxWire
import Testing

@testable import FuseboxClient

/// The texts of what people print and log.
struct DescriptionTests {
    @Test(arguments: ["openai", "openai/gpt-4o", "vertex@eu/claude-sonnet-4@20250514"])
    func aCandidateIsItsRoute(_ route: String) throws {
        #expect("\(try Candidate(route: route))" == route)
        #expect("\([try Candidate(route: route)])" == "[\(route)]")
    }

    @Test(arguments: [
        (Usage(), "no known usage"),
        (Usage(inputTokens: 1), "1 input tokens"),
        (Usage(inputTokens: 1_200, outputTokens: 300), "1200 input and 300 output tokens"),
        (
            Usage(
                model: "gpt-4o-2024-08-06", cost: .dollars("0.0012"), inputTokens: 1, outputTokens: 4,
                cachedInputTokens: 2, cacheWriteTokens: 3, reasoningTokens: 5),
            "1 input, 2 cached input, 3 cache write, 4 output and 5 reasoning tokens, $0.0012, by gpt-4o-2024-08-06"
        ),
        (Usage(cost: .dollars("2")), "$2"),
        (Usage(model: "gpt-4o"), "by gpt-4o"),
        (Usage(model: "two\nlines"), "by a model whose name is no name"),
        (Usage(model: String(repeating: "m", count: 4_000)), "by a model whose name is no name"),
    ])
    func usageTellsWhatIsKnown(_ usage: Usage, _ text: String) {
        #expect("\(usage)" == text)
    }

    @Test(arguments: [
        (CallOutcome.success, "success"),
        (.success(usage: Usage(outputTokens: 7)), "success, 7 output tokens"),
        (
            .throttled(retryAfter: .seconds(30), usage: Usage(inputTokens: 5)),
            "throttled, retry after 30.0 seconds, 5 input tokens"
        ),
        (.unauthorized(.route), "unauthorized, marks the route"),
        (.cancelled, "cancelled"),
    ])
    func anOutcomeTellsWhatWasToldWithIt(_ outcome: CallOutcome, _ text: String) {
        #expect("\(outcome)" == text)
    }

    @Test func permitsTellTheirNumberRouteAndUse() throws {
        let server = FakeServer { request in
            guard request.command == Admit.declaration.number else { return request.replySample() }
            var reply = Admit.Reply()
            reply.permit = 12
            reply.decision.candidate = 0
            request.reply(reply)
        }
        let client = try server.connect()
        let texts = try client.withPermit(["openai/gpt-4o"], tags: ["secret"]) { held in
            let before = ["\(held.permit)", "\(held)"]
            held.use(Usage(outputTokens: 300))
            return .success(before + ["\(held)"])
        }
        let text = "permit 12 for openai/gpt-4o"
        #expect(texts == [text, text, "\(text), used 300 output tokens"])
    }

    @Test func anAssumedPermitHasNoNumber() {
        #expect("\(permit(nil))" == "an assumed permit for openai/gpt-4o")
    }

    @Test func errorsAreSentences() {
        let failed = ProviderFailed(candidate: "openai/gpt-4o", callOutcome: .throttled())
        #expect("\(failed)" == "the call by openai/gpt-4o failed: throttled")
        let unsettled = UnsettledCall(permit: permit(3), outcome: .failure, error: .closed)
        #expect(
            "\(unsettled)" == "permit 3 for openai/gpt-4o could not be settled (failure): "
                + "the client has been closed; connect a new one")
    }

    @Test func aReasonNamesTheCandidateAndWhatStandsAgainstIt() {
        var reason = AdmissionDenied.Reason(candidate: "openai/gpt-4o", reason: .breakerOpen)
        #expect("\(reason)" == "openai/gpt-4o: breakerOpen")
        reason.openedBy = .failureRate
        #expect("\(reason)" == "openai/gpt-4o: breakerOpen, opened by failureRate")
        let denied = AdmissionDenied(reasons: [reason, reason], retryAfter: .zero)
        #expect(
            denied.description == "no provider may be called now (\(reason), \(reason)); try again with the next call")
    }

    @Test func spoolingTellsWhereTheReportsAre() {
        var spooling = Spooling()
        #expect("\(spooling)" == "no reports were left")
        spooling.reports = 3
        spooling.file = "/spool/one.spool"
        #expect("\(spooling)" == "reports left: 3, in /spool/one.spool")
        spooling.failure = "the disk is full"
        #expect("\(spooling)" == "reports left: 3, in /spool/one.spool; reports are lost: the disk is full")
    }

    private func permit(_ number: UInt64?) -> Permit {
        Permit(
            candidate: "openai/gpt-4o", number: number, expiresAt: nil, state: .closed, share: 1, heldCost: nil,
            costBasis: .nothing, passedOver: [], sentTags: WireLimits.TagList(), epoch: nil)
    }
}
