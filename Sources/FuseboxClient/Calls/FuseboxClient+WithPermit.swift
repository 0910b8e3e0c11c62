import FuseboxWire

extension FuseboxClient {
    /// Makes a call under a permit. Asks which candidate may be called, runs `body`, and settles the permit by what
    /// `body` returned or threw.
    ///
    /// - If a provider fails (`failure`, `throttled`, `quotaExhausted`, `unauthorized`, returned or thrown), the next
    ///   admitted candidate of another provider or deployment gets a permit of its own; after `quotaExhausted` also one
    ///   of another model. This goes on until a provider answers, no candidate is left or `CallPolicy.attempts` is
    ///   reached.
    /// - Every permit is settled exactly once. A settle that fails does not affect what the caller gets. If the daemon
    ///   is away, the settle is kept, under either failure policy, and sent when a later call reaches the daemon. If
    ///   the daemon refuses it, it goes to `CallPolicy.unsettled`.
    /// - The permit of a long call is renewed in the background.
    /// - A call that may wait (`waiting`) is let through in its turn; see `Admissions.admit`. If the task is cancelled while it
    ///   waits, the wait is withdrawn. The time counts for all candidates that are tried one after the other.
    /// - If the task is cancelled before `body` begins, the permit is given back. A running `body` handles cancellation
    ///   itself; an error that it then throws counts as `abandoned`.
    /// - After a fork inside `body` the permit belongs to the parent, and only the parent settles it.
    ///
    /// - Parameters:
    ///   - candidates: where the call may go, best first; 1 to `WireLimits.candidates`
    ///   - tags: what the call is made for, such as `team:search`: at most 8
    ///   - estimate: what the call may use at most, held until it is settled
    ///   - waiting: how long the call may wait for its turn; zero: it is denied at once
    ///   - priority: how urgent a waiting call is: 0, the most urgent, to 7
    ///   - policy: how long permits last, how many candidates are tried, what errors mean
    ///   - body: makes the call to `permit.provider`, and tells what it used
    /// - Returns: the value that `body` returned
    /// - Throws: `AdmissionDenied` if no candidate may be called now; `ClientError` if the daemon refuses, or does not
    ///   answer and the client fails closed; `CancellationError` if the task was cancelled before `body` began;
    ///   `ProviderFailed` if `body` returned a failure for the last provider; otherwise what `body` threw last. Once a
    ///   call has failed, its error is thrown, and not the reason why there is no other candidate.
    @_disfavoredOverload  // A task must not block its thread for the daemon, even if its body never waits.
    public func withPermit<Value>(
        _ candidates: [Candidate], tags: [String] = [], estimate: Estimate = Estimate(),
        waiting: Duration = .zero, priority: Int = Int(WireLimits.defaultPriority), policy: CallPolicy = CallPolicy(),
        _ body: (_ permit: HeldPermit) throws -> CallResult<Value>
    ) throws -> Value {
        let turn = Turn(until: ContinuousClock.now + waiting, priority)
        var walk = CandidateWalk(candidates, policy)
        while true {
            let held: HeldPermit
            do { held = try hold(walk, tags, estimate, turn, policy) } catch { throw walk.failure ?? error }
            let ending: CallEnding<Value>
            do { ending = CallEnding(of: try body(held), held) } catch { ending = CallEnding(of: error, held, policy) }
            settle(held, ending.outcome, policy)
            if walk.goesOn(after: ending, of: held) { continue }
            return try ending.result.get()
        }
    }

    /// Makes a call under a permit. Asks which candidate may be called, runs `body`, and settles the permit by what
    /// `body` returned or threw. The blocking `withPermit` documents the details and the errors.
    public nonisolated(nonsending) func withPermit<Value>(
        _ candidates: [Candidate], tags: [String] = [], estimate: Estimate = Estimate(),
        waiting: Duration = .zero, priority: Int = Int(WireLimits.defaultPriority), policy: CallPolicy = CallPolicy(),
        _ body: nonisolated(nonsending) (_ permit: HeldPermit) async throws -> CallResult<Value>
    ) async throws -> Value {
        let turn = Turn(until: ContinuousClock.now + waiting, priority)
        var walk = CandidateWalk(candidates, policy)
        while true {
            let held: HeldPermit
            do { held = try await hold(walk, tags, estimate, turn, policy) } catch { throw walk.failure ?? error }
            let ending: CallEnding<Value>
            do { ending = CallEnding(of: try await body(held), held) } catch {
                ending = CallEnding(of: error, held, policy)
            }
            await settle(held, ending.outcome, policy)
            if walk.goesOn(after: ending, of: held) { continue }
            return try ending.result.get()
        }
    }

    // MARK: Holding

    /// A permit for one of the candidates that are left.
    private func hold(
        _ walk: CandidateWalk, _ tags: [String], _ estimate: Estimate, _ turn: Turn, _ policy: CallPolicy
    ) throws -> HeldPermit {
        try Task.checkCancellation()
        let admit = try Admit(walk.candidates, tags, estimate, policy.ttl, turn.left, turn.priority)
        let permit = try Permit.read(try self.admit(admit), to: admit, in: epoch).get()
        let held = HeldPermit(permit, try exchange(), policy)
        guard Task.isCancelled else { return held }
        settle(held, held.end(.cancelled), policy)
        throw CancellationError()
    }

