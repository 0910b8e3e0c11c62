import FuseboxSimulation
import Testing

/// A sample of the random walk over limits. `make limits` takes 1,000,000 steps.
struct LimitWalkTests {
    @Test(arguments: 1...2 as ClosedRange<UInt64>)
    func noLimitIsExceededNothingIsDeniedThatFitsAndAllSumsAreThoseOfAPlainModel(seed: UInt64) {
        var walk = LimitWalk(seed: seed)
        let outcome = walk.run(operations: 3_000)
        #expect(outcome.violation == nil, "again: fusebox-simulate --limits 3000 --seed \(seed)")
        #expect(outcome.counts.granted > 100 && outcome.counts.denied > 100 && outcome.counts.lapsed > 20)
        #expect(outcome.snapshots + outcome.replays > 0)
    }

    @Test func aSeedGoesTheSameWayTwice() {
        var first = LimitWalk(seed: 3)
        var second = LimitWalk(seed: 3)
        #expect(first.run(operations: 1_000) == second.run(operations: 1_000))
    }
}
