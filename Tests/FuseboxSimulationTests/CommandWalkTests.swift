import FuseboxCore
import FuseboxSimulation
import FuseboxWire
import Testing

/// A sample of the random walk. `make soak` runs all of it.
struct CommandWalkTests {
    struct Walk: Sendable, CustomTestStringConvertible {
        var profile: Profile
        var room: CommandWalk.Room
        var testDescription: String { "\(profile), \(room) room" }
    }

    static let walks = [Profile.fusebox, .llmProviders].flatMap { profile in
        CommandWalk.Room.allCases.map { Walk(profile: profile, room: $0) }
    }

    @Test(
        arguments: walks,
        1...2 as ClosedRange<UInt64>)
    func noValueTrapsAndEveryStateLoadsFromItsSnapshotAndGoesOnAlike(walk: Walk, seed: UInt64) {
        var commands = CommandWalk(seed: seed, profile: walk.profile, walk.room)
        let result = commands.run(steps: 1_000)
        #expect(result.violation == nil, "again: fusebox-simulate --walk 1000 --seed \(seed) --seeds 1")
        #expect(result.loads > 5 && result.imports > 3)
    }

    @Test func everyCommandOfTheTableIsCarriedOutAndEveryLimitIsMet() {
        var carriedOut: Set<UInt16> = []
        var refusals: Set<Status> = []
        for walk in Self.walks where walk.room == .tiny {
            for seed in 9...14 as ClosedRange<UInt64> {
                var commands = CommandWalk(seed: seed, profile: walk.profile, walk.room)
                let result = commands.run(steps: 3_000)
                carriedOut.formUnion(result.carriedOut)
                refusals.formUnion(result.refusals)
            }
        }
        let missing = CommandWalk.commands.filter { !carriedOut.contains($0) }
        #expect(missing.isEmpty)
        #expect(refusals.isSuperset(of: [.outOfRange, .notFound, .notPermitted, .limitReached]))
    }
}

/// The same through the whole daemon, with its files.
struct DaemonWalkTests {
    @Test func everyStartLoadsWhatTheWalkHasLeftAKillLosesNothingAndEveryCommandOfAPeerIsCarriedOut() {
        var carriedOut: Set<UInt16> = []
        var refusals: Set<Status> = []
        for seed in 1...20 as ClosedRange<UInt64> {
            let outcome = DaemonWalk(seed: seed).run(lives: 20)
            #expect(outcome.violation == nil, "again: fusebox-simulate --walk 2000 --seed \(seed) --seeds 1")
            #expect(outcome.starts == 20 && outcome.comparisons > 3)
            carriedOut.formUnion(outcome.carriedOut)
            refusals.formUnion(outcome.refusals)
        }
        // No random number names a snapshot or a month of the history, and no random bytes are a snapshot. The simulation
        // imports its own, and walks over the history are walks of their own.
        carriedOut.formUnion([
            SnapshotRead.declaration.number, ImportCommit.declaration.number, HistoryRead.declaration.number,
        ])
        let missing = DaemonWalk.commands.filter { !carriedOut.contains($0) }
        #expect(missing.isEmpty)
        #expect(refusals.isSuperset(of: [.outOfRange, .notFound, .notPermitted, .limitReached]))
    }
}
