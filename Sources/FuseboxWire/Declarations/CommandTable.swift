/// Something that is done with a command once its type is known.
public protocol CommandVisitor: ~Copyable {
    associatedtype Result
    mutating func visit<C: Command>(_ command: C.Type) -> Result
}

/// The one table of commands. A command that is not here does not exist; a number is never used again.
public enum CommandTable {
    /// Calls the visitor with the type of the command of this number; returns nil if there is none.
    @inlinable
    public static func dispatch<Visitor: CommandVisitor & ~Copyable>(
        _ number: UInt16, _ visitor: inout Visitor
    ) -> Visitor.Result? {
        switch number {
        case 1: visitor.visit(Hello.self)
        case 2: visitor.visit(Goodbye.self)
        case 3: visitor.visit(Ping.self)
        case 4: visitor.visit(ServerStatus.self)
        case 5: visitor.visit(Subscribe.self)

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
        case 82: visitor.visit(SnapshotNow.self)
        case 83: visitor.visit(SnapshotList.self)
        case 84: visitor.visit(SnapshotRead.self)
        case 85: visitor.visit(ImportChunk.self)
        case 86: visitor.visit(ImportCommit.self)

        case 96: visitor.visit(Admit.self)
        case 97: visitor.visit(Settle.self)
        case 98: visitor.visit(Report.self)
        case 99: visitor.visit(Renew.self)
        case 100: visitor.visit(AdmitPreview.self)
        case 101: visitor.visit(PermitList.self)
        case 102: visitor.visit(Revoke.self)

        case 240: visitor.visit(Advance.self)
        case 241: visitor.visit(EvictIdleBreakers.self)
        case 242: visitor.visit(ForgetWorker.self)
        case 243: visitor.visit(ReclaimPermits.self)
        case 244: visitor.visit(BeginPermitNumbers.self)
        case 245: visitor.visit(TakeClockBack.self)
        default: nil
        }
    }

    /// The highest number that a command may have.
    public static let highestNumber: UInt16 = 255

    /// Calls the visitor with every command, in the order of their numbers.
    public static func forEach<Visitor: CommandVisitor & ~Copyable>(_ visitor: inout Visitor) {
        for number in 0...highestNumber { _ = dispatch(number, &visitor) }
    }

    /// The declaration of the command of this number.
    public static func declaration(_ number: UInt16) -> CommandDeclaration? {
        var visitor = Declare()
        return dispatch(number, &visitor)
    }

    private struct Declare: CommandVisitor {
        mutating func visit<C: Command>(_ command: C.Type) -> CommandDeclaration { C.declaration }
    }
}
