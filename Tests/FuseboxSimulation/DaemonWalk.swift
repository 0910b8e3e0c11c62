import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxWire

/// A random walk over all commands of a peer, with all values in all fields, through the whole daemon.
///
/// All limits are so low that they are reached, including those of workers. The daemon is killed, loses power and is
/// stopped in order. Every start must load the snapshot and replay the journal. After a kill the state must be
/// identical.
package final class DaemonWalk {
    /// The result of a walk.
    package struct Outcome: Sendable, Equatable {
        /// The violation; nil if there is none. The same seed reproduces it.
        package var violation: String?
        package var starts = 0
        /// The number of starts whose state was compared with the one before the kill.
        package var comparisons = 0
        /// The numbers of the commands that succeeded at least once.
        package var carriedOut: Set<UInt16> = []
        package var refusals: Set<Status> = []
    }

    /// The numbers of the commands that a peer may send.
    package static var commands: [UInt16] {
        CommandNumber.allCases.map(\.rawValue).filter { number in
            guard let declaration = CommandTable.declaration(number) else { return false }
            return declaration.access != .engine
        }
    }

    /// The commands that find something only where an earlier one has set it.
    private static let aboutLimits = [
        LimitSet.declaration.number, LimitSet.declaration.number, LimitRemove.declaration.number,
        LimitRaise.declaration.number, LimitTopUp.declaration.number, LedgerReset.declaration.number,
        Admit.declaration.number,
    ]

    /// A connection of a worker that numbers its requests.
    private struct Speaker {
        var session: Session
        var sequence: UInt64 = 0
    }

    private static let userCount: UInt32 = 3

    private let storage: SimulatedStorage
    private var values: RandomValues
    private var options = SimulatedDaemon.Options()
    private var daemon: SimulatedDaemon?
    private var speakers: [Speaker] = []
    private var nextSession: UInt64 = 1
    private var boottime: Int64 = 1_000_000
    private var realtime: Int64 = 1_790_000_000_000
    /// The state at the last kill that must lose nothing.
    private var expected: (sequence: UInt64, image: [UInt8])?
    private var outcome = Outcome()

    package init(seed: UInt64) {
        values = RandomValues(seed: seed)
        storage = SimulatedStorage(seed: values.random.next())
        options.bounds = CommandWalk.Room.tiny.bounds
        options.bounds.workers = 3
        options.bounds.keptReplies = 4
        options.storekeeping.segmentLength = values.random.pick([8, 16, 64]) * 1024
        options.storekeeping.snapshotIntervalMilliseconds = Int64(values.random.pick([50, 500]))
    }

    /// Walks through this many lives of the daemon.
    package func run(lives: Int) -> Outcome {
        for _ in 0..<lives where outcome.violation == nil { live() }
        return outcome
    }

    private func fail(_ what: String) {
        if outcome.violation == nil { outcome.violation = "start \(outcome.starts): \(what)" }
    }

    // MARK: Lives

    private func live() {
        do throws(Ending) {
            try start()
            let turns = values.random.within(1...40)
            for _ in 0..<turns where outcome.violation == nil { try turn() }
            if values.random.once(in: 6) { try daemon?.stop() }
        } catch {
            if case .refused(let why) = error { return fail("the daemon does not start: \(why)") }
        }
        end()
    }

    private func start() throws(Ending) {
        outcome.starts += 1
        let epoch = values.random.next() | 1
        let daemon = try SimulatedDaemon(
            storage, options, newEpoch: epoch, boottime: boottime, realtime: realtime, seed: values.random.next())
        daemon.send = { [unowned self] _, frame, _ in hear(frame) }
        self.daemon = daemon
        guard let expected else { return }
        guard daemon.recoveredSequence == expected.sequence else {
            return fail("sequence \(expected.sequence) was written, and the state is at \(daemon.recoveredSequence)")
        }
        outcome.comparisons += 1
        if daemon.image != expected.image { fail("the state is not the one that there was before the kill") }
    }

    private func end() {
        expected = nil
        let losesPower = values.random.once(in: 4)
        if losesPower {
            storage.losePower()
            boottime = 0
        } else {
            if let daemon, daemon.isJournalCurrent { expected = (daemon.sequence, daemon.image) }
            storage.killProcess()
        }
        daemon = nil
        speakers = []
        passTime()
    }

    private func passTime() {
        let passed: Int64 = values.random.pick([0, 1, 10, 10, 30, 500, 2_500, 60_000, 3_600_000])
        boottime += passed
        realtime += passed
        if values.random.once(in: 60) {
            realtime += values.random.pick([-86_400_000, 86_400_000, 40 * 86_400_000, 3_650 * 86_400_000, -1])
        }
    }

    // MARK: Turns

    private func turn() throws(Ending) {
        guard let daemon else { return }
        passTime()
        try daemon.beginTurn(boottime: boottime, realtime: realtime)
        if speakers.count < 4, values.random.once(in: 2) { connect(daemon) }
        for _ in 0..<values.random.below(12) {
            guard !speakers.isEmpty else { break }
            speak(values.random.below(speakers.count), daemon)
        }
        try daemon.endTurn()
    }

    private func connect(_ daemon: SimulatedDaemon) {
        let worker = WorkerID(high: UInt64(values.random.within(1...6)), low: 1)
        // A worker belongs to one user.
        let peer = Peer(
            processID: 7, user: UInt32(truncatingIfNeeded: worker.high) % Self.userCount,
            isOperator: !values.random.once(in: 4))
        speakers.append(Speaker(session: Session(id: nextSession, peer: peer)))
        nextSession += 1
        let bytes = SimulatedClient.frame(Hello(worker: worker, client: "walker"), 0)
        deliver(bytes, speakers.count - 1, daemon)
    }

    private func speak(_ place: Int, _ daemon: SimulatedDaemon) {
        values.mood = values.random.pick([.ordinary, .extreme(onceIn: 12), .extreme(onceIn: 3), .oneExtreme])
        values.now = Timestamp(milliseconds: realtime)
        var builder = FrameBuilder(values: values, sequence: speakers[place].sequence)
        let number = values.random.pick(values.random.once(in: 4) ? Self.aboutLimits : Self.commands)
        // A second hello and a goodbye close the connection, so they are rare.
        guard number > Goodbye.declaration.number || values.random.once(in: 8) else { return }
        guard CommandTable.dispatch(number, &builder) != nil else { return fail("no command \(number)") }
        values = builder.values
        speakers[place].sequence = builder.sequence
        deliver(builder.frame, place, daemon)
    }

    private func deliver(_ bytes: [UInt8], _ place: Int, _ daemon: SimulatedDaemon) {
        guard daemon.canTake(frameLength: bytes.count, speakers[place].session) else { return }
        var session = speakers[place].session
        let verdict = daemon.handle(bytes, &session)
        speakers[place].session = session
        if case .close = verdict {
            daemon.ended(session)
            speakers.remove(at: place)
        }
        for fenced in daemon.takeFenced() {
            guard let place = speakers.firstIndex(where: { $0.session.id == fenced }) else { continue }
            daemon.ended(speakers[place].session)
            speakers.remove(at: place)
        }
    }

    private func hear(_ bytes: [UInt8]) {
        let (header, payload) = SimulatedClient.parse(bytes)
        guard header.kind == FrameKind.reply.rawValue else { return }
        guard header.detail == 0 else {
            if let status = Status(rawValue: header.detail) { outcome.refusals.insert(status) }
            return
        }
        outcome.carriedOut.insert(header.command)
        guard header.command == Admit.declaration.number,
            let permit = SimulatedClient.decode(Admit.Reply.self, payload)?.permit
        else { return }
        values.note(permit: permit)
    }
}

