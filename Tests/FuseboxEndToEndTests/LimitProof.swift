import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// The promises of admission, with worker processes that die. `make admission-test` runs the full sizes.
    @Suite struct AdmissionProofs {
        @Test func limitsOfEveryDimensionOnFiveScopesHoldForManyProcessesWhateverDies() throws {
            var proof = try LimitProof(isFull ? .full : .small)
            try proof.run()
            try proof.expectNothingIsHeldAfterATTL()
            let books = try proof.readBooks()
            try proof.expectBooksAreEqual(books)
            try proof.expectTheLimitsHeld(books)
            try proof.expectCleanEnd()
        }
    }
}

/// Sixteen processes at a time, whose calls have three routes and four tags, against limits of every dimension on the host,
/// a provider, a model, a tag and a template. Every process is killed, and so is the daemon.
struct LimitProof {
    struct Size {
        /// How long new processes are started.
        var milliseconds: Int
        /// How long a process lives.
        var lives: ClosedRange<Int>
        var daemonDeaths: Int
        var ttlMilliseconds: Int64
        var longestCall: Int
        var longestPause: Int

        /// A run within a minute.
        static let small = Size(
            milliseconds: 9_000, lives: 300...3_000, daemonDeaths: 5, ttlMilliseconds: 3_000, longestCall: 120,
            longestPause: 20)
        /// A run over several minutes.
        static let full = Size(
            milliseconds: 180_000, lives: 500...12_000, daemonDeaths: 20, ttlMilliseconds: 6_000, longestCall: 400,
            longestPause: 16)
    }

    /// A scope with limits, and the calls that fall under it.
    private struct Limited {
        var scope: Scope
        var limits: [String]
        var covers: (Worker, SpendingBook.Call) -> Bool
    }

    /// How a process dies.
    private enum Death: CaseIterable {
        /// By a signal, at any time.
        case atAnyMoment
        /// It sends a settle and dies, unless a signal kills it first.
        case whileSettling
    }

    struct Worker {
        let number: Int
        let caller: CallerProcess
        /// When it is killed, on the monotonic clock.
        let deathAt: Int

        var isSearching: Bool { Self.isSearching(number) }
        var user: Int { Self.user(number) }

        private static func isSearching(_ number: Int) -> Bool { number % 2 == 0 }
        private static func user(_ number: Int) -> Int { number / 2 % 4 }
        static func tags(_ number: Int) -> [String] {
            [
                isSearching(number) ? "team:search" : "team:ads", "user:\(user(number))", "batch", "worker:\(number)",
            ]
        }
    }

    private static let atATime = 16
    private static let routes = ["first/m", "second/m", "third/m"]

    private let size: Size
    private let limited: [Limited]
    private let folder = TemporaryFolder()
    private var daemon: DaemonProcess
    private var peer: RawPeer
    private var living: [Worker] = []
    private var dead: [Worker] = []
    private var daemonDeathsAt: [Int]
    private let end: Int
    /// How long a denial is waited for after the end, in milliseconds.
    private static let patience = 60_000
    private var nextDenialCheck = 0
    /// The largest use with what was held, of each limit.
    private var levels: [String: Int64] = [:]

    init(_ size: Size) throws {
        self.size = size
        limited = try Self.limited()
        daemon = try DaemonProcess(Self.options, in: folder)
        peer = try RawPeer.greeted(daemon.socketPath)
        for limited in limited { try peer.set(limited.limits, on: limited.scope) }
        // What each worker has used, in limits that deny nothing.
        try peer.set(
            ["$1000000 until reset", "1000000000 tokens until reset"], on: Scope(tag: try Name("worker:*")),
            mode: .notify)
        let step = size.milliseconds / (size.daemonDeaths + 1)
        let begin = monotonicMilliseconds()
        end = begin + size.milliseconds
        daemonDeathsAt = (1...size.daemonDeaths).map { begin + $0 * step + .random(in: -step / 3...step / 3) }
    }

    private static func limited() throws -> [Limited] {
        func limits(_ dollars: Int, _ requests: Int, _ input: Int, _ output: Int, _ inFlight: Int) -> [String] {
            [
                "$\(dollars) until reset", "\(requests) requests per minute",
                "\((input + output) * 3 / 4) tokens per minute", "\(input) input tokens per minute",
                "\(output) output tokens per minute", "\(inFlight) in flight",
            ]
        }
        // A busy machine makes few calls: the 60 requests of the second provider's model come before its money is used up.
        return [
            Limited(scope: .host, limits: limits(12, 700, 300_000, 300_000, 9)) { _, _ in true },
            Limited(scope: Scope(provider: try Name("first")), limits: limits(5, 150, 60_000, 12_000, 3)) {
                $1.route == 0
            },
            Limited(
                scope: Scope(provider: try Name("second"), model: try Name("m")),
                limits: limits(4, 60, 20_000, 30_000, 2)
            ) { $1.route == 1 },
            Limited(scope: Scope(tag: try Name("team:search")), limits: limits(6, 300, 90_000, 90_000, 4)) {
                worker, _ in
                worker.isSearching
            },
            Limited(scope: Scope(tag: try Name("user:*")), limits: limits(4, 200, 60_000, 60_000, 3)) { _, _ in true },
        ]
    }

