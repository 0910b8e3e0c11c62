import FuseboxCore
import FuseboxSimulation
import FuseboxWire
import Testing

/// A taste of the random walk that `make soak` does in full.
@Suite("Random walk over all commands")
struct CommandWalkTests {
    struct Walk: Sendable, CustomTestStringConvertible {
        var profile: Profile
        var bounds: CommandWalk.Bounds
        var testDescription: String { "\(profile), \(bounds) limits" }
    }

    static let walks = [Profile.fusebox, .llmProviders].flatMap { profile in
        CommandWalk.Bounds.allCases.map { Walk(profile: profile, bounds: $0) }
    }

    @Test("No value traps, and every state loads from its snapshot and goes on alike", arguments: walks, 1...4 as ClosedRange<UInt64>)
    func everyStateLoads(walk: Walk, seed: UInt64) {
        var commands = CommandWalk(seed: seed, profile: walk.profile, walk.bounds)
        let result = commands.run(steps: 1_000)
        #expect(result.violation == nil, "again: fusebox-simulate --walk 1000 --seed \(seed) --seeds 1")
        #expect(result.loads > 5)
    }

    @Test("Every command of the table is carried out, and every limit is met")
    func everyCommand() {
        var carriedOut: Set<UInt16> = []
        var refusals: Set<Status> = []
        for walk in Self.walks where walk.bounds == .tiny {
            var commands = CommandWalk(seed: 9, profile: walk.profile, walk.bounds)
            let result = commands.run(steps: 3_000)
            carriedOut.formUnion(result.carriedOut)
            refusals.formUnion(result.refusals)
        }
        let missing = CommandWalk.commands.filter { !carriedOut.contains($0) }
        #expect(missing.isEmpty)
        #expect(refusals.isSuperset(of: [.outOfRange, .notFound, .notPermitted, .limitReached]))
    }
}
