import FuseboxCore
import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// What is remembered of workers: found by id, summed by user, forgotten in order.
struct WorkerTableTests {
    private static func id(_ number: Int) -> WorkerID { WorkerID(high: 1, low: UInt64(number)) }

    /// Keeps a reply of so many bytes for a worker, who is remembered from then on.
    private static func keep(
        _ length: Int, to sequence: UInt64, from oldest: UInt64? = nil, of worker: WorkerID, user: UInt32,
        at milliseconds: Int64, in table: inout WorkerTable
    ) {
        let now = Timestamp(milliseconds: milliseconds)
        let slot = table.find(worker) ?? table.add(WorkerTable.Worker(id: worker, user: user, lastSeen: now))
        let number = RequestSequence(sequence: sequence, oldestUnacknowledged: oldest ?? sequence)
        let reply = [UInt8](repeating: UInt8(truncatingIfNeeded: sequence), count: length)
        reply.withUnsafeBytes { table.keep($0, to: number, command: 17, digest: UInt32(sequence), at: now, in: slot) }
    }

    /// A table as random requests leave it: up to 40 workers of 5 users, many seen last at the same moment.
    private static func table(_ seed: UInt64, steps: Int = 400) -> WorkerTable {
        var random = SplitMix64(seed: seed)
        var table = WorkerTable()
        for step in 0..<steps {
            let number = random.below(40)
            if random.once(in: 8) { table.forget(id(number), isEvicted: random.once(in: 2)) }
            let last = table.find(id(number)).map { table[$0].lastSequence } ?? 0
            keep(
                random.below(50), to: last + 1, from: last + 1 - min(last, UInt64(random.below(9))), of: id(number),
                user: UInt32(number % 5), at: Int64(step / 10), in: &table)
        }
        return table
    }

    /// A worker as a plain value.
    private struct Plain: Equatable {
        var id: WorkerID
        var user: UInt32
        var seen: Timestamp
        var replies: Int
        var bytes: Int
    }

    private static func workers(of table: WorkerTable) -> [Plain] {
        var workers: [Plain] = []
        table.forEach {
            workers.append(
                Plain(id: $0.id, user: $0.user, seen: $0.lastSeen, replies: $0.kept.count, bytes: $0.kept.byteCount))
        }
        return workers
    }

    private static func checkSums(_ table: WorkerTable) {
        let workers = Self.workers(of: table)
        #expect(table.count == workers.count && table.bytes == workers.reduce(0) { $0 + $1.bytes })
        for user in 0..<5 as Range<UInt32> {
            let own = workers.filter { $0.user == user }
            let share = WorkerTable.Share(user: user, workers: own.count, bytes: own.reduce(0) { $0 + $1.bytes })
            #expect(table.share(of: user) == share)
            for worker in own {
                let ofWorker = table.find(worker.id).map { table.share(ofWorkerIn: $0) }
                #expect(ofWorker == share)
            }
        }
        #expect(table.shares.count == Set(workers.map(\.user)).count, "a user without workers has no share")
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>) func sharesAreThoseOfTheWorkersWhoeverComesAndGoes(_ seed: UInt64) {
        var table = Self.table(seed)
        Self.checkSums(table)
        for worker in Self.workers(of: table).prefix(30) {
            table.forget(worker.id, isEvicted: true)
            #expect(table.find(worker.id) == nil)
            Self.checkSums(table)
        }
    }

    @Test func onlyWhoMadeRoomIsCounted() {
        var table = WorkerTable()
        for number in 1...3 { Self.keep(10, to: 1, of: Self.id(number), user: 1, at: 0, in: &table) }
        table.forget(Self.id(1), isEvicted: true)
        table.forget(Self.id(2), isEvicted: false)
        table.forget(Self.id(2), isEvicted: true)
        #expect(table.evictions == 1 && table.count == 1)
    }

    @Test func aReplyIsKeptUntilItIsAcknowledged() throws {
        var table = WorkerTable()
        let worker = Self.id(1)
        for sequence in 1...5 as ClosedRange<UInt64> {
            Self.keep(Int(sequence), to: sequence, from: 1, of: worker, user: 1, at: Int64(sequence), in: &table)
        }
        let slot = try #require(table.find(worker))
        let before = table[slot].kept.remaining(from: 4)
        #expect(before.count == 2 && before.bytes == 2 * 18 + 9)
        let third = table[slot].kept.find(3) { command, digest, payload in (command, digest, Array(payload)) }
        let found = try #require(third)
        #expect(found.0 == 17 && found.1 == 3 && found.2 == [3, 3, 3])
        Self.keep(6, to: 6, from: 4, of: worker, user: 1, at: 9, in: &table)
        let kept = (1...7 as ClosedRange<UInt64>).filter { table[slot].kept.find($0) { _, _, _ in true } != nil }
        #expect(kept == [4, 5, 6])
        #expect(table[slot].lastSequence == 6 && table[slot].lastSeen == Timestamp(milliseconds: 9))
        Self.checkSums(table)
    }

