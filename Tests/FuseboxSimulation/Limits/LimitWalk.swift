import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxTestSupport
import FuseboxWire

/// Random scopes, limits, calls, deaths and restarts through the state machine, against a plain model.
///
/// No limit that denies is exceeded in any window. Nothing is denied that fits into a window a sixtieth longer. What is
/// used, held and assumed is what the model says, and so are the sums of all accounts, before and after every restart.
package struct LimitWalk {
    /// The result of a walk.
    package struct Outcome: Sendable, Equatable {
        /// The violation; nil if there is none. The same seed reproduces it.
        package var violation: String?
        package var operations = 0
        package var counts = LimitPair.Counts()
        package var snapshots = 0
        package var replays = 0
        package var comparisons = 0

        package init() {}
    }

    /// A call that was admitted and not settled.
    private struct Open {
        var permit: UInt64
        var user: UInt32
        var route: Candidate
        var estimate: Estimate
    }

    private var pair: LimitPair
    private var draw: LimitDraw
    private var random: SplitMix64
    private var moment = Moment(
        now: Timestamp(milliseconds: 40_000_000_000), wall: Timestamp(milliseconds: 1_790_000_000_000))
    private var open: [Open] = []
    private var outcome = Outcome()
    /// The state at the last start, and all commands since then.
    private var base: StateMachine
    private var inputs: [@Sendable (inout StateMachine) -> Void] = []

    package init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        draw = LimitDraw(
            random: SplitMix64(seed: random.next()), providers: ["p", "q"], deployments: ["eu", "us"],
            models: ["m", "n"], cost: 10, tokens: 5)
        base = StateMachine(profile: .fusebox, bounds: Bounds(), at: moment)
        pair = LimitPair(base)
    }

    /// Walks this many steps.
    package mutating func run(operations: Int) -> Outcome {
        while outcome.operations < operations, pair.violation == nil, outcome.violation == nil {
            step()
            outcome.operations += 1
            if outcome.operations % 8 == 0 { compare() }
        }
        compare()
        outcome.violation = outcome.violation ?? pair.violation
        outcome.counts = pair.counts
        return outcome
    }

    private mutating func compare() {
        pair.compare(at: moment)
        outcome.comparisons += 1
    }

    private mutating func step() {
        switch random.below(1_000) {
        case 0..<60: change()
        case 60..<500: admit()
        case 500..<740: settle()
        case 740..<780: report()
        case 780..<795: record()
        case 795..<800: adjust()
        case 800..<815: die()
        case 815..<840: renew()
        case 840..<850: revoke()
        case 850..<990: passTime()
        case 990..<998: beginWindow()
        default: restart()
        }
    }

    @discardableResult
    private mutating func apply<C: StateCommand & Sendable>(
        _ command: C, by user: UInt32 = 0, worker: WorkerID = WorkerID()
    ) -> C.Reply? {
        let moment = moment
        inputs.append { machine in
            var effects: [Event] = []
            _ = try? machine.apply(
                command, at: moment, by: user, isOperator: true, worker: worker, effects: &effects)
        }
        return pair.apply(command, at: moment, by: user, worker: worker)
    }

    // MARK: Limits

    private mutating func change() {
        switch draw.change(of: pair.limits) {
        case .set(let set):
            for limit in set.limits where limit.window.kind == .calendar && !pair.machine.knows(limit.window) {
                begin(limit.window, keepsUse: false)
            }
            apply(set)
        case .remove(let remove): apply(remove)
        case .raise(let raise): apply(raise)
        case .reset(let reset): apply(reset)
        }
    }

    private mutating func adjust() {
        var scope = draw.scope()
        if scope.tag.map({ $0.text.hasSuffix("*") }) == true { scope.tag = nil }
        let cost = Money(nanodollars: Int64(random.within(-12...8)) * draw.cost)
        apply(LedgerAdjust(scope: scope, cost: cost, reason: "a correction"))
    }

    private mutating func beginWindow() {
        let calendars = pair.limits.map(\.limit.window).filter { $0.kind == .calendar }
        if !calendars.isEmpty { begin(random.pick(calendars), keepsUse: random.once(in: 5)) }
    }

    private mutating func begin(_ calendar: LimitWindow, keepsUse: Bool) {
        let ages = [0, random.within(0...10_000_000), random.within(0...500_000_000)]
        let start = moment.wall - Int64(random.pick(ages))
        let end = moment.wall + Int64(random.within(1...100_000))
        apply(BeginWindow(calendar, start: start, end: end, keepsUse: keepsUse, forgetsIdle: random.once(in: 2)))
    }

    // MARK: Calls

    private mutating func route() -> Candidate {
        Candidate(
            provider: Names.name(random.pick(draw.providers)),
            deployment: random.once(in: 3) ? Names.name(random.pick(draw.deployments)) : nil,
            model: random.once(in: 4) ? nil : Names.name(random.pick(draw.models)))
    }

    private mutating func tags() -> WireLimits.TagList {
        var tags = WireLimits.TagList()
        for _ in 0..<random.below(4) { tags.append(Names.name(random.pick(LimitDraw.tags))) }
        return tags
    }

    private mutating func admit() {
        var candidates = Candidates()
        for _ in 0...random.below(3) { candidates.append(route()) }
        var admit = Admit(
            candidates: candidates, tags: tags(), estimate: draw.estimate(),
            ttlMilliseconds: random.pick([500, 20_000, 90_000, 200_000]))
        admit.explains = random.once(in: 3)
        let user: UInt32 = random.pick([7, 8])
        let worker = WorkerID(high: UInt64(user), low: UInt64(random.within(1...4)))
        guard let reply = apply(admit, by: user, worker: worker), let permit = reply.permit,
            let chosen = reply.decision.candidate
        else { return }
        let call = Open(permit: permit, user: user, route: candidates[Int(chosen)], estimate: admit.estimate)
        open.append(call)
    }

    /// What a call has used: mostly less than was estimated.
    private mutating func usage(_ estimate: Estimate) -> CallUsage {
        if random.once(in: 6) { return usage() }
        func part(_ count: UInt32?) -> UInt32 { UInt32(random.below(Int(count ?? 0) + 1)) }
        let total = estimate.tokens.map { $0 / 2 }
        var usage = CallUsage(
            model: random.once(in: 3) ? Names.name(random.pick(["answering"] + draw.models)) : nil,
            cost: Money(nanodollars: Int64(random.below(Int(estimate.cost?.nanodollars ?? 0) + 1))),
            inputTokens: part(estimate.inputTokens ?? total), outputTokens: part(estimate.outputTokens ?? total))
        // Not all is told.
        if random.once(in: 5) { usage.cost = nil }
        if random.once(in: 6) { usage.tokens.input = nil }
        if random.once(in: 6) { usage.tokens.output = nil }
        return usage
    }

    private mutating func usage() -> CallUsage {
        CallUsage(
            cost: Money(nanodollars: Int64(random.below(4)) * draw.cost), inputTokens: UInt32(random.below(15)),
            outputTokens: UInt32(random.below(15)))
    }

    private mutating func settle() {
        guard !open.isEmpty else { return }
        let call = open.remove(at: random.below(open.count))
        let outcome: FuseboxWire.Outcome = random.pick([
            .success, .success, .success, .cancelled, .rejected, .abandoned,
        ])
        let isTold = outcome != .cancelled && random.below(5) > 0
        apply(
            Settle(permit: call.permit, outcome: outcome, usage: isTold ? usage(call.estimate) : nil), by: call.user)
    }

    private mutating func report() {
        let usage = random.below(4) > 0 ? usage() : nil
        apply(Report(candidate: route(), tags: tags(), outcome: .success, usage: usage), by: 7)
    }

    private mutating func record() {
        let usage = usage()
        var record = LedgerRecord(
            provider: Names.name(random.pick(draw.providers)), model: Names.name(random.pick(draw.models)),
            cost: usage.cost, tokens: usage.tokens)
        record.tags = tags()
        apply(record, by: 8)
    }

    private mutating func die() {
        let worker = WorkerID(high: random.pick([7, 8]), low: UInt64(random.within(1...4)))
        while pair.machine.permits.hasCallsInFlight(worker), pair.violation == nil {
            apply(ReclaimPermits(worker: worker))
        }
    }

    private mutating func renew() {
        guard !open.isEmpty else { return }
        let call = random.pick(open)
        apply(Renew(permit: call.permit, ttlMilliseconds: Int64(random.within(1...100_000))), by: call.user)
    }

    private mutating func revoke() {
        if !open.isEmpty { apply(Revoke(permit: random.pick(open).permit)) }
    }

    // MARK: Time and restarts

    private mutating func passTime() {
        var passed = random.pick([1, 1, 13, 100, 950, 1_017, 1_018, 5_000, 60_000] as [Int64])
        if random.once(in: 60) { passed = random.pick([1_500_000, 3_600_000, 20_000_000, 100_000_000]) }
        let isLong = random.once(in: 300)
        if isLong { passed = Int64(random.within(1...20)) * 86_400_000 }
        moment.now = moment.now + passed
        moment.wall = moment.wall + passed
        if random.once(in: 50) { moment.wall = moment.wall + 40_000 }
        while pair.machine.isDue(at: moment), pair.violation == nil { apply(Advance()) }
        guard isLong else { return }
        // No window of the calendar is longer than a year.
        for calendar in pair.limits.map(\.limit.window) where calendar.kind == .calendar {
            begin(calendar, keepsUse: false)
        }
    }

    /// The state comes back from a snapshot, or from the state at the last start by all commands since.
    private mutating func restart() {
        compare()
        let image = Self.snapshot(of: pair.machine)
        var machine: StateMachine
        if random.once(in: 2) {
            do throws(SnapshotDamage) {
                machine = try SnapshotReader(image).stateMachine(bounds: pair.machine.bounds)
            } catch {
                outcome.violation = "the snapshot cannot be loaded: \(error)"
                return
            }
            outcome.snapshots += 1
        } else {
            machine = base
            for input in inputs { input(&machine) }
            outcome.replays += 1
        }
        if Self.snapshot(of: machine) != image { outcome.violation = "the state after the start is another" }
        base = machine
        inputs = []
        pair.restart(machine)
        compare()
    }

    private static func snapshot(of machine: StateMachine) -> [UInt8] {
        let header = SnapshotHeader(epoch: 1, sequence: 1, moment: machine.lastMoment, profile: machine.profile)
        return SnapshotCapture(machine, header: header).bytes()
    }
}
