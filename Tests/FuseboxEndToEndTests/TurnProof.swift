import FuseboxStore
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd.AdmissionProofs {
    @Test func waitingCallsGetTheirTurnsInTheOrderOfTheRulesWhateverDies() throws {
        var proof = try TurnProof(.priorities, isFull ? .full : .small)
        try proof.run()
        let history = try proof.end()
        try proof.expectTheOrderOfTheModel(history)
        try proof.expectNobodyPassed(history)
    }

    @Test(.enabled(if: TurnProof.hasUsers, "only root can start processes of several users"))
    func eachUserGetsItsShareOfTheTurnsHoweverManyProcessesItHas() throws {
        var proof = try TurnProof(.users, isFull ? .full : .small)
        try proof.run()
        let history = try proof.end()
        try proof.expectTheOrderOfTheModel(history)
        try proof.expectNobodyPassed(history)
        proof.expectEachUserGotItsShare(history)
    }
}

/// Fifty processes of five users wait for four places in flight, and one more process asks again and again.
///
/// Two witnesses tell what happened: the list of waiting calls, which is read all the time, and the journal, which has
/// each grant. A waiting call was surely there when another was granted if the list had it before, and if it was
/// granted or listed later.
struct TurnProof {
    enum Kind {
        /// Calls of several priorities, and processes that die.
        case priorities
        /// Calls of one priority, by users with very different numbers of processes.
        case users
    }

    struct Size {
        /// How many permits are granted once most processes wait.
        var grants: UInt64
        /// One call in so many is its process's last one.
        var callsToDeath: Int
        /// How many processes are killed, most of them while they wait.
        var kills: UInt64
        var longestCall: Int

        static let small = Size(grants: 500, callsToDeath: 40, kills: 15, longestCall: 25)
        /// The longest waits last for several steps of urgency.
        static let full = Size(grants: 20_000, callsToDeath: 100, kills: 120, longestCall: 25)
    }

    /// A call that waits, or has waited.
    struct Call: Hashable {
        /// The upper half of its worker's id. The list does not tell the lower one.
        var worker: UInt64
        var ticket: UInt64
    }

    /// What the list of waiting calls has told of a call. Pages are counted.
    struct Sighting {
        var user: UInt32
        var priority: Int64
        var since: Int64
        /// Its place in the order of arrival.
        var arrival: Int
        var firstPage: Int
        var lastPage: Int
        /// The daemon's clock at these pages.
        var firstSeen: Int64
        var lastSeen: Int64
    }

    /// A permit in the journal.
    struct Grant {
        var sequence: UInt64
        var at: Int64
        var user: UInt32
        /// The call, with the number of its request as its ticket.
        var call: Call
        /// Whether it has waited.
        var isTurn: Bool
    }

    /// Whether the processes can be of several users.
    static let hasUsers = geteuid() == 0

    private static let provider = "busy"
    private static let users = 5
    private static let inFlight: Int64 = 4
    /// How many processes each user has.
    private static let uneven = [26, 8, 6, 6, 4]
    private static let even = [10, 10, 10, 10, 10]

    private let kind: Kind
    private let size: Size
    private let folder = TemporaryFolder()
    private let daemon: DaemonProcess
    private let peer: RawPeer
    private var living: [(user: Int, caller: CallerProcess)] = []
    private var started = 0
    private var deaths = 0
    private let poller: CallerProcess
    private var sightings: [Call: Sighting] = [:]
    private var pages = 0
    private var mostWaiting: UInt32 = 0
    /// The permits that were granted until most processes waited.
    private var before: UInt64 = 0

    /// When most processes wait.
    private static let most: UInt32 = 40

    init(_ kind: Kind, _ size: Size) throws {
        self.kind = kind
        self.size = size
        chmod(folder.path, 0o755)
        // The journal keeps the whole run.
        let flags = ["--socket-mode", "0666", "--journal-segment", "64MiB", "--snapshot-interval", "24h"]
        daemon = try DaemonProcess(DaemonProcess.Options(flags: flags), in: folder)
        peer = try RawPeer.greeted(daemon.socketPath)
        try peer.set(["\(Self.inFlight) in flight"], on: Scope(provider: try Name(Self.provider)))
        poller = Self.start("poller", by: 0, polls: true, priorities: "3", size, daemon, folder)
        if !Self.hasUsers {
            print("*** not root: all processes are of one user, so no turns between users are shown ***")
        }
    }

    private static func start(
        _ name: String, by user: Int, polls: Bool, priorities: String, _ size: Size, _ daemon: DaemonProcess,
        _ folder: TemporaryFolder
    ) -> CallerProcess {
        let uid = hasUsers ? 61_000 + user : Int(geteuid())
        let words = [
            "socket=\(daemon.socketPath)", "provider=\(provider)", "uid=\(uid)", "priorities=\(priorities)",
            "call=\(size.longestCall)", "death=\(polls ? 0 : size.callsToDeath)", "polls=\(polls ? 1 : 0)",
        ]
        return CallerProcess("turn", words, name: name, in: folder)
    }

