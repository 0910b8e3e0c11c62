import FuseboxWire
import Glibc

/// Tries to call a provider repeatedly, and settles the permits that it gets.
///
/// Its book has `granted PERMIT GRANTED-AT ESTIMATE`, then `settling PERMIT COST` before the settle is sent, and
/// `settled PERMIT COST STANDING` after its reply. COST is -1 for a call that was never sent. At the end come `ended
/// TRIES`, and `denied DIMENSION COUNT` for each dimension that a limit denied by.
struct SpendingCaller {
    private let daemon: DaemonConnection
    private let book: Book
    private let candidate: Candidate
    private let tries: Int
    private let ttl: Int64
    private let longestCall: Int
    private let longestPause: Int
    /// The number of the grant whose settle ends in its death; 0: none.
    private let deadlyGrant: Int

    init(_ arguments: Arguments) throws {
        daemon = DaemonConnection(try arguments.text("socket"))
        book = try Book(try arguments.text("book"))
        candidate = Candidate(
            provider: try Name(try arguments.text("provider")), model: try Name(try arguments.text("model")))
        tries = try arguments.number("tries")
        ttl = Int64(try arguments.number("ttl"))
        longestCall = try arguments.number("call")
        longestPause = try arguments.number("pause")
        deadlyGrant = try arguments.number("death")
    }

    func run() throws {
        let parent = getppid()
        var grants = 0
        var denials: [String: Int] = [:]
        for _ in 0..<tries {
            endWithoutParent(parent)
            let isLarge = Int.random(in: 0..<100) < 8
            let estimate =
                isLarge ? Int64.random(in: 2_000_000_000...8_000_000_000) : .random(in: 5_000_000...40_000_000)
            let admit = Admit(
                candidates: try Candidates([candidate]), estimate: Estimate(cost: Money(nanodollars: estimate)),
                ttlMilliseconds: ttl)
            let reply = try daemon.ask(admit)
            guard let permit = reply.permit else {
                denials[try told(reply.decision), default: 0] += 1
                pass(milliseconds: .random(in: 0...longestPause))
                continue
            }
            grants += 1
            try book.note("granted", permit, reply.expiresAt.milliseconds - ttl, estimate)
            pass(milliseconds: .random(in: 0...longestCall))
            try settle(permit, estimate: estimate, dying: grants == deadlyGrant)
        }
        for (dimension, count) in denials { try book.note("denied", dimension, count) }
        try book.note("ended", tries)
    }

    /// The dimension of the limit that denied a call.
    private func told(_ decision: AdmissionDecision) throws -> String {
        guard let limit = decision.limits.first else { throw CallerFailure("denied by no limit: \(decision)") }
        return "\(limit.limit.dimension)"
    }

    private func settle(_ permit: UInt64, estimate: Int64, dying: Bool) throws {
        let isSent = Int.random(in: 0..<16) > 0
        // A call with a large estimate costs less than that.
        let cost = Int64.random(in: 0...min(estimate, 50_000_000))
        let usage = isSent ? CallUsage(cost: Money(nanodollars: cost), inputTokens: 1, outputTokens: 2) : nil
        let settle = Settle(permit: permit, outcome: isSent ? .success : .cancelled, usage: usage)
        try book.note("settling", permit, isSent ? cost : -1)
        if dying {
            try daemon.submit(settle)
            dieAtOnce()
        }
        let reply = try daemon.ask(settle)
        try book.note("settled", permit, isSent ? cost : -1, reply.standing.rawValue)
    }
}
