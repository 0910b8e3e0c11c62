import FuseboxWire
import Testing

@testable import FuseboxCore

/// The lives of marks and pauses: made, put off, capped, probed, ended. A line is a moment, what is done, and what is
/// seen after it.
///
/// `admit A ROUTE` asks for a permit and calls it A: it is granted, granted as a probe, or denied for a reason and a
/// time. `settle A OUTCOME [TIME] [scope SCOPE]` ends its call. `report`, `mark`, `clear`, `pause`, `resume`, `forget`
/// and `reset` are the commands. `see ROUTE` shows the route's own mark. Every state must be the same after it was
/// written and read.
struct MarkLifeTests {
    struct Life: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var profile: Profile = .fusebox
        var script: String

        init(_ title: String, under profile: Profile = .fusebox, _ script: String) {
            testDescription = title
            self.profile = profile
            self.script = script
        }
    }

    static let lives = [
        Life(
            "a model's quota stops that model alone, a second mark lasts twice as long, and a success ends the row",
            """
            0s   | report gemini/flash quotaExhausted   | -
            0s   | see gemini/flash                     | quotaExhausted until 5m
            0s   | admit a gemini/flash                 | exhausted 5m
            0s   | admit b gemini/pro                   | granted
            0s   | admit c gemini                       | granted
            5m   | see gemini/flash                     | none
            5m   | admit d gemini/flash                 | granted
            6m   | settle d quotaExhausted              | -
            6m   | see gemini/flash                     | quotaExhausted until 16m, probe at 11m
            16m  | admit e gemini/flash                 | granted
            16m  | settle e quotaExhausted              | -
            16m  | see gemini/flash                     | quotaExhausted until 36m, probe at 21m
            36m  | admit f gemini/flash                 | granted
            37m  | settle f success                     | -
            38m  | report gemini/flash quotaExhausted   | -
            38m  | see gemini/flash                     | quotaExhausted until 43m
            """),
        Life(
            "calls that were under way report the same shortage, and do not make the mark longer than by their delay",
            """
            0s   | admit a p                            | granted
            0s   | admit b p                            | granted
            0s   | admit c p                            | granted
            1s   | settle a quotaExhausted              | -
            2s   | settle b quotaExhausted              | -
            2s   | see p                                | quotaExhausted until 5m2s, probe at 5m1s
            2s   | report p quotaExhausted              | -
            6m   | settle c quotaExhausted              | -
            6m   | see p                                | quotaExhausted until 11m
            """),
        Life(
            "a row is forgotten a day after the end of its last mark",
            """
            0s     | report p quotaExhausted            | -
            24h4m  | report p quotaExhausted            | -
            24h4m  | see p                              | quotaExhausted until 24h14m, probe at 24h9m
            49h    | report p quotaExhausted            | -
            73h20m | report p quotaExhausted            | -
            73h20m | see p                              | quotaExhausted until 73h25m
            """),
        Life(
            "cooldowns in a row double up to the longest mark",
            """
            0s   | defaults 8h 20h                      | -
            0s   | report p quotaExhausted              | -
            0s   | see p                                | quotaExhausted until 8h, probe at 5m
            8h   | report p quotaExhausted              | -
            8h   | see p                                | quotaExhausted until 24h, probe at 8h5m
            24h  | report p quotaExhausted              | -
            24h  | see p                                | quotaExhausted until 44h, probe at 24h5m
            """),
        Life(
            "a mark of 7 days is capped, its probes come half as often with each that fails, and a success ends it",
            """
            0s    | report p quotaExhausted 7d          | -
            0s    | see p                               | quotaExhausted until 24h, probe at 5m
            299s  | admit a p                           | exhausted 1s
            5m    | admit a p                           | probe
            5m    | admit b p                           | exhausted 0s
            6m    | settle a throttled                  | -
            6m    | see p                               | quotaExhausted until 24h, probe at 16m, 1 failed
            15m   | admit b p                           | exhausted 1m
            16m   | admit b p                           | probe
            17m   | settle b unauthorized               | -
            17m   | see p                               | unauthorized until 24h17m, probe at 37m, 2 failed
            37m   | admit c p                           | probe
            38m   | settle c failure                    | -
            38m   | see p                               | unauthorized until 24h17m, probe at 1h18m, 3 failed
            78m   | admit d p                           | probe
            79m   | settle d success                    | -
            79m   | see p                               | none
            79m   | admit e p                           | granted
            """),
        Life(
            "a probe that is rejected, abandoned, cancelled or lapsed teaches nothing and frees the place",
            """
            0s    | mark p 2h                           | -
            5m    | admit a p                           | probe
            5m    | settle a rejected                   | -
            5m    | admit b p                           | probe
            5m    | settle b abandoned                  | -
            5m    | admit c p                           | probe
            5m    | settle c cancelled                  | -
            5m    | admit d p                           | probe
            5m    | revoke d                            | -
            5m    | admit e p                           | probe
            5m    | admit f p                           | exhausted 0s
            65m   | admit f p                           | probe
            65m   | settle e failure                    | -
            65m   | see p                               | told until 2h, probed
            66m   | settle f failure                    | -
            66m   | see p                               | told until 2h, probe at 1h16m, 1 failed
            """),
        Life(
            "the call of a dead worker frees the place too, though it goes on holding its cost",
            """
            0s    | limit p $5 per month                | -
            0s    | mark p 2h                           | -
            5m    | admit a p                           | probe
            5m    | die                                 | -
            5m    | admit b p                           | probe
            5m    | settle a success                    | -
            5m    | see p                               | none
            """),
        Life(
            "a success ends no mark that is younger than its call",
            """
            0s    | admit a p                           | granted
            0s    | report p quotaExhausted 2h          | -
            0s    | settle a success                    | -
            0s    | see p                               | quotaExhausted until 2h, probe at 5m
            5m    | admit b p                           | probe
            6m    | report p quotaExhausted 3h          | -
            7m    | settle b success                    | -
            7m    | see p                               | quotaExhausted until 3h6m, probe at 5m
            7m    | admit c p                           | probe
            8m    | settle c success                    | -
            8m    | see p                               | none
            """),
        Life(
            "a mark is put off and never shortened, and a report ends none",
            """
            0s    | mark p 2h                           | -
            1m    | report p throttled 10s              | -
            1m    | report p success                    | -
            1m    | see p                               | told until 2h, probe at 5m
            2m    | report p failure 3h                 | -
            2m    | see p                               | failure until 3h2m, probe at 5m
            2m    | report q throttled                  | -
            2m    | see q                               | none
            """),
        Life(
            "a near end that the provider told is waited for, one that a user told is not",
            """
            0s    | report p throttled 59m              | -
            0s    | see p                               | throttled until 59m
            30m   | admit a p                           | exhausted 29m
            0s    | mark q 30m                          | -
            30m   | see q                               | told until 1h, probe at 35m
            0s    | report r throttled 1h               | -
            30m   | see r                               | throttled until 1h30m, probe at 35m
            31m   | report p throttled 2h               | -
            31m   | see p                               | throttled until 2h31m, probe at 36m
            32m   | report q throttled 50m              | -
            32m   | see q                               | throttled until 1h22m
            36m   | report r throttled 59m              | -
            36m   | see r                               | throttled until 1h35m, probe at 35m
            """),
        Life(
            "a probe takes the place of every mark on its route, and its success ends them all",
            """
            0s    | report p quotaExhausted 2h          | -
            1m    | report p@k unauthorized             | -
            2m    | report p@k/m quotaExhausted 2h      | -
            5m    | admit a p@k/m                       | exhausted 2m
            5m    | admit a p@k                         | exhausted 1m
            7m    | admit a p@k/m                       | probe
            7m    | admit b p                           | exhausted 0s
            7m    | admit b p@k                         | exhausted 0s
            7m    | admit b p@j                         | exhausted 0s
            8m    | settle a success                    | -
            8m    | see p                               | none
            8m    | see p@k                             | none
            8m    | see p@k/m                           | none
            """),
        Life(
            "a 401 takes one key out and leaves the others of the provider in; a 403 takes one model of it out",
            """
            0s    | admit a p@k/m                       | granted
            1s    | settle a unauthorized               | -
            1s    | see p@k                             | unauthorized until 24h1s, probe at 5m1s
            1s    | admit b p@k/n                       | exhausted 5m
            1s    | admit b p@j/m                       | granted
            2s    | settle b unauthorized scope route   | -
            2s    | admit c p@j/m                       | exhausted 5m
            2s    | admit c p@j/n                       | granted
            3s    | report q/m unauthorized             | -
            3s    | see q                               | unauthorized until 24h3s, probe at 5m3s
            """),
        Life(
            "the reporter may say what is marked",
            """
            0s    | report p@k/m quotaExhausted 2h scope provider   | -
            0s    | see p                                           | quotaExhausted until 2h, probe at 5m
            0s    | report q@k/m quotaExhausted 2h scope deployment | -
            0s    | see q@k                                         | quotaExhausted until 2h, probe at 5m
            0s    | report r@k/m quotaExhausted 2h scope model      | -
            0s    | see r/m                                         | quotaExhausted until 2h, probe at 5m
            0s    | admit a r@j/m                                   | exhausted 5m
            0s    | report s@k/m quotaExhausted 2h                  | -
            0s    | see s@k/m                                       | quotaExhausted until 2h, probe at 5m
            """),
        Life(
            "a pause outlasts successes, resets and forgetting, and ends by resume",
            """
            0s    | admit a p                           | granted
            0s    | mark p 2h                           | -
            1s    | pause p                             | -
            2s    | admit b p                           | paused never
            2s    | admit b p@k/m                       | paused never
            10m   | admit b p                           | paused never
            10m   | settle a success                    | -
            10m   | reset                               | -
            10m   | clear p                             | -
            10m   | forget p                            | -
            50h   | admit b p@k/m                       | paused never
            50h   | resume p                            | -
            50h   | admit b p@k/m                       | granted
            """),
        Life(
            "a pause ends by its time, and one of a key leaves the others in",
            """
            0s    | pause p@k 2h                        | -
            0s    | admit a p@k                         | paused 2h
            0s    | admit b p@j                         | granted
            0s    | mark p@k 3h                         | -
            0s    | admit c p@k                         | paused 2h
            2h    | admit d p@k                         | probe
            2h    | pause p@k 1h                        | -
            2h    | pause p@k                           | -
            4h    | admit e p@k                         | paused never
            """),
        Life(
            "under llm-providers a mark is of the provider, lasts as told, and ends by time alone",
            under: .llmProviders,
            """
            0s    | report p@k/m quotaExhausted 7d      | -
            0s    | see p                               | quotaExhausted until 168h
            24h   | admit a p                           | exhausted 144h
            24h   | report p quotaExhausted             | -
            24h   | see p                               | quotaExhausted until 24h5m
            24h   | report p quotaExhausted             | -
            24h   | see p                               | quotaExhausted until 24h5m
            1445m | admit b p                           | granted
            1446m | report p quotaExhausted 2h          | -
            1447m | settle b success                    | -
            1447m | see p                               | quotaExhausted until 26h6m
            """),
    ]

    @Test(arguments: lives)
    func eachLineOfALifeIsSeen(life: Life) throws {
        var stage = Stage(life.profile)
        for line in life.script.split(separator: "\n") {
            let cells = line.split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
            let seen = try stage.act(cells[1], at: try milliseconds(cells[0]))
            #expect(seen == cells[2], "\(line)")
            let restored = try stage.rig.machine.restored()
            #expect(restored.image == stage.rig.machine.image, "\(line)")
            #expect(restored.deadlines.count == stage.rig.machine.deadlines.count, "\(line)")
            stage.rig.machine = restored
        }
    }

    private func milliseconds(_ text: String) throws -> Int64 {
        text == "0s" ? 0 : try #require(Quantity.milliseconds(text))
    }
}

