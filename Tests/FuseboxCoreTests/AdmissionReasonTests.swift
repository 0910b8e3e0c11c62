import FuseboxWire
import Testing

@testable import FuseboxCore

/// Every reason for a denial, and which of several is returned, for a candidate at every position.
struct AdmissionReasonTests {
    /// Obstacles of a provider, the reason that is returned, how long it lasts, and the limit that is told with it.
    ///
    /// The month has 31 days. The estimate is $0.50 and 100 tokens. A limit that is `spent` or `empty` has $0.20 left, one
    /// that is `held` $0.40; one that is `small` can never hold the call.
    static let table = """
        stands against it                                         | reason      | retry after | limit
        mark                                                      | exhausted   | 90 s        | -
        pause-2d                                                  | paused      | 2 d         | -
        pause                                                     | paused      | never       | -
        mark pause-90s                                            | paused      | 90 s        | -
        open pause-60s                                            | paused      | 60 s        | -
        pause-60s mark                                            | exhausted   | 90 s        | -
        provider-small pause                                      | paused      | never       | -
        open                                                      | breakerOpen | 60 s        | -
        share                                                     | share       | 0           | -
        probes                                                    | probes      | 0           | -
        rpm                                                       | limit       | 60 s        | 1 request per minute fixed on p
        rpd                                                       | limit       | 24 h        | 1 request per 24h fixed on p
        tpm                                                       | limit       | 60 s        | 150 tokens per minute fixed on p
        tpd                                                       | limit       | 24 h        | 150 tokens per 24h fixed on p
        tpm-small                                                 | limit       | never       | 99 tokens per minute fixed on p
        full                                                      | limit       | 0           | 1 in flight on p
        provider-spent                                            | limit       | 31 d        | $1 per month on p
        provider-held                                             | limit       | 0           | $1 per month on p
        provider-small                                            | limit       | never       | $0.4 per month on p
        provider-empty                                            | limit       | never       | $1 until reset on p
        model-spent                                               | limit       | 31 d        | $1 per month on p/m
        model-held                                                | limit       | 0           | $1 per month on p/m
        model-small                                               | limit       | never       | $0.4 per month on p/m
        model-empty                                               | limit       | never       | $1 until reset on p/m
        model-spent provider-held                                 | limit       | 31 d        | $1 per month on p
        model-held provider-held                                  | limit       | 0           | $1 per month on p
        model-spent provider-spent                                | limit       | 31 d        | $1 per month on p
        model-small provider-small                                | limit       | never       | $0.4 per month on p
        model-small provider-spent                                | limit       | never       | $0.4 per month on p/m
        model-small provider-empty                                | limit       | never       | $1 until reset on p
        model-empty provider-spent                                | limit       | never       | $1 until reset on p/m
        model-held full                                           | limit       | 0           | 1 in flight on p
        model-held provider-held probes                           | probes      | 0           | -
        model-held provider-held share                            | share       | 0           | -
        full probes                                               | probes      | 0           | -
        full share                                                | share       | 0           | -
        full open                                                 | breakerOpen | 60 s        | -
        mark open                                                 | exhausted   | 90 s        | -
        mark provider-spent                                       | limit       | 31 d        | $1 per month on p
        provider-held mark                                        | exhausted   | 90 s        | -
        open rpm                                                  | breakerOpen | 60 s        | -
        open rpd                                                  | limit       | 24 h        | 1 request per 24h fixed on p
        open provider-small                                       | limit       | never       | $0.4 per month on p
        open provider-empty                                       | limit       | never       | $1 until reset on p
        mark tpm-small                                            | limit       | never       | 99 tokens per minute fixed on p
        rpm share                                                 | limit       | 60 s        | 1 request per minute fixed on p
        tpm probes                                                | limit       | 60 s        | 150 tokens per minute fixed on p
        model-held provider-spent tpd                             | limit       | 31 d        | $1 per month on p
        model-held provider-held tpd tpm                          | limit       | 24 h        | 150 tokens per 24h fixed on p
        model-held provider-held tpd tpm rpd                      | limit       | 24 h        | 150 tokens per 24h fixed on p
        model-held provider-held tpd tpm rpd rpm                  | limit       | 24 h        | 150 tokens per 24h fixed on p
        model-held provider-held probes tpd tpm rpm share         | limit       | 24 h        | 150 tokens per 24h fixed on p
        model-held provider-held probes tpm rpm open              | breakerOpen | 60 s        | -
        model-held provider-held probes rpd tpd tpm rpm open mark | limit       | 24 h        | 1 request per 24h fixed on p
        provider-small open mark                                  | limit       | never       | $0.4 per month on p
        provider-small tpm-small open mark                        | limit       | never       | $0.4 per month on p
        tpm-small provider-small open mark                        | limit       | never       | 99 tokens per minute fixed on p
        """

    struct Row: Sendable, CustomTestStringConvertible {
        var obstacles: [String]
        var reason: DenialReason
        var retryAfter: Int64?
        /// The limit that is told, and the model that it is set on; nil: none is.
        var limit: (limit: Limit, model: Name?)?
        var testDescription: String { obstacles.joined(separator: " ") }