    /// A permit for one of the candidates that are left. A cancelled task waits for it too, and gives it back.
    private func hold(
        _ walk: CandidateWalk, _ tags: [String], _ estimate: Estimate, _ turn: Turn, _ policy: CallPolicy
    ) async throws -> HeldPermit {
        try Task.checkCancellation()
        let admit = try Admit(walk.candidates, tags, estimate, policy.ttl, turn.left, turn.priority)
        let reply = try await waitForTurn(admit)
        let permit = try Permit.read(reply, to: admit, in: epoch).get()
        let held = HeldPermit(permit, try exchange(), policy)
        guard Task.isCancelled else { return held }
        await settle(held, held.end(.cancelled), policy)
        throw CancellationError()
    }

    /// The reply to an admission that may wait. A task that was cancelled while it waited gets a `CancellationError`.
    private func waitForTurn(_ admit: Admit) async throws -> Admit.Reply? {
        do throws(ClientError) { return try await self.admit(admit, heedsCancellation: false) } catch {
            if case .cancelled = error { throw CancellationError() }
            throw error
        }
    }

    // MARK: Settling

    private func settle(_ held: HeldPermit, _ outcome: CallOutcome, _ policy: CallPolicy) {
        guard held.isOfThisProcess else { return }
        let permit = held.permit
        do throws(ClientError) {
            guard let number = permit.number else {
                _ = try admission.report(permit.candidate, tags: permit.tags, outcome)
                return
            }
            _ = try settle(try Settle(number, outcome, held.timing), of: permit, isKept: true)
        } catch {
            if case .invalidArgument = error, outcome.usage != nil {
                settle(held, outcome.withoutUsage, policy)
            }
            noteUnsettled(UnsettledCall(permit: permit, outcome: outcome, error: error), policy)
        }
    }

    private func settle(_ held: HeldPermit, _ outcome: CallOutcome, _ policy: CallPolicy) async {
        guard held.isOfThisProcess else { return }
        let permit = held.permit
        do throws(ClientError) {
            guard let number = permit.number else {
                _ = try await report(try Report(permit.candidate, permit.tags, outcome), heedsCancellation: false)
                return
            }
            _ = try await settle(
                try Settle(number, outcome, held.timing), of: permit, isKept: true, heedsCancellation: false)
        } catch {
            if case .invalidArgument = error, outcome.usage != nil {
                await settle(held, outcome.withoutUsage, policy)
            }
            noteUnsettled(UnsettledCall(permit: permit, outcome: outcome, error: error), policy)
        }
    }

    private func noteUnsettled(_ call: UnsettledCall, _ policy: CallPolicy) {
        noteDroppedReport()
        policy.unsettled?(call)
    }
}

/// Until when the admissions of a call may wait, and how urgent they are.
private struct Turn {
    let until: ContinuousClock.Instant
    let priority: Int

    init(until: ContinuousClock.Instant, _ priority: Int) {
        self.until = until
        self.priority = priority
    }

    /// How long an admission may still wait.
    var left: Duration { max(.zero, ContinuousClock.now.duration(to: until)) }
}

/// How one call ended, and what its caller gets.
private struct CallEnding<Value> {
    let outcome: CallOutcome
    let result: Result<Value, any Error>

    init(of result: CallResult<Value>, _ held: HeldPermit) {
        outcome = held.end(result.outcome)
        self.result =
            result.value.map { .success($0) }
            ?? .failure(ProviderFailed(candidate: held.permit.candidate, callOutcome: result.outcome))
    }

    init(of error: any Error, _ held: HeldPermit, _ policy: CallPolicy) {
        outcome = held.end(policy.outcome(error))
        result = .failure(error)
    }
}

/// The candidates that are left after each call.
private struct CandidateWalk {
    private(set) var candidates: [Candidate]
    private var attempts: Int
    /// Why the last call failed.
    private(set) var failure: (any Error)?

    init(_ candidates: [Candidate], _ policy: CallPolicy) {
        self.candidates = candidates
        attempts = policy.attempts
    }

    /// Whether another candidate is to be tried. Leaves out those by the key that has failed, and after a used-up quota
    /// those by the same route.
    mutating func goesOn<Value>(after ending: CallEnding<Value>, of held: HeldPermit) -> Bool {
        guard case .failure(let error) = ending.result, ending.outcome.outcome.isOfProvider, !Task.isCancelled,
            held.isOfThisProcess
        else { return false }
        failure = error
        attempts -= 1
        let failed = held.permit.candidate
        candidates.removeAll {
            $0.provider == failed.provider && $0.deployment == failed.deployment
                && (!ending.outcome.isOfOneModel || $0.model == failed.model)
        }
        return attempts > 0 && !candidates.isEmpty
    }
}

extension CallOutcome {
    /// Whether it says nothing of the other models of the same key: a quota that is used up, and a model that the key
    /// may not use.
    fileprivate var isOfOneModel: Bool {
        outcome == .quotaExhausted || outcome == .unauthorized && (markScope == .route || markScope == .model)
    }

    fileprivate var withoutUsage: CallOutcome {
        CallOutcome(outcome, retryAfter: retryAfter, markScope: markScope)
    }
}