/// A state machine that carries out the lines of a life.
private struct Stage {
    var rig: Rig
    private var now: Int64 = 0
    private var permits: [String: UInt64] = [:]

    init(_ profile: Profile) { rig = Rig(profile) }

    mutating func act(_ line: String, at moment: Int64) throws -> String {
        now = max(now, moment)
        while rig.machine.isDue(at: Moment(milliseconds: now)) { try rig.apply(Advance(), at: now) }
        let words = line.split(separator: " ").map(String.init)
        let route = words.count > 1 ? try? Candidate(route: words[1]) : nil
        switch words[0] {
        case "admit": return try admit(words[1], by: try Candidate(route: words[2]))
        case "see": return try see(try #require(route))
        case "settle": try settle(words)
        case "report": try report(words, try #require(route))
        case "revoke": try rig.apply(Revoke(permit: try #require(permits[words[1]])), at: now)
        case "die": try rig.apply(ReclaimPermits(worker: WorkerID(high: 1, low: 0)), at: now)
        case "forget": try rig.apply(Forget(name: name(words[1])), at: now)
        case "reset": try rig.apply(ExhaustionReset(), at: now)
        case "limit":
            let limit = try LimitCalls.bound(words[2...].joined(separator: " "))
            try rig.apply(LimitCalls.month(from: 0, days: 31), at: now)
            try rig.apply(LimitSet(scope: Scope(provider: name(words[1])), limits: [limit]), at: now)
        case "defaults":
            let command = ExhaustionSetDefault(
                cooldownMilliseconds: time(words, 1), longestMilliseconds: time(words, 2))
            try rig.apply(command, at: now)
        default: try mark(words, try #require(route))
        }
        return "-"
    }

    private mutating func mark(_ words: [String], _ route: Candidate) throws {
        switch words[0] {
        case "mark":
            let command = ExhaustionMark(
                provider: route.provider, deployment: route.deployment, model: route.model,
                resetAfterMilliseconds: time(words, 2))
            try rig.apply(command, at: now)
        case "clear":
            let command = ExhaustionClear(
                provider: route.provider, deployment: route.deployment, model: route.model)
            try rig.apply(command, at: now)
        case "pause":
            let command = ExhaustionPause(
                provider: route.provider, deployment: route.deployment, model: route.model, reason: "why",
                durationMilliseconds: time(words, 2))
            try rig.apply(command, at: now)
        case "resume":
            let command = ExhaustionResume(
                provider: route.provider, deployment: route.deployment, model: route.model)
            #expect(try rig.apply(command, at: now).wasPaused)
        default: Issue.record("there is no deed \(words[0])")
        }
    }

    private mutating func admit(_ call: String, by route: Candidate) throws -> String {
        let command = Admit(
            candidates: try Candidates([route]), estimate: Estimate(cost: dollars("0.01")), ttlMilliseconds: 3_600_000)
        let reply = try rig.apply(command, at: now, worker: 1)
        if let permit = reply.permit {
            permits[call] = permit
            return reply.decision.isProbe ? "probe" : "granted"
        }
        let denial = reply.decision.denials[0]
        return "\(denial.reason) \(denial.retryAfterMilliseconds.map(Self.text) ?? "never")"
    }

    private mutating func settle(_ words: [String]) throws {
        var command = Settle(
            permit: try #require(permits[words[1]]), outcome: try outcome(words[2]),
            retryAfterMilliseconds: time(words, 3))
        command.markScope = scope(words)
        try rig.apply(command, at: now, worker: 1)
    }

    private mutating func report(_ words: [String], _ route: Candidate) throws {
        var command = Report(
            candidate: route, outcome: try outcome(words[2]), retryAfterMilliseconds: time(words, 3))
        command.markScope = scope(words)
        try rig.apply(command, at: now)
    }

    /// The route's own mark.
    private mutating func see(_ route: Candidate) throws -> String {
        let marks = try rig.apply(ExhaustionList(), at: now).entries
        let mark = marks.first {
            ($0.provider, $0.deployment, $0.model) == (route.provider, route.deployment, route.model)
        }
        guard let mark else { return "none" }
        let probe = mark.isProbed ? ", probed" : mark.probeAt.map { ", probe at \(Self.text($0.milliseconds))" } ?? ""
        let failed = mark.failedProbes > 0 ? ", \(mark.failedProbes) failed" : ""
        return "\(mark.reason) until \(Self.text(mark.resetsAt.milliseconds))\(probe)\(failed)"
    }

    private func outcome(_ text: String) throws -> Outcome {
        try #require(Outcome.allCases.first { "\($0)" == text })
    }

    private func time(_ words: [String], _ place: Int) -> Int64? {
        words.count > place ? Quantity.milliseconds(words[place]) : nil
    }

    private func scope(_ words: [String]) -> MarkScope? {
        guard words.dropLast().last == "scope" else { return nil }
        return MarkScope.allCases.first { "\($0)" == words.last }
    }

    /// A time in hours, minutes and seconds: `24h5m`, `1s`.
    private static func text(_ milliseconds: Int64) -> String {
        let seconds = milliseconds / 1_000
        let parts = [(seconds / 3_600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")].filter { $0.0 > 0 }
        return parts.isEmpty ? "0s" : parts.map { "\($0.0)\($0.1)" }.joined()
    }
}

extension Candidate {
    fileprivate init(route: String) throws {
        let text = try RouteText(route)
        self.init(provider: text.provider, deployment: text.deployment, model: text.model)
    }
}
