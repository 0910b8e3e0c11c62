import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxClient

/// Ranking of candidates in the client.
struct RankingTests {
    private func latency(_ milliseconds: UInt32) -> Latency {
        Latency(
            count: 1, p50Milliseconds: milliseconds, p95Milliseconds: 9_999 - milliseconds,
            p99Milliseconds: 9_999 - milliseconds)
    }

    private func outlook(
        _ provider: String, cost: String? = nil, duration: UInt32? = nil, firstToken: UInt32? = nil, share: Double = 1,
        denied: Bool = false
    ) -> Outlook {
        Outlook(
            candidate: Candidate(stringLiteral: provider), denial: denied ? .exhausted : nil, state: .closed,
            share: share, heldCost: cost.flatMap { Money($0) }, costBasis: .nothing, duration: duration.map(latency),
            firstToken: firstToken.map(latency))
    }

    @Test(
        arguments: [
            (.price, ["c", "a", "b", "d"]), (.latency, ["b", "a", "c", "d"]), (.firstToken, ["a", "b", "c", "d"]),
            (.share, ["a", "c", "b", "d"]),
        ] as [(Ranking, [String])])
    func theBestComesFirstTheUnknownAfterItAndTheDeniedLast(ranking: Ranking, order: [String]) {
        let outlooks = [
            outlook("d", cost: "0", duration: 1, firstToken: 1, denied: true),
            outlook("a", cost: "0.2", duration: 30, firstToken: 5), outlook("b", duration: 20, share: 0.5),
            outlook("c", cost: "0.1"),
        ]
        #expect(outlooks.ranked(by: ranking).map(\.provider.text) == order)
        #expect([Outlook]().ranked(by: ranking) == [])
    }

    @Test func outlooksAreThoseOfThePreview() async throws {
        let server = FakeServer { request in
            guard request.command == AdmitPreview.declaration.number else { return request.replySample() }
            var reply = AdmitPreview.Reply()
            var slow = CandidateOutlook()
            slow.duration = Latency(count: 3, p50Milliseconds: 900, p95Milliseconds: 950, p99Milliseconds: 951)
            var denied = CandidateOutlook()
            denied.denial = Denial(reason: .breakerOpen, retryAfterMilliseconds: 5)
            denied.share = 0
            var fast = slow
            fast.duration?.p50Milliseconds = 100
            for outlook in [slow, denied, fast] { reply.outlooks.append(outlook) }
            request.reply(reply)
        }
        let admission = try server.connect().admission
        let outlooks = try await admission.outlooks(["slow", "denied", "fast"])
        #expect(outlooks.map(\.denial) == [nil, .breakerOpen, nil])
        #expect(outlooks.map(\.share) == [1, 0, 1])
        #expect(outlooks.ranked(by: .latency) == ["fast", "slow", "denied"])
        let missing = clientError { () throws(ClientError) in _ = try admission.outlooks(["slow"]) }
        #expect(missing?.description.contains("3 outlooks of 1 candidates") == true)
    }
}
