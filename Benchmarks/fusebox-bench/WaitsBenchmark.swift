import FuseboxWire
import Glibc

/// Calls that wait for their turn: the cost of a settle that wakes one of as many as may wait, and the time from a
/// settle to the permit of the next.
///
/// The cost is counted by callgrind as in `CostBenchmark`, and compared with a settle and an admission while nobody
/// waits. The daemon's clocks stand still meanwhile. Otherwise calls would become more urgent while callgrind slows
/// them down, and that work would be counted too.
struct WaitsBenchmark {
    private let calls: Int
    private let waiting: Int
    private let inFlight: Int
    private let rounds: Int

    /// What a settle with its turn may cost, as a multiple of a settle and an admission.
    private static let most = 1.5

    init(_ arguments: Arguments) {
        inFlight = max(Crowd.users, arguments.number("in-flight", default: 64) / Crowd.users * Crowd.users)
        calls = max(1, arguments.number("calls", default: 2_048) / (2 * inFlight)) * 2 * inFlight
        waiting = arguments.number("waiting", default: Crowd.hasUsers ? 16_384 : 4_096)
        rounds = arguments.number("rounds", default: 2_000)
    }

    func run() throws {
        if !Crowd.hasUsers { print("not root: all calls are of one user, and no more than 4,096 may wait") }
        try measureLatencies()
        let pair = try cost(waiting: 0)
        let turn = try cost(waiting: waiting)
        let share = Double(turn.instructions) / Double(pair.instructions)
        print("\(inFlight) in flight; the daemon in user space, a call:")
        print("  settle and admission while nobody waits: \(pair.perCall(of: calls))")
        print(
            "  settle that wakes one of \(waiting): \(turn.perCall(of: calls)), \(Self.hundredths(share)) times as many"
        )
        try expect(share <= Self.most, "a settle that wakes a call costs more than \(Self.most) times as much")
    }

    private static func hundredths(_ share: Double) -> String {
        let hundredths = Int((share * 100).rounded())
        return "\(hundredths / 100).\(hundredths % 100 / 10)\(hundredths % 10)"
    }

    // MARK: Cost

    /// The cost of as many calls as are counted.
    private func cost(waiting: Int) throws -> Callgrind.Cost {
        try cost(waiting: waiting, calls: calls / 2 + calls) - cost(waiting: waiting, calls: calls / 2)
    }

    private func cost(waiting: Int, calls: Int) throws -> Callgrind.Cost {
        try Callgrind.count(.first) { tool in
            setenv("LD_PRELOAD", Daemon.beside("fusebox-stillclock.so"), 1)
            defer { unsetenv("LD_PRELOAD") }
            let daemon = try Daemon(["--snapshot-interval", "1h", "--socket-mode", "0666"], under: tool)
            let crowd = try Crowd(daemon, inFlight: inFlight)
            var permits = try crowd.admit(inFlight)
            try crowd.wait(waiting)
            for _ in 0..<calls / inFlight {
                if waiting > 0 {
                    permits = try crowd.settle(permits, turns: permits.count)
                } else {
                    try crowd.settle(permits, turns: 0)
                    permits = try crowd.admit(inFlight)
                }
            }
            crowd.close()
            try daemon.stop()
        }
    }

    // MARK: Time

    private func measureLatencies() throws {
        // The users' queues are not equally long at every moment, and no place is to be missing.
        for waiting in [2, waiting - 4 * Crowd.users] {
            let daemon = try Daemon(["--snapshot-interval", "1h", "--socket-mode", "0666"])
            let crowd = try Crowd(daemon, inFlight: 1)
            var permits = try crowd.admit(1)
            try crowd.wait(waiting - 1)
            var (pings, admissions, turns) = (Latencies(), Latencies(), Latencies())
            for _ in 0..<rounds {
                // As many wait in every round.
                try crowd.wait(1)
                let begun = nanoseconds()
                try crowd.ping()
                let pinged = nanoseconds()
                permits = try crowd.settle(permits, turns: 1)
                turns.add(crowd.lastPush - pinged)
                pings.add(pinged - begun)
                let asked = nanoseconds()
                try crowd.denied()
                admissions.add(nanoseconds() - asked)
            }
            print("\(waiting) calls wait:")
            print("  round trip of a ping: \(pings.summary)")
            print("  round trip of an admission that is denied because others wait: \(admissions.summary)")
            print("  from a settle to the permit of the next: \(turns.summary)")
            crowd.close()
            try daemon.stop()
        }
    }
}

