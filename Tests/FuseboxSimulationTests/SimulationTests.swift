import FuseboxSimulation
import Testing

/// The promises of the simulator, and a sample of `make simulate`.
struct SimulationTests {
    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func nothingAcknowledgedIsLost(seed: UInt64) {
        let result = Simulation(seed: seed, crashes: 12).run()
        #expect(result.violation == nil, "again: make simulate SEED=\(seed) SEEDS=1 CRASHES=12")
        #expect(result.crashes == 12)
    }

    @Test func aSeedGoesTheSameWayTwice() {
        let first = Simulation(seed: 7, crashes: 4).run()
        let second = Simulation(seed: 7, crashes: 4).run()
        #expect(first == second)
        #expect(first.trace != Simulation(seed: 8, crashes: 4).run().trace)
    }

    @Test(arguments: PlantedBug.allCases.filter { $0 != .none })
    func aPlantedBugIsFound(bug: PlantedBug) {
        let finder = (1...100 as ClosedRange<UInt64>).first { seed in
            Simulation(seed: seed, crashes: 20, bug: bug).run().violation != nil
        }
        #expect(finder != nil)
    }
}