/// Puts a random command into a frame.
private struct FrameBuilder: CommandVisitor {
    var values: RandomValues
    /// The last sequence number of the worker.
    var sequence: UInt64
    private(set) var frame: [UInt8] = []

    init(values: RandomValues, sequence: UInt64) {
        self.values = values
        self.sequence = sequence
    }

    mutating func visit<C: Command>(_ command: C.Type) {
        let made: C = values.command()
        // Those that are set now are what later commands are about.
        if let set = made as? LimitSet { values.note(set) }
        if let set = made as? AliasSet { values.note(set) }
        if let apply = made as? PolicyApply { values.note(apply) }
        var writer = ByteWriter()
        let start = writer.beginFrame(FrameHeader(command: C.declaration.number, kind: .request, correlation: 1))
        if C.declaration.isSequenced { number().encode(into: &writer) }
        made.encode(into: &writer)
        writer.endFrame(start)
        frame = writer.bytes
    }

    /// Mostly the next number. Sometimes any number or the same one again, and rarely an acknowledgement.
    private mutating func number() -> RequestSequence {
        if values.random.once(in: 40) {
            return RequestSequence(
                sequence: values.random.pick([0, 1, .max - 1]), oldestUnacknowledged: values.random.pick([0, 1, .max]))
        }
        if !values.random.once(in: 12) { sequence += 1 }
        return RequestSequence(
            sequence: sequence, oldestUnacknowledged: values.random.once(in: 5) ? max(1, sequence) - 1 : sequence)
    }
}
