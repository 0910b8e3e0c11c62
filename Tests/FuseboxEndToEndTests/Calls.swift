import FuseboxTestSupport
import FuseboxWire
import Testing

/// The requests of the tests of permits.
extension RawPeer {
    /// Asks for a permit. Fails the test if it is denied.
    func admit(
        _ provider: String, cost: Money = .zero, ttlMilliseconds: Int64 = 3_600_000
    ) throws -> (permit: UInt64, expiresAt: Timestamp) {
        let candidate = Candidate(provider: try Name(provider))
        let admit = Admit(
            candidates: try Candidates([candidate]), estimate: Estimate(cost: cost), ttlMilliseconds: ttlMilliseconds)
        let reply = try ask(admit).reply(Admit.Reply.self)
        return (try #require(reply.permit, "denied: \(reply.decision)"), reply.expiresAt)
    }

    /// The permits in force, and the totals of all.
    func permits() throws -> PermitList.Reply { try ask(PermitList(cursor: 0)).reply(PermitList.Reply.self) }

    func account(_ provider: String) throws -> ProviderAccount {
        let reply = try ask(LedgerProvider(provider: try Name(provider))).reply(LedgerProvider.Reply.self)
        return try #require(reply.account)
    }

    /// The daemon's steady clock.
    func now() throws -> Timestamp { try ask(Ping()).reply(Ping.Reply.self).now }

    /// A peer that is subscribed to these topics.
    static func subscribed(_ path: String, to topics: Topics) throws -> RawPeer {
        let peer = try greeted(path)
        #expect(try peer.ask(Subscribe(topics: topics)).status == .ok)
        return peer
    }

    /// The next permit that ends without a settle, and the time of its end.
    func nextLapse() throws -> (entry: PermitEntry, at: Timestamp) {
        let (envelope, event) = try nextEvent()
        guard case .permitLapsed(let lapse) = event else { throw TestFailure("\(event)") }
        return (lapse.entry, envelope.at)
    }
}

extension WorkerID {
    static func random() -> WorkerID { WorkerID(high: .random(in: 1 ... .max), low: .random(in: 0 ... .max)) }
}
