import FuseboxWire
import Glibc

/// Makes calls that limits stand against, as fast as they let it.
///
/// Its book: `granted PERMIT GRANTED-AT` for each call, `denied LIMIT` for the first denial, and at the end `ended TRIES`. With
/// `holds=1` it keeps its first permit until it is killed; with `tries=0` it goes on until then.
struct LimitedCaller {
    private let daemon: DaemonConnection
    private let book: Book
    private let candidate: Candidate
    private let cost: Money
    private let ttl: Int64
    private let tries: Int
    private let longestCall: Int
    private let holds: Bool

    init(_ arguments: Arguments) throws {
        daemon = DaemonConnection(try arguments.text("socket"))
        book = try Book(try arguments.text("book"))
        candidate = Candidate(provider: try Name(try arguments.text("provider")))
        cost = Money(nanodollars: Int64(try arguments.number("cost")))
        ttl = Int64(try arguments.number("ttl"))
        tries = try arguments.number("tries")
        longestCall = try arguments.number("call")
        holds = try arguments.number("holds") == 1
    }

    func run() throws {
        let parent = getppid()
        var tried = 0
        var isDenied = false
        while tries == 0 || tried < tries {
            endWithoutParent(parent)
            tried += 1
            let admit = Admit(
                candidates: try Candidates([candidate]), estimate: Estimate(cost: cost), ttlMilliseconds: ttl)
            let reply = try daemon.ask(admit)
            guard let permit = reply.permit else {
                if !isDenied { try book.note("denied", told(reply.decision)) }
                isDenied = true
                pass(milliseconds: .random(in: 0...10))
                continue
            }
            try book.note("granted", permit, reply.expiresAt.milliseconds - ttl)
            while holds {
                endWithoutParent(parent)
                pass(milliseconds: 20)
            }
            pass(milliseconds: .random(in: 0...longestCall))
            _ = try daemon.ask(Settle(permit: permit, outcome: .success, usage: CallUsage(cost: cost)))
        }
        try book.note("ended", tried)
    }

    private func told(_ decision: AdmissionDecision) -> String {
        decision.limits.first.map { "\($0.limit)" } ?? "\(decision.denials[0].reason)"
    }
}
