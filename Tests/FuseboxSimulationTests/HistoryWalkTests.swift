import FuseboxEngine
import FuseboxSimulation
import Testing

/// The history equals the sum of its days, whatever happens to the process and the disk. `make simulate` runs more.
struct HistoryWalkTests {
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func theHistoryIsTheSumOfItsDays(seed: UInt64) {
        let walk = HistoryWalk(seed: seed)
        walk.run(lives: 40)
        #expect(walk.violation == nil)
        #expect(walk.crashes > 20)
        #expect(walk.days.count > 5)
        #expect(walk.compared > 200)
        #expect(walk.bills > 20)
        #expect(walk.adjustments > 20)
        #expect(walk.unseenFields.isEmpty)
        #expect(walk.forgets > 20)
    }

    /// Without a journal, a crash loses what came after the last snapshot. The history loses the same.
    @Test(arguments: [Durability.interval, .snapshot], 1...2 as ClosedRange<UInt64>)
    func theHistoryLosesWhatTheStateLoses(_ durability: Durability, seed: UInt64) {
        let walk = HistoryWalk(seed: seed, durability: durability)
        walk.run(lives: 40)
        #expect(walk.violation == nil)
        #expect(walk.compared > 0)
    }
}