    // MARK: Who makes room

    @Test(arguments: 1...8 as ClosedRange<UInt64>) func theQuietestOfAUserGoFirst(_ seed: UInt64) {
        let table = Self.table(seed)
        let workers = Self.workers(of: table)
        for user in 0...5 as ClosedRange<UInt32> {
            for limit in [1, 3, 100] {
                for keptOnly in [false, true] {
                    let mayGo = { (worker: WorkerID) in worker.low % 3 != 0 }
                    let able = workers.filter { $0.user == user && mayGo($0.id) && (!keptOnly || $0.bytes > 0) }
                    // Of those seen last at the same moment the one in the lower slot.
                    let expected = able.enumerated().sorted {
                        ($0.element.seen, $0.offset) < ($1.element.seen, $1.offset)
                    }
                    let found = table.quietest(of: user, atMost: limit, keptOnly: keptOnly, where: mayGo)
                    #expect(found == expected.prefix(limit).map { $0.element.id })
                }
            }
        }
    }

    @Test func usersWithMoreMakeRoomBeforeTheOneWhoAsks() {
        var table = WorkerTable()
        for (user, count) in [(1, 2), (2, 5), (3, 1), (4, 5)] as [(UInt32, Int)] {
            for number in 0..<count {
                Self.keep(1, to: 1, of: Self.id(Int(user) * 10 + number), user: user, at: 0, in: &table)
            }
        }
        #expect(table.users(before: 1, by: \.workers) == [2, 4, 1])
        #expect(table.users(before: 2, by: \.workers) == [2])
        #expect(table.users(before: 9, by: \.workers) == [2, 4, 1, 3, 9])
    }

    /// Who is left of these, by the rule in words: too large ones, then each user's quietest, then those of the largest.
    private static func trimmed(_ workers: [Plain], to bounds: Bounds) -> [Plain] {
        var rest = workers.filter { $0.bytes <= bounds.keptBytesPerWorker && $0.replies <= bounds.keptReplies }
        func removeQuietest(of user: UInt32?, _ mayGo: (Plain) -> Bool) -> Bool {
            let able = rest.filter { $0.user == user && mayGo($0) }
            guard let seen = able.map(\.seen).min(), let first = able.first(where: { $0.seen == seen }) else {
                return false
            }
            rest.removeAll { $0 == first }
            return true
        }
        func bytes(of user: UInt32) -> Int { rest.filter { $0.user == user }.reduce(0) { $0 + $1.bytes } }
        func largest(by amount: (UInt32) -> Int) -> UInt32? {
            let users = Set(rest.map(\.user)).sorted()
            let most = users.map(amount).max()
            return users.first { amount($0) == most }
        }
        for user in 0..<5 as Range<UInt32> {
            while bytes(of: user) > bounds.keptBytesPerUser, removeQuietest(of: user, { $0.bytes > 0 }) {}
        }
        while rest.reduce(0, { $0 + $1.bytes }) > bounds.keptBytes {
            guard removeQuietest(of: largest(by: bytes), { $0.bytes > 0 }) else { break }
        }
        while rest.count > bounds.workers {
            guard removeQuietest(of: largest { user in rest.filter { $0.user == user }.count }, { _ in true }) else {
                break
            }
        }
        return rest
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>, 0..<4) func aStartWithLowerBoundsForgetsTheQuietest(
        _ seed: UInt64, bound: Int
    ) {
        var table = Self.table(seed)
        let before = Self.workers(of: table)
        var bounds = Bounds()
        switch bound {
        case 0: bounds.keptBytesPerWorker = 150
        case 1: bounds.keptBytesPerUser = 500
        case 2: bounds.keptBytes = 1_500
        default: bounds.workers = 13
        }
        let expected = Self.trimmed(before, to: bounds)
        #expect(expected.count < before.count)
        let (forgotten, evictions) = (table.trim(to: bounds), table.evictions)
        #expect(Self.workers(of: table) == expected)
        #expect(forgotten == before.count - expected.count && Int(evictions) >= forgotten)
        Self.checkSums(table)
        let again = table.trim(to: bounds)
        #expect(again == 0)
    }
}
