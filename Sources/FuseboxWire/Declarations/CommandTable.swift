/// The number of a command in a frame's header.
///
/// All commands are listed here. A number is never reused for another command.
public enum CommandNumber: UInt16, Sendable, CaseIterable {
    case hello = 1
    case goodbye = 2
    case ping = 3
    case serverStatus = 4
    case subscribe = 5

    case breakerAcquire = 16
    case breakerSuccess = 17
    case breakerFailure = 18
    case breakerGet = 19
    case breakerList = 20
    case breakerForceOpen = 21
    case breakerReset = 22
    case breakerResetAll = 23
    case breakerConfigure = 24
    case breakerConfigurationGet = 25
    case breakerConfigureDefault = 26
    case breakerDefault = 27
    case breakerSerialize = 28
    case breakerDeserialize = 29
    case breakerRemove = 30

    case exhaustionMark = 32
    case exhaustionClear = 33
    case exhaustionGet = 34
    case exhaustionList = 35
    case exhaustionReset = 36
    case exhaustionSetDefault = 37
    case exhaustionDefault = 38
    case exhaustionPause = 39
    case exhaustionResume = 40
    case exhaustionPauses = 41

    case ledgerRecord = 48
    case ledgerReset = 49
    case ledgerAdjust = 50
    case ledgerAccount = 51
    case ledgerProvider = 52
    case ledgerModel = 53
    case ledgerProviders = 54
    case ledgerModels = 55
    case ledgerTotal = 56
    case ledgerBurnRate = 57
    case ledgerDepletion = 58
    case ledgerSummary = 59
    case ledgerSummaries = 60
    case ledgerAccounts = 61
    case ledgerHistory = 62
    case ledgerForget = 63
    case priceSet = 64
    case priceRemove = 65
    case priceList = 66
    case ledgerReconcile = 67

    case overview = 80
    case forget = 81
    case snapshotNow = 82
    case snapshotList = 83
    case snapshotRead = 84
    case importChunk = 85
    case importCommit = 86
    case namePolicy = 87
    case namesSetStrict = 88
    case namesRequireTags = 89
    case aliasSet = 90
    case aliasRemove = 91
    case aliasList = 92
    case historyFiles = 93
    case historyRead = 94

    case admit = 96
    case settle = 97
    case report = 98
    case renew = 99
    case admitPreview = 100
    case permitList = 101
    case revoke = 102
    case withdraw = 104
    case tickets = 105
    case waitingList = 106
    case latencyList = 107

    case limitSet = 112
    case limitRemove = 113
    case limitRaise = 114
    case limitList = 115
    case limitGet = 116
    case limitTopUp = 117

    case policyApply = 128
    case policyPreview = 129
    case policyGet = 130

    case advance = 240
    case evictIdleBreakers = 241
    case forgetWorker = 242
    case reclaimPermits = 243
    case beginPermitNumbers = 244
    case takeClockBack = 245
    case beginWindow = 246
    case recordClock = 247
    case beginDay = 248
    case grantTurn = 249
    case drawShare = 250
}

/// Code that is generic over commands. `CommandTable` calls it with the type that belongs to a number.
public protocol CommandVisitor: ~Copyable {
    /// What a visit returns.
    associatedtype Result
    /// Is called with the type of the command.
    mutating func visit<C: Command>(_ command: C.Type) -> Result
}

/// The type of every command, by its number.
public enum CommandTable {
    /// Calls the visitor with the type of a command.
    @inlinable
    public static func dispatch<Visitor: CommandVisitor & ~Copyable>(
        _ number: CommandNumber, _ visitor: inout Visitor
    ) -> Visitor.Result {
        switch number {
        case .hello: visitor.visit(Hello.self)
        case .goodbye: visitor.visit(Goodbye.self)
        case .ping: visitor.visit(Ping.self)
        case .serverStatus: visitor.visit(ServerStatus.self)
        case .subscribe: visitor.visit(Subscribe.self)

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
        case .ledgerHistory: visitor.visit(LedgerHistory.self)
        case .ledgerForget: visitor.visit(LedgerForget.self)
        case .priceSet: visitor.visit(PriceSet.self)
        case .priceRemove: visitor.visit(PriceRemove.self)
        case .priceList: visitor.visit(PriceList.self)
        case .ledgerReconcile: visitor.visit(LedgerReconcile.self)

        case .overview: visitor.visit(Overview.self)
        case .forget: visitor.visit(Forget.self)
        case .snapshotNow: visitor.visit(SnapshotNow.self)
        case .snapshotList: visitor.visit(SnapshotList.self)
        case .snapshotRead: visitor.visit(SnapshotRead.self)
        case .importChunk: visitor.visit(ImportChunk.self)
        case .importCommit: visitor.visit(ImportCommit.self)
        case .namePolicy: visitor.visit(NamePolicyGet.self)
        case .namesSetStrict: visitor.visit(NamesSetStrict.self)
        case .namesRequireTags: visitor.visit(NamesRequireTags.self)
        case .aliasSet: visitor.visit(AliasSet.self)
        case .aliasRemove: visitor.visit(AliasRemove.self)
        case .aliasList: visitor.visit(AliasList.self)
        case .historyFiles: visitor.visit(HistoryFiles.self)
        case .historyRead: visitor.visit(HistoryRead.self)

        case .admit: visitor.visit(Admit.self)
        case .settle: visitor.visit(Settle.self)
        case .report: visitor.visit(Report.self)
        case .renew: visitor.visit(Renew.self)
        case .admitPreview: visitor.visit(AdmitPreview.self)
        case .permitList: visitor.visit(PermitList.self)
        case .revoke: visitor.visit(Revoke.self)
        case .withdraw: visitor.visit(Withdraw.self)
        case .tickets: visitor.visit(Tickets.self)
        case .waitingList: visitor.visit(WaitingList.self)
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
        case .forgetWorker: visitor.visit(ForgetWorker.self)
        case .reclaimPermits: visitor.visit(ReclaimPermits.self)
        case .beginPermitNumbers: visitor.visit(BeginPermitNumbers.self)
        case .takeClockBack: visitor.visit(TakeClockBack.self)
        case .beginWindow: visitor.visit(BeginWindow.self)
        case .recordClock: visitor.visit(RecordClock.self)
        case .beginDay: visitor.visit(BeginDay.self)
        case .grantTurn: visitor.visit(GrantTurn.self)
        case .drawShare: visitor.visit(DrawShare.self)
        }
    }

    /// Calls the visitor with the type of the command of this number; returns nil if there is none.
    @inlinable
    public static func dispatch<Visitor: CommandVisitor & ~Copyable>(
        _ number: UInt16, _ visitor: inout Visitor
    ) -> Visitor.Result? {
        guard let number = CommandNumber(rawValue: number) else { return nil }
        return dispatch(number, &visitor)
    }

    /// Calls the visitor with every command, in the order of their numbers.
    public static func forEach<Visitor: CommandVisitor & ~Copyable>(_ visitor: inout Visitor) {
        for number in CommandNumber.allCases { _ = dispatch(number, &visitor) }
    }

    /// The declaration of the command of this number; nil if there is none.
    public static func declaration(_ number: UInt16) -> CommandDeclaration? {
        CommandNumber(rawValue: number)?.declaration
    }
}

extension CommandNumber {
    /// The properties of the command, apart from its fields.
    public var declaration: CommandDeclaration {
        var visitor = Declare()
        return CommandTable.dispatch(self, &visitor)
    }

    private struct Declare: CommandVisitor {
        mutating func visit<C: Command>(_ command: C.Type) -> CommandDeclaration { C.declaration }
    }
}
