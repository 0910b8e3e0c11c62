import FuseboxWire

/// A call that has ended, and the breaker that hears of it.
struct BreakerCall: Sendable {
    /// The breaker that let it pass; without a permit, that of its route.
    var breaker: RouteKey
    var reported: ReportedCall

    /// A call with a permit. It took as long as its worker says; without a word, until now.
    init(_ grant: borrowing PermitRegistry.Grant, _ timing: CallTiming, _ application: Application) {
        breaker = grant.breaker
        reported = ReportedCall(worker: application.worker, episode: grant.passage.episode)
        if let told = timing.firstTokenMilliseconds ?? timing.durationMilliseconds {
            reported.milliseconds = Int64(told)
        } else {
            reported.milliseconds = application.now - grant.grantedAt
        }
    }

    /// A call without a permit. It is of the present episode, and nothing is known of how long it took.
    init(of breaker: RouteKey, _ application: Application) {
        self.breaker = breaker
        reported = ReportedCall(worker: application.worker)
    }
}

extension StateMachine {
    /// Lets an admitted call pass the breaker of its route, which is created if there is none.
    @inline(__always)
    mutating func passBreaker(
        _ scopes: borrowing CallScopes, _ application: Application, _ effects: inout [Event]
    ) -> PermitRegistry.Passage {
        let key = breakerKey(of: scopes, by: application.user)
        let place = addBreaker(key, application)
        return changeBreaker(place, application, &effects) { breaker, now, profile in
            breaker.ask(at: now, under: profile)
            _ = breaker.decide(at: now)
            return PermitRegistry.Passage(
                episode: breaker.episode, isOfModel: key.model != nil, isProbe: breaker.openedBy != nil)
        }
    }

    /// Counts a call at its breaker. A breaker that was forgotten meanwhile is created, unless it is that of a model
    /// whose provider has one for all models now.
    mutating func countAtBreaker(
        isFailure: Bool, _ call: BreakerCall, _ application: Application, _ effects: inout [Event]
    ) {
        let key = call.breaker
        if key.model != nil, !breakers.contains(key), !isByModel(provider(of: key)) { return }
        noteOutcome(isFailure: isFailure, of: call.reported, addBreaker(key, application), application, &effects)
    }
}
