import FuseboxWire
import Glibc

/// Makes one call after the other until it is killed, and waits for its turn for each of them.
///
/// Its book has `granted PERMIT NUMBER` for each call, with the number of its request, and `dying` before it kills
/// itself in a call. With `polls=1` it does not wait: it asks again and again, and ends its calls at once.
struct TurnCaller {
    private let socket: String
    private let book: Book
    private let candidate: Candidate
    /// What it picks the priority of each call from.
    private let priorities: [UInt8]
    private let longestCall: Int
    /// One call in so many is its last one; 0: none is.
    private let callsToDeath: Int
    private let polls: Bool

    /// How long it waits before it looks whether its test still runs, in milliseconds.
    private static let wait: Int64 = 60_000

    init(_ arguments: Arguments) throws {
        socket = try arguments.text("socket")
        book = try Book(try arguments.text("book"))
        candidate = Candidate(provider: try Name(try arguments.text("provider")))
        priorities = try arguments.text("priorities").split(separator: ",").compactMap { UInt8($0) }
        longestCall = try arguments.number("call")
        callsToDeath = try arguments.number("death")
        polls = try arguments.number("polls") == 1
        if try arguments.number("uid") != Int(geteuid()) { try becomeUser(arguments) }
    }

    func run() throws {
        let parent = getppid()
        guard let peer = PlainPeer(socket), peer.greet().0 == .ok else { throw CallerFailure("no connection") }
        while true {
            endWithoutParent(parent)
            guard let permit = try admit(peer) else {
                if polls { pass(milliseconds: 1) }
                continue
            }
            try book.note("granted", permit, peer.lastSequence)
            if !polls { pass(milliseconds: .random(in: 1...longestCall)) }
            if callsToDeath > 0, Int.random(in: 0..<callsToDeath) == 0 {
                try book.note("dying")
                dieAtOnce()
            }
            let settled = try peer.ask(Settle(permit: permit, outcome: .success))
            guard settled.standing == .inForce else { throw CallerFailure("permit \(permit) was \(settled.standing)") }
        }
    }

    /// Asks for a call, and waits for it. Nil if it has no permit.
    private func admit(_ peer: PlainPeer) throws -> UInt64? {
        let admit = Admit(
            candidates: try Candidates([candidate]), ttlMilliseconds: 600_000, waitMilliseconds: polls ? 0 : Self.wait,
            priority: priorities.randomElement() ?? WireLimits.defaultPriority)
        let reply = try peer.ask(admit)
        guard let ticket = reply.ticket else { return reply.permit }
        guard let (_, payload) = peer.receive() else { throw CallerFailure("the connection is closed") }
        var end = TicketEntry()
        try payload.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            try end.decode(from: &reader)
        }
        guard end.ticket == ticket, end.standing == .granted || end.standing == .expired else {
            throw CallerFailure("ticket \(ticket) waits, and \(end.ticket) is \(end.standing)")
        }
        return end.admission.permit
    }
}
