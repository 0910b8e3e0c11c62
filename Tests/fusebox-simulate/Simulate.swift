import FuseboxSimulation
import Glibc

/// Runs the simulator: `fusebox-simulate [--seed S] [--seeds N] [--crashes N] [--hours H] [--bug NAME]`.
///
/// With `--hours` it runs new seeds for that long, otherwise `--seeds` of them. At the first violation it ends with
/// status 1 and prints the seed.
///
/// `fusebox-simulate --walk STEPS` takes a random walk of so many steps over all commands and values, for each seed,
/// profile and set of limits. It also reports a seed whose walk kills the process.
///
/// `fusebox-simulate --limits OPERATIONS` makes so many random calls and changes of limits against a plain model.
///
/// `fusebox-simulate --history LIVES` lets days pass in so many lives of a daemon, and compares the history with a plain
/// model.
///
/// `fusebox-simulate --waits LIVES` lets workers wait for their turn in so many lives of a daemon, and compares the order
/// of their turns with a plain model. With `--mistake NAME` the model forgets a rule, which must be found.
///
/// `fusebox-simulate --damage BYTES` flips every bit of a journal of that length, and cuts it at every byte.
@main
struct Simulate {
    static func main() async throws {
        var seed: UInt64 = 1
        var seeds = 1_000
        var crashes = 105
        var hours: Double?
        var bug = PlantedBug.none
        var walk: Int?
        var limits: Int?
        var history: Int?
        var waits: Int?
        var mistake = WaitingModel.Mistake.none
        var arguments = CommandLine.arguments.dropFirst()
        while let flag = arguments.popFirst() {
            guard let value = arguments.popFirst() else { usage() }
            switch flag {
            case "--seed": seed = read(UInt64(value))
            case "--seeds": seeds = read(Int(value))
            case "--crashes": crashes = read(Int(value))
            case "--hours": hours = read(Double(value))
            case "--damage":
                exit(try await DamageReport(journalLength: read(Int(value))).run() ? 0 : 1)
            case "--walk": walk = read(Int(value))
            case "--history": history = read(Int(value))
            case "--waits": waits = read(Int(value))
            case "--mistake": mistake = read(WaitingModel.Mistake(rawValue: value))
            case "--limits": limits = read(Int(value))
            case "--bug": bug = read(PlantedBug(rawValue: value))
            default: usage()
            }
        }
        if let history { exit(HistoryReport(lives: history, first: seed).run() ? 0 : 1) }
        if let waits { exit(WaitReport(lives: waits, first: seed, mistake: mistake).run() ? 0 : 1) }
        if let limits { exit(LimitReport(operations: limits, first: seed).run() ? 0 : 1) }
        if let walk {
            let report = WalkReport(
                steps: walk, first: seed, seeds: hours == nil ? seeds : .max, hours: hours ?? .infinity)
            exit(report.run() ? 0 : 1)
        }
        run(from: seed, seeds: hours == nil ? seeds : .max, crashes: crashes, hours: hours ?? .infinity, bug)
    }

    private static func read<Value>(_ value: Value?) -> Value {
        guard let value else { usage() }
        return value
    }

    private static func usage() -> Never {
        print(
            "usage: fusebox-simulate [--damage BYTES] [--walk STEPS] [--limits OPERATIONS] [--history LIVES] [--waits LIVES [--mistake \(WaitingModel.Mistake.allCases.map(\.rawValue).joined(separator: "|"))]] [--seed S] [--seeds N] [--crashes N] [--hours H] [--bug \(PlantedBug.allCases.map(\.rawValue).joined(separator: "|"))]"
        )
        exit(64)
    }

    private static func run(from first: UInt64, seeds: Int, crashes: Int, hours: Double, _ bug: PlantedBug) {
        let began = time(nil)
        var total = SimulationResult()
        var count = 0
        while count < seeds, difftime(time(nil), began) < hours * 3600 {
            let seed = first + UInt64(count)
            let result = Simulation(seed: seed, crashes: crashes, bug: bug).run()
            count += 1
            total.add(result)
            if let violation = result.violation {
                print("seed \(seed): \(violation)")
                print("again: fusebox-simulate --seed \(seed) --seeds 1 --crashes \(crashes) --bug \(bug.rawValue)")
                exit(1)
            }
        }
        print(
            "\(count) seeds from \(first) in \(Int(difftime(time(nil), began))) s: nothing acknowledged was lost, nothing counted twice"
        )
        print(
            "crashes \(total.crashes): \(total.powerLosses) of power, \(total.diskErrors) after a failed sync, \(total.crashesAtStart) while starting; \(total.cleanStops) stops in order"
        )
        print(
            "audits \(total.audits), acknowledgements \(total.acknowledged), refusals \(total.repeatedOrRefused), imports \(total.imports), torn tails dropped \(total.tornTails)"
        )
        print(
            "bits flipped: \(total.flipsRefused) refused, \(total.flipsWithoutLoss) without loss, \(total.flipsTorn) in a last write, taken as torn"
        )
        print(
            "segments deleted, emptied, cut, replaced or copied: \(total.lossesRefused) refused, \(total.lossesWithoutLoss) without loss, \(total.lossesOfUnsafe) lost what was not known to be on the disk"
        )
        print(
            "permits: \(total.permits) granted, \(total.lapsedPermits) expired or reclaimed, \(total.lateSettles) settled after that; held is always the sum, and within the limit"
        )
        print("limits: compared with a plain model \(total.limitAudits) times, at each start and between")
        print(
            "waits: \(total.tickets) tickets, \(total.turns) had their turns, \(total.withdrawals) were withdrawn, \(total.lostWaits) lost by restarts"
        )
        print("trace of all: \(String(total.trace, radix: 16))")
    }
}

extension SimulationResult {
    fileprivate mutating func add(_ other: SimulationResult) {
        crashes += other.crashes
        powerLosses += other.powerLosses
        diskErrors += other.diskErrors
        crashesAtStart += other.crashesAtStart
        cleanStops += other.cleanStops
        audits += other.audits
        acknowledged += other.acknowledged
        repeatedOrRefused += other.repeatedOrRefused
        flipsRefused += other.flipsRefused
        flipsWithoutLoss += other.flipsWithoutLoss
        flipsTorn += other.flipsTorn
        lossesRefused += other.lossesRefused
        lossesWithoutLoss += other.lossesWithoutLoss
        lossesOfUnsafe += other.lossesOfUnsafe
        tornTails += other.tornTails
        imports += other.imports
        permits += other.permits
        lapsedPermits += other.lapsedPermits
        lateSettles += other.lateSettles
        limitAudits += other.limitAudits
        tickets += other.tickets
        turns += other.turns
        withdrawals += other.withdrawals
        lostWaits += other.lostWaits
        trace = trace &* 31 &+ other.trace
    }
}