        init?(_ line: Substring) {
            let cells = line.split(separator: "|").map { $0.split(separator: " ").map(String.init) }
            guard let reason = DenialReason.allCases.first(where: { "\($0)" == cells[1][0] }) else { return nil }
            obstacles = cells[0]
            self.reason = reason
            let time = cells[2].joined()
            retryAfter = time == "never" ? nil : Quantity.milliseconds(time)
            guard cells[3] != ["-"] else { return }
            guard let limit = try? LimitCalls.bound(cells[3].dropLast(2).joined(separator: " ")),
                let scope = try? LimitCalls.scope(cells[3].last)
            else { return nil }
            self.limit = (limit, scope.model)
        }
    }

    static let rows = table.split(separator: "\n").compactMap(Row.init)

    private let estimate = Estimate(cost: dollars("0.5"), tokens: 100)
    private let model = name("m")

    /// 16 providers, the first of which have all obstacles of a row.
    private func rig(_ row: Row, obstructed count: Int) throws -> Rig {
        var rig = Rig()
        try rig.apply(LimitCalls.month(from: 0, days: 31))
        for number in 0..<count {
            // Probes are calls since a breaker opened. So it opens before any call is in flight.
            if row.obstacles.contains("probes") { try recover(provider(number), &rig) }
            for obstacle in row.obstacles { try obstruct(provider(number), obstacle, &rig) }
        }
        rig.events.removeAll()
        return rig
    }

    private func provider(_ number: Int) -> Name { name("p\(number)") }

    private func obstruct(_ provider: Name, _ obstacle: String, _ rig: inout Rig) throws {
        switch obstacle {
        case "mark": try rig.apply(ExhaustionMark(provider: provider, resetAfterMilliseconds: 90_000))
        case "pause": try rig.apply(ExhaustionPause(provider: provider, reason: "x"))
        case "pause-60s", "pause-90s", "pause-2d":
            let time = Quantity.milliseconds(String(obstacle.dropFirst("pause-".count)))
            try rig.apply(ExhaustionPause(provider: provider, reason: "x", durationMilliseconds: time))
        case "open": for _ in 0..<5 { try rig.apply(BreakerFailure(name: provider)) }
        case "share": try degrade(provider, to: 0.1, &rig)
        case "probes":
            let isInFlight = try rig.apply(LedgerProvider(provider: provider)).account.map { $0.inFlight > 0 }
            if isInFlight != true { try hold(provider, nil, .zero, &rig) }
            try rig.apply(BreakerConfigure(name: provider, change: .init(maxProbes: 1)))
        case "rpm": try fill(provider, "1 request per minute fixed", &rig)
        case "rpd": try fill(provider, "1 request per day fixed", &rig)
        case "tpm": try fill(provider, "150 tokens per minute fixed", &rig)
        case "tpd": try fill(provider, "150 tokens per day fixed", &rig)
        case "tpm-small": try limit(provider, nil, "99 tokens per minute fixed", &rig)
        case "full":
            try hold(provider, nil, .zero, &rig)
            try limit(provider, nil, "1 in flight", &rig)
        case "provider-spent": try spend(provider, nil, "$1 per month", &rig)
        case "model-spent": try spend(provider, model, "$1 per month", &rig)
        case "provider-empty": try spend(provider, nil, "$1 until reset", &rig)
        case "model-empty": try spend(provider, model, "$1 until reset", &rig)
        case "provider-held":
            try hold(provider, nil, dollars("0.6"), &rig)
            try limit(provider, nil, "$1 per month", &rig)
        case "model-held":
            try hold(provider, model, dollars("0.6"), &rig)
            try limit(provider, model, "$1 per month", &rig)
        case "provider-small": try limit(provider, nil, "$0.4 per month", &rig)
        case "model-small": try limit(provider, model, "$0.4 per month", &rig)
        default: Issue.record("no obstacle is called \(obstacle)")
        }
    }

    /// Opens a breaker and lets it recover to one failure.
    private func recover(_ provider: Name, _ rig: inout Rig) throws {
        try rig.apply(BreakerConfigure(name: provider, change: .init(degradationCurve: [1, 0.9])))
        try rig.apply(BreakerForceOpen(name: provider))
        for _ in 0..<4 { try rig.apply(BreakerSuccess(name: provider)) }
    }

    /// Brings a breaker to a state in which its share admits no further call for now.
    private func degrade(_ provider: Name, to share: Double, _ rig: inout Rig) throws {
        try rig.apply(BreakerConfigure(name: provider, change: .init(degradationCurve: [1, share])))
        try rig.apply(BreakerFailure(name: provider))
        while try rig.apply(BreakerAcquire(name: provider)).admitted == false {}
    }

    private func fill(_ provider: Name, _ text: String, _ rig: inout Rig) throws {
        try limit(provider, nil, text, &rig)
        try record(provider, "0", tokens: 100, &rig)
    }

