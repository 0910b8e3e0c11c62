import FuseboxWire
import Glibc

/// Another user's worker that works while a hostile process misbehaves. In each round it connects again, is still
/// known, gets a permit for its own provider and model, settles it, and finds its cost counted.
///
/// Its book ends with `done ROUNDS MEDIAN LONGEST`, the times of pings in microseconds. An error ends it with status 1.
struct NeighbourCaller {
    private let socket: String
    private let book: Book
    private let rounds: Int
    private let name: String
    private let worker = WorkerID.drawn()

    init(_ arguments: Arguments) throws {
        socket = try arguments.text("socket")
        book = try Book(try arguments.text("book"))
        rounds = try arguments.number("rounds")
        name = try arguments.text("name")
        try becomeUser(arguments)
    }

    func run() throws {
        let parent = getppid()
        var last: UInt64 = 0
        var pings: [Int64] = []
        for round in 0..<rounds {
            endWithoutParent(parent)
            guard let peer = PlainPeer(socket) else { throw CallerFailure("round \(round): cannot connect") }
            let (status, standing, message) = peer.greet(as: worker, after: last)
            guard status == .ok, standing == (round == 0 ? .new : .resumed) else {
                throw CallerFailure(
                    "round \(round): hello: \(status) \(message), standing \(String(describing: standing))")
            }
            try work(peer, round)
            last = peer.lastSequence
            for _ in 0..<3 {
                let begun = monotonicMicroseconds()
                _ = try peer.ask(Ping())
                pings.append(monotonicMicroseconds() - begun)
            }
        }
        pings.sort()
        try book.note("done", rounds, pings[pings.count / 2], pings[pings.count - 1])
    }

    private func work(_ peer: PlainPeer, _ round: Int) throws {
        let provider = try Name("\(name)-\(round % 8)")
        let model = try Name("\(name)-model-\(round)")
        let cost = Money(nanodollars: 1_000)
        let before = try peer.ask(LedgerProvider(provider: provider)).account?.usage.spend ?? .zero
        let candidates = try Candidates([Candidate(provider: provider, model: model)])
        let admitted = try peer.ask(
            Admit(candidates: candidates, estimate: Estimate(cost: cost), ttlMilliseconds: 60_000))
        guard let permit = admitted.permit else { throw CallerFailure("round \(round): denied") }
        _ = try peer.ask(Settle(permit: permit, outcome: .success, usage: CallUsage(cost: cost)))
        let account = try peer.ask(LedgerProvider(provider: provider)).account
        let expected = Money(nanodollars: before.nanodollars + cost.nanodollars)
        guard account?.usage.spend == expected else { throw CallerFailure("round \(round): the cost was not counted") }
    }
}

func monotonicMicroseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
}
