import FuseboxSimulation
import Testing

/// A sample of the random walk of workers that wait. `make simulate` takes more of it.
struct WaitWalkTests {
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func everyCallHasItsTurnAsThePlainModelSaysWhateverCrashes(seed: UInt64) {
        let outcome = WaitWalk(seed: seed).run(lives: 6)
        #expect(outcome.violation == nil, "again: fusebox-simulate --waits 6 --seed \(seed)")
        #expect(outcome.crashes >= 3)
        #expect(outcome.turns > 50 && outcome.compared > 200)
        #expect(outcome.withdrawn > 0 && outcome.expired > 0 && outcome.deaths > 0 && outcome.polls > 20)
    }

    /// A queue that has forgotten a rule would differ from the model as the model with that mistake does from the queue.
    @Test(arguments: WaitingModel.Mistake.allCases.filter { $0 != .none })
    func aForgottenRuleIsFound(mistake: WaitingModel.Mistake) {
        let finder = (1...20 as ClosedRange<UInt64>).first { seed in
            WaitWalk(seed: seed, mistake: mistake).run(lives: 12).violation != nil
        }
        #expect(finder != nil)
    }

    @Test func aSeedGoesTheSameWayTwice() {
        let first = WaitWalk(seed: 5).run(lives: 3)
        #expect(first == WaitWalk(seed: 5).run(lives: 3))
        #expect(first.trace != WaitWalk(seed: 7).run(lives: 3).trace)
    }
}
