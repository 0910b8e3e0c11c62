import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxWire

/// The result of a walk.
package struct CommandWalkResult: Sendable, Equatable {
    /// The violation; nil if there is none. The same seed reproduces it.
    package var violation: String?
    /// The numbers of the commands that succeeded at least once.
    package var carriedOut: Set<UInt16> = []
    /// The statuses of refusals.
    package var refusals: Set<Status> = []
    package var steps = 0
    /// The number of snapshots that were written and loaded.
    package var loads = 0
    /// The number of imported states with random values.
    package var imports = 0

    package init() {}
}

/// A random walk over all commands of the state machine, with all values in all fields.
///
/// No command may trap. A refused command changes nothing. From time to time the state is written to a snapshot and
/// loaded again by the code of a start. It must load, be identical, and behave like the original.
package struct CommandWalk {
    /// What bounds the state.
    package enum Room: String, Sendable, CaseIterable {
        /// The daemon's own limits.
        case usual
        /// Limits so low that each of them is reached.
        case tiny

        var bounds: Bounds {
            var bounds = Bounds()
            guard self == .tiny else { return bounds }
            bounds.names = 6
            bounds.namesPerUser = 4
            bounds.models = 4
            bounds.modelAccounts = 6
            bounds.providerAccounts = 3
            bounds.tags = 6
            bounds.tagsPerUser = 3
            bounds.limits = 5
            bounds.limitsPerScope = 2
            bounds.templates = 2
            bounds.permits = 4
            bounds.permitsPerUser = 3
            bounds.lapsedPermits = 2
            bounds.idleBreakerMilliseconds = 1_000
            return bounds
        }
    }

    /// The numbers of the commands that the state machine answers, from the table of commands.
    package static var commands: [UInt16] {
        CommandNumber.allCases.map(\.rawValue).filter { number in
            var check = IsCommand()
            return StateMachine.dispatch(number, &check) != nil
        }
    }

    private struct IsCommand: StateCommandVisitor {
        mutating func visit<C: StateCommand>(_ command: C.Type) {}
    }

    /// The commands about money and time. They are as frequent as all others together.
    private static let busy: [UInt16] = [
        Admit.declaration.number, Admit.declaration.number, Settle.declaration.number, Report.declaration.number,
        Renew.declaration.number,
        LedgerRecord.declaration.number, LedgerRecord.declaration.number, BreakerFailure.declaration.number,
        BreakerSuccess.declaration.number, BreakerDeserialize.declaration.number, ExhaustionMark.declaration.number,
        LimitSet.declaration.number, LimitSet.declaration.number, LimitSet.declaration.number,
        LimitRaise.declaration.number, LedgerReset.declaration.number, PolicyApply.declaration.number,
    ]

    private let commands = Self.commands
    private var original: StateMachine
    /// The loaded copy of the state, and all commands since then.
    private var copy: StateMachine
    /// An earlier state, for imports.
    private var past: StateMachine
    private var values: RandomValues
    private var moment: Moment
    private var user: UInt32 = 0
    private var worker = WorkerID()
    private var result = CommandWalkResult()

    package init(seed: UInt64, profile: Profile, _ room: Room) {
        values = RandomValues(seed: seed)
        let starts: [Int64] = [0, 1_767_225_600_000, 1_767_225_600_000, 4_102_444_800_000, 8_639_999_000_000_000]
        let start = values.random.pick(starts)
        moment = Moment(milliseconds: start)
        original = StateMachine(profile: profile, bounds: room.bounds, at: moment)
        copy = original
        past = original
    }

    /// Walks this many steps.
    package mutating func run(steps: Int) -> CommandWalkResult {
        for _ in 0..<steps where result.violation == nil { step() }
        load()
        return result
    }

    private mutating func step() {
        result.steps += 1
        passTime()
        advance()
        values.now = moment.clamped.now
        values.mood = values.random.pick([
            .ordinary, .extreme(onceIn: 12), .extreme(onceIn: 3), .oneExtreme, .oneExtreme,
        ])
        user = UInt32(values.random.below(3))
        worker = WorkerID(high: UInt64(values.random.below(4)), low: 1)
        apply(values.random.pick(values.random.once(in: 2) ? commands : Self.busy))
        switch values.random.below(400) {
        case 0..<10: load()
        case 10: changeProfile()
        case 11: past = original
        case 12..<24: importPast()
        default: return
        }
    }

    private mutating func fail(_ what: String) {
        if result.violation == nil { result.violation = "step \(result.steps): \(what)" }
    }

    // MARK: Time

    private mutating func passTime() {
        let random = values.random.below(2_000)
        let passed: Int64 =
            switch random {
            case 0..<1_000: 0
            case 1_000..<1_300: 1
            case 1_300..<1_500: 1_000
            case 1_500..<1_700: 60_000
            case 1_700..<1_850: 3_600_000
            case 1_850..<1_950: 86_400_001
            case 1_950..<1_980: 40 * 86_400_000
            case 1_980..<1_990: -3_600_000
            case 1_990..<1_997: 400 * 86_400_000
            // Rarely, because there is no way back from the end of time.
            default: values.random.once(in: 8) ? values.random.pick([.max, .min, -(1 << 53), 1 << 53, 1 << 40]) : 0
            }
        moment.now = moment.now + passed
        moment.wall = moment.wall + passed
        // A step of the wall clock.
        if values.random.once(in: 200) {
            moment.wall = moment.wall + values.random.pick([-86_400_000, 86_400_000, -1, 40 * 86_400_000])
        }
    }

    /// Applies the deadlines that have passed, as the engine does first.
    private mutating func advance() {
        var turns = 0
        while original.isDue(at: moment) || copy.isDue(at: moment) {
            carryOut(Advance(), Advance.declaration)
            turns += 1
            guard turns < 1_000 else { return fail("something is due for ever at \(moment)") }
        }
    }

    // MARK: Commands

    /// As the engine does: the state is told the calendars that limits go by.
    private mutating func beginCalendars(of limits: [Limit]) {
        var isFirst = true
        for limit in limits where limit.window.kind == .calendar && !original.knows(limit.window) {
            let start = moment.clamped.wall
            carryOut(
                BeginWindow(
                    limit.window, start: start, end: start + 86_400_000, keepsUse: false, forgetsIdle: isFirst),
                BeginWindow.declaration)
            isFirst = false
        }
    }

    private mutating func apply(_ number: UInt16) {
        if StateMachine.dispatch(number, &self) == nil { fail("no command \(number)") }
    }

    /// Applies a command to both states, and compares replies and events.
    private mutating func carryOut<C: StateCommand>(_ command: C, _ declaration: CommandDeclaration) {
        let before = values.random.once(in: 16) ? image(of: original) : nil
        let (refusal, answer) = apply(command, to: \.original)
        let again = apply(command, to: \.copy)
        if let refusal {
            result.refusals.insert(refusal.status)
            if let before, before != image(of: original) {
                fail("\(declaration.name) was refused (\(refusal)) and changed the state")
            }
        } else {
            result.carriedOut.insert(declaration.number)
        }
        guard refusal == again.refusal, answer == again.answer else {
            return fail("\(declaration.name) is answered otherwise by the state that was loaded: \(command)")
        }
    }

    private mutating func apply<C: StateCommand>(
        _ command: C, to machine: WritableKeyPath<Self, StateMachine>
    ) -> (refusal: Refusal?, answer: [UInt8]) {
        let (moment, user, worker) = (moment, user, worker)
        var events: [Event] = []
        var writer = ByteWriter()
        do throws(Refusal) {
            let reply = try self[keyPath: machine].apply(
                command, at: moment, by: user, worker: worker, effects: &events)
            if let permit = (reply as? Admit.Reply)?.permit { values.note(permit: permit) }
            if let set = command as? LimitSet { values.note(set) }
            if let set = command as? AliasSet { values.note(set) }
            if let apply = command as? PolicyApply { values.note(apply) }
            reply.encode(into: &writer)
        } catch {
            if !events.isEmpty { fail("\(C.declaration.name) was refused and told of something") }
            return (error, [])
        }
        for event in events { event.encode(into: &writer) }
        return (nil, writer.bytes)
    }

    // MARK: Snapshots

    private func header(of machine: StateMachine) -> SnapshotHeader {
        SnapshotHeader(epoch: 1, sequence: 1, moment: machine.lastMoment, profile: machine.profile)
    }

    /// The state as a snapshot. Equal states have equal snapshots.
    private func image(of machine: StateMachine) -> [UInt8] {
        SnapshotCapture(machine, header: header(of: machine)).bytes()
    }

    /// The names of the sections that the two states have otherwise.
    private func sectionsThatDiffer() -> [String] {
        func parts(_ machine: StateMachine) -> [UInt32: [UInt8]] {
            var parts: [UInt32: [UInt8]] = [:]
            machine.forEachImageSection { (head: SectionHead, part: borrowing ByteWriter) in
                parts[head.kind, default: []] += part.bytes
            }
            return parts
        }
        let (one, other) = (parts(original), parts(copy))
        return StateImage.sections.sections.filter { one[$0.kind] != other[$0.kind] }.map { $0.name }
    }

    /// Writes the state, loads it, and continues with the loaded one beside the original.
    private mutating func load() {
        guard result.violation == nil else { return }
        let bytes = image(of: original)
        guard bytes == image(of: copy) else {
            return fail("the state that was loaded has become another, in \(sectionsThatDiffer())")
        }
        do throws(SnapshotDamage) {
            copy = try SnapshotReader(bytes).stateMachine(bounds: original.bounds)
        } catch { return fail("the snapshot cannot be loaded: \(error)") }
        // A start loses them.
        original.forgetLatencies()
        result.loads += 1
        if image(of: copy) != bytes { fail("the state that was loaded is not the one that was written") }
    }

    /// A start with the other profile.
    private mutating func changeProfile() {
        let profile: Profile = original.profile == .fusebox ? .llmProviders : .fusebox
        original = original.under(profile)
        copy = copy.under(profile)
        load()
    }

    /// An import of an earlier state, or of one with random values.
    private mutating func importPast() {
        values.mood = .extreme(onceIn: values.random.pick([100, 30, 10, 4]))
        guard let read = values.random.once(in: 3) ? past : past.disturbed(by: &values) else { return }
        result.imports += 1
        let imported = read.under(original.profile)
        if values.random.once(in: 3) {
            // A restore, including permits.
            original = imported
            copy = imported
        } else {
            original.replaceContents(with: imported)
            copy.replaceContents(with: imported)
        }
        load()
    }
}

extension CommandWalk: StateCommandVisitor {
    package mutating func visit<C: StateCommand>(_ command: C.Type) {
        let made: C = values.command()
        // As in the daemon: a command that cannot be decoded does not reach the state.
        var writer = ByteWriter()
        made.encode(into: &writer)
        let decoded = writer.bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            var command = C()
            do throws(Refusal) {
                try command.fields(&reader)
                try reader.finish()
                return Swift.Result<C, Refusal>.success(command)
            } catch { return .failure(error) }
        }
        switch decoded {
        case .success(let command):
            if let set = command as? LimitSet { beginCalendars(of: set.limits) }
            if let apply = command as? PolicyApply { beginCalendars(of: apply.policy.limits.map(\.limit)) }
            carryOut(command, C.declaration)
        case .failure(let refusal): result.refusals.insert(refusal.status)
        }
    }
}