    // MARK: The run

    mutating func run() throws {
        let isBusy = try waitUntil {
            try replaceTheDead()
            try look()
            return mostWaiting >= Self.most
        }
        try #require(isBusy, "only \(mostWaiting) calls waited at once")
        before = try totals().granted
        var nextKill = before
        while true {
            try replaceTheDead()
            try look()
            let granted = try totals().granted
            guard granted < before + size.grants else { break }
            guard kind == .priorities, granted >= nextKill, let victim = living.randomElement() else { continue }
            nextKill += size.grants / size.kills
            victim.caller.kill()
        }
        for worker in living { worker.caller.kill() }
        poller.kill()
    }

    private func totals() throws -> PermitTotals {
        try peer.ask(PermitList(cursor: 0)).reply(PermitList.Reply.self).totals
    }

    private mutating func replaceTheDead() throws {
        for worker in living {
            guard let status = worker.caller.ended else { continue }
            try #require(status == 128 + SIGKILL, "\(worker.caller.log)")
            living.removeAll { $0.caller === worker.caller }
            deaths += 1
        }
        try #require(poller.ended == nil, "\(poller.log)")
        let wanted = kind == .users ? Self.uneven : Self.even
        var size = size
        if kind == .users { size.callsToDeath = 0 }
        var round = 0
        // The users begin in turn.
        while round < wanted.max()! {
            for user in 0..<Self.users where living.count(where: { $0.user == user }) <= round && round < wanted[user] {
                started += 1
                let priorities = kind == .users ? "3" : "0,1,3,3,3,5,7"
                living.append(
                    (
                        user,
                        Self.start("\(started)", by: user, polls: false, priorities: priorities, size, daemon, folder)
                    ))
            }
            round += 1
        }
    }

    /// Reads the list of waiting calls.
    private mutating func look() throws {
        var last = -1
        var cursor: UInt64 = 0
        repeat {
            let page = try peer.ask(WaitingList(cursor: cursor)).reply(WaitingList.Reply.self)
            pages += 1
            mostWaiting = max(mostWaiting, page.waiting)
            // A call whose worker has lost its connection is passed over.
            for entry in page.entries where !entry.isAway {
                let call = Call(worker: entry.worker.high, ticket: entry.ticket)
                let known = sightings[call]
                let sighting = Sighting(
                    user: entry.user, priority: Int64(entry.priority), since: entry.since.milliseconds,
                    arrival: known?.arrival ?? sightings.count, firstPage: known?.firstPage ?? pages, lastPage: pages,
                    firstSeen: known?.firstSeen ?? page.now.milliseconds, lastSeen: page.now.milliseconds)
                #expect(sighting.arrival > last, "the list is in the order of arrival")
                last = sighting.arrival
                sightings[call] = sighting
            }
            cursor = page.next
        } while cursor != 0
    }

    /// Ends the daemon. Returns every permit that was granted, in the order of the grants.
    mutating func end() throws -> [Grant] {
        // Until each death is noticed, a call of a dead process may have its turn.
        let isQuiet = try waitUntil {
            try self.totals().outstanding == 0
                && peer.ask(WaitingList(cursor: 0)).reply(WaitingList.Reply.self).waiting == 0
        }
        #expect(isQuiet, "the dead hold something")
        let totals = try self.totals()
        #expect(try daemon.stop() == 0)
        #expect(daemon.check() == 0)
        var (grants, unbooked) = try readJournal()
        // The poller may have been killed before it noted its last permit.
        if let unbooked, UInt64(grants.count) + 1 == totals.granted {
            grants.insert(unbooked, at: grants.firstIndex { $0.sequence > unbooked.sequence } ?? grants.endIndex)
        }
        #expect(UInt64(grants.count) == totals.granted, "the journal has every permit")
        let turns = grants.count(where: \.isTurn)
        print(
            "\(turns) turns and \(grants.count - turns) calls at once of \(started) processes, \(deaths) of them dead;",
            "up to \(mostWaiting) waited; the list was read \(pages) times")
        return grants
    }

