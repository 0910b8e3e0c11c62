import FuseboxSimulation
import Glibc

/// Takes random walks over limits, one seed after the other, against the plain model.
struct LimitReport {
    let operations: Int
    let first: UInt64

    /// How long one walk is.
    private static let length = 20_000

    /// Prints the totals of the walks, or the first violation.
    ///
    /// - Returns: whether there was no violation
    func run() -> Bool {
        let began = time(nil)
        var total = LimitWalk.Outcome()
        var seed = first
        while total.operations < operations {
            let length = min(Self.length, operations - total.operations)
            var walk = LimitWalk(seed: seed)
            let outcome = walk.run(operations: length)
            if let violation = outcome.violation {
                print("seed \(seed), operation \(outcome.operations): \(violation)")
                print("again: fusebox-simulate --limits \(length) --seed \(seed)")
                return false
            }
            total.add(outcome)
            seed += 1
        }
        let counts = total.counts
        print(
            "\(total.operations) operations from seed \(first) in \(Int(difftime(time(nil), began))) s: no limit was exceeded, nothing was denied that fits, and all sums are equal"
        )
        print(
            "calls: \(counts.granted) admitted, \(counts.denied) denied, \(counts.settled) settled, \(counts.lapsed) lapsed, \(counts.deaths) deaths of workers"
        )
        print(
            "restarts: \(total.snapshots) from a snapshot, \(total.replays) by a replay; \(total.comparisons) comparisons of every limit"
        )
        return true
    }
}

extension LimitWalk.Outcome {
    fileprivate mutating func add(_ other: LimitWalk.Outcome) {
        operations += other.operations
        counts.granted += other.counts.granted
        counts.denied += other.counts.denied
        counts.settled += other.counts.settled
        counts.lapsed += other.counts.lapsed
        counts.deaths += other.counts.deaths
        snapshots += other.snapshots
        replays += other.replays
        comparisons += other.comparisons
    }
}
