import FuseboxTestSupport
import FuseboxWire
import Glibc

/// Competes for the only probe slot of a breaker until it is killed, and shows with a lock that it has the slot alone.
///
/// Its book has `tried` for each request, `granted PERMIT MILLISECONDS` once it has the lock, `overlap` if the lock is
/// taken, and `dying MILLISECONDS` before it kills itself while it has the slot. Times are on CLOCK_MONOTONIC.
struct ProbingCaller {
    private let daemon: DaemonConnection
    private let book: Book
    private let lock: Int32
    private let candidate: Candidate
    /// It kills itself in one of so many calls.
    private let callsToDeath: Int

    init(_ arguments: Arguments) throws {
        daemon = DaemonConnection(try arguments.text("socket"))
        book = try Book(try arguments.text("book"))
        let path = try arguments.text("lock")
        lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw CallerFailure("cannot open \(path)") }
        candidate = Candidate(provider: try Name(try arguments.text("provider")))
        callsToDeath = try arguments.number("death")
    }

    func run() throws {
        let parent = getppid()
        let admit = Admit(candidates: try Candidates([candidate]), ttlMilliseconds: 600_000)
        while true {
            endWithoutParent(parent)
            let reply = try daemon.ask(admit)
            try book.note("tried")
            guard let permit = reply.permit else {
                pass(milliseconds: .random(in: 1...10))
                continue
            }
            guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
                try book.note("overlap", permit)
                throw CallerFailure("permit \(permit) is in flight together with another one")
            }
            try book.note("granted", permit, monotonicMilliseconds())
            pass(milliseconds: .random(in: 0...2))
            if Int.random(in: 0..<callsToDeath) == 0 {
                try book.note("dying", monotonicMilliseconds())
                dieAtOnce()
            }
            flock(lock, LOCK_UN)
            // None of these outcomes moves the breaker.
            let outcome: Outcome = [.rejected, .abandoned, .cancelled].randomElement()!
            let settled = try daemon.ask(Settle(permit: permit, outcome: outcome))
            guard settled.standing == .inForce else { throw CallerFailure("permit \(permit) was \(settled.standing)") }
        }
    }
}