    /// The permits that were granted, and the poller's last call if its book lacks it.
    private func readJournal() throws -> (grants: [Grant], unbooked: Grant?) {
        let polled = Set(poller.book.compactMap { $0.count == 3 ? UInt64($0[2]) : nil })
        var pollerID: WorkerID?
        var grants: [Grant] = []
        var unbooked: Grant?
        for name in segmentNames(in: daemon.dataPath) {
            let reader = try JournalReader(contents(of: "\(daemon.dataPath)/\(name)"))
            _ = try reader.forEach { (entry, payload, _) throws in
                func grant(_ ticket: UInt64, isTurn: Bool) -> Grant {
                    Grant(
                        sequence: entry.sequence, at: entry.now.milliseconds, user: entry.user,
                        call: Call(worker: entry.workerHigh, ticket: ticket), isTurn: isTurn)
                }
                switch entry.command {
                case GrantTurn.declaration.number:
                    grants.append(grant(try Array(payload).decoded(as: GrantTurn.self).ticket, isTurn: true))
                case Admit.declaration.number:
                    let admit = try Array(payload).decoded(as: Admit.self)
                    // A worker's first request is journaled, also if the call waits or is denied.
                    if admit.waitMilliseconds == 0 {
                        pollerID = pollerID ?? entry.worker
                        #expect(pollerID == entry.worker, "there is one poller")
                        let call = grant(entry.request, isTurn: false)
                        if polled.contains(entry.request) { grants.append(call) }
                        if entry.request > polled.max() ?? 0 { unbooked = call }
                    } else if admit.queue != .joins {
                        grants.append(grant(entry.request, isTurn: false))
                    }
                default: break
                }
            }
        }
        return (grants, unbooked)
    }

    // MARK: Assertions

    /// Whenever a call had its turn, it was the first of those that surely waited: the most urgent, then that of the
    /// user whose last turn was longest ago, then the one that came first.
    func expectTheOrderOfTheModel(_ history: [Grant]) throws {
        let turns = history.filter(\.isTurn)
        let places = Dictionary(uniqueKeysWithValues: turns.enumerated().map { ($1.call, $0) })
        var toCome = sightings.map { (call: $0.key, sighting: $0.value, place: places[$0.key] ?? .max) }
        toCome.sort { $0.sighting.firstPage > $1.sighting.firstPage }
        var rivals: [(call: Call, sighting: Sighting, place: Int)] = []
        var lastTurns: [UInt32: Int] = [:]
        var (checked, most, wrong) = (0, 0, 0)
        for (place, turn) in turns.enumerated() {
            defer { lastTurns[turn.user] = place + 1 }
            guard let own = sightings[turn.call] else { continue }
            while let next = toCome.last, next.sighting.firstPage <= own.lastPage { rivals.append(toCome.removeLast()) }
            // One that is never granted was there as long as it was listed.
            rivals.removeAll { $0.place < place || ($0.place == .max && $0.sighting.lastSeen <= turn.at) }
            func order(_ call: Sighting) -> (Int64, Int, Int) {
                (call.priority - (turn.at - call.since) / 10_000, lastTurns[call.user] ?? 0, call.arrival)
            }
            let waiting = rivals.filter { $0.sighting.firstPage <= own.lastPage }
            guard waiting.count > 1, let first = waiting.min(by: { order($0.sighting) < order($1.sighting) }) else {
                continue
            }
            checked += 1
            most = max(most, waiting.count)
            guard first.call != turn.call else { continue }
            wrong += 1
            if wrong <= 3 {
                let (mine, other) = (order(own), order(first.sighting))
                Issue.record("turn \(place): \(own), \(mine); the model's: \(first.sighting), \(other)")
            }
        }
        #expect(wrong == 0, "\(wrong) turns are not those of the model")
        #expect(checked >= turns.count / 4, "too few turns could be compared")
        print("\(checked) of \(turns.count) turns are the model's, of up to \(most) calls")
    }

    /// No call was admitted at once while one waited: not those of the poller, and not others.
    func expectNobodyPassed(_ history: [Grant]) throws {
        let sequences = Dictionary(
            uniqueKeysWithValues: history.filter(\.isTurn).map { ($0.call, $0.sequence) })
        var passed = 0
        for grant in history where !grant.isTurn {
            let waits = sightings.contains { call, sighting in
                guard sighting.firstSeen < grant.at else { return false }
                return sighting.lastSeen > grant.at || (sequences[call] ?? 0) > grant.sequence
            }
            if waits { passed += 1 }
        }
        let atOnce = history.count { !$0.isTurn }
        #expect(passed == 0, "\(passed) of \(atOnce) calls were admitted at once though others waited")
        #expect(history.count > atOnce * 2, "most calls have waited")
    }

    /// Each user had at least half of an equal share of the turns.
    func expectEachUserGotItsShare(_ history: [Grant]) {
        let turns = history.dropFirst(Int(before)).filter(\.isTurn)
        let shares = Dictionary(grouping: turns, by: \.user).mapValues(\.count)
        #expect(shares.count == Self.users)
        for (user, count) in shares.sorted(by: { $0.key < $1.key }) {
            print("user \(user): \(count) turns by \(Self.uneven[Int(user) - 61_000]) processes")
            #expect(count * Self.users * 2 >= turns.count, "user \(user) had \(count) of \(turns.count) turns")
        }
    }
}
