import FuseboxWire
import Testing

@testable import FuseboxCore

/// What happens to a breaker, a line a step: when, what, and how the breaker stands then.
///
/// `admit 3` takes three permits, and `3 failure` settles the three oldest so. `report failure` tells of a call without a
/// permit, `by 2 report failure` of one of another worker. `admit denied share` says that an admission is denied for this
/// reason. `open`, `reset` and `configure …` are operators'. `-` only lets time pass. Then stand the state with its
/// failures, the episode, and what has opened the breaker.
struct BreakerScript: Sendable, CustomTestStringConvertible {
    let title: String
    let profile: Profile
    let change: BreakerConfigurationChange
    let steps: [String]

    var testDescription: String { title }

    init(
        _ title: String, _ change: BreakerConfigurationChange = .init(), under profile: Profile = .fusebox,
        _ steps: String
    ) {
        self.title = title
        self.profile = profile
        self.change = change
        self.steps = steps.split(separator: "\n").map(String.init)
    }

    private static let provider = name("p")
    private static let admit = Admit(
        candidates: .only(Candidate(provider: provider)), ttlMilliseconds: 86_400_000)

    func run() throws {
        var rig = Rig(profile)
        var permits: [UInt64] = []
        try rig.apply(BreakerConfigure(name: Self.provider, change: change))
        for step in steps {
            let cells = step.split(separator: "|").map { $0.split(separator: " ").map(String.init) }
            let now = try #require(Quantity.milliseconds(cells[0].joined()))
            while rig.machine.isDue(at: Moment(milliseconds: now)) { try rig.apply(Advance(), at: now) }
            try Self.perform(cells[1], at: now, &permits, &rig)
            #expect(try Self.standing(at: now, &rig) == cells[2...].map { $0.joined(separator: " ") }, "\(step)")
            // What a snapshot holds is all that there is.
            #expect(try rig.machine.restored().image == rig.machine.image)
            rig.machine = try rig.machine.restored()
        }
    }

    private static func perform(
        _ words: [String], at now: Int64, _ permits: inout [UInt64], _ rig: inout Rig
    ) throws {
        var words = words
        var worker: UInt64 = 1
        if words[0] == "by" {
            worker = try #require(UInt64(words[1]))
            words.removeFirst(2)
        }
        switch words[0] {
        case "-": return
        case "open": try rig.apply(BreakerForceOpen(name: provider), at: now)
        case "reset": try rig.apply(BreakerReset(name: provider), at: now)
        case "threshold":
            let change = BreakerConfigurationChange(failureThreshold: UInt32(words[1]))
            try rig.apply(BreakerConfigure(name: provider, change: change), at: now)
        case "admit" where words.count == 3:
            let denials = try rig.apply(admit, at: now).decision.denials.array
            #expect(denials.map { "\($0.reason)" } == [words[2]])
        case "admit":
            for _ in 0..<(try #require(Int(words[1]))) {
                permits.append(try #require(try rig.apply(admit, at: now, worker: worker).permit))
            }
        case "report":
            let outcome = try #require(Outcome.allCases.first { "\($0)" == words[1] })
            try rig.apply(
                Report(candidate: Candidate(provider: provider), outcome: outcome), at: now, worker: worker)
        default:
            let outcome = try #require(Outcome.allCases.first { "\($0)" == words[1] })
            for _ in 0..<(try #require(Int(words[0]))) {
                try rig.apply(Settle(permit: permits.removeFirst(), outcome: outcome), at: now, worker: worker)
            }
        }
    }

    private static func standing(at now: Int64, _ rig: inout Rig) throws -> [String] {
        let status = try rig.apply(BreakerGet(name: provider), at: now).status
        return [
            "\(status.state) \(status.consecutiveFailures)", "\(status.episode)",
            status.openedBy.map { "\($0)" } ?? "-",
        ]
    }
}

extension Candidates {
    /// One candidate.
    static func only(_ candidate: Candidate) -> Candidates {
        var candidates = Candidates()
        candidates.append(candidate)
        return candidates
    }
}
