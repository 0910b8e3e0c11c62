import FuseboxWire

extension FuseboxClient {
    /// Admission.
    public var admission: Admissions { Admissions(client: self) }
}

/// Admission: one decision over breakers, exhaustion marks and limits, which counts what other calls hold.
///
/// `FuseboxClient.withPermit` does all of this around a call. These are its parts, for programs that cannot use it.
///
/// Every method throws `ClientError`: `invalidArgument` for an argument out of range, `refused` with the daemon's
/// reason, `unavailable` and the like.
public struct Admissions: Sendable {
    let client: FuseboxClient

    // MARK: Permits

    /// Asks which of the candidates a call may go to now, and holds what the call may use.
    ///
    /// A permit must be settled. Otherwise it ends by itself after its time to live, or when its worker is gone. Until
    /// then a thread of the client keeps the connection alive, so that the permit outlives a restart of the daemon. An
    /// admission that times out may have been granted all the same. It then holds its estimate for its time to live.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` admits the first candidate, with a permit that holds nothing
    /// and says so in `isAssumed`.
    ///
    /// - Parameters:
    ///   - candidates: where the call may go, best first; 1 to `WireLimits.candidates`
    ///   - tags: what the call is made for, such as `team:search`: at most 8. Limits may be set on tags. The daemon adds the tag
    ///     `uid:N` of the caller's user itself.
    ///   - estimate: what the call may use at most: held against limits until it is settled
    ///   - ttl: how long the permit lasts unless it is settled or renewed, 1 ms to 24 hours. A worker that dies without a
    ///     trace holds its part of enforced limits for so long.
    ///   - wait: how long the call may wait for its turn, up to 24 hours. It waits if the end of other calls, or time, can
    ///     let it through until then; otherwise it is denied at once. A wait outlives a restart of the daemon.
    ///   - priority: how urgent a waiting call is: 0, the most urgent, to 7. It becomes one step more urgent for each 10 s
    ///     of waiting.
    /// - Returns: the permit; or why none of the candidates may be called, and when to try again
    public func admit(
        _ candidates: [Candidate], tags: [String] = [], estimate: Estimate = Estimate(), ttl: Duration = .seconds(60),
        waiting wait: Duration = .zero, priority: Int = Int(WireLimits.defaultPriority)
    ) throws(ClientError) -> Result<Permit, AdmissionDenied> {
        let admit = try Admit(candidates, tags, estimate, ttl, wait, priority)
        return try client.holding(try client.admit(admit), admit)
    }

    /// Asks which of the candidates a call may go to now, and holds what the call may use.
    public func admit(
        _ candidates: [Candidate], tags: [String] = [], estimate: Estimate = Estimate(), ttl: Duration = .seconds(60),
        waiting wait: Duration = .zero, priority: Int = Int(WireLimits.defaultPriority)
    ) async throws(ClientError) -> Result<Permit, AdmissionDenied> {
        let admit = try Admit(candidates, tags, estimate, ttl, wait, priority)
        return try client.holding(try await client.admit(admit, heedsCancellation: true), admit)
    }

    /// Tells how the call of a permit went and what it used. Gives back what the permit holds.
    ///
    /// A second settle of a permit changes nothing. The settle of a permit that has ended by itself counts all the
    /// same. If the daemon keeps nothing of the permit any more, the client sends a report instead.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` keeps the report.
    ///
    /// - Parameters:
    ///   - permit: the permit of the call
    ///   - outcome: how the call went and what it used
    ///   - firstToken: the time from the permit to the first token of the answer; nil: not known
    ///   - duration: the time from the permit to the end of the call; nil: until this settle reaches the daemon
    @discardableResult
    public func settle(
        _ permit: Permit, _ outcome: CallOutcome, firstToken: Duration? = nil, duration: Duration? = nil
    ) throws(ClientError) -> Settling {
        guard let number = permit.number else {
            return Settling(try report(permit.candidate, tags: permit.tags, outcome))
        }
        let settle = try Settle(number, outcome, CallTiming(firstToken: firstToken, duration: duration))
        return try client.settle(settle, of: permit, isKept: client.keepsReports)
    }

    /// Tells how the call of a permit went and what it used. Gives back what the permit holds.
    @discardableResult
    public func settle(
        _ permit: Permit, _ outcome: CallOutcome, firstToken: Duration? = nil, duration: Duration? = nil
    ) async throws(ClientError) -> Settling {
        guard let number = permit.number else {
            return Settling(try await report(permit.candidate, tags: permit.tags, outcome))
        }
        let settle = try Settle(number, outcome, CallTiming(firstToken: firstToken, duration: duration))
        return try await client.settle(settle, of: permit, isKept: client.keepsReports, heedsCancellation: true)
    }

