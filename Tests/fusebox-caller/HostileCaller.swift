import FuseboxWire
import Glibc

/// A process that takes as much of one resource as it can get, and keeps it until it is killed.
///
/// Its book has a line `ready …` when it can get no more. The numbers in that line depend on the kind.
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
        case "resends":
            let request = PlainPeer.frame(try record("p", "m"), sequence: 1)
            let requests = Array(repeatElement(request, count: 64).joined())
            try sendWhatIsTaken { _ in requests }
        case "reports":
            let report = try record("reported", "m")
            try sendWhatIsTaken { $0.next(report) }
        case "permits":
            let candidates = try Candidates([Candidate(provider: Name("p"))])
            try introduce { _ in Admit(candidates: candidates, ttlMilliseconds: WireLimits.permitMilliseconds) }
        default: throw CallerFailure("\(kind) is not a kind")
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

    /// Opens connections until one is refused. Records their number and the refusal.
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

    /// Keeps this many connections busy, and replaces closed ones. It is ready when all have been used.
    private func keepUp(_ prepare: (PlainPeer) throws -> PlainPeer?, _ go: (PlainPeer) -> Bool) throws {
        // All connections are opened before the first one misbehaves, because they wait for each other.
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
        guard let first = PlainPeer(socket), first.greet().0 == .ok else {
            throw CallerFailure("cannot connect to \(socket)")
        }
        for number in 0..<256 {
            _ = try first.ask(BreakerSuccess(name: try Name("a-breaker-with-quite-a-long-name-\(number)")))
        }
        var requests: [UInt8] = []
        for _ in 0..<64 { requests += PlainPeer.frame(BreakerList(cursor: 0)) }
        try keepUp(greeted) { peer in
            // It reads what has arrived, and never all of the output.
            if reading, !peer.swallow() { return false }
            return peer.flood(requests)
        }
    }

    /// Sends requests on this many connections, until no more bytes are accepted or the amount is very large. Records the
    /// number of accepted bytes, and how many times `requests` went out whole.
    private func sendWhatIsTaken(_ requests: (PlainPeer) -> [UInt8]) throws {
        let peers = try (0..<count).map { _ in
            guard let peer = PlainPeer(socket), peer.greet().0 == .ok else {
                throw CallerFailure("cannot connect to \(socket)")
            }
            return peer
        }
        var sent = 0
        var begun = 0
        func begin(_ peer: PlainPeer) -> [UInt8] {
            begun += 1
            return requests(peer)
        }
        var lastChange = monotonicMicroseconds()
        while sent < 128 << 20, monotonicMicroseconds() - lastChange < 2_000_000 {
            for peer in peers {
                let taken = try peer.push(begin(peer))
                sent += taken
                if taken > 0 { lastChange = monotonicMicroseconds() }
            }
            endWithoutParent(parent)
            pass(milliseconds: 1)
        }
        try book.note("ready", sent, begun - peers.filter(\.hasUnsent).count)
        hold(peers)
    }

    private func sendHalfFrames() throws {
        var frame = [UInt8](repeating: 0, count: WireLimits.frameLength)
        let length = UInt32(frame.count - 4)
        for byte in 0..<4 { frame[byte] = UInt8(length >> UInt32(8 * byte) & 0xFF) }
        try keepUp(greeted) { $0.trickle(frame) }
    }

    // MARK: Names and workers

    /// Sends this many commands, each with a new name. Records how many were accepted, refused for lack of room, and
    /// refused for other reasons.
    private func introduce<C: Command>(_ command: (Int) throws -> C) throws {
        guard let peer = PlainPeer(socket), peer.greet().0 == .ok else {
            throw CallerFailure("cannot connect to \(socket)")
        }
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
            guard let peer = PlainPeer(socket), peer.greet().0 == .ok else {
                throw CallerFailure("cannot connect to \(socket)")
            }
            _ = try peer.ask(BreakerSuccess(name: name))
        }
        try book.note("ready", count)
    }

    /// Asks for a provider whose breaker is open. Records the number of denials.
    private func askInVain() throws {
        let candidates = try Candidates([Candidate(provider: Name("open"))])
        guard let peer = PlainPeer(socket), peer.greet().0 == .ok else {
            throw CallerFailure("cannot connect to \(socket)")
        }
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
