import FuseboxWire

/// Everything that Fusebox knows, and the only way to change it: commands, applied one at a time.
///
/// It has no clock, no I/O and no randomness: the same commands at the same moments give the same state and the same
/// replies, bit for bit. A copy is cheap (see `ChunkedArray`), which is how snapshots are captured.
public struct StateMachine: Sendable {
    /// The semantics in force.
    public internal(set) var profile: Profile
    public var limits: Limits {
        didSet { ledger.closedPeriodLimit = limits.closedPeriods }
    }

    public internal(set) var breakers = BreakerRegistry()
    public internal(set) var exhaustion = ExhaustionRegistry()
    public internal(set) var ledger: CreditLedger
    public internal(set) var permits = PermitRegistry()
    /// The names of breakers and providers.
    public internal(set) var names = NameTable<NameID>()
    public internal(set) var models = NameTable<ModelID>()
    /// What time will make due: a function of the rest.
    var deadlines = DeadlineHeap()
    /// The newest moment that anything was applied at. Time does not go back behind it.
    public internal(set) var lastMoment: Moment

    /// An empty state whose first budget period begins at `moment`.
    public init(profile: Profile = .fusebox, limits: Limits = Limits(), at moment: Moment) {
        precondition(Limits.constantsHold)
        let moment = moment.clamped
        self.profile = profile
        self.limits = limits
        ledger = CreditLedger(period: profile.periodsRollOver ? .month : .manual, at: moment.wall)
        ledger.closedPeriodLimit = limits.closedPeriods
        lastMoment = moment
    }

    /// Applies one command.
    ///
    /// - Parameters:
    ///   - moment: the time of the decision; one that lies behind the last is taken as the last, and one outside the range
    ///     of `Timestamp.earliest` to `.latest` as the nearest end of it
    ///   - user: the peer user that asks, for the bounds on what one user may introduce
    ///   - isOperator: whether those bounds are not for it, and the reserves are; by default root's right alone
    ///   - worker: the worker that asks: who holds a permit, and whom a failure is blamed on
    ///   - effects: what happened is appended here
    /// - Throws: a refusal; then the state is as it was
    public mutating func apply<C: StateCommand>(
        _ command: C, at moment: Moment, by user: UInt32 = 0, isOperator: Bool? = nil, worker: WorkerID = WorkerID(),
        effects: inout [Event]
    ) throws(Refusal) -> C.Reply {
        // Both lie between the epoch and the year 275760, and so do the moments in records from outside: a moment and a
        // duration of at most 366 days, or the time between two moments, never leaves the range of 64 bits.
        let given = moment.clamped
        let moment = Moment(now: max(given.now, lastMoment.now), wall: max(given.wall, lastMoment.wall))
        let known = effects.count
        let application = Application(
            moment: moment, user: user, isOperator: isOperator ?? (user == 0), worker: worker)
        let reply = try command.apply(to: &self, application, &effects)
        if changesState(C.declaration), effects.count > known || !C.leavesNoTrace(reply, under: profile) {
            lastMoment = moment
        }
        return reply
    }

    /// Notes that it is as late as this, though nothing has changed.
    public mutating func passTime(to moment: Moment) {
        let given = moment.clamped
        lastMoment = Moment(now: max(given.now, lastMoment.now), wall: max(given.wall, lastMoment.wall))
    }

    /// Whether a command may change state under the profile in force.
    public func changesState(_ declaration: CommandDeclaration) -> Bool {
        switch declaration.effect {
        case .written, .durable: true
        case .read: profile.readsChangeState
        case .session: false
        }
    }
}

/// When and for whom a command is applied.
public struct Application: Sendable {
    public var moment: Moment
    public var user: UInt32
    /// Whether the user is an operator: then the bounds on one user are not for it.
    public var isOperator: Bool
    public var worker: WorkerID

    public var now: Timestamp { moment.now }
}

/// A command that the state machine answers.
public protocol StateCommand: Command {
    /// Carries the command out on the state. Throws before it has changed anything.
    func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply

