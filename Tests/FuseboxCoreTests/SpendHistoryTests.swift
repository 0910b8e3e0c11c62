import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxCore

struct SpendHistoryTests {
    private static let day: Int64 = 86_400_000
    private static let windows: [Int64] = [0, 1, 60_000, 3_600_000, 6 * 3_600_000, day, 3 * day, 30 * day]

    private struct Record {
        var at: Int64
        var cost: Int64
    }

    /// The time between two records, for typical loads.
    enum Pace: CaseIterable {
        case burst, steady, slow, mixed

        func gap(_ random: inout SplitMix64) -> Int64 {
            switch self {
            case .burst: Int64.random(in: 0...20, using: &random)
            case .steady: Int64.random(in: 0...60_000, using: &random)
            case .slow: Int64.random(in: 0...1_800_000, using: &random)
            case .mixed:
                Int.random(in: 0..<200, using: &random) == 0
                    ? Int64.random(in: 0...(2 * day), using: &random) : Int64.random(in: 0...5_000, using: &random)
            }
        }
    }

    @Test(arguments: Pace.allCases) func sumsAgreeWithAModelThatKeepsEverythingAndOlderOnesAreNeverShort(pace: Pace) {
        var random = SplitMix64(seed: 11)
        var pool = SpendPool()
        var list = SpendList()
        var records: [Record] = []
        var now: Int64 = 1_767_225_600_000
        for step in 0..<6_000 {
            now += pace.gap(&random)
            let record = Record(at: now, cost: Int64.random(in: 0...1_000_000, using: &random))
            records.append(record)
            pool.record(SpendEntry(at: at(now), cost: record.cost), in: &list)
            guard step % 293 == 0 else { continue }
            check(pool, list, records, now: now)
            check(pool, list, records, now: now + Int64.random(in: 0...(2 * Self.day), using: &random))
        }
        #expect(pool.footprint <= footprintBound(lists: 1))
    }

    /// Compares the sum of every window with that of the model's records.
    private func check(_ pool: SpendPool, _ list: SpendList, _ records: [Record], now: Int64) {
        let exactFrom = records.count > 2_000 ? records[records.count - 2_000].at : .min
        for window in Self.windows {
            let cutoff = now - window
            let sum = pool.sum(of: list, since: at(cutoff))
            let inside = records.reversed().prefix { $0.at >= cutoff }
            let cost = inside.reduce(0) { $0 + $1.cost }
            if cutoff > exactFrom || !sum.isApproximate {
                #expect(sum == SpendSum(cost: cost, count: Int64(inside.count)), "window \(window)")
            } else {
                #expect(sum.cost >= cost && sum.count >= Int64(inside.count), "window \(window)")
                // The excess beyond the window is in the stretch that the window cuts. That is at most a day long.
                let wider = records.reversed().prefix { $0.at >= cutoff - Self.day }
                if records.count - wider.count > 0, window <= 3 * Self.day {
                    #expect(sum.cost <= wider.reduce(0) { $0 + $1.cost }, "window \(window)")
                }
            }
        }
        // On a copy, as reads do. The boundary of the list itself is only moved by records.
        var copy = list
        let rolling = pool.rollingSum(of: &copy, at: at(now))
        #expect(rolling == pool.sum(of: list, since: at(now - Self.day)))
    }

    private func footprintBound(lists: Int) -> Int {
        // A list wastes less than a block at each end, and a fold frees memory before it uses more.
        lists * (SpendPool.entriesPerProvider / SpendBlock.capacity + 3) * SpendBlock.bytes
    }

    @Test func theRollingSumFollowsTimeWithoutAWalk() {
        var pool = SpendPool()
        var list = SpendList()
        for hour in 0..<48 {
            pool.record(SpendEntry(at: at(Int64(hour) * 3_600_000), cost: 1), in: &list)
        }
        let newest = 47 * Int64(3_600_000)
        #expect(pool.rollingSum(of: &list, at: at(newest)).count == 25)
        #expect(pool.rollingSum(of: &list, at: at(newest + 1)).count == 24)
        #expect(pool.rollingSum(of: &list, at: at(newest + Self.day)).count == 1)
        #expect(pool.rollingSum(of: &list, at: at(newest + Self.day + 1)) == SpendSum())
        pool.record(SpendEntry(at: at(newest + 2 * Self.day), cost: 5), in: &list)
        #expect(pool.rollingSum(of: &list, at: at(newest + 2 * Self.day)).cost == 5)
    }

    @Test func memoryIsBoundedWhateverIsRecordedAndGivenBack() {
        var pool = SpendPool()
        var lists = (0..<4).map { _ in SpendList() }
        for step in 0..<24_000 {
            pool.record(SpendEntry(at: at(Int64(step) * 4_000_000), cost: 1), in: &lists[step % 4])
        }
        let full = pool.footprint
        #expect(full <= footprintBound(lists: 4))
        for index in lists.indices { pool.remove(&lists[index]) }
        for step in 0..<10_000 {
            pool.record(SpendEntry(at: at(Int64(step)), cost: 1), in: &lists[step % 4])
        }
        #expect(pool.footprint == full, "freed blocks are used again")
        #expect(lists.allSatisfy { list in pool.sum(of: list, since: at(0)).count == 2_500 })
    }

