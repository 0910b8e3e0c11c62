import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// The promises of admission, with worker processes that die. `make admission-test` runs the full sizes.
    @Suite struct AdmissionProofs {
        @Test func limitsOfCostAndRequestsHoldForManyProcessesWhateverDies() throws {
            var proof = try BudgetProof(isFull ? .full : .small)
            try proof.run()
            try proof.expectNothingIsHeldAfterATTL()
            try proof.expectBooksAreEqual()
            try proof.expectTheWindowsHeld()
            try proof.expectCleanEnd()
        }
    }
}

/// Sixteen processes at a time, against a limit of $10 and one of 600 requests a minute. A tenth of the workers and five
/// daemons are killed.
struct BudgetProof {
    struct Size {
        var workers: Int
        var triesOfEach: Int
        /// The approximate duration. The deaths of the daemon are spread over it.
        var milliseconds: Int
        var ttlMilliseconds: Int64
        var longestCall: Int
        var longestPause: Int

        /// A run within a minute.
        static let small = Size(
            workers: 32, triesOfEach: 250, milliseconds: 7_000, ttlMilliseconds: 3_000, longestCall: 250,
            longestPause: 20)
        /// 200,000 tries over several minutes. The money is used up in the second.
        static let full = Size(
            workers: 200, triesOfEach: 1_000, milliseconds: 160_000, ttlMilliseconds: 6_000, longestCall: 2_000,
            longestPause: 16)
    }

    /// How a worker dies.
    private enum Death: CaseIterable {
        /// By a signal, at any time.
        case atAnyMoment
        /// It sends a settle and dies, unless a signal kills it first.
        case whileSettling
    }

    private struct Worker {
        let number: Int
        let caller: CallerProcess
        /// When it will be killed, on the monotonic clock.
        let deathAt: Int?
    }

    static let money = Money.dollars("10")
    static let requestsPerMinute: Int64 = 600
    private static let atATime = 16
    private static let daemonDeaths = 5
    private static let provider = "provider"

    private let size: Size
    private let scope: Scope
    private let folder = TemporaryFolder()
    private var daemon: DaemonProcess
    private var peer: RawPeer
    private var living: [Worker] = []
    /// The workers that ended by themselves, and those that were killed.
    private var finished: [Worker] = []
    private var killed: [Worker] = []
    private var started = 0
    /// The number of workers that were chosen to die.
    private var doomed = 0
    private var daemonDeathsAt: [Int]
    /// The largest sums so far.
    private var mostUsed: Int64 = 0
    private var mostUsedAndHeld: Int64 = 0
    private var mostRequests: Int64 = 0

    init(_ size: Size) throws {
        self.size = size
        daemon = try DaemonProcess(Self.options, in: folder)
        peer = try RawPeer.greeted(daemon.socketPath)
        scope = Scope(provider: try Name(Self.provider))
        try peer.set(
            ["$\(Self.money) until reset", "\(Self.requestsPerMinute) requests per minute"], on: scope)
        let step = size.milliseconds / (Self.daemonDeaths + 1)
        let begin = monotonicMilliseconds()
        daemonDeathsAt = (1...Self.daemonDeaths).map { begin + $0 * step + .random(in: -step / 3...step / 3) }
    }

    /// Small and frequent, so that a death meets every step of rotation and snapshot.
    private static var options: DaemonProcess.Options {
        DaemonProcess.Options(
            flags: ["--journal-segment", "256KiB", "--snapshot-interval", "200ms", "--log-level", "notice"])
    }

    // MARK: The run

    mutating func run() throws {
        while finished.count < size.workers || !daemonDeathsAt.isEmpty {
            try replaceTheDead()
            try look()
            let now = monotonicMilliseconds()
            if let next = daemonDeathsAt.first, next <= now {
                daemonDeathsAt.removeFirst()
                try killDaemon()
            }
            _ = poll(nil, 0, 5)
        }
        for worker in living { worker.caller.kill() }
        killed += living
        living = []
    }

    /// Records the workers that have ended, kills those whose time has come, and starts others.
    private mutating func replaceTheDead() throws {
        let now = monotonicMilliseconds()
        for worker in living {
            if let deathAt = worker.deathAt, deathAt <= now { worker.caller.kill() }
            guard let status = worker.caller.ended else { continue }
            living.removeAll { $0.number == worker.number }
            if status == 128 + SIGKILL { killed.append(worker) } else { finished.append(worker) }
            try #require(status == 0 || status == 128 + SIGKILL, "worker \(worker.number): \(worker.caller.log)")
        }
        while living.count < Self.atATime, living.count + finished.count < size.workers { start() }
    }

    private mutating func start() {
        started += 1
        var death: Death?
        // A few more than a tenth, because some end before.
        if started % 8 == 4 {
            death = Death.allCases[doomed % 2]
            doomed += 1
        }
        let grantsOfOne = max(1, size.longestCall / 100)
        let deadlyGrant = death == .whileSettling ? Int.random(in: 1...grantsOfOne) : 0
        let words = [
            "socket=\(daemon.socketPath)", "provider=\(Self.provider)", "model=worker-\(started)",
            "tries=\(size.triesOfEach)", "ttl=\(size.ttlMilliseconds)", "call=\(size.longestCall)",
            "pause=\(size.longestPause)", "death=\(deadlyGrant)",
        ]
        let caller = CallerProcess("spend", words, name: "\(started)", in: folder)
        let life = size.milliseconds * Self.atATime / size.workers
        let deathAt = death.map { _ in monotonicMilliseconds() + .random(in: life / 20...life / 2) }
        living.append(Worker(number: started, caller: caller, deathAt: deathAt))
    }

