import FuseboxWire

extension FuseboxClient {
    /// Admission.
    public var admission: Admissions { Admissions(client: self) }
}

/// Admission: one decision over breakers, exhaustion marks, limits and budgets, which counts what other calls hold.
///
/// `FuseboxClient.withPermit` does all of it around a call; these are its parts, for programs that are built otherwise.
///
/// Every method throws `ClientError`: `invalidArgument` for what cannot be sent, `refused` with the daemon's reason,
/// `unavailable` and the like.
public struct Admissions: Sendable {
    let client: FuseboxClient

    // MARK: Permits

    /// Asks which of some candidates a call may go to now, and takes hold of what it may use.
    ///
    /// A permit must be settled. One that is not ends by itself after its time to live, or when its worker is gone. Until then a
    /// thread of the client keeps its connection, so that a restart of the daemon does not take the permit away.
    /// An admission that times out may have been granted all the same; what it holds then stays until its time to live.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` admits the first candidate, with a permit that holds nothing
    /// and says so in `isAssumed`.
    ///
    /// - Parameters:
    ///   - candidates: where the call may go, best first; 1 to `WireLimits.candidates`
    ///   - tags: what the call is made for, such as `team:search`: at most 8. Limits may be set on tags. The daemon adds the tag
    ///     `uid:N` of the caller's user itself.
    ///   - estimate: what the call may use at most: held against limits and budgets until it is settled
    ///   - ttl: how long the permit lasts unless it is settled or renewed, 1 ms to 24 hours. A worker that dies without a
    ///     trace holds its part of enforced limits for so long.
    /// - Returns: the permit; or why none of the candidates may be called, and when to try again
    public func admit(
        _ candidates: [Candidate], tags: [String] = [], estimate: Estimate = Estimate(), ttl: Duration = .seconds(60)
    ) throws(ClientError) -> Result<Permit, AdmissionDenied> {
        let admit = try Admit(candidates, tags, estimate, ttl)
        return try client.holding(try client.decide(admit), admit)
    }

    /// Asks which of some candidates a call may go to now, and takes hold of what it may use.
    public func admit(
        _ candidates: [Candidate], tags: [String] = [], estimate: Estimate = Estimate(), ttl: Duration = .seconds(60)
    ) async throws(ClientError) -> Result<Permit, AdmissionDenied> {
        let admit = try Admit(candidates, tags, estimate, ttl)
        return try client.holding(try await client.decide(admit), admit)
    }

    /// Tells how the call of a permit went, or a whole loop of retries, and what it used; gives back what it holds.
    ///
    /// Settling a permit for the second time changes nothing. One that has ended by itself counts all the same; if the
    /// daemon keeps nothing of it any more, the client tells it as `report` does.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` keeps the report.
    @discardableResult
    public func settle(_ permit: Permit, _ outcome: CallOutcome) throws(ClientError) -> Settling {
        guard let number = permit.number else {
            return Settling(try report(permit.candidate, tags: permit.tags, outcome))
        }
        let settle = try Settle(number, outcome)
        return try client.settle(settle, of: permit, isKept: client.keepsReports)
    }

    /// Tells how the call of a permit went, and what it used; gives back what it holds.
    @discardableResult
    public func settle(_ permit: Permit, _ outcome: CallOutcome) async throws(ClientError) -> Settling {
        guard let number = permit.number else {
            return Settling(try await report(permit.candidate, tags: permit.tags, outcome))
        }
        let settle = try Settle(number, outcome)
        return try await client.settle(settle, of: permit, isKept: client.keepsReports, heedsCancellation: true)
    }

    /// Lets a permit last longer: its call is still under way. It never ends earlier by that.
    ///
    /// - Parameter ttl: from now, 1 ms to 24 hours
    /// - Throws: `refused` with `notFound` if the daemon keeps nothing of the permit any more
    public func renew(_ permit: Permit, ttl: Duration = .seconds(60)) throws(ClientError) -> Renewal {
        guard let number = permit.number else { return .assumed }
        let reply = try client.call(Renew(permit: number, ttlMilliseconds: ttl.wholeMilliseconds))
        client.extend(number, ttl)
        return Renewal(reply)
    }

