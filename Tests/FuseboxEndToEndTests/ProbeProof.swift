import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd.AdmissionProofs {
    @Test func oneProbeSlotIsNeverSharedAndNeverLost() throws {
        var proof = try ProbeProof(isFull ? .full : .small)
        try proof.run()
        try proof.expectTheSlotWasNeverLost()
        try proof.expectCleanEnd()
    }
}

/// Eight processes compete for the only probe slot of a degraded breaker. Some die while they have it, some at any
/// other time. Each takes a lock while it has the slot, so the lock shows whether two processes have it at once.
struct ProbeProof {
    struct Size {
        var calls: UInt64
        /// One call in so many is the worker's last one.
        var callsToDeath: Int
        /// The number of kills.
        var kills: Int

        static let small = Size(calls: 400, callsToDeath: 200, kills: 2)
        /// This needs more than 10,000 tries.
        static let full = Size(calls: 10_000, callsToDeath: 300, kills: 20)
    }

    private static let atATime = 8
    private static let provider = "degraded"
    /// The delay of a busy machine. The worker of an ended process has no grace.
    private static let slackMilliseconds = Int64(1_500 * patience)

    private let size: Size
    private let scope: Scope
    private let folder = TemporaryFolder()
    private let daemon: DaemonProcess
    private let peer: RawPeer
    private var callers: [CallerProcess] = []
    private var living: [CallerProcess] = []
    /// The times of the kills, on the monotonic clock.
    private var kills: [Int64] = []
    private var mostInFlight: Int64 = 0

    init(_ size: Size) throws {
        self.size = size
        daemon = try DaemonProcess("--log-level", "notice", in: folder)
        peer = try RawPeer.greeted(daemon.socketPath)
        let name = try Name(Self.provider)
        scope = Scope(provider: name)
        var change = BreakerConfigurationChange()
        change.maxProbes = 1
        // The breaker has opened, and stays at one failure.
        change.degradationCurve = [1, 0.9]
        change.resetTimeoutMilliseconds = 86_400_000
        try #require(try peer.ask(BreakerConfigure(name: name, change: change)).status == .ok)
        try #require(try peer.ask(BreakerForceOpen(name: name)).status == .ok)
        for _ in 0..<4 { try #require(try peer.ask(BreakerSuccess(name: name)).status == .ok) }
        // The limit counts the calls in flight.
        try peer.set(["1000 in flight"], on: scope)
    }

    mutating func run() throws {
        var nextKill: UInt64 = 0
        while true {
            try replaceTheDead()
            mostInFlight = max(mostInFlight, try peer.limit(.inFlight, on: scope).held)
            let granted = try totals().granted
            if granted >= size.calls, callers.contains(where: \.hasDiedInCall) { break }
            if granted >= nextKill {
                nextKill += size.calls / UInt64(size.kills)
                if let victim = living.randomElement() {
                    victim.kill()
                    kills.append(Int64(monotonicMilliseconds()))
                }
            }
            _ = poll(nil, 0, 1)
        }
        for caller in living {
            caller.kill()
            kills.append(Int64(monotonicMilliseconds()))
        }
    }

    private mutating func replaceTheDead() throws {
        for caller in living {
            guard let status = caller.ended else { continue }
            try #require(status == 128 + SIGKILL, "\(caller.log)")
            living.removeAll { $0 === caller }
        }
        while living.count < Self.atATime {
            let words = [
                "socket=\(daemon.socketPath)", "provider=\(Self.provider)", "lock=\(folder("lock"))",
                "death=\(size.callsToDeath)",
            ]
            let caller = CallerProcess("probe", words, name: "\(callers.count)", in: folder)
            callers.append(caller)
            living.append(caller)
        }
    }

    private func totals() throws -> PermitTotals {
        try peer.ask(PermitList(cursor: 0)).reply(PermitList.Reply.self).totals
    }

    // MARK: Assertions

    func expectTheSlotWasNeverLost() throws {
        let last = try grantToSomebodyElse()
        let lines = callers.flatMap(\.book)
        func moments(_ word: String) -> [Int64] {
            lines.filter { $0.first == word[...] }.compactMap { $0.last.flatMap { Int64($0) } }
        }
        let overlaps = lines.count { $0.first == "overlap" }
        #expect(overlaps == 0 && mostInFlight == 1, "\(overlaps) overlaps, \(mostInFlight) in flight")
        let grants = moments("granted").sorted() + [last]
        let deaths = moments("dying") + kills
        var longest: Int64 = 0
        for death in deaths {
            let next = try #require(grants.first { $0 >= death })
            longest = max(longest, next - death)
        }
        #expect(longest <= Self.slackMilliseconds)
        print(
            "\(lines.count { $0.first == "tried" }) tries, \(grants.count) calls, \(deaths.count) deaths,",
            "\(moments("dying").count) of them in a call; after each the next call came within \(longest) ms")
    }

    /// The time at which a call is admitted after all workers are dead.
    private func grantToSomebodyElse() throws -> Int64 {
        let admit = Admit(
            candidates: try Candidates([Candidate(provider: try Name(Self.provider))]), ttlMilliseconds: 60_000)
        var moment: Int64 = 0
        let isGranted = try waitUntil {
            guard try peer.ask(admit).reply(Admit.Reply.self).permit != nil else { return false }
            moment = Int64(monotonicMilliseconds())
            return true
        }
        try #require(isGranted, "the slot is lost")
        return moment
    }

    func expectCleanEnd() throws {
        let totals = try totals()
        #expect(totals.granted == totals.settled + totals.expired + totals.reclaimed + totals.outstanding)
        #expect(totals.outstanding == 1 && totals.expired == 0)
        #expect(try daemon.stop() == 0)
        #expect(daemon.check() == 0)
    }
}

extension CallerProcess {
    /// Whether it died while it had the slot.
    fileprivate var hasDiedInCall: Bool { book.contains { $0.first == "dying" } }
}
