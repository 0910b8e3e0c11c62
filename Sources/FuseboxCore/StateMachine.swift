import FuseboxCollections
import FuseboxWire

/// The state of Fusebox, and the commands that change it. Commands are applied one at a time.
///
/// It has no clock, no I/O and no randomness. The same commands at the same moments give the same state and the same
/// replies, bit for bit. A copy is cheap (see `ChunkedArray`); a snapshot is written from a copy.
public struct StateMachine: Sendable {
    /// The semantics in force.
    public internal(set) var profile: Profile
    /// The bounds on what is remembered. What is there already stays when a bound is lowered.
    public var bounds: Bounds

    /// All circuit breakers.
    public internal(set) var breakers = BreakerRegistry()
    /// All exhaustion marks.
    public internal(set) var exhaustion = ExhaustionRegistry()
    /// What operators have paused.
    var pauses = PauseTable()
    /// Accounts and histories.
    public internal(set) var ledger: CreditLedger
    /// The permits in force and those that lapsed lately.
    public internal(set) var permits = PermitRegistry()
    /// The names of breakers and providers.
    public internal(set) var names = NameTable<NameID>()
    /// The names of models.
    public internal(set) var models = NameTable<ModelID>()
    /// The tags that permits and limits refer to.
    var tags = TagTable()
    /// What operators demand of names.
    var rules = NameRules()
    /// What calls cost.
    var prices = PriceTable()
    /// What calls have cost lately, by their routes.
    var recentCosts = RecentCosts()
    /// How long calls have taken lately, by their routes. No part of a snapshot.
    var latencies = RecentLatencies()
    /// The limits, and what calls have used of them.
    var limitTable = LimitTable()
    /// What the policy has set.
    var owned = OwnedPolicy()
    /// What accounts have used on days that are over, with the names of then.
    var closedDays: [ClosedDay] = []
    /// Tags that were forgotten since the last call of `takeForgottenTags`.
    var forgottenTags: [Name] = []
    /// What the history has of each provider's spend in each month.
    var monthSums = MonthSums()
    /// What has changed of that which calls wait for. It is not part of the state.
    var news = WaitNews()
    /// What time will make due: a function of the rest.
    var deadlines = DeadlineHeap()
    /// The moment of the last change. No command is applied at an earlier one.
    public internal(set) var lastMoment: Moment
    private let passedByAddress = PassedByAddress()

    /// An empty state.
    public init(profile: Profile = .fusebox, bounds: Bounds = Bounds(), at moment: Moment) {
        precondition(Bounds.constantsHold)
        let moment = moment.clamped
        self.profile = profile
        self.bounds = bounds
        ledger = CreditLedger(at: moment.wall)
        limitTable.profile = profile
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
    ///   - mayReadAll: whether everything is told; otherwise totals of providers, and what is told of the tags that the
    ///     user's calls have named
    ///   - effects: what happened is appended here
    /// - Throws: a refusal; then the state is as it was
    @inlinable
    public mutating func apply<C: StateCommand>(
        _ command: C, at moment: Moment, by user: UInt32 = 0, isOperator: Bool? = nil, worker: WorkerID = WorkerID(),
        request: UInt64 = 0, mayReadAll: Bool = true, effects: inout [Event]
    ) throws(Refusal) -> C.Reply {
        let known = effects.count
        // Not by the method below: its call would copy the machine.
        let application = Application(
            moment: self.moment(of: moment), user: user, isOperator: isOperator ?? (user == 0), worker: worker,
            request: request, mayReadAll: mayReadAll)
        let reply = try command.apply(to: &self, application, &effects)
        nameClosedDays()
        if changesState(C.declaration), effects.count > known || !C.leavesNoTrace(reply, under: profile) {
            passTime(to: application.moment)
        }
        return reply
    }

    /// The circumstances of a command that is applied at a moment; see `apply`.
    @inlinable
    package func application(
        at moment: Moment, by user: UInt32, isOperator: Bool, worker: WorkerID, request: UInt64
    ) -> Application {
        Application(
            moment: self.moment(of: moment), user: user, isOperator: isOperator, worker: worker, request: request)
    }

    /// The moment of a decision that is taken at another.
    @usableFromInline
    func moment(of given: Moment) -> Moment {
        // All moments of the state are between the years 1969 and 275761. The sum of a moment and a duration of at most
        // 366 days, and the difference of two moments, never overflow.
        let given = given.clamped
        return Moment(now: max(given.now, lastMoment.now), wall: max(given.wall, lastMoment.wall))
    }

    /// Advances `lastMoment` without a command.
    public mutating func passTime(to moment: Moment) { lastMoment = self.moment(of: moment) }

    /// Whether a command may change state under the profile in force.
    @inlinable
    public func changesState(_ declaration: CommandDeclaration) -> Bool {
        switch declaration.effect {
        case .written, .durable: true
        case .read: profile.readsChangeState
        case .session: false
        }
    }
}

/// The circumstances of a command: when and for whom it is applied.
public struct Application: Sendable {
    /// The time of the decision.
    public var moment: Moment
    /// The peer user that asks.
    public var user: UInt32
    /// Whether the user is an operator. The bounds on one user do not apply to operators.
    public var isOperator: Bool
    /// The worker that asks.
    public var worker: WorkerID
    /// The sequence number of the worker's request; 0: it has none.
    public var request: UInt64 = 0
    /// Whether the caller may read everything.
    public var mayReadAll = true

