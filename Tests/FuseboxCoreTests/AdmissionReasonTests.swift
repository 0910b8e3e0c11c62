import FuseboxWire
import Testing

@testable import FuseboxCore

/// Every reason for a denial, and which of several is returned, for a candidate at every position.
struct AdmissionReasonTests {
    /// An obstacle of a provider, the reason that is returned, and how long it lasts. The period ends after 31 days.
    /// The estimate is $0.50 and 100 tokens.
    static let table = """
        stands against it                                         | reason         | retry after
        mark                                                      | exhausted      | 90 s
        open                                                      | breakerOpen    | 60 s
        share                                                     | share          | 0
        probes                                                    | probes         | 0
        rpm                                                       | rpm            | 60 s
        rpd                                                       | rpd            | 24 h
        tpm                                                       | tpm            | 60 s
        tpd                                                       | tpd            | 24 h
        tpm-small                                                 | tpm            | never
        provider-spent                                            | providerBudget | 31 d
        provider-held                                             | providerBudget | 0
        provider-small                                            | providerBudget | never
        model-spent                                               | modelBudget    | 31 d
        model-held                                                | modelBudget    | 0
        model-small                                               | modelBudget    | never
        model-spent provider-held                                 | providerBudget | 31 d
        model-held provider-held                                  | providerBudget | 0
        model-spent provider-spent                                | providerBudget | 31 d
        model-small provider-small                                | providerBudget | never
        model-small provider-spent                                | modelBudget    | never
        model-held provider-held probes                           | probes         | 0
        model-held provider-held share                            | share          | 0
        mark open                                                 | exhausted      | 90 s
        open rpm                                                  | breakerOpen    | 60 s
        open rpd                                                  | rpd            | 24 h
        open provider-small                                       | providerBudget | never
        mark tpm-small                                            | tpm            | never
        model-held provider-spent tpd                             | providerBudget | 31 d
        model-held provider-held tpd tpm                          | tpd            | 24 h
        model-held provider-held tpd tpm rpd                      | rpd            | 24 h
        model-held provider-held tpd tpm rpd rpm                  | rpd            | 24 h
        model-held provider-held probes tpd tpm rpm share         | tpd            | 24 h
        model-held provider-held probes tpm rpm open              | breakerOpen    | 60 s
        model-held provider-held probes tpd tpm rpd rpm open mark | rpd            | 24 h
        provider-small open mark                                  | providerBudget | never
        provider-small tpm-small open mark                        | tpm            | never
        """

    struct Row: CustomTestStringConvertible {
        var obstacles: [String]
        var reason: DenialReason
        var retryAfter: Int64?
        var testDescription: String { obstacles.joined(separator: " ") }

        init?(_ line: Substring) {
            let cells = line.split(separator: "|").map { $0.split(separator: " ").map(String.init) }
            guard let reason = DenialReason.allCases.first(where: { "\($0)" == cells[1][0] }) else { return nil }
            obstacles = cells[0]
            self.reason = reason
            let time = cells[2].joined()
            retryAfter = time == "never" ? nil : Quantity.milliseconds(time)
        }
    }

    static let rows = table.split(separator: "\n").compactMap(Row.init)

    private let estimate = Estimate(cost: dollars("0.5"), tokens: 100)
    private let model = name("m")

    /// 16 providers, the first of which have all obstacles of a row.
    private func rig(_ row: Row, obstructed count: Int) throws -> Rig {
        var rig = Rig()
        for number in 0..<count {
            for obstacle in row.obstacles { try obstruct(provider(number), obstacle, &rig) }
        }
        rig.events.removeAll()
        return rig
    }

    private func provider(_ number: Int) -> Name { name("p\(number)") }

