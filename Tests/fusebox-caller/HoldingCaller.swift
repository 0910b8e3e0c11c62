import FuseboxWire
import Glibc

/// Holds a call of one provider until it is killed, or leaves it to an heir.
///
/// Its book: `granted PERMIT`, and with `heir=1` before its end `left PROCESS`: a process that has its connection, and ends
/// when the daemon closes that.
struct HoldingCaller {
    private let socket: String
    private let book: Book
    private let provider: Name
    private let hasHeir: Bool

    init(_ arguments: Arguments) throws {
        socket = try arguments.text("socket")
        book = try Book(try arguments.text("book"))
        provider = try Name(try arguments.text("provider"))
        hasHeir = try arguments.number("heir") == 1
    }

    func run() throws {
        let parent = getppid()
        guard let peer = PlainPeer(socket), peer.greet().0 == .ok else { throw CallerFailure("no connection") }
        let candidates = try Candidates([Candidate(provider: provider)])
        // A degraded provider lets a share of the calls through.
        var permit: UInt64?
        while permit == nil {
            endWithoutParent(parent)
            permit = try peer.ask(Admit(candidates: candidates, ttlMilliseconds: 600_000)).permit
        }
        try book.note("granted", permit!)
        if hasHeir { return try leave(peer) }
        while true {
            endWithoutParent(parent)
            pass(milliseconds: 20)
        }
    }

    /// Starts a program that reads from the connection and from nothing else, and that outlives this one.
    private func leave(_ peer: PlainPeer) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, peer.socket, STDIN_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        var heir: pid_t = 0
        let words: [UnsafeMutablePointer<CChar>?] = [strdup("cat"), nil]
        defer { words.forEach { free($0) } }
        let status = posix_spawn(&heir, "/bin/cat", &actions, nil, words, environ)
        guard status == 0 else { throw CallerFailure("cannot start an heir: error \(status)") }
        try book.note("left", heir)
    }
}
