import FuseboxWire

/// What candidates are ranked by.
public enum Ranking: Sendable, CaseIterable {
    /// The cost that the call would hold, the lowest first.
    case price
    /// How long half of the successful calls of the route have taken lately at most, the shortest first.
    case latency
    /// The same until the first token.
    case firstToken
    /// The share of traffic that the breaker lets through, the largest first.
    case share
}

/// What is known of a candidate now.
public struct Outlook: Sendable, Equatable {
    /// The candidate.
    public var candidate: Candidate
    /// Why it would not be admitted. Nil: it would be.
    public var denial: DenialReason?
    /// The state of its breaker.
    public var state: BreakerState
    /// The share of traffic that its breaker lets through, 0 to 1.
    public var share: Double
    /// The cost that the call would hold. Nil if none is known.
    public var heldCost: Money?
    /// Where this cost comes from.
    public var costBasis: CostBasis
    /// How long successful calls by this route have taken lately. Nil if there was none.
    public var duration: Latency?
    /// The same until the first token. Nil if nobody told it.
    public var firstToken: Latency?

    /// What an outlook is ranked by, the smallest first. Nil if it is not known.
    fileprivate func key(_ ranking: Ranking) -> Double? {
        switch ranking {
        case .price: heldCost.map { Double($0.nanodollars) }
        case .latency: duration.map { Double($0.p50Milliseconds) }
        case .firstToken: firstToken.map { Double($0.p50Milliseconds) }
        case .share: -share
        }
    }
}

extension Sequence<Outlook> {
    /// The candidates, best first. Those that would not be admitted come last, and before them those of which nothing is
    /// known by which they could be ranked. Otherwise equal ones keep their order.
    public func ranked(by ranking: Ranking) -> [Candidate] {
        let ranks = enumerated().map { place, outlook in
            (outlook.denial == nil ? 0 : 1, outlook.key(ranking) ?? .infinity, place, outlook.candidate)
        }
        return ranks.sorted { ($0.0, $0.1, $0.2) < ($1.0, $1.1, $1.2) }.map(\.3)
    }
}

extension Admissions {
    /// What is known of candidates now: which would be admitted, what the call would hold, how long calls take. Holds
    /// nothing.
    ///
    ///     let outlooks = try client.admission.outlooks(candidates, estimate: estimate)
    ///     try client.withPermit(outlooks.ranked(by: .latency), estimate: estimate) { … }
    ///
    /// - Returns: one for each candidate, in their order
    public func outlooks(
        _ candidates: [Candidate], tags: [String] = [], estimate: Estimate = Estimate()
    ) throws(ClientError) -> [Outlook] {
        let preview = try AdmitPreview(candidates, tags, estimate, explains: false)
        return try Outlook.read(try client.call(preview), of: candidates)
    }

    /// What is known of candidates now: which would be admitted, what the call would hold, how long calls take. Holds
    /// nothing.
    public func outlooks(
        _ candidates: [Candidate], tags: [String] = [], estimate: Estimate = Estimate()
    ) async throws(ClientError) -> [Outlook] {
        let preview = try AdmitPreview(candidates, tags, estimate, explains: false)
        return try Outlook.read(try await client.call(preview), of: candidates)
    }

    /// What `preview` tells, and what is known of each candidate at the same moment.
    package func decisionAndOutlooks(
        _ candidates: [Candidate], tags: [String], estimate: Estimate, explains: Bool
    ) throws(ClientError) -> (decision: Result<AdmissionPreview, AdmissionDenied>, outlooks: [Outlook]) {
        let reply = try client.call(try AdmitPreview(candidates, tags, estimate, explains: explains))
        return (
            try AdmissionPreview.read(reply.decision, of: candidates), try Outlook.read(reply, of: candidates)
        )
    }

    /// How long successful calls of each route have taken lately.
    public func latencies() throws(ClientError) -> [RouteLatency] { try client.all(LatencyList()) }

    /// How long successful calls of each route have taken lately.
    public func latencies() async throws(ClientError) -> [RouteLatency] { try await client.all(LatencyList()) }
}

extension Outlook {
    fileprivate static func read(
        _ reply: AdmitPreview.Reply, of candidates: [Candidate]
    ) throws(ClientError) -> [Outlook] {
        guard reply.outlooks.count == candidates.count else {
            throw .protocolViolation("\(reply.outlooks.count) outlooks of \(candidates.count) candidates")
        }
        return zip(candidates, reply.outlooks.array).map { candidate, told in
            Outlook(
                candidate: candidate, denial: told.denial?.reason, state: told.state, share: told.share,
                heldCost: told.heldCost, costBasis: told.costBasis, duration: told.duration,
                firstToken: told.firstToken)
        }
    }
}

extension LatencyList: PagedCommand {
    static func page(_ reply: Reply) -> (elements: [RouteLatency], next: UInt32) { (reply.entries, reply.next) }
}
