import FuseboxCore
import FuseboxStore
import FuseboxWire

/// Follows what a daemon has journaled. A state machine and the plain model of limits get the same inputs, and go back to
/// what a crash has left.
struct LimitAudit {
    /// A call had its turn.
    struct Turn {
        var sequence: UInt64
        var worker: WorkerID
        var ticket: UInt64
    }

    /// The state that the last start has found.
    private var base: LimitPair
    private var pair: LimitPair
    /// The inputs since then.
    private var inputs: [JournalTail.Input] = []
    private var tail = JournalTail()
    /// The turns that were read since they were taken.
    private var turns: [Turn] = []

    /// Whether one settle in ten is passed over, to show that the daemon's limits are then found to be others.
    private let losesSettles: Bool

    init(bounds: Bounds, losesSettles: Bool = false) {
        self.losesSettles = losesSettles
        base = LimitPair(StateMachine(profile: .fusebox, bounds: bounds, at: Moment(milliseconds: 0)))
        pair = base
    }

    /// The sequence of the last input.
    var sequence: UInt64 { tail.sequence }
    var violation: String? { pair.violation }
    var counts: LimitPair.Counts { pair.counts }

    /// Applies the entries that were written since the last time.
    mutating func read(_ files: SimulatedStorage) {
        for input in tail.read(files) {
            apply(input)
            inputs.append(input)
            noteTurn(input)
        }
    }

    private mutating func noteTurn(_ input: JournalTail.Input) {
        guard input.entry.command == GrantTurn.declaration.number,
            let turn = SimulatedClient.decode(GrantTurn.self, input.payload[...])
        else { return }
        turns.append(Turn(sequence: input.entry.sequence, worker: input.entry.worker, ticket: turn.ticket))
    }

    /// Takes the turns that were read.
    mutating func takeTurns() -> [Turn] {
        defer { turns = [] }
        return turns
    }

    /// The daemon has started with the state of this sequence. Later inputs are undone.
    mutating func goBack(to recovered: UInt64) {
        let kept = inputs.filter { $0.entry.sequence <= recovered }
        pair = base
        for input in kept { apply(input) }
        base = pair
        inputs = []
        tail.sequence = recovered
    }

    private mutating func apply(_ input: JournalTail.Input) {
        let sequence = input.entry.sequence
        if losesSettles, input.entry.command == Settle.declaration.number, sequence % 10 == 0 { return }
        var application = InputApplication(pair: pair, entry: input.entry, payload: input.payload)
        guard StateMachine.dispatch(input.entry.command, &application) != nil else { return }
        pair = application.pair
    }

    /// Where the daemon's limits are not what the model says.
    func difference(at now: Timestamp, _ list: (LimitList) -> LimitList.Reply?) -> String? {
        pair.difference(at: now.milliseconds, list)
    }

    /// Where the daemon's accounts are not what the model says.
    func accountDifference(_ list: (LedgerAccounts) -> LedgerAccounts.Reply?) -> String? {
        pair.accountDifference(list)
    }
}

/// One entry of the journal on its way to the pair.
private struct InputApplication: StateCommandVisitor {
    var pair: LimitPair
    let entry: JournalEntry
    let payload: [UInt8]

    mutating func visit<C: StateCommand>(_: C.Type) {
        guard let command = SimulatedClient.decode(C.self, payload[...]) else { return }
        pair.apply(command, at: entry.moment, by: entry.user, worker: entry.worker, request: entry.request)
        pair.passTime(to: entry.moment)
    }
}
