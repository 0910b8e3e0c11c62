import FuseboxCore
import FuseboxWire
import Glibc

/// How long the state machine takes to set, raise and remove limits, with many permits in force and many accounts.
///
/// A change of a limit looks at every call in force, and at the use of every tag, in one turn of the loop. It is measured in
/// the time of the processor, because other programs of a busy machine would lengthen that of the clock.
///
/// Admissions without a model are measured too. Each looks at all limits on models of its provider.
struct LimitsBenchmark {
    private let permits: Int
    private let users: Int
    /// The longest permitted turn, in microseconds. The first limit on a template walks all calls in force and the hours of
    /// all tags, once: an operator's command that comes seldom may take a tenth of the second for which a worker waits.
    private static let boundMicroseconds = 100_000
    private static let hour: Int64 = 3_600_000
    /// Each account tells the hours of a day.
    private static let hours: Int64 = 26

    init(_ arguments: Arguments) {
        permits = arguments.number("permits", default: 65_536)
        users = arguments.number("users", default: 10_000)
    }

    func run() throws {
        try measureModels()
        try measureChanges()
    }

    private func measureChanges() throws {
        var machine = try loaded()
        print("\(permits) permits in force, \(users) users with an account")
        var longest = 0
        for scope in [
            Scope.host, Scope(provider: try Name("p")), Scope(provider: try Name("p"), model: try Name("m")),
            Scope(tag: try Name("team:x")), Scope(tag: try Name("user:*")),
            Scope(provider: try Name("p"), tag: try Name("user:*")),
        ] {
            for texts in [
                ["$1000000 per day"], ["$1000000 until reset"], ["1000M requests per 24h"], ["1000M requests per day"],
                ["1000M tokens per minute"], ["65536 in flight"],
            ] { longest = max(longest, try measure(scope, texts, &machine)) }
        }
        print("longest turn \(longest) µs")
        try expect(longest <= Self.boundMicroseconds, "a turn took longer than \(Self.boundMicroseconds) µs")
    }

    /// A state with these permits and accounts.
    private func loaded() throws -> StateMachine {
        var bounds = Bounds()
        (bounds.permitsPerUser, bounds.tagsPerUser) = (bounds.permits, bounds.tags)
        var machine = StateMachine(profile: .fusebox, bounds: bounds, at: Moment(milliseconds: 0))
        for hour in 0..<Self.hours {
            for user in 0..<users {
                var record = LedgerRecord(
                    provider: try Name("p"), model: try Name("m"), cost: Money(nanodollars: 1_000), inputTokens: 7,
                    outputTokens: 5)
                record.tags = try WireLimits.TagList([try Name("user:\(user)"), try Name("team:x")])
                try apply(record, at: hour * Self.hour, &machine)
            }
        }
        for call in 0..<permits {
            let admit = Admit(
                candidates: try Candidates([
                    Candidate(provider: try Name("p"), deployment: try Name("eu"), model: try Name("m"))
                ]), tags: try WireLimits.TagList([try Name("user:\(call % users)"), try Name("team:x")]),
                estimate: Estimate(cost: Money(nanodollars: 5_000), inputTokens: 9, outputTokens: 9),
                ttlMilliseconds: WireLimits.permitMilliseconds)
            let reply = try apply(admit, at: (Self.hours - 1) * Self.hour, &machine)
            try expect(reply.permit != nil, "call \(call) was denied")
        }
        return machine
    }

    @discardableResult
    private func apply<C: StateCommand>(_ command: C, at now: Int64, _ machine: inout StateMachine) throws -> C.Reply {
        var effects: [Event] = []
        return try machine.apply(
            command, at: Moment(milliseconds: now), by: 0, isOperator: true, worker: WorkerID(high: 1, low: 1),
            effects: &effects)
    }

    /// Sets limits on a scope, sets them again, raises the first and removes them.
    ///
    /// - Returns: the longest of these turns, in microseconds
    private func measure(_ scope: Scope, _ texts: [String], _ machine: inout StateMachine) throws -> Int {
        let now = (Self.hours - 1) * Self.hour + 1
        let limits = try texts.map { try LimitText.limit($0) }
        for limit in limits where limit.window.kind == .calendar {
            try apply(
                BeginWindow(
                    limit.window, start: Timestamp(milliseconds: 24 * Self.hour),
                    end: Timestamp(milliseconds: 48 * Self.hour), keepsUse: false), at: now, &machine)
        }
        var raise = LimitRaise(scope: scope, limit: limits[0], milliseconds: 60_000)
        raise.limit.amount *= 2
        let turns = [
            try microseconds { try apply(LimitSet(scope: scope, limits: limits), at: now, &machine) },
            try microseconds { try apply(LimitSet(scope: scope, limits: limits), at: now, &machine) },
            try microseconds { try apply(raise, at: now, &machine) },
            try microseconds { try apply(LimitRemove(allOf: scope), at: now, &machine) },
        ]
        let told = zip(["set", "set again", "raise", "remove"], turns).map { "\($0) \($1) µs" }
        print("\(scope): \(texts.joined(separator: ", ")): \(told.joined(separator: ", "))")
        return turns.max() ?? 0
    }

    /// Admits calls that name no model, while one model of their provider has a limit and while many have.
    private func measureModels() throws {
        let calls = 100
        for models in [1, 1_000] {
            var machine = StateMachine(profile: .fusebox, bounds: Bounds(), at: Moment(milliseconds: 0))
            for model in 0..<models {
                let scope = Scope(provider: try Name("p"), model: try Name("m\(model)"))
                let limit = try LimitText.limit("1M requests per minute")
                try apply(LimitSet(scope: scope, limits: [limit]), at: 1, &machine)
            }
            let admit = Admit(
                candidates: try Candidates([Candidate(provider: try Name("p"))]), tags: WireLimits.TagList(),
                estimate: Estimate(), ttlMilliseconds: 60_000)
            var shortest = Int.max
            for _ in 0..<20 {
                var permits: [UInt64] = []
                let microseconds = try microseconds {
                    for _ in 0..<calls { permits.append(try apply(admit, at: 1, &machine).permit ?? 0) }
                }
                shortest = min(shortest, microseconds)
                for permit in permits { try apply(Settle(permit: permit, outcome: .success), at: 1, &machine) }
            }
            print("admission without a model, limits on \(models) models: \(shortest * 1_000 / calls) ns")
        }
    }

    /// The processor's time that `body` takes.
    private func microseconds(_ body: () throws -> Void) rethrows -> Int {
        let begun = Self.processorNanoseconds()
        try body()
        return (Self.processorNanoseconds() - begun) / 1_000
    }

    /// The time for which this thread has run.
    private static func processorNanoseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