    /// Small and frequent, so that a death meets every step of rotation and snapshot.
    private static var options: DaemonProcess.Options {
        DaemonProcess.Options(
            flags: ["--journal-segment", "256KiB", "--snapshot-interval", "200ms", "--log-level", "notice"])
    }

    // MARK: The run

    mutating func run() throws {
        while try monotonicMilliseconds() < end || !daemonDeathsAt.isEmpty || isDenialMissing() {
            try replaceTheDead()
            try look()
            if let next = daemonDeathsAt.first, next <= monotonicMilliseconds() {
                daemonDeathsAt.removeFirst()
                try killDaemon()
            }
            _ = poll(nil, 0, 5)
        }
        for worker in living { worker.caller.kill() }
        dead += living
        living = []
    }

    /// Whether a limit that has to deny has not denied yet, on a machine that is too busy for many calls. It is given up
    /// after `patience`.
    private mutating func isDenialMissing() throws -> Bool {
        let now = monotonicMilliseconds()
        guard now < end + Self.patience else { return false }
        guard now >= nextDenialCheck else { return true }
        nextDenialCheck = now + 1_000
        let denials = try (dead + living).reduce(into: Set<String>()) {
            $0.formUnion(try SpendingBook($1.caller.book).denials)
        }
        return !Self.missing(in: denials).isEmpty
    }

    /// The scopes and dimensions without a limit that has denied a call.
    private static func missing(in denials: Set<String>) -> [String] {
        ["host", "first", "second/m", "team:search", "user:1"].filter { scope in
            !denials.contains { $0.hasSuffix(" \(scope)") }
        }
            + [LimitDimension.cost, .requests, .inFlight].map { "\($0)" }.filter { dimension in
                !denials.contains { $0.hasPrefix("\(dimension) ") }
            }
    }

    /// Kills the processes whose time has come, and starts others.
    private mutating func replaceTheDead() throws {
        let now = monotonicMilliseconds()
        for worker in living {
            if worker.deathAt <= now { worker.caller.kill() }
            guard let status = worker.caller.ended else { continue }
            try #require(status == 128 + SIGKILL, "worker \(worker.number): \(worker.caller.log)")
            living.removeAll { $0.number == worker.number }
            dead.append(worker)
        }
        while living.count < Self.atATime { start() }
    }

    private mutating func start() {
        let number = living.count + dead.count + 1
        let death = Death.allCases[number / 2 % 2]
        let deadlyGrant = death == .whileSettling ? Int.random(in: 1...12) : 0
        let words = [
            "socket=\(daemon.socketPath)", "routes=\(Self.routes.joined(separator: ","))",
            "tags=\(Worker.tags(number).joined(separator: ","))", "ttl=\(size.ttlMilliseconds)",
            "call=\(size.longestCall)",
            "pause=\(size.longestPause)", "death=\(deadlyGrant)",
        ]
        let caller = CallerProcess("spend", words, name: "\(number)", in: folder)
        let deathAt = monotonicMilliseconds() + .random(in: size.lives)
        living.append(Worker(number: number, caller: caller, deathAt: deathAt))
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
        for limited in limited {
            for entry in try peer.limits(on: limited.scope) {
                let name = "\(entry.scope): \(entry.limit)"
                levels[name] = max(levels[name] ?? 0, entry.used + entry.held)
                #expect(entry.used + entry.held <= entry.amount, "\(name): \(entry.used) used, \(entry.held) held")
            }
        }
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
        for limited in limited { #expect(try peer.limits(on: limited.scope).allSatisfy { $0.held == 0 }) }
        #expect(totals.held == .zero)
        #expect(totals.granted == totals.settled + totals.expired + totals.reclaimed)
    }

    func readBooks() throws -> [(worker: Worker, book: SpendingBook)] {
        try dead.map { ($0, try SpendingBook($0.caller.book)) }
    }

    /// What each worker has used is what its book says, and together they are what the host has used.
    func expectBooksAreEqual(_ books: [(worker: Worker, book: SpendingBook)]) throws {
        var spend: Int64 = 0
        for (worker, book) in books {
            #expect(book.repeated == 0, "a settle that came twice")
            let entries = try peer.limits(on: Scope(tag: try Name("worker:\(worker.number)")))
            let cost = entries.first { $0.limit.dimension == .cost }?.used ?? 0
            let tokens = entries.first { $0.limit.dimension == .tokens }?.used ?? 0
            // One more settle of a dead worker may have arrived.
            let isAsInBook = cost == book.sum(of: .cost) && tokens == book.sum(of: .tokens)
            let isOneMore =
                cost == book.sum(of: .cost) + (book.unacknowledged?[.cost] ?? -1)
                && tokens == book.sum(of: .tokens) + (book.unacknowledged?[.tokens] ?? -1)
            #expect(
                isAsInBook || isOneMore,
                "worker \(worker.number): \(cost) and \(tokens); book \(book.sum(of: .cost)), \(book.sum(of: .tokens))")
            spend += cost
        }
        let money = try peer.limit(.cost, on: .host)
        #expect(money.used - money.assumed == spend, "what was used and not assumed is what the calls cost")
        let numbers = books.flatMap(\.book.calls.keys)
        #expect(Set(numbers).count == numbers.count, "a permit that was granted twice")
        let tries = books.reduce(0) { $0 + $1.book.tries }
        print(
            "\(tries) tries of \(dead.count) processes, all killed; \(numbers.count) calls; \(size.daemonDeaths) daemons killed;",
            "spent $\(Money(nanodollars: spend)), $\(Money(nanodollars: money.assumed)) assumed of the dead")
    }

