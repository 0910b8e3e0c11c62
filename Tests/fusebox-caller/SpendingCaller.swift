import FuseboxTestSupport
import FuseboxWire
import Glibc

/// Asks for calls by three routes and for four tags until it is killed, and settles the permits that it gets.
///
/// Its book has these lines. AT is on the daemon's steady clock, and MILLISECONDS on CLOCK_MONOTONIC.
///
/// | line | meaning |
/// |---|---|
/// | `granted PERMIT AT ROUTE MILLISECONDS` | a permit, and the place of its route |
/// | `settling PERMIT COST INPUT OUTPUT MILLISECONDS` | a settle is about to be sent; COST is -1 for a call that was never sent |
/// | `settled PERMIT COST INPUT OUTPUT STANDING` | its reply has come |
/// | `denied DIMENSION SCOPE` | a limit that was told for a denial, unless it was the last one told |
/// | `tried` | a request for a call |
struct SpendingCaller {
    private let daemon: DaemonConnection
    private let book: Book
    private let routes: Candidates
    private let tags: WireLimits.TagList
    private let ttl: Int64
    private let longestCall: Int
    private let longestPause: Int
    /// The number of the grant whose settle ends in its death; 0: none.
    private let deadlyGrant: Int

    private static let longestTokens: UInt32 = 400

    init(_ arguments: Arguments) throws {
        daemon = DaemonConnection(try arguments.text("socket"))
        book = try Book(try arguments.text("book"))
        var routes = Candidates()
        for text in try arguments.text("routes").split(separator: ",") {
            let route = try RouteText(String(text))
            routes.append(Candidate(provider: route.provider, deployment: route.deployment, model: route.model))
        }
        self.routes = routes
        var tags = WireLimits.TagList()
        for tag in try arguments.text("tags").split(separator: ",") { tags.append(try Name(String(tag))) }
        self.tags = tags
        ttl = Int64(try arguments.number("ttl"))
        longestCall = try arguments.number("call")
        longestPause = try arguments.number("pause")
        deadlyGrant = try arguments.number("death")
    }

    func run() throws {
        let parent = getppid()
        var grants = 0
        var told = ""
        while true {
            endWithoutParent(parent)
            let isLarge = Int.random(in: 0..<100) < 8
            let cost =
                isLarge ? Int64.random(in: 1_000_000_000...4_000_000_000) : .random(in: 5_000_000...40_000_000)
            let estimate = Estimate(
                cost: Money(nanodollars: cost), inputTokens: .random(in: 0...Self.longestTokens),
                outputTokens: .random(in: 0...Self.longestTokens))
            let reply = try daemon.ask(
                Admit(candidates: routes, tags: tags, estimate: estimate, ttlMilliseconds: ttl))
            try book.note("tried")
            guard let permit = reply.permit, let route = reply.decision.candidate else {
                try note(reply.decision, after: &told)
                pass(milliseconds: .random(in: 0...longestPause))
                continue
            }
            grants += 1
            try book.note("granted", permit, reply.expiresAt.milliseconds - ttl, route, monotonicMilliseconds())
            pass(milliseconds: .random(in: 0...longestCall))
            try settle(permit, estimate, dying: grants == deadlyGrant)
        }
    }

    /// Notes the limits that denied a call.
    private func note(_ decision: AdmissionDecision, after told: inout String) throws {
        for limit in decision.limits {
            let words = "\(limit.limit.dimension) \(limit.scope)"
            if words != told { try book.note("denied", words) }
            told = words
        }
        guard decision.denials.array.allSatisfy({ $0.reason == .limit }) else {
            throw CallerFailure("denied by more than limits: \(decision)")
        }
    }

    private func settle(_ permit: UInt64, _ estimate: Estimate, dying: Bool) throws {
        let isSent = Int.random(in: 0..<16) > 0
        // A call with a large estimate costs less than that.
        let cost = Int64.random(in: 0...min(estimate.cost?.nanodollars ?? 0, 50_000_000))
        let input = UInt32.random(in: 0...(estimate.inputTokens ?? 0))
        let output = UInt32.random(in: 0...(estimate.outputTokens ?? 0))
        let usage =
            isSent ? CallUsage(cost: Money(nanodollars: cost), inputTokens: input, outputTokens: output) : nil
        let settle = Settle(permit: permit, outcome: isSent ? .success : .cancelled, usage: usage)
        let told = isSent ? "\(cost) \(input) \(output)" : "-1 0 0"
        try book.note("settling", permit, told, monotonicMilliseconds())
        if dying {
            try daemon.submit(settle)
            dieAtOnce()
        }
        let reply = try daemon.ask(settle)
        try book.note("settled", permit, told, reply.standing.rawValue)
    }
}