    /// The time of the decision on the steady clock.
    public var now: Timestamp { moment.now }

    @usableFromInline
    init(
        moment: Moment, user: UInt32, isOperator: Bool, worker: WorkerID, request: UInt64 = 0, mayReadAll: Bool = true
    ) {
        self.moment = moment
        self.user = user
        self.isOperator = isOperator
        self.worker = worker
        self.request = request
        self.mayReadAll = mayReadAll
    }
}

/// A command that the state machine answers.
public protocol StateCommand: Command {
    /// The same command with names that lie in the bytes of its request, in the form in which the engine decodes and
    /// applies it. A command that few calls are made for has one form.
    associatedtype InPlace: StateCommand = Self where InPlace.Reply == Reply

    /// Carries the command out on the state and appends the events that it causes to `effects`.
    ///
    /// - Throws: a refusal, before anything was changed.
    func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply

    /// Whether a command with this reply and without events has left the state unchanged.
    ///
    /// Such a command is treated like a refused one: it is not journaled, and its reply is not kept.
    static func leavesNoTrace(_ reply: Reply, under profile: Profile) -> Bool
}

extension StateCommand {
    /// False: the command changes the state.
    @inlinable
    public static func leavesNoTrace(_ reply: Reply, under profile: Profile) -> Bool { false }
}

/// Code that is generic over the commands of the state machine. `dispatch` calls it with the type that belongs to a
/// number.
public protocol StateCommandVisitor: ~Copyable {
    /// What a visit returns.
    associatedtype Result
    /// Is called with the type of the command.
    mutating func visit<C: StateCommand>(_ command: C.Type) -> Result
}

extension StateMachine {
    /// Calls the visitor with the type of the command of this number; returns nil if the command concerns connections
    /// or files and not the state.
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
        case .breakerRemove: visitor.visit(BreakerRemove.self)
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
        case .exhaustionPause: visitor.visit(ExhaustionPause.self)
        case .exhaustionResume: visitor.visit(ExhaustionResume.self)
        case .exhaustionPauses: visitor.visit(ExhaustionPauses.self)
        case .ledgerRecord: visitor.visit(LedgerRecord.self)
        case .ledgerProvider: visitor.visit(LedgerProvider.self)
        case .ledgerModel: visitor.visit(LedgerModel.self)
        case .ledgerProviders: visitor.visit(LedgerProviders.self)
        case .ledgerModels: visitor.visit(LedgerModels.self)
        case .ledgerTotal: visitor.visit(LedgerTotal.self)
        case .ledgerBurnRate: visitor.visit(LedgerBurnRate.self)
        case .ledgerDepletion: visitor.visit(LedgerDepletion.self)
        case .ledgerSummary: visitor.visit(LedgerSummary.self)
        case .ledgerSummaries: visitor.visit(LedgerSummaries.self)
        case .ledgerReset: visitor.visit(LedgerReset.self)
        case .ledgerAdjust: visitor.visit(LedgerAdjust.self)
        case .ledgerAccount: visitor.visit(LedgerAccount.self)
        case .ledgerAccounts: visitor.visit(LedgerAccounts.self)
        case .ledgerForget: visitor.visit(LedgerForget.self)
        case .ledgerReconcile: visitor.visit(LedgerReconcile.self)
        case .priceSet: visitor.visit(PriceSet.self)
        case .priceRemove: visitor.visit(PriceRemove.self)
        case .priceList: visitor.visit(PriceList.self)
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
        case .latencyList: visitor.visit(LatencyList.self)
        case .limitSet: visitor.visit(LimitSet.self)
        case .limitRemove: visitor.visit(LimitRemove.self)
        case .limitRaise: visitor.visit(LimitRaise.self)
        case .limitList: visitor.visit(LimitList.self)
        case .limitGet: visitor.visit(LimitGet.self)
        case .limitTopUp: visitor.visit(LimitTopUp.self)
        case .policyApply: visitor.visit(PolicyApply.self)
        case .policyPreview: visitor.visit(PolicyPreview.self)
        case .policyGet: visitor.visit(PolicyGet.self)
        case .advance: visitor.visit(Advance.self)
        case .evictIdleBreakers: visitor.visit(EvictIdleBreakers.self)
        case .reclaimPermits: visitor.visit(ReclaimPermits.self)
        case .beginPermitNumbers: visitor.visit(BeginPermitNumbers.self)
        case .beginWindow: visitor.visit(BeginWindow.self)
        case .beginDay: visitor.visit(BeginDay.self)
        case .grantTurn: visitor.visit(GrantTurn.self)
        case .drawShare: visitor.visit(DrawShare.self)
        case .hello, .goodbye, .ping, .serverStatus, .subscribe, .snapshotNow, .snapshotList, .snapshotRead,
            .importChunk, .importCommit, .ledgerHistory, .historyFiles, .historyRead, .forgetWorker, .takeClockBack,
            .recordClock, .withdraw, .tickets, .waitingList:
            nil
        }
    }

    /// Calls the visitor with the type of the command of this number; returns nil if the state machine has no such
    /// command.
    @inlinable
    public static func dispatch<Visitor: StateCommandVisitor & ~Copyable>(
        _ number: UInt16, _ visitor: inout Visitor
    ) -> Visitor.Result? {
        guard let number = CommandNumber(rawValue: number) else { return nil }
        return dispatch(number, &visitor)
    }
}