    /// Whatever the books say, no limit was exceeded in any window, and limits of every scope have denied calls.
    func expectTheLimitsHeld(_ books: [(worker: Worker, book: SpendingBook)]) throws {
        for limited in limited {
            let isTemplate = limited.scope.tag.map(TagText.isTemplate) ?? false
            for user in isTemplate ? Array(0..<4) : [-1] {
                let calls = books.filter { user < 0 || $0.worker.user == user }.flatMap { worker, book in
                    book.calls.values.filter { limited.covers(worker, $0) }
                }
                let scope = user < 0 ? limited.scope : Scope(tag: try Name("user:\(user)"))
                try expectLimitsHeld(scope, limited.limits, calls)
            }
        }
        let denials = books.reduce(into: Set<String>()) { $0.formUnion($1.book.denials) }
        #expect(Self.missing(in: denials) == [], "they have denied nothing")
        print("denied by:", denials.sorted().joined(separator: ", "))
    }

    private func expectLimitsHeld(_ scope: Scope, _ limits: [String], _ calls: [SpendingBook.Call]) throws {
        var told: [String] = []
        for text in limits {
            let limit = try LimitText.limit(text)
            let most: Int64
            switch limit.window.kind {
            case .none: most = Self.mostAtOnce(calls)
            case .sliding:
                most = Self.most(of: limit.dimension, in: limit.window.lengthMilliseconds, calls)
            default: most = calls.reduce(0) { $0 + ($1.usage?[limit.dimension] ?? 0) }
            }
            #expect(most <= limit.amount, "\(most) of '\(text)' on \(scope)")
            let level = levels["\(scope): \(limit)"] ?? 0
            told.append(
                limit.dimension == .cost
                    ? "$\(Money(nanodollars: most)) ($\(Money(nanodollars: level)) with holds) of \(text)"
                    : "\(most) of \(text)")
        }
        print("\(scope): at most", told.joined(separator: ", "))
    }

    /// The most that calls have used in any stretch of a length, by the moments of their admissions.
    private static func most(of dimension: LimitDimension, in length: Int64, _ calls: [SpendingBook.Call]) -> Int64 {
        let sent = calls.filter { !$0.isCancelled }.sorted { $0.grantedAt < $1.grantedAt }
        func amount(_ call: SpendingBook.Call) -> Int64 {
            dimension == .requests ? 1 : call.usage?[dimension] ?? 0
        }
        var (oldest, sum, most) = (0, 0 as Int64, 0 as Int64)
        for call in sent {
            sum += amount(call)
            while call.grantedAt - sent[oldest].grantedAt >= length {
                sum -= amount(sent[oldest])
                oldest += 1
            }
            most = max(most, sum)
        }
        return most
    }

    /// The most calls that were surely in flight at the same time.
    private static func mostAtOnce(_ calls: [SpendingBook.Call]) -> Int64 {
        let edges = calls.flatMap { [($0.flight.lowerBound, 1), ($0.flight.upperBound, -1)] }
        // Of calls that end and begin in the same millisecond the ends come first.
        var (now, most) = (0 as Int64, 0 as Int64)
        for (_, change) in edges.sorted(by: { ($0.0, $0.1) < ($1.0, $1.1) }) {
            now += Int64(change)
            most = max(most, now)
        }
        return most
    }

    mutating func expectCleanEnd() throws {
        #expect(try daemon.stop() == 0)
        #expect(daemon.check() == 0)
    }
}
