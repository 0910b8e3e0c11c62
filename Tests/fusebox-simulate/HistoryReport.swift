import FuseboxEngine
import FuseboxSimulation
import Glibc

/// Takes random walks over days with crashes, one seed after the other, against the plain model of the history.
struct HistoryReport {
    let lives: Int
    let first: UInt64

    /// The lives of one walk.
    private static let length = 50

    /// Prints the totals of the walks, or the first violation.
    ///
    /// - Returns: whether there was no violation
    func run() -> Bool {
        let began = time(nil)
        var (seed, taken) = (first, 0)
        var (crashes, comparisons, compared, failures, bills, adjustments) = (0, 0, 0, 0, 0, 0)
        while taken < lives {
            let length = min(Self.length, lives - taken)
            let durability = [Durability.commit, .commit, .interval, .snapshot][Int(seed % 4)]
            let walk = HistoryWalk(seed: seed, durability: durability)
            walk.run(lives: length)
            if let violation = walk.violation {
                print("seed \(seed), \(durability): \(violation)")
                print("again: fusebox-simulate --history \(length) --seed \(seed)")
                return false
            }
            taken += length
            seed += 1
            crashes += walk.crashes
            comparisons += walk.comparisons
            compared += walk.compared
            failures += walk.failures
            bills += walk.bills
            adjustments += walk.adjustments
        }
        print(
            "\(taken) lives from seed \(first) in \(Int(difftime(time(nil), began))) s: the history is the sum of its days"
        )
        print(
            "\(crashes) crashes, \(failures) times closed days could not be written, \(bills) bills, \(adjustments) corrections by hand; \(comparisons) comparisons of \(compared) sums"
        )
        return true
    }
}
