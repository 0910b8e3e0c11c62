import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxCore

/// Parts that were prepared for a state as it was replace those of the state as it is.
struct PreparedPartsTests {
    private static let combinations = (1...7).map { StateParts(rawValue: $0) }

    private static func name(_ number: Int) -> Name { try! Name("name-\(number)") }

    /// Applies random commands to a state.
    private func change(_ rig: inout Rig, _ random: inout SplitMix64, steps: Int, at milliseconds: Int64) throws {
        for _ in 0..<steps {
            let name = Self.name(random.below(24))
            switch random.below(8) {
            case 0: try rig.apply(BreakerSuccess(name: name), at: milliseconds)
            case 1: try rig.apply(BreakerFailure(name: name), at: milliseconds)
            case 2:
                let failure = BreakerFailure(
                    name: name, deployment: random.below(2) == 0 ? nil : Self.name(random.below(2)),
                    model: Self.name(random.below(3)))
                try rig.apply(failure, at: milliseconds)
            case 3:
                let mark = ExhaustionMark(
                    provider: name, deployment: random.below(4) == 0 ? Self.name(random.below(24)) : nil,
                    model: random.below(4) == 0 ? Self.name(random.below(24)) : nil, resetAfterMilliseconds: 50_000)
                try rig.apply(mark, at: milliseconds)
            case 4: _ = try? rig.apply(ExhaustionClear(provider: name), at: milliseconds)
            case 5:
                let record = LedgerRecord(
                    provider: name, model: Self.name(random.below(24)), cost: Money(nanodollars: 1), inputTokens: 1,
                    outputTokens: 1)
                try rig.apply(record, at: milliseconds)
            case 6: _ = try? rig.apply(Forget(name: name), at: milliseconds)
            default:
                let change = BreakerConfigurationChange(
                    failureThreshold: UInt32(random.within(1...9)), byModel: random.below(2) == 0)
                try rig.apply(BreakerConfigure(name: name, change: change), at: milliseconds)
            }
        }
    }

    /// Breakers and marks by name, and when the next deadline is due.
    private struct Contents: Equatable {
        var breakers: [String: CircuitBreaker] = [:]
        var configured: Set<String> = []
        var marks: [String: Mark] = [:]
        var providers: Int
        var deadlines: Int
        var due: Int64?

        init(_ machine: StateMachine) {
            providers = machine.ledger.providerCount
            deadlines = machine.deadlines.count
            due = machine.deadlines.first?.milliseconds
            machine.breakers.forEach { key in
                let route = machine.candidate(of: key).route
                breakers[route] = machine.breakers[key]
                if machine.breakers.isConfigured(key) { configured.insert(route) }
            }
            machine.exhaustion.forEach { route, mark in marks[machine.candidate(of: route).route] = mark }
        }
    }

    @Test(arguments: combinations)
    func whatHasChangedSinceMakesNoDifference(parts: StateParts) throws {
        for seed in 1...15 as ClosedRange<UInt64> {
            var random = SplitMix64(seed: seed)
            var (rig, other) = (Rig(), Rig())
            try change(&rig, &random, steps: random.below(60), at: 0)
            try change(&other, &random, steps: random.below(60), at: 5)
            let prepared = PreparedParts(parts, of: other.machine, for: rig.machine)
            try change(&rig, &random, steps: random.below(60), at: 10)

            var now = rig.machine
            now.replace(parts, with: other.machine)
            rig.machine.replace(with: prepared)
            #expect(Contents(rig.machine) == Contents(now))
            // No name is left over, and none is missing.
            #expect(try rig.machine.restored().image == rig.machine.image)
            // The ledger keeps the names of this state, and they get the same numbers.
            if !parts.contains(.ledger) { #expect(rig.machine.image == now.image) }
        }
    }

    @Test func countsAreThoseOfTheOtherState() throws {
        var other = Rig()
        for number in 0..<3 { try other.apply(BreakerFailure(name: Self.name(number))) }
        let prepared = PreparedParts(.breakers, of: other.machine, for: Rig().machine)
        #expect(prepared.breakerCount == 3 && prepared.providerCount == 0)
    }
}
