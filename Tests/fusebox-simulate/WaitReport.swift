import FuseboxSimulation
import Glibc

/// Takes random walks of workers that wait, one seed after the other, against the plain model of waiting.
struct WaitReport {
    let lives: Int
    let first: UInt64
    let mistake: WaitingModel.Mistake

    /// The lives of one walk.
    private static let length = 25

    private var isMistaken: Bool { mistake != .none }

    /// Prints the totals of the walks, or the first violation.
    ///
    /// - Returns: whether there was no violation
    func run() -> Bool {
        let began = time(nil)
        var total = WaitWalk.Outcome()
        var (seed, taken) = (first, 0)
        while taken < lives {
            let length = min(Self.length, lives - taken)
            let outcome = WaitWalk(seed: seed, mistake: mistake).run(lives: length)
            if let violation = outcome.violation {
                print("seed \(seed): \(violation)")
                print(
                    "again: fusebox-simulate --waits \(length) --seed \(seed)\(isMistaken ? " --mistake \(mistake.rawValue)" : "")"
                )
                return false
            }
            total.add(outcome)
            taken += length
            seed += 1
        }
        print(
            "\(taken) lives from seed \(first) in \(Int(difftime(time(nil), began))) s: every call is answered and has its turn as the plain model says"
        )
        print(
            "crashes \(total.crashes), \(total.powerLosses) of power; deaths of workers \(total.deaths), changes of limits \(total.changes); \(total.compared) journaled inputs compared"
        )
        print(
            "waits: \(total.turns) had their turns, \(total.expired) ended at their deadlines, \(total.withdrawn) were withdrawn, \(total.lost) lost by crashes; \(total.admitted) calls were admitted at once"
        )
        print(
            "polls of the greedy: \(total.polls), \(total.admittedPolls) admitted; turns of the five users while all wait for the same: \(total.shares)"
        )
        return true
    }
}

extension WaitWalk.Outcome {
    fileprivate mutating func add(_ other: WaitWalk.Outcome) {
        crashes += other.crashes
        powerLosses += other.powerLosses
        compared += other.compared
        turns += other.turns
        admitted += other.admitted
        withdrawn += other.withdrawn
        expired += other.expired
        lost += other.lost
        deaths += other.deaths
        changes += other.changes
        polls += other.polls
        admittedPolls += other.admittedPolls
        for user in shares.indices { shares[user] += other.shares[user] }
    }
}