    private func spend(_ provider: Name, _ model: Name?, _ text: String, _ rig: inout Rig) throws {
        try limit(provider, model, text, &rig)
        try record(provider, "0.8", tokens: 0, &rig)
    }

    private func record(_ provider: Name, _ cost: String, tokens: UInt32, _ rig: inout Rig) throws {
        try rig.apply(
            LedgerRecord(provider: provider, model: model, cost: dollars(cost), inputTokens: tokens, outputTokens: 0))
    }

    private func limit(_ provider: Name, _ model: Name?, _ text: String, _ rig: inout Rig) throws {
        let scope = Scope(provider: provider, model: model)
        try rig.apply(LimitSet(scope: scope, limits: [try LimitCalls.bound(text)]))
    }

    private func hold(_ provider: Name, _ model: Name?, _ cost: Money, _ rig: inout Rig) throws {
        var candidates = Candidates()
        candidates.append(Candidate(provider: provider, model: model))
        let reply = try rig.apply(
            Admit(candidates: candidates, estimate: Estimate(cost: cost), ttlMilliseconds: 3_600_000))
        try #require(reply.permit != nil)
    }

    @Test(arguments: rows) func theReasonThatLastsLongestIsToldWhereverTheCandidateStands(row: Row) throws {
        for place in [0, 1, WireLimits.candidates / 2, WireLimits.candidates - 1] {
            var rig = try rig(row, obstructed: place + 1)
            var candidates = Candidates()
            for number in 0..<WireLimits.candidates {
                candidates.append(Candidate(provider: provider(number), model: model))
            }
            let preview = try rig.apply(AdmitPreview(candidates: candidates, estimate: estimate)).decision
            let reply = try rig.apply(
                Admit(candidates: candidates, estimate: estimate, ttlMilliseconds: 1_000))
            #expect(reply.decision == preview)
            let denials = reply.decision.denials.array
            #expect(denials.map(\.reason) == Array(repeating: row.reason, count: place + 1))
            #expect(denials.map(\.retryAfterMilliseconds) == Array(repeating: row.retryAfter, count: place + 1))
            let isOfBreaker = [DenialReason.breakerOpen, .share, .probes].contains(row.reason)
            #expect(isOfBreaker || denials.allSatisfy { $0.openedBy == nil })
            let limits = reply.decision.limits
            #expect(limits.map { Int($0.candidate) } == (row.limit == nil ? [] : Array(0...place)))
            for told in limits {
                #expect(told.limit == row.limit?.limit)
                #expect(told.scope == Scope(provider: provider(Int(told.candidate)), model: row.limit?.model))
            }
            if place + 1 < WireLimits.candidates {
                #expect(reply.decision.candidate == UInt8(place + 1))
                #expect(reply.permit != nil)
                #expect(reply.decision.retryAfterMilliseconds == nil)
            } else {
                #expect(reply.decision.candidate == nil)
                #expect(reply.permit == nil)
                #expect(reply.decision.retryAfterMilliseconds == row.retryAfter)
            }
        }
    }

    @Test func theTableHasEveryReason() {
        #expect(Self.rows.count == Self.table.split(separator: "\n").count - 1)
        // That other calls wait is not in the state. The queue's tests are about it.
        #expect(Set(Self.rows.map(\.reason)) == Set(DenialReason.allCases).subtracting([.waiting]))
        #expect(Self.rows.allSatisfy { ($0.reason == .limit) == ($0.limit != nil) })
    }

    @Test func whoHasNothingAgainstItIsAdmittedKnownOrNot() throws {
        var rig = Rig()
        var candidates = Candidates()
        candidates.append(Candidate(provider: name("new"), model: model))
        let reply = try rig.apply(Admit(candidates: candidates, estimate: estimate, ttlMilliseconds: 5), at: 10)
        #expect(reply.permit == 1)
        #expect(reply.expiresAt == at(15))
        #expect(reply.decision.candidate == 0)
        #expect(reply.decision.state == .closed)
        #expect(reply.decision.share == 1)
    }

    @Test func aDenialOfTwoCandidatesFitsIn100BytesASettleWithoutNamesIn64() throws {
        var decision = AdmissionDecision()
        for _ in 0..<2 { decision.denials.append(Denial(reason: .breakerOpen, retryAfterMilliseconds: .max)) }
        decision.retryAfterMilliseconds = .max
        var reply = Admit.Reply()
        reply.decision = decision
        #expect(FrameHeader.bytes + Self.length(reply) < 100)
        let usage = CallUsage(cost: dollars("1"), inputTokens: .max, outputTokens: .max)
        let settle = Settle(permit: .max, outcome: .success, usage: usage, retryAfterMilliseconds: nil)
        #expect(FrameHeader.bytes + Self.length(RequestSequence()) + Self.length(settle) < 64)
    }

    private static func length(_ record: some WireRecord) -> Int {
        var writer = ByteWriter()
        record.encode(into: &writer)
        return writer.count
    }
}
