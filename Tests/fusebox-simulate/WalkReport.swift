import FuseboxCore
import FuseboxSimulation
import Glibc

/// Takes the random walk over all commands, one seed after the other.
struct WalkReport {
    let steps: Int
    let first: UInt64
    let seeds: Int
    let hours: Double

    /// The text that a signal handler prints when a walk kills the process.
    private nonisolated(unsafe) static var epitaph: UnsafeMutablePointer<CChar>?

    /// Prints the totals of the walks, or the first violation.
    ///
    /// - Returns: whether there was no violation
    func run() -> Bool {
        for number in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV] { signal(number, Self.tell) }
        let began = time(nil)
        var count = 0
        var loads = 0
        var starts = 0
        var imports = 0
        while count < seeds, difftime(time(nil), began) < hours * 3600 {
            let seed = first + UInt64(count)
            count += 1
            for profile in [Profile.fusebox, .llmProviders] {
                for room in CommandWalk.Room.allCases {
                    let again = "again: fusebox-simulate --walk \(steps) --seed \(seed) --seeds 1"
                    free(Self.epitaph)
                    Self.epitaph = strdup("the walk of seed \(seed), \(profile), \(room) room, kills\n\(again)\n")
                    var walk = CommandWalk(seed: seed, profile: profile, room)
                    let result = walk.run(steps: steps)
                    loads += result.loads
                    imports += result.imports
                    guard let violation = result.violation else { continue }
                    print("seed \(seed), \(profile), \(room) room: \(violation)")
                    print(again)
                    return false
                }
            }
            Self.epitaph = strdup(
                "the daemon's walk of seed \(seed) kills\nagain: fusebox-simulate --walk \(steps) --seed \(seed) --seeds 1\n"
            )
            let outcome = DaemonWalk(seed: seed).run(lives: max(1, steps / 100))
            starts += outcome.starts
            if let violation = outcome.violation {
                print("seed \(seed), the daemon's walk: \(violation)")
                print("again: fusebox-simulate --walk \(steps) --seed \(seed) --seeds 1")
                return false
            }
        }
        print(
            "\(count) seeds from \(first), 4 walks of \(steps) steps each: no value traps, and \(loads) states went on from their snapshots as they were, \(imports) of them imported; \(starts) starts of the daemon loaded what its walk had left"
        )
        return true
    }

    private static let tell: @convention(c) (Int32) -> Void = { number in
        if let epitaph = WalkReport.epitaph { _ = write(STDERR_FILENO, epitaph, strlen(epitaph)) }
        signal(number, SIG_DFL)
        raise(number)
    }
}