    @Test func listsInOnePoolDoNotMix() {
        var pool = SpendPool()
        var lists = (SpendList(), SpendList())
        for step in 0..<5_000 {
            pool.record(SpendEntry(at: at(Int64(step)), cost: 1), in: &lists.0)
            if step % 3 == 0 { pool.record(SpendEntry(at: at(Int64(step)), cost: 100), in: &lists.1) }
        }
        #expect(pool.sum(of: lists.0, since: at(0)).cost == 5_000)
        #expect(pool.sum(of: lists.1, since: at(0)).cost == 166_700)
    }

    @Test func aRestoredHistoryGivesTheSameSumsAndFoldsAtTheSameRecords() {
        var random = SplitMix64(seed: 3)
        var pool = SpendPool()
        var list = SpendList()
        var now: Int64 = 0
        for step in 0..<9_000 {
            now += Int64.random(in: 0...200_000, using: &random)
            pool.record(SpendEntry(at: at(now), cost: Int64(step)), in: &list)
            guard step % 500 == 0 else { continue }
            var otherPool = SpendPool()
            var other = SpendList()
            var position = 0
            pool.forEach(of: list) { entry in
                otherPool.restore(entry, isExact: position >= list.count - list.exact, in: &other)
                position += 1
            }
            otherPool.finishRestoring(&other, at: at(now))
            #expect(other.exact == list.exact)
            #expect(other.count == list.count)
            for window in Self.windows {
                #expect(
                    otherPool.sum(of: other, since: at(now - window)) == pool.sum(of: list, since: at(now - window)))
            }
            (pool, list) = (otherPool, other)
        }
        #expect(pool.sum(of: list, since: at(0)).count == 9_000)
    }

    @Test func aLongHistoryIsCutToItsBoundAtARestoreAndStaysWholeInItsSum() {
        var pool = SpendPool()
        var list = SpendList()
        for step in 0..<20_000 {
            pool.restore(SpendEntry(at: at(Int64(step) * Self.day), cost: 2), isExact: true, in: &list)
        }
        pool.finishRestoring(&list, at: at(20_000 * Self.day))
        #expect(list.count == Bounds.exactRecords + Bounds.spendStretches)
        #expect(pool.sum(of: list, since: at(0)).cost == 40_000)
        #expect(pool.sum(of: list, since: at(0)).count == 20_000)
    }

    /// More imported stretches than this makes itself are summed up at the same record before and after a restore.
    @Test func manyStretches() {
        var pool = SpendPool()
        var list = SpendList()
        for step in 0..<2_000 {
            let entry = SpendEntry(
                start: at(Int64(step) * Self.day), end: at(Int64(step) * Self.day + 1), cost: 1, count: 2)
            pool.restore(entry, isExact: false, in: &list)
        }
        let now = 2_000 * Self.day
        pool.finishRestoring(&list, at: at(now))
        for step in 0..<(2 * SpendPool.entriesPerProvider) {
            pool.record(SpendEntry(at: at(now + Int64(step)), cost: 1), in: &list)
            #expect(list.count <= SpendPool.entriesPerProvider)
            guard step % 50 == 0 else { continue }
            var other = SpendList()
            var position = 0
            var entries: [SpendEntry] = []
            pool.forEach(of: list) { entries.append($0) }
            for entry in entries {
                pool.restore(entry, isExact: position >= list.count - list.exact, in: &other)
                position += 1
            }
            pool.finishRestoring(&other, at: at(now + Int64(step)))
            #expect(other.count == list.count && other.exact == list.exact, "step \(step)")
            pool.remove(&other)
        }
        #expect(pool.sum(of: list, since: at(0)).count == Int64(4_000 + 2 * SpendPool.entriesPerProvider))
    }

    @Test func importedStretchesOfAnyCountAndCostCanBeSummedMergedAndTakenOutAgain() {
        var pool = SpendPool()
        var list = SpendList()
        for step in 0..<4 {
            let entry = SpendEntry(start: at(Int64(step)), end: at(Int64(step)), cost: .max, count: .max)
            pool.restore(entry, isExact: false, in: &list)
        }
        pool.finishRestoring(&list, at: at(4))
        #expect(pool.rollingSum(of: &list, at: at(4)) == SpendSum(cost: .max, count: .max))
        for step in 0..<SpendPool.foldAt {
            pool.record(SpendEntry(at: at(5 * Self.day + Int64(step)), cost: 1), in: &list)
        }
        #expect(pool.sum(of: list, since: at(0)) == SpendSum(cost: .max, count: .max))
        let count = Int64(SpendPool.foldAt)
        #expect(pool.rollingSum(of: &list, at: at(5 * Self.day + count)) == SpendSum(cost: count, count: count))
    }

    @Test func theSharedHistoryKeepsTheNewest2000OfAll() {
        var history = SharedSpendHistory()
        let (p, q) = (NameID(index: 0), NameID(index: 1))
        for step in 0..<2_500 {
            history.record(.init(at: at(Int64(step)), provider: step % 5 == 0 ? q : p, cost: 1))
        }
        #expect(history.entries.count == 2_000)
        #expect(history.entries.first?.at == at(500))
        #expect(history.entries.last?.at == at(2_499))
        #expect(history.sum(of: q, since: at(0)).count == 400)
        #expect(history.sum(of: q, since: at(2_000)).count == 100)
        history.remove(p)
        #expect(!history.contains(p))
        #expect(history.entries.count == 400)
        history.record(.init(at: at(9_999), provider: p, cost: 1))
        #expect(history.entries.last?.at == at(9_999))
    }
}