    /// Extends a permit whose call is still under way. A renewal never shortens a permit.
    ///
    /// - Parameters:
    ///   - permit: the permit of the call
    ///   - ttl: how long the permit lasts from now on, 1 ms to 24 hours
    /// - Throws: `refused` with `notFound` if the daemon keeps nothing of the permit any more
    public func renew(_ permit: Permit, ttl: Duration = .seconds(60)) throws(ClientError) -> Renewal {
        guard let number = permit.number else { return .assumed }
        let reply = try client.call(Renew(permit: number, ttlMilliseconds: ttl.wholeMilliseconds))
        client.extend(number, ttl)
        return Renewal(reply)
    }

    /// Extends a permit whose call is still under way. A renewal never shortens a permit.
    public func renew(_ permit: Permit, ttl: Duration = .seconds(60)) async throws(ClientError) -> Renewal {
        guard let number = permit.number else { return .assumed }
        let reply = try await client.call(Renew(permit: number, ttlMilliseconds: ttl.wholeMilliseconds))
        client.extend(number, ttl)
        return Renewal(reply)
    }

    /// Ends a permit of any worker at once, and gives back all that it holds, also where a limit's `onLapse` is `charge`. For
    /// operators.
    ///
    /// This helps if a worker is dead or hangs while it holds a part of a limit that denies. The cost of its call still
    /// counts if the permit is settled later.
    ///
    /// - Parameter number: the permit's number, as `permits()` lists it
    /// - Returns: the standing of the permit; only a permit in force is revoked
    /// - Throws: `refused` with `notFound` if the daemon knows no permit with this number, with `notPermitted` if the
    ///   caller is not an operator
    @discardableResult
    public func revoke(_ number: UInt64) throws(ClientError) -> Revocation {
        Revocation(try client.call(Revoke(permit: number)))
    }

    /// Ends a permit of any worker at once, and gives back all that it holds. For operators.
    @discardableResult
    public func revoke(_ number: UInt64) async throws(ClientError) -> Revocation {
        Revocation(try await client.call(Revoke(permit: number)))
    }

    // MARK: Without a permit

    /// Tells how a call without a permit went, and what it used.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` keeps the report. It is then dated by its arrival.
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

    /// What `admit` would decide now. Holds nothing, and does not bind a later `admit`.
    ///
    /// - Parameters:
    ///   - candidates: where the call may go, best first; 1 to `WireLimits.candidates`
    ///   - tags: what the call would be made for: at most 8
    ///   - estimate: what the call may use at most
    ///   - explains: whether a denial tells every limit that stands against a candidate, not only the one that lasts
    ///     longest
    /// - Returns: which candidate would be admitted; or why none of them may be called, and when to try again
    public func preview(
        _ candidates: [Candidate], tags: [String] = [], estimate: Estimate = Estimate(), explains: Bool = false
    ) throws(ClientError) -> Result<AdmissionPreview, AdmissionDenied> {
        let preview = try AdmitPreview(candidates, tags, estimate, explains: explains)
        return try AdmissionPreview.read(try client.call(preview).decision, of: candidates)
    }

    /// What `admit` would decide now. Holds nothing, and does not bind a later `admit`.
    public func preview(
        _ candidates: [Candidate], tags: [String] = [], estimate: Estimate = Estimate(), explains: Bool = false
    ) async throws(ClientError) -> Result<AdmissionPreview, AdmissionDenied> {
        let preview = try AdmitPreview(candidates, tags, estimate, explains: explains)
        return try AdmissionPreview.read(try await client.call(preview).decision, of: candidates)
    }

    /// The calls that wait for their turn, in the order of their arrival.
    public func waiting() throws(ClientError) -> WaitingOverview {
        var overview = WaitingOverview()
        var command = WaitingList()
        while overview.take(try client.call(command), of: &command) {}
        return overview
    }

    /// The calls that wait for their turn, in the order of their arrival.
    public func waiting() async throws(ClientError) -> WaitingOverview {
        var overview = WaitingOverview()
        var command = WaitingList()
        while overview.take(try await client.call(command), of: &command) {}
        return overview
    }

    /// The permits in force, and totals of all permits.
    public func permits() throws(ClientError) -> PermitOverview {
        var overview = PermitOverview()
        var command = PermitList()
        while try overview.take(try client.call(command), of: &command) {}
        return overview
    }

    /// The permits in force, and totals of all permits.
    public func permits() async throws(ClientError) -> PermitOverview {
        var overview = PermitOverview()
        var command = PermitList()
        while try overview.take(try await client.call(command), of: &command) {}
        return overview
    }
}

extension FuseboxClient {
    /// Returns the decision. The client stays connected for an admitted permit from here on.
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
