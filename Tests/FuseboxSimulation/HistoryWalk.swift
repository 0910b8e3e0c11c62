import FuseboxEngine
import FuseboxStore
import FuseboxTestSupport
import FuseboxWire

/// Random use over days, with crashes, a full disk and failing files, against a plain model: a list of calls.
///
/// Calls use tokens of every kind, and some have no cost. Operators correct what was spent, by hand and by bills. After
/// each start the model forgets the calls that the daemon has lost. What the files have of every closed day must then
/// equal the sum of the model's calls of that day, for each account and in every field.
package final class HistoryWalk {
    private struct Call {
        var sequence: UInt64
        var day: Int64
        var scopes: [String]
        var sums: Sums
    }

    /// The violation. Nil if there is none. The same seed reproduces it.
    package private(set) var violation: String?
    /// How often the files were compared with the model, and with how many sums.
    package private(set) var comparisons = 0
    package private(set) var compared = 0
    /// The number of days that were closed.
    package private(set) var days: Set<Int64> = []
    package private(set) var crashes = 0
    /// The number of tags that were forgotten.
    package private(set) var forgets = 0
    /// The number of bills whose difference was recorded.
    package private(set) var bills = 0
    /// The number of corrections by hand.
    package private(set) var adjustments = 0
    /// How often closed days could not be written.
    package private(set) var failures = 0

    /// The fields of the files' records that were blank in every sum that was compared. The loss of one would not be seen.
    package var unseenFields: Set<String> {
        var schema = Schema()
        let fields = Set(schema.fields(of: HistoryRecord.self).map(\.name))
        return fields.subtracting(Key.fields).subtracting(seenFields)
    }

    private var seenFields: Set<String> = []
    private let storage: SimulatedStorage
    private var random: SplitMix64
    private var options = SimulatedDaemon.Options()
    private let durability: Durability
    private var calls: [Call] = []
    /// Tags that were forgotten, and when.
    private var forgotten: [(sequence: UInt64, tag: String)] = []
    private var boottime: Int64 = 1_000_000
    private var realtime: Int64 = 1_790_000_000_000
    private var life: UInt64 = 0
    private var request: UInt64 = 0
    /// Whether the disk was full in this life, or was to fail.
    private var wasFull = false
    private static let day: Int64 = 86_400_000

    package init(seed: UInt64, durability: Durability = .commit) {
        random = SplitMix64(seed: seed)
        storage = SimulatedStorage(seed: random.next())
        self.durability = durability
        options.storekeeping.durability = durability
        options.storekeeping.snapshotIntervalMilliseconds = Int64(random.pick([100, 2_000, 100_000]))
    }

    /// Runs this many lives.
    package func run(lives: Int) {
        for _ in 0..<lives where violation == nil { live(isLast: false) }
        if violation == nil { live(isLast: true) }
    }

    private func live(isLast: Bool) {
        wasFull = false
        if !isLast, random.once(in: 2) {
            // While the disk fails, a day begins a little later, as it does on a full disk.
            wasFull = random.once(in: 4)
            storage.plan(
                wasFull ? .failure : .death, afterOperations: random.below(random.pick([8, 40, 160])),
                random.pick(SimulatedStorage.Progress.allCases))
        }
        life += 1
        request = 0
        do throws(Ending) {
            let daemon = try SimulatedDaemon(
                storage, options, newEpoch: 5, boottime: boottime, realtime: realtime, seed: random.next())
            daemon.tell = { [unowned self] news in if case .historyFailed = news { failures += 1 } }
            calls.removeAll { $0.sequence > daemon.recoveredSequence }
            forgotten.removeAll { $0.sequence > daemon.recoveredSequence }
            var session = Session(id: life, peer: Peer(processID: 1, user: 0, isOperator: true))
            try daemon.beginTurn(boottime: boottime, realtime: realtime)
            _ = daemon.handle(
                SimulatedClient.frame(Hello(worker: WorkerID(high: 1, low: life), client: "walk"), 1), &session)
            try daemon.endTurn()
            for _ in 0..<random.within(1...80) where violation == nil { try turn(daemon, &session, isLast: isLast) }
            if isLast || random.once(in: 3) { try settle(daemon) }
            if isLast || random.once(in: 4) {
                storage.cancelPlan()
                storage.isFull = false
                try daemon.stop()
                storage.killProcess()
            } else {
                crash()
            }
        } catch {
            if case .refused(let why) = error { violation = "the daemon does not start: \(why)" }
            if isLast { violation = violation ?? "the daemon ended without a fault" }
            crash()
        }
        realtime += Int64(random.below(3_000))
        boottime += Int64(random.below(3_000))
    }

    private func crash() {
        crashes += 1
        if storage.hasFailedSync || random.once(in: 2) {
            storage.losePower()
            boottime = 0
        } else {
            storage.killProcess()
        }
        storage.isFull = false
    }

    // MARK: Turns

    private func pass(_ milliseconds: Int64) {
        boottime += milliseconds
        realtime += milliseconds
    }

    private func turn(_ daemon: SimulatedDaemon, _ session: inout Session, isLast: Bool) throws(Ending) {
        pass(Int64(random.once(in: 12) ? random.within(1_000_000...90_000_000) : random.within(0...2_000)))
        if !isLast, random.once(in: 40) { storage.isFull.toggle() }
        wasFull = wasFull || storage.isFull
        try daemon.beginTurn(boottime: boottime, realtime: realtime)
        for _ in 0..<random.below(6) { call(daemon, &session) }
        if random.once(in: 6) { reconcile(daemon, &session) }
        if random.once(in: 6) { adjust(daemon, &session) }
        if random.once(in: 12) { forget(daemon, &session) }
        // Deaths are aimed at the writing of the history, which is a small part of all writing.
        if !isLast, !daemon.isHistoryWritten, random.once(in: 20) {
            storage.plan(.death, afterOperations: random.within(1...5), random.pick(SimulatedStorage.Progress.allCases))
        }
        try daemon.endTurn()
    }

    private func call(_ daemon: SimulatedDaemon, _ session: inout Session) {
        let (provider, model) = (random.below(3), random.below(4))
        let deployment = random.once(in: 3) ? random.below(2) : nil
        let tags = (0..<random.below(3)).map { _ in random.below(12) }
        var scopes = ["host", "p\(provider)", "p\(provider)/m\(model)"]
        if let deployment { scopes.append("p\(provider)@d\(deployment)") }
        scopes += Set(tags).sorted().map { "t\($0)" } + ["uid:0"]
        var sums = Sums()
        var command = LedgerRecord()
        do throws(Refusal) {
            command.provider = try Name("p\(provider)")
            command.model = try Name("m\(model)")
            command.deployment = try deployment.map { (number) throws(Refusal) in try Name("d\(number)") }
            command.tags = try WireLimits.TagList(
                Set(tags).sorted().map { (number) throws(Refusal) in try Name("t\(number)") })
        } catch { preconditionFailure(error.message) }
        sums.requests = 1
        sums.input = tokens(&command.tokens.input)
        sums.cachedInput = tokens(&command.tokens.cachedInput)
        sums.cacheWrite = tokens(&command.tokens.cacheWrite)
        sums.output = tokens(&command.tokens.output)
        sums.reasoning = tokens(&command.tokens.reasoning)
        if random.once(in: 8) {
            let all = sums.input + sums.cachedInput + sums.cacheWrite + sums.output + sums.reasoning
            sums.unpriced = all > 0 ? 1 : 0
        } else {
            sums.spend = Int64(random.below(1_000_000))
            command.cost = Money(nanodollars: sums.spend)
        }
        guard send(command, daemon, &session) else { return }
        note(scopes, sums, daemon)
    }

    /// Draws a number of tokens, which a call often does not tell.
    private func tokens(_ told: inout UInt32?) -> Int64 {
        told = random.once(in: 3) ? nil : UInt32(random.below(1_000))
        return Int64(told ?? 0)
    }

    /// Adds what the last request has used to the model. It counts on the day that is open.
    private func note(_ scopes: [String], _ sums: Sums, _ daemon: SimulatedDaemon) {
        let day = daemon.openDay
        // On a full disk a day begins a little later.
        if day != daemon.moment.wall.milliseconds / Self.day, !wasFull { violation = "a call counts on the day \(day)" }
        calls.append(Call(sequence: daemon.sequence, day: day, scopes: scopes, sums: sums))
    }

    /// Corrects what was spent for a scope by hand, up or down. It counts as a call by the scope, on no user's tag. The
    /// daemon refuses it while an account that the scope names has counted nothing.
    private func adjust(_ daemon: SimulatedDaemon, _ session: inout Session) {
        let (provider, tag) = ("p\(random.below(3))", "t\(random.below(12))")
        let (deployment, model) = ("d\(random.below(2))", "m\(random.below(4))")
        let shapes: [(provider: String?, deployment: String?, model: String?, tag: String?)] = [
            (nil, nil, nil, nil), (provider, nil, nil, nil), (provider, deployment, nil, nil),
            (provider, nil, model, nil), (nil, nil, nil, tag), (provider, nil, nil, tag), (provider, nil, model, tag),
        ]
        let shape = random.pick(shapes)
        var command = LedgerAdjust()
        func name(_ text: String) throws(Refusal) -> Name { try Name(text) }
        do throws(Refusal) {
            command.scope = Scope(
                provider: try shape.provider.map(name), deployment: try shape.deployment.map(name),
                model: try shape.model.map(name), tag: try shape.tag.map(name))
        } catch { preconditionFailure(error.message) }
        var sums = Sums()
        sums.spend = Int64(random.within(-400_000...600_000))
        command.cost = Money(nanodollars: sums.spend)
        command.reason = "a correction"
        guard send(command, daemon, &session) else { return }
        var scopes = ["host"]
        if let provider = shape.provider {
            scopes.append(provider)
            if let deployment = shape.deployment { scopes.append("\(provider)@\(deployment)") }
            if let model = shape.model { scopes.append("\(provider)/\(model)") }
        }
        if let tag = shape.tag { scopes.append(tag) }
        note(scopes, sums, daemon)
        adjustments += 1
    }

    /// Compares a bill of this month or of one of the two before with what the daemon has. The model's calls say what
    /// the difference is.
    private func reconcile(_ daemon: SimulatedDaemon, _ session: inout Session) {
        let (provider, today) = ("p\(random.below(3))", daemon.openDay)
        let month = HistoryMonth(number: HistoryMonth(ofDay: today).number - Int64(random.below(3)))
        var command = LedgerReconcile()
        do throws(Refusal) { command.provider = try Name(provider) } catch { preconditionFailure(error.message) }
        command.year = UInt32(month.year)
        command.month = UInt8(month.month)
        command.billed = Money(nanodollars: Int64(random.below(3_000_000)))
        command.reason = "bill \(bills)"
        let recorded = calls.filter { $0.scopes.contains(provider) && HistoryMonth(ofDay: $0.day) == month }
            .reduce(0) { $0 + $1.sums.spend }
        guard send(command, daemon, &session) else { return }
        var sums = Sums()
        sums.spend = command.billed.nanodollars - recorded
        sums.corrections = [command.reason: sums.spend]
        let day = min(today, month.lastDay)
        calls.append(Call(sequence: daemon.sequence, day: day, scopes: ["host", provider], sums: sums))
        bills += 1
    }

    /// Forgets a tag. Calls that name it later count.
    private func forget(_ daemon: SimulatedDaemon, _ session: inout Session) {
        let tag = "t\(random.below(12))"
        var command = LedgerForget()
        do throws(Refusal) { command.tag = try Name(tag) } catch { preconditionFailure(error.message) }
        command.isInHistory = random.once(in: 2)
        guard send(command, daemon, &session) else { return }
        forgotten.append((daemon.sequence, tag))
        forgets += 1
    }

    /// - Returns: whether the request has changed the state
    private func send<C: Command>(_ command: C, _ daemon: SimulatedDaemon, _ session: inout Session) -> Bool {
        var frame = ByteWriter()
        let start = frame.beginFrame(
            FrameHeader(command: C.declaration.number, kind: .request, correlation: 2))
        request += 1
        RequestSequence(sequence: request, oldestUnacknowledged: request).encode(into: &frame)
        command.encode(into: &frame)
        frame.endFrame(start)
        guard daemon.canTake(frameLength: frame.count, session) else { return false }
        let before = daemon.sequence
        _ = daemon.handle(frame.bytes, &session)
        return daemon.sequence > before
    }

    // MARK: Comparison

    /// Lets the daemon close and write what is over, and compares the files with the model.
    private func settle(_ daemon: SimulatedDaemon) throws(Ending) {
        storage.isFull = false
        for _ in 0..<400 {
            pass(500)
            try daemon.beginTurn(boottime: boottime, realtime: realtime)
            try daemon.endTurn()
            let isToday = daemon.openDay == daemon.moment.wall.milliseconds / Self.day
            let isSynced = durability == .snapshot || daemon.syncedSequence == daemon.sequence
            if daemon.isHistoryWritten, isSynced, isToday { return compare(daemon) }
        }
        violation = "closed days are not written"
    }

    private func compare(_ daemon: SimulatedDaemon) {
        let today = daemon.moment.wall.milliseconds / Self.day
        var expected: [Key: Sums] = [:]
        for call in calls where call.day < today {
            let erased = forgotten.filter { $0.sequence > call.sequence }.map(\.tag)
            for scope in call.scopes where !erased.contains(scope) {
                expected[Key(scope: scope, day: call.day), default: Sums()] += call.sums
            }
        }
        expected = expected.filter { $0.value != Sums() }
        comparisons += 1
        compared += expected.count
        days.formUnion(expected.keys.map(\.day))
        for sums in expected.values { seenFields.formUnion(sums.fields) }
        let found: [Key: Sums]
        // A correction of the open day is in a file already.
        do throws(StorageError) { found = try read().filter { $0.key.day < today && $0.value != Sums() } } catch {
            return violation = "\(error)"
        }
        guard found != expected else { return }
        let keys = Set(found.keys).union(expected.keys).filter { found[$0] != expected[$0] }
        let first = keys.min { ($0.day, $0.scope) < ($1.day, $1.scope) }
        violation = first.map {
            "\($0): the files have \(found[$0].map { "\($0)" } ?? "nothing"), the calls are \(expected[$0].map { "\($0)" } ?? "none")"
        }
    }

    /// The sums of all files.
    private func read() throws(StorageError) -> [Key: Sums] {
        var sums: [Key: Sums] = [:]
        for month in try storage.historyMonths() {
            var reader = HistoryReader(month)
            var wrong: String?
            try reader.readAll(from: storage) { found, records in
                if found.entry.isGap { wrong = "there is a gap" }
                while records.remaining > 0, wrong == nil {
                    guard let record = try? HistoryRecord.read(version: HistoryRecord.version, from: &records) else {
                        return wrong = "the records of an entry are bad"
                    }
                    let key = Key(scope: record.scopeText, day: month.firstDay + Int64(record.day) - 1)
                    sums[key, default: Sums()] += Sums(record)
                }
            }
            if let damage = reader.damage.first { wrong = damage.what }
            if let wrong { violation = "\(month.file): \(wrong)" }
        }
        return sums
    }
}