    private mutating func killDaemon() throws {
        daemon.send(SIGKILL)
        #expect(try daemon.wait() == 128 + SIGKILL)
        #expect(daemon.check() == 0, "after a death: \(daemon.log)")
        daemon = try DaemonProcess(Self.options, in: folder)
        peer = try RawPeer.greeted(daemon.socketPath)
    }

    /// Polls the limits.
    private mutating func look() throws {
        let money = try peer.limit(.cost, on: scope)
        mostUsed = max(mostUsed, money.used)
        mostUsedAndHeld = max(mostUsedAndHeld, money.used + money.held)
        mostRequests = max(mostRequests, try peer.limit(.requests, on: scope).used)
    }

    private func account() throws -> ProviderAccount {
        let reply = try peer.ask(LedgerProvider(provider: try Name(Self.provider))).reply(LedgerProvider.Reply.self)
        return try #require(reply.account)
    }

    // MARK: Assertions

    /// One time to live after the last death, all that dead workers held is given back.
    mutating func expectNothingIsHeldAfterATTL() throws {
        let end = monotonicMilliseconds()
        var totals = PermitTotals()
        let isFree = try waitUntil {
            try look()
            totals = try peer.ask(PermitList(cursor: 0)).reply(PermitList.Reply.self).totals
            return totals.outstanding == 0
        }
        let waited = monotonicMilliseconds() - end
        try #require(isFree, "\(totals)")
        #expect(waited < Int(size.ttlMilliseconds) + 1_000, "held for \(waited) ms")
        #expect(try peer.limit(.cost, on: scope).held == 0)
        #expect(totals.held == .zero)
        #expect(totals.granted == totals.settled + totals.expired + totals.reclaimed)
    }

    func expectBooksAreEqual() throws {
        var spend: Int64 = 0
        for (workers, isKilled) in [(finished, false), (killed, true)] {
            for worker in workers {
                let book = try SpendingBook(worker.caller.book)
                if !isKilled { #expect(book.tries == size.triesOfEach) }
                #expect(book.settles.allSatisfy { $0.standing != .settled }, "a settle that came twice")
                spend += try expectAccount(of: worker, book, isKilled: isKilled)
            }
        }
        let usage = try account().usage
        #expect(usage.spend.nanodollars == spend, "the provider's account is the sum of the workers'")
        let money = try peer.limit(.cost, on: scope)
        #expect(money.used - money.assumed == spend, "what was used and not assumed is what the calls cost")
        #expect(mostUsedAndHeld <= Self.money.nanodollars)
        #expect(usage.spend.nanodollars <= mostUsed)
        print(
            "\(finished.count * size.triesOfEach) tries of \(finished.count) workers, \(killed.count) more were killed;",
            "spent $\(usage.spend) of $\(Self.money), $\(Money(nanodollars: money.assumed)) assumed of the dead,",
            "at most $\(Money(nanodollars: mostUsedAndHeld)) with holds")
    }

    /// Compares a worker's model account with its book. Returns the account's spend.
    private func expectAccount(of worker: Worker, _ book: SpendingBook, isKilled: Bool) throws -> Int64 {
        let question = LedgerModel(provider: try Name(Self.provider), model: try Name("worker-\(worker.number)"))
        let usage = try peer.ask(question).reply(LedgerModel.Reply.self).account?.usage ?? AccountUsage()
        let (requests, spend) = (Int(usage.requests), usage.spend.nanodollars)
        let isAsInBook = requests == book.charged.count && spend == book.spend
        // One more settle of a dead worker may have arrived.
        let isOneMore =
            isKilled && requests == book.charged.count + 1 && spend == book.spend + (book.unacknowledged ?? -1)
        #expect(
            isAsInBook || isOneMore,
            "worker \(worker.number): \(requests) requests, \(spend) spent; book \(book.charged.count), \(book.spend)")
        #expect(usage.inputTokens == usage.requests && usage.outputTokens == 2 * usage.requests)
        return spend
    }

    /// No minute had more calls than the limit, and both limits denied calls.
    func expectTheWindowsHeld() throws {
        let books = try (finished + killed).map { try SpendingBook($0.caller.book) }
        let grants = books.flatMap(\.grants.values)
        let sent = grants.filter { !$0.isCancelled }.map(\.at).sorted()
        var oldest = 0
        var most = 0
        for (place, at) in sent.enumerated() {
            while at - sent[oldest] >= 60_000 { oldest += 1 }
            most = max(most, place - oldest + 1)
        }
        #expect(most <= Self.requestsPerMinute && mostRequests <= Self.requestsPerMinute)
        let numbers = books.flatMap(\.grants.keys)
        #expect(Set(numbers).count == numbers.count, "a permit that was granted twice")

        #expect(mostRequests == Self.requestsPerMinute, "the limit of requests was never reached")
        let denials = books.reduce(into: [:]) { $0.merge($1.denials, uniquingKeysWith: +) }
        #expect(denials[.requests, default: 0] > 0 && denials[.cost, default: 0] > 0, "\(denials)")
        if size.workers == Size.full.workers { #expect(mostUsed > 9_900_000_000, "the money was never used up") }
        #expect(killed.count >= size.workers / 10)
        print("\(grants.count) calls, at most \(most) in a minute; \(denials)")
    }

    mutating func expectCleanEnd() throws {
        #expect(try daemon.stop() == 0)
        #expect(daemon.check() == 0)
    }
}