    /// Whether the command has left the state as it was, as its reply tells, if it has set nothing off either.
    ///
    /// Such an answer is like a refusal: nobody needs to remember it.
    static func leavesNoTrace(_ reply: Reply, under profile: Profile) -> Bool
}

extension StateCommand {
    @inlinable
    public static func leavesNoTrace(_ reply: Reply, under profile: Profile) -> Bool { false }
}

/// Something that is done with a state command once its type is known.
public protocol StateCommandVisitor: ~Copyable {
    associatedtype Result
    mutating func visit<C: StateCommand>(_ command: C.Type) -> Result
}

extension StateMachine {
    /// Calls the visitor with the type of the state command of this number; returns nil if there is none.
    ///
    /// This is `CommandTable` without the commands that concern connections and files; a test holds the two together.
    @inlinable
    public static func dispatch<Visitor: StateCommandVisitor & ~Copyable>(
        _ number: UInt16, _ visitor: inout Visitor
    ) -> Visitor.Result? {
        switch number {
        case 16: visitor.visit(BreakerAcquire.self)
        case 17: visitor.visit(BreakerSuccess.self)
        case 18: visitor.visit(BreakerFailure.self)
        case 19: visitor.visit(BreakerGet.self)
        case 20: visitor.visit(BreakerList.self)
        case 21: visitor.visit(BreakerForceOpen.self)
        case 22: visitor.visit(BreakerReset.self)
        case 23: visitor.visit(BreakerResetAll.self)
        case 24: visitor.visit(BreakerConfigure.self)
        case 25: visitor.visit(BreakerConfigurationGet.self)
        case 26: visitor.visit(BreakerConfigureDefault.self)
        case 27: visitor.visit(BreakerDefault.self)
        case 28: visitor.visit(BreakerSerialize.self)
        case 29: visitor.visit(BreakerDeserialize.self)
        case 32: visitor.visit(ExhaustionMark.self)
        case 33: visitor.visit(ExhaustionClear.self)
        case 34: visitor.visit(ExhaustionGet.self)
        case 35: visitor.visit(ExhaustionList.self)
        case 36: visitor.visit(ExhaustionReset.self)
        case 37: visitor.visit(ExhaustionSetDefault.self)
        case 38: visitor.visit(ExhaustionDefault.self)
        case 48: visitor.visit(LedgerRecord.self)
        case 49: visitor.visit(LedgerSetBudget.self)
        case 50: visitor.visit(LedgerRemoveBudget.self)
        case 51: visitor.visit(LedgerBalance.self)
        case 52: visitor.visit(LedgerProvider.self)
        case 53: visitor.visit(LedgerModel.self)
        case 54: visitor.visit(LedgerProviders.self)
        case 55: visitor.visit(LedgerModels.self)
        case 56: visitor.visit(LedgerTotal.self)
        case 57: visitor.visit(LedgerBurnRate.self)
        case 58: visitor.visit(LedgerDepletion.self)
        case 59: visitor.visit(LedgerSummary.self)
        case 60: visitor.visit(LedgerSummaries.self)
        case 61: visitor.visit(LedgerCheckRate.self)
        case 62: visitor.visit(LedgerResetPeriod.self)
        case 63: visitor.visit(LedgerSetThresholds.self)
        case 64: visitor.visit(LedgerThresholds.self)
        case 65: visitor.visit(LedgerBudgets.self)
        case 66: visitor.visit(LedgerSetPeriod.self)
        case 67: visitor.visit(LedgerClosedPeriods.self)
        case 80: visitor.visit(Overview.self)
        case 81: visitor.visit(Forget.self)
        case 96: visitor.visit(Admit.self)
        case 97: visitor.visit(Settle.self)
        case 98: visitor.visit(Report.self)
        case 99: visitor.visit(Renew.self)
        case 100: visitor.visit(AdmitPreview.self)
        case 101: visitor.visit(PermitList.self)
        case 102: visitor.visit(Revoke.self)
        case 240: visitor.visit(Advance.self)
        case 241: visitor.visit(EvictIdleBreakers.self)
        case 243: visitor.visit(ReclaimPermits.self)
        case 244: visitor.visit(BeginPermitNumbers.self)
        default: nil
        }
    }
}