/// Connections of several users that make calls of one provider and take turns.
private final class Crowd {
    static let users = 4
    /// Whether the connections can be of several users.
    static let hasUsers = geteuid() == 0

    /// A permit of one of the connections.
    struct Permit {
        var peer: Int
        var number: UInt64
    }

    private struct Frame {
        var header: FrameHeader
        var payload: [UInt8]
    }

    private final class Peer {
        let connection: RawConnection
        var reader = FrameReader()
        var sequence: UInt64 = 0

        init(_ connection: RawConnection) { self.connection = connection }
    }

    private var peers: [Peer] = []
    private let candidates: Candidates
    private let estimate = Estimate(cost: .dollars("0.001"), tokens: 800)
    private let usage = CallUsage(cost: .dollars("0.0001"), inputTokens: 120, outputTokens: 300)
    private var nextPeer = 0
    /// When the last push arrived.
    private(set) var lastPush = 0

    init(_ daemon: Daemon, inFlight: Int) throws {
        let provider = try Name("openai")
        candidates = try Candidates([Candidate(provider: provider, model: try Name("gpt-5"))])
        chmod(daemon.folder, 0o755)
        for user in 0...Self.users {
            // The daemon goes by the user of the moment when the connection is made. The last one is an operator.
            let isOperator = user == Self.users
            if Self.hasUsers, !isOperator { try expect(seteuid(uid_t(61_000 + user)) == 0, "cannot become a user") }
            defer { if Self.hasUsers { seteuid(0) } }
            peers.append(Peer(try RawConnection(daemon.socket)))
            let hello = Hello(worker: WorkerID(high: 1, low: .random(in: 1 ... .max)), client: "bench")
            let _: Hello.Reply = try ask(hello, by: user)
        }
        let limits = [
            Limit(.cost, Money.dollars("1000000").nanodollars, .manual),
            Limit(.requests, .max, .fixed(milliseconds: 60_000)),
            Limit(.tokens, .max, .fixed(milliseconds: 86_400_000)),
            Limit(.inFlight, Int64(inFlight), LimitWindow()),
        ]
        let _: LimitSet.Reply = try ask(LimitSet(scope: Scope(provider: provider), limits: limits), by: Self.users)
    }

    func close() { for peer in peers { peer.connection.close() } }

    // MARK: Requests

    /// Is granted as many permits at once.
    func admit(_ count: Int) throws -> [Permit] {
        let counts = (0..<Self.users).map { count / Self.users + ($0 < count % Self.users ? 1 : 0) }
        for (peer, count) in counts.enumerated() where count > 0 {
            try send(count, by: peer) { _ in admission(wait: 0) }
        }
        var permits: [Permit] = []
        for (peer, count) in counts.enumerated() {
            for _ in 0..<count {
                let reply: Admit.Reply = try decode(try nextFrame(of: peer))
                guard let permit = reply.permit else { throw Failure("a permit was denied") }
                permits.append(Permit(peer: peer, number: permit))
            }
        }
        return permits
    }

    /// Lets further calls wait, as many of each user.
    func wait(_ count: Int) throws {
        for place in 0..<Self.users {
            let peer = (nextPeer + place) % Self.users
            var left = (count + Self.users - 1 - place) / Self.users
            while left > 0 {
                let part = min(left, 64)
                left -= part
                try send(part, by: peer) { _ in admission(wait: 3_600_000) }
                for _ in 0..<part {
                    let reply: Admit.Reply = try decode(try nextFrame(of: peer))
                    try expect(reply.ticket != nil, "a call does not wait")
                }
            }
        }
        nextPeer = (nextPeer + count) % Self.users
    }

