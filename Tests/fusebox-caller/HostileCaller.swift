import FuseboxWire
import Glibc

/// A user's process that takes what it can get of one thing, and holds it until it is killed.
///
/// Its book has `ready …` when it has taken what there is: what it counts depends on the kind.
struct HostileCaller {
    private let socket: String
    private let book: Book
    private let kind: String
    private let count: Int
    private let parent = getppid()

    init(_ arguments: Arguments) throws {
        socket = try arguments.text("socket")
        book = try Book(try arguments.text("book"))
        kind = try arguments.text("kind")
        count = try arguments.number("count")
        try becomeUser(arguments)
    }

    func run() throws {
        switch kind {
        case "connections": try holdConnections()
        case "silent": try keepUp({ $0 }, { !$0.isClosed })
        case "lists": try askForLists(reading: true)
        case "unread": try askForLists(reading: false)
        case "half": try sendHalfFrames()
        case "breakers": try introduce { BreakerSuccess(name: try Name("breaker-\($0)")) }
        case "accounts": try introduce { try record("provider-\($0)", "m") }
        case "models": try introduce { try record("p", "model-\($0)") }
        case "workers": try beManyWorkers()
        case "denials": try askInVain()
        case "resends": try sendAgain()
        case "permits":
            let candidates = try Candidates([Candidate(provider: Name("p"))])
            try introduce { _ in Admit(candidates: candidates, ttlMilliseconds: WireLimits.permitMilliseconds) }
        default: throw CallerFailure("no kind \(kind)")
        }
        while true {
            endWithoutParent(parent)
            pass(milliseconds: 20)
        }
    }

    private func record(_ provider: String, _ model: String) throws -> LedgerRecord {
        LedgerRecord(
            provider: try Name(provider), model: try Name(model), cost: Money(nanodollars: 1), inputTokens: 0,
            outputTokens: 0)
    }

    // MARK: Connections

    /// Notes how many connections it gets, and what it is told when it gets no more.
    private func holdConnections() throws {
        var peers: [PlainPeer] = []
        while peers.count < count {
            guard let peer = PlainPeer(socket) else { break }
            let (status, _, message) = peer.greet()
            guard status == .ok else {
                try book.note("ready", peers.count, message)
                return hold(peers)
            }
            peers.append(peer)
        }
        try book.note("ready", peers.count)
        hold(peers)
    }

    private func hold(_ peers: [PlainPeer]) {
        while true {
            endWithoutParent(parent)
            pass(milliseconds: 20)
            withExtendedLifetime(peers) {}
        }
    }

    /// Keeps so many connections busy, and makes anew what is closed. Ready when all have had their turn.
    private func keepUp(_ prepare: (PlainPeer) throws -> PlainPeer?, _ go: (PlainPeer) -> Bool) throws {
        // All are there before any misbehaves: they would wait for each other.
        var peers = try (0..<count).map { _ in try PlainPeer(socket).flatMap(prepare) }
        var isReady = false
        while true {
            for index in peers.indices {
                if peers[index] == nil { peers[index] = try PlainPeer(socket).flatMap(prepare) }
                if let peer = peers[index], !go(peer) { peers[index] = nil }
            }
            endWithoutParent(parent)
            if !isReady { try book.note("ready", peers.count { $0 != nil }) }
            isReady = true
            pass(milliseconds: 1)
        }
    }

    private func greeted(_ peer: PlainPeer) -> PlainPeer? { peer.greet().0 == .ok ? peer : nil }

    private func askForLists(reading: Bool) throws {
        guard let first = PlainPeer(socket), first.greet().0 == .ok else { throw CallerFailure("no connection") }
        for number in 0..<256 {
            _ = try first.ask(BreakerSuccess(name: try Name("a-breaker-with-quite-a-long-name-\(number)")))
        }
        var requests: [UInt8] = []
        for _ in 0..<64 { requests += PlainPeer.frame(BreakerList(cursor: 0)) }
        try keepUp(greeted) { peer in
            // It takes what has come, and never all that will.
            if reading, !peer.swallow() { return false }
            return peer.flood(requests)
        }
    }

    /// Sends one report over and over, on so many connections, until nobody takes any more of it or that is very much; notes
    /// how many bytes were taken.
    private func sendAgain() throws {
        let request = PlainPeer.frame(try record("p", "m"), sequence: 1)
        let requests = Array(repeatElement(request, count: 64).joined())
        let peers = try (0..<count).map { _ in
            guard let peer = PlainPeer(socket), peer.greet().0 == .ok else { throw CallerFailure("no connection") }
            return peer
        }
        var sent = 0
        var lastChange = monotonicMicroseconds()
        while sent < 128 << 20, monotonicMicroseconds() - lastChange < 2_000_000 {
            for peer in peers {
                let taken = try peer.push(requests)
                sent += taken
                if taken > 0 { lastChange = monotonicMicroseconds() }
            }
            endWithoutParent(parent)
            pass(milliseconds: 1)
        }
        try book.note("ready", sent)
        hold(peers)
    }

    private func sendHalfFrames() throws {
        var frame = [UInt8](repeating: 0, count: WireLimits.frameLength)
        let length = UInt32(frame.count - 4)
        for byte in 0..<4 { frame[byte] = UInt8(length >> UInt32(8 * byte) & 0xFF) }
        try keepUp(greeted) { $0.trickle(frame) }
    }

    // MARK: Names and workers

    /// Sends so many commands, each with a name of its own; notes how many were taken, refused for lack of room, and else.
    private func introduce<C: Command>(_ command: (Int) throws -> C) throws {
        guard let peer = PlainPeer(socket), peer.greet().0 == .ok else { throw CallerFailure("no connection") }
        var taken = 0
        var refused = 0
        var others = 0
        for start in stride(from: 0, to: count, by: 256) {
            let end = min(start + 256, count)
            var batch: [UInt8] = []
            for number in start..<end { batch += peer.next(try command(number)) }
            peer.send(batch)
            for _ in start..<end {
                switch peer.receive()?.0 {
                case .ok: taken += 1
                case .limitReached: refused += 1
                default: others += 1
                }
            }
        }
        try book.note("ready", taken, refused, others)
        hold([peer])
    }

    private func beManyWorkers() throws {
        let name = try Name("p")
        for _ in 0..<count {
            guard let peer = PlainPeer(socket), peer.greet().0 == .ok else { throw CallerFailure("no connection") }
            _ = try peer.ask(BreakerSuccess(name: name))
        }
        try book.note("ready", count)
    }

    /// Asks for a provider whose breaker is open; notes how often it was denied.
    private func askInVain() throws {
        let candidates = try Candidates([Candidate(provider: Name("open"))])
        guard let peer = PlainPeer(socket), peer.greet().0 == .ok else { throw CallerFailure("no connection") }
        var denied = 0
        for _ in stride(from: 0, to: count, by: 250) {
            var batch: [UInt8] = []
            for _ in 0..<250 { batch += peer.next(Admit(candidates: candidates, ttlMilliseconds: 1_000)) }
            peer.send(batch)
            for _ in 0..<250 where peer.receive()?.0 == .ok { denied += 1 }
        }
        try book.note("ready", denied)
        hold([peer])
    }
}