    /// Lets a permit last longer: its call is still under way. It never ends earlier by that.
    public func renew(_ permit: Permit, ttl: Duration = .seconds(60)) async throws(ClientError) -> Renewal {
        guard let number = permit.number else { return .assumed }
        let reply = try await client.call(Renew(permit: number, ttlMilliseconds: ttl.wholeMilliseconds))
        client.extend(number, ttl)
        return Renewal(reply)
    }

    /// Ends any permit at once, whoever holds it, and gives back all that it holds. For operators.
    ///
    /// For a worker that is gone or hangs while it holds a part of an enforced budget. What its call cost still counts if it
    /// is settled later.
    ///
    /// - Parameter number: as `permits()` lists it
    /// - Returns: what the permit was; only one in force is revoked
    /// - Throws: `refused` with `notFound` if the daemon knows nothing of a permit of this number, with `notPermitted` if
    ///   the process is no operator's
    @discardableResult
    public func revoke(_ number: UInt64) throws(ClientError) -> Revocation {
        Revocation(try client.call(Revoke(permit: number)))
    }

    /// Ends any permit at once, whoever holds it, and gives back all that it holds. For operators.
    @discardableResult
    public func revoke(_ number: UInt64) async throws(ClientError) -> Revocation {
        Revocation(try await client.call(Revoke(permit: number)))
    }

    // MARK: Without a permit

    /// Tells how a call without a permit went, and what it used.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` keeps the report; it is then dated by its arrival.
    @discardableResult
    public func report(
        _ candidate: Candidate, tags: [String] = [], _ outcome: CallOutcome
    ) throws(ClientError) -> Recording {
        Recording(try client.report(try Report(candidate, tags, outcome)))
    }

    /// Tells how a call without a permit went, and what it used.
    @discardableResult
    public func report(
        _ candidate: Candidate, tags: [String] = [], _ outcome: CallOutcome
    ) async throws(ClientError) -> Recording {
        Recording(try await client.report(try Report(candidate, tags, outcome)))
    }

    // MARK: Looking

    /// What `admit` would decide now. Takes nothing, and promises nothing.
    ///
    /// - Parameter explains: whether a denial tells every limit that stands against a candidate, not only the one that lasts
    ///   longest
    /// - Returns: which candidate would be admitted; or why none of them may be called, and when to try again
    public func preview(
        _ candidates: [Candidate], tags: [String] = [], estimate: Estimate = Estimate(), explains: Bool = false
    ) throws(ClientError) -> Result<AdmissionPreview, AdmissionDenied> {
        let preview = try AdmitPreview(candidates, tags, estimate, explains: explains)
        return try AdmissionPreview.read(try client.call(preview), of: candidates)
    }

    /// What `admit` would decide now. Takes nothing, and promises nothing.
    public func preview(
        _ candidates: [Candidate], tags: [String] = [], estimate: Estimate = Estimate(), explains: Bool = false
    ) async throws(ClientError) -> Result<AdmissionPreview, AdmissionDenied> {
        let preview = try AdmitPreview(candidates, tags, estimate, explains: explains)
        return try AdmissionPreview.read(try await client.call(preview), of: candidates)
    }

    /// The permits in force, and what became of all.
    public func permits() throws(ClientError) -> PermitOverview {
        var overview = PermitOverview()
        var command = PermitList()
        while try overview.take(try client.call(command), of: &command) {}
        return overview
    }

    /// The permits in force, and what became of all.
    public func permits() async throws(ClientError) -> PermitOverview {
        var overview = PermitOverview()
        var command = PermitList()
        while try overview.take(try await client.call(command), of: &command) {}
        return overview
    }
}

extension FuseboxClient {
    /// What was decided; a permit is held from here on.
    fileprivate func holding(
        _ reply: Admit.Reply?, _ asked: Admit
    ) throws(ClientError) -> Result<Permit, AdmissionDenied> {
        let decision = try Permit.read(reply, to: asked, in: epoch)
        if case .success(let permit) = decision, let number = permit.number {
            try exchange().hold(number, ttlMilliseconds: asked.ttlMilliseconds)
        }
        return decision
    }

    fileprivate func extend(_ permit: UInt64, _ ttl: Duration) {
        let exchange = try? exchange()
        exchange?.renewals.extend(permit, ttlMilliseconds: ttl.wholeMilliseconds)
    }
}