    /// Settles permits. Returns those of the calls that had their turns.
    @discardableResult
    func settle(_ permits: [Permit], turns: Int) throws -> [Permit] {
        for peer in 0..<Self.users {
            let own = permits.filter { $0.peer == peer }
            guard !own.isEmpty else { continue }
            try send(own.count, by: peer) { Settle(permit: own[$0].number, outcome: .success, usage: usage) }
        }
        var (settled, granted) = (0, [Permit]())
        while settled < permits.count || granted.count < turns {
            for (peer, frame) in try someFrames() {
                try expect(frame.header.detail == 0, "a settle was refused")
                guard frame.header.kind == FrameKind.push.rawValue else {
                    settled += 1
                    continue
                }
                lastPush = nanoseconds()
                let end: TicketEntry = try decode(frame)
                guard let permit = end.admission.permit else { throw Failure("a wait is \(end.standing)") }
                granted.append(Permit(peer: peer, number: permit))
            }
        }
        return granted
    }

    func ping() throws { let _: Ping.Reply = try ask(Ping(), by: Self.users) }

    /// Asks for a call that does not wait.
    func denied() throws {
        let reply: Admit.Reply = try ask(admission(wait: 0), by: Self.users)
        try expect(reply.permit == nil, "a call has passed those that wait")
    }

    private func admission(wait: Int64) -> Admit {
        Admit(candidates: candidates, estimate: estimate, ttlMilliseconds: 3_600_000, waitMilliseconds: wait)
    }

    // MARK: Frames

    private func ask<C: Command>(_ command: C, by peer: Int) throws -> C.Reply {
        try send(1, by: peer) { _ in command }
        return try decode(try nextFrame(of: peer))
    }

    private func send<C: Command>(_ count: Int, by peer: Int, _ next: (Int) -> C) throws {
        var frames = ByteWriter()
        for number in 0..<count {
            if C.declaration.isSequenced { peers[peer].sequence += 1 }
            let sequence = peers[peer].sequence
            // The replies of earlier rounds are acknowledged.
            let oldest = sequence - UInt64(C.declaration.isSequenced ? number : 0)
            RawConnection.append(next(number), sequence: sequence, oldest: oldest, to: &frames)
        }
        try peers[peer].connection.send(frames.bytes)
    }

    /// The next frame of a connection; waits for it.
    private func nextFrame(of peer: Int) throws -> Frame {
        while true {
            if let frame = try readyFrame(of: peer) { return frame }
            try receive(peer)
        }
    }

    /// Frames of any connections, at least one.
    private func someFrames() throws -> [(peer: Int, frame: Frame)] {
        var frames: [(peer: Int, frame: Frame)] = []
        while true {
            for peer in peers.indices { while let frame = try readyFrame(of: peer) { frames.append((peer, frame)) } }
            guard frames.isEmpty else { return frames }
            var watches = peers.map { pollfd(fd: $0.connection.descriptor, events: Int16(POLLIN), revents: 0) }
            try expect(poll(&watches, nfds_t(watches.count), 60_000) > 0, "nothing comes from the daemon")
            for peer in peers.indices where watches[peer].revents != 0 { try receive(peer) }
        }
    }

    private func readyFrame(of peer: Int) throws -> Frame? {
        try peers[peer].reader.next { Frame(header: $0, payload: Array($1)) }
    }

    private func receive(_ peer: Int) throws {
        let room = peers[peer].reader.spare()
        let count = recv(peers[peer].connection.descriptor, room.baseAddress, room.count, 0)
        try expect(count > 0, "the daemon has closed")
        peers[peer].reader.commit(count)
    }

    private func decode<Record: WireRecord>(_ frame: Frame) throws -> Record {
        try expect(frame.header.detail == 0, "a request was refused")
        var record = Record()
        try frame.payload.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            try record.decode(from: &reader)
        }
        return record
    }
}