    private func obstruct(_ provider: Name, _ obstacle: String, _ rig: inout Rig) throws {
        switch obstacle {
        case "mark": try rig.apply(ExhaustionMark(provider: provider, resetAfterMilliseconds: 90_000))
        case "open": for _ in 0..<5 { try rig.apply(BreakerFailure(name: provider)) }
        case "share": try degrade(provider, to: 0.1, &rig)
        case "probes":
            try rig.apply(BreakerConfigure(name: provider, change: .init(degradationCurve: [1, 0.9], maxProbes: 1)))
            let isInFlight = try rig.apply(LedgerProvider(provider: provider)).account.map { $0.inFlight > 0 }
            if isInFlight != true { try hold(provider, nil, .zero, &rig) }
            try rig.apply(BreakerFailure(name: provider))
        case "rpm": try fill(provider, Budget(provider: provider, rpm: 1), &rig)
        case "rpd": try fill(provider, Budget(provider: provider, rpd: 1), &rig)
        case "tpm": try fill(provider, Budget(provider: provider, tpm: 150), &rig)
        case "tpd": try fill(provider, Budget(provider: provider, tpd: 150), &rig)
        case "tpm-small": try rig.apply(LedgerSetBudget(budget: Budget(provider: provider, tpm: 99)))
        case "provider-spent": try spend(provider, nil, &rig)
        case "model-spent": try spend(provider, model, &rig)
        case "provider-held": try limit(provider, nil, "1", &rig) { try hold(provider, nil, dollars("0.6"), &$0) }
        case "model-held": try limit(provider, model, "1", &rig) { try hold(provider, model, dollars("0.6"), &$0) }
        case "provider-small": try limit(provider, nil, "0.4", &rig)
        case "model-small": try limit(provider, model, "0.4", &rig)
        default: Issue.record("no obstacle is called \(obstacle)")
        }
    }

    /// Brings a breaker to a state in which its share admits no further call for now.
    private func degrade(_ provider: Name, to share: Double, _ rig: inout Rig) throws {
        try rig.apply(BreakerConfigure(name: provider, change: .init(degradationCurve: [1, share])))
        try rig.apply(BreakerFailure(name: provider))
        while try rig.apply(BreakerAcquire(name: provider)).admitted == false {}
    }

    private func fill(_ provider: Name, _ budget: Budget, _ rig: inout Rig) throws {
        try rig.apply(LedgerSetBudget(budget: budget))
        try record(provider, "0", tokens: 100, &rig)
    }

    private func spend(_ provider: Name, _ model: Name?, _ rig: inout Rig) throws {
        try limit(provider, model, "1", &rig)
        try record(provider, "0.8", tokens: 0, &rig)
    }

    private func record(_ provider: Name, _ cost: String, tokens: UInt32, _ rig: inout Rig) throws {
        try rig.apply(
            LedgerRecord(provider: provider, model: model, cost: dollars(cost), inputTokens: tokens, outputTokens: 0))
    }

    private func limit(
        _ provider: Name, _ model: Name?, _ amount: String, _ rig: inout Rig,
        before: (inout Rig) throws -> Void = { _ in }
    ) throws {
        try before(&rig)
        try rig.apply(
            LedgerSetBudget(
                budget: Budget(provider: provider, model: model, monthly: dollars(amount), isEnforced: true)))
    }

    private func hold(_ provider: Name, _ model: Name?, _ cost: Money, _ rig: inout Rig) throws {
        var candidates = Candidates()
        candidates.append(Candidate(provider: provider, model: model))
        let reply = try rig.apply(
            Admit(candidates: candidates, estimate: Estimate(cost: cost), ttlMilliseconds: 3_600_000))
        try #require(reply.permit != nil)
    }

    @Test(arguments: rows) func theReasonThatLastsLongestIsToldWhereverTheCandidateStands(row: Row) throws {
        for place in 0..<WireLimits.candidates {
            var rig = try rig(row, obstructed: place + 1)
            var candidates = Candidates()
            for number in 0..<WireLimits.candidates {
                candidates.append(Candidate(provider: provider(number), model: model))
            }
            let preview = try rig.apply(AdmitPreview(candidates: candidates, estimate: estimate))
            let reply = try rig.apply(
                Admit(candidates: candidates, estimate: estimate, ttlMilliseconds: 1_000))
            #expect(reply.decision == preview)
            let denials = Array(
                repeating: Denial(reason: row.reason, retryAfterMilliseconds: row.retryAfter), count: place + 1)
            #expect(reply.decision.denials.array == denials)
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

    @Test func theTableHasEveryReasonButThatOfLimitsWhoseTestsAreInLimitCommandsTestsSwift() {
        #expect(Self.rows.count == Self.table.split(separator: "\n").count - 1)
        #expect(Set(Self.rows.map(\.reason)) == Set(DenialReason.allCases).subtracting([.limit]))
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
        for _ in 0..<2 { decision.denials.append(Denial(reason: .tpd, retryAfterMilliseconds: .max)) }
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
