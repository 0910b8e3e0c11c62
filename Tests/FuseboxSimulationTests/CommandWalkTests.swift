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
        var missing = Set(CommandWalk.commands)
        var unmet: Set<Status> = [.outOfRange, .notFound, .notPermitted, .limitReached]
        for seed in 9...20 as ClosedRange<UInt64> where !missing.isEmpty || !unmet.isEmpty {
            for walk in Self.walks where walk.room == .tiny {
                var commands = CommandWalk(seed: seed, profile: walk.profile, walk.room)
                let result = commands.run(steps: 3_000)
                missing.subtract(result.carriedOut)
                unmet.subtract(result.refusals)
            }
        }
        #expect(missing.isEmpty)
        #expect(unmet.isEmpty)
    }
}

/// The same through the whole daemon, with its files.
struct DaemonWalkTests {
    @Test func everyStartLoadsWhatTheWalkHasLeftAKillLosesNothingAndEveryCommandOfAPeerIsCarriedOut() {
        // No random number names a snapshot or a month of the history, and no random bytes are a snapshot. The simulation
        // imports its own, and walks over the history are walks of their own.
        var missing = Set(DaemonWalk.commands).subtracting([
            SnapshotRead.declaration.number, ImportCommit.declaration.number, HistoryRead.declaration.number,
        ])
        var unmet: Set<Status> = [.outOfRange, .notFound, .notPermitted, .limitReached]
        for seed in 1...40 as ClosedRange<UInt64> where seed <= 4 || !missing.isEmpty || !unmet.isEmpty {
            let outcome = DaemonWalk(seed: seed).run(lives: 20)
            #expect(outcome.violation == nil, "again: fusebox-simulate --walk 2000 --seed \(seed) --seeds 1")
            #expect(outcome.starts == 20 && outcome.comparisons > 3)
            missing.subtract(outcome.carriedOut)
            unmet.subtract(outcome.refusals)
        }
        #expect(missing.isEmpty)
        #expect(unmet.isEmpty)
    }
}
