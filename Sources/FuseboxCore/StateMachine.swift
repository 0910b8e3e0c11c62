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
    /// The tags that permits and limits refer to.
    var tags = TagTable()
    /// What operators demand of names.
    var rules = NameRules()
    /// The limits, and what calls have used of them.
    var limitTable = LimitTable()
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
    ///   - request: the sequence number of the worker's request, by which retry times are spread
    ///   - effects: what happened is appended here
    /// - Throws: a refusal; then the state is as it was
    public mutating func apply<C: StateCommand>(
        _ command: C, at moment: Moment, by user: UInt32 = 0, isOperator: Bool? = nil, worker: WorkerID = WorkerID(),
        request: UInt64 = 0, effects: inout [Event]
    ) throws(Refusal) -> C.Reply {
        // Both lie between the epoch and the year 275760, and so do the moments in records from outside: a moment and a
        // duration of at most 366 days, or the time between two moments, never leaves the range of 64 bits.
        let given = moment.clamped
        let moment = Moment(now: max(given.now, lastMoment.now), wall: max(given.wall, lastMoment.wall))
        let known = effects.count
        let application = Application(
            moment: moment, user: user, isOperator: isOperator ?? (user == 0), worker: worker, request: request)
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
    /// The sequence number of the worker's request; 0: it has none.
    public var request: UInt64 = 0

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
    /// Calls the visitor with the type of a command that the state machine answers; returns nil for those that concern
    /// connections and files.
    @inlinable
    public static func dispatch<Visitor: StateCommandVisitor & ~Copyable>(
        _ number: CommandNumber, _ visitor: inout Visitor
    ) -> Visitor.Result? {
        switch number {
        case .breakerAcquire: visitor.visit(BreakerAcquire.self)
        case .breakerSuccess: visitor.visit(BreakerSuccess.self)
        case .breakerFailure: visitor.visit(BreakerFailure.self)
        case .breakerGet: visitor.visit(BreakerGet.self)
        case .breakerList: visitor.visit(BreakerList.self)
        case .breakerForceOpen: visitor.visit(BreakerForceOpen.self)
        case .breakerReset: visitor.visit(BreakerReset.self)
        case .breakerResetAll: visitor.visit(BreakerResetAll.self)
        case .breakerConfigure: visitor.visit(BreakerConfigure.self)
        case .breakerConfigurationGet: visitor.visit(BreakerConfigurationGet.self)
        case .breakerConfigureDefault: visitor.visit(BreakerConfigureDefault.self)
        case .breakerDefault: visitor.visit(BreakerDefault.self)
        case .breakerSerialize: visitor.visit(BreakerSerialize.self)
        case .breakerDeserialize: visitor.visit(BreakerDeserialize.self)
        case .exhaustionMark: visitor.visit(ExhaustionMark.self)
        case .exhaustionClear: visitor.visit(ExhaustionClear.self)
        case .exhaustionGet: visitor.visit(ExhaustionGet.self)
        case .exhaustionList: visitor.visit(ExhaustionList.self)
        case .exhaustionReset: visitor.visit(ExhaustionReset.self)
        case .exhaustionSetDefault: visitor.visit(ExhaustionSetDefault.self)
        case .exhaustionDefault: visitor.visit(ExhaustionDefault.self)
        case .ledgerRecord: visitor.visit(LedgerRecord.self)
        case .ledgerSetBudget: visitor.visit(LedgerSetBudget.self)
        case .ledgerRemoveBudget: visitor.visit(LedgerRemoveBudget.self)
        case .ledgerBalance: visitor.visit(LedgerBalance.self)
        case .ledgerProvider: visitor.visit(LedgerProvider.self)
        case .ledgerModel: visitor.visit(LedgerModel.self)
        case .ledgerProviders: visitor.visit(LedgerProviders.self)
        case .ledgerModels: visitor.visit(LedgerModels.self)
        case .ledgerTotal: visitor.visit(LedgerTotal.self)
        case .ledgerBurnRate: visitor.visit(LedgerBurnRate.self)
        case .ledgerDepletion: visitor.visit(LedgerDepletion.self)
        case .ledgerSummary: visitor.visit(LedgerSummary.self)
        case .ledgerSummaries: visitor.visit(LedgerSummaries.self)
        case .ledgerCheckRate: visitor.visit(LedgerCheckRate.self)
        case .ledgerResetPeriod: visitor.visit(LedgerResetPeriod.self)
        case .ledgerSetThresholds: visitor.visit(LedgerSetThresholds.self)
        case .ledgerThresholds: visitor.visit(LedgerThresholds.self)
        case .ledgerBudgets: visitor.visit(LedgerBudgets.self)
        case .ledgerSetPeriod: visitor.visit(LedgerSetPeriod.self)
        case .ledgerClosedPeriods: visitor.visit(LedgerClosedPeriods.self)
        case .overview: visitor.visit(Overview.self)
        case .forget: visitor.visit(Forget.self)
        case .namePolicy: visitor.visit(NamePolicyGet.self)
        case .namesSetStrict: visitor.visit(NamesSetStrict.self)
        case .namesRequireTags: visitor.visit(NamesRequireTags.self)
        case .aliasSet: visitor.visit(AliasSet.self)
        case .aliasRemove: visitor.visit(AliasRemove.self)
        case .aliasList: visitor.visit(AliasList.self)
        case .admit: visitor.visit(Admit.self)
        case .settle: visitor.visit(Settle.self)
        case .report: visitor.visit(Report.self)
        case .renew: visitor.visit(Renew.self)
        case .admitPreview: visitor.visit(AdmitPreview.self)
        case .permitList: visitor.visit(PermitList.self)
        case .revoke: visitor.visit(Revoke.self)
        case .limitSet: visitor.visit(LimitSet.self)
        case .limitRemove: visitor.visit(LimitRemove.self)
        case .limitRaise: visitor.visit(LimitRaise.self)
        case .limitList: visitor.visit(LimitList.self)
        case .limitReset: visitor.visit(LimitReset.self)
        case .advance: visitor.visit(Advance.self)
        case .evictIdleBreakers: visitor.visit(EvictIdleBreakers.self)
        case .reclaimPermits: visitor.visit(ReclaimPermits.self)
        case .beginPermitNumbers: visitor.visit(BeginPermitNumbers.self)
        case .beginWindow: visitor.visit(BeginWindow.self)
        case .hello, .goodbye, .ping, .serverStatus, .subscribe, .snapshotNow, .snapshotList, .snapshotRead,
            .importChunk, .importCommit, .forgetWorker, .takeClockBack:
            nil
        }
    }

    /// Calls the visitor with the type of the command that a frame names; returns nil if the state machine answers none such.
    @inlinable
    public static func dispatch<Visitor: StateCommandVisitor & ~Copyable>(
        _ number: UInt16, _ visitor: inout Visitor
    ) -> Visitor.Result? {
        guard let number = CommandNumber(rawValue: number) else { return nil }
        return dispatch(number, &visitor)
    }
}
