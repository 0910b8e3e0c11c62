import FuseboxWire

/// Puts a state together from the sections of its image.
///
/// The limits in force do not refuse what is already there: they bound what comes new.
public struct StateImage {
    /// The sections that a state is written in. Those of the workers follow them in a snapshot.
    ///
    /// Their order is that of reading: a record refers to numbers and accounts of sections before its own.
    public static let sections = SectionTable<StateMachine, StateImage>([
        SettingsSection.self, NameSection.self, FreeNameSection.self, ModelSection.self, FreeModelSection.self,
        BreakerSection.self, MarkSection.self, AccountSection.self, ModelAccountSection.self, BudgetSection.self,
        HistorySection.self, SharedHistorySection.self, ClosedPeriodSection.self, TagSection.self,
        FreeTagSection.self, CalendarSection.self, LimitSection.self, LimitUseSection.self, PermitTotalsSection.self,
        PermitSection.self, ForeignMembersSection.self, AliasSection.self,
    ])

    var builder: StateMachine.Builder
    private let limits: Limits
    /// What a section told of all permits; the single ones have to agree with it.
    var permitTotals = PermitTotals()
    /// Model accounts of the provider at hand, in the order of the image.
    var pendingModels: [PendingModel] = []

    /// An image of which nothing was read yet.
    public init(profile: Profile, limits: Limits, at moment: Moment) {
        self.limits = limits
        var unbounded = limits
        unbounded.admitEverything()
        builder = StateMachine.Builder(profile: profile, limits: unbounded, at: moment)
    }

    /// Adds a section, or a part of one.
    ///
    /// - Returns: whether it is one of a state's
    /// - Throws: `unsupportedVersion` if a newer program wrote it; what is wrong with its records
    public mutating func add(_ head: SectionHead, _ contents: inout ByteReader) throws(Refusal) -> Bool {
        try Self.sections.read(head, &contents, into: &self)
    }

    /// The state that was put together.
    ///
    /// - Throws: `damagedData` if the sections do not agree with each other
    public consuming func finish() throws(Refusal) -> StateMachine {
        try addPendingModels()
        var machine = builder.finish()
        machine.tags.finishRestoring(machine.limitTable)
        try machine.names.finishRestoring()
        guard machine.names.hasNoStrays, machine.models.hasNoStrays, machine.tags.names.hasNoStrays else {
            throw Refusal(.damagedData, "there are names that no record refers to")
        }
        guard machine.permits.totals == permitTotals else {
            throw Refusal(
                .damagedData,
                "the permits do not add up: \(machine.permits.totals) from the single ones, \(permitTotals) in all")
        }
        machine.limits = limits
        return machine
    }
}

extension StateMachine {
    /// Calls `body` with every section of the state's image: its head and records, one after the other.
    ///
    /// Long sections come in parts, so that memory stays bounded. The machine is a value: writing a copy of it away
    /// from where the original changes needs no lock.
    public func forEachImageSection<Failure: Error>(
        _ body: (SectionHead, borrowing ByteWriter) throws(Failure) -> Void
    ) throws(Failure) {
        try StateImage.sections.forEachPart(of: self, body)
    }
}

extension Limits {
    /// Refuses nothing that fits the numbers that stand for names: for what was taken once.
    package mutating func admitEverything() {
        names = Int(UInt32.max)
        namesPerUser = Int(UInt32.max)
        models = Int(UInt32.max)
        modelsPerUser = Int(UInt32.max)
        providerAccounts = Int(UInt32.max)
        providerAccountsPerUser = Int(UInt32.max)
        modelAccounts = Int(UInt32.max)
        modelAccountsPerUser = Int(UInt32.max)
        permits = Int(UInt32.max)
        permitsPerUser = Int(UInt32.max)
        budgets = Int(UInt32.max)
        aliases = Int(UInt32.max)
        tags = Int(UInt32.max)
        tagsPerUser = Int(UInt32.max)
        limits = Int(UInt32.max)
        limitsPerScope = Int(UInt32.max)
        templates = Int(UInt32.max)
    }
}
