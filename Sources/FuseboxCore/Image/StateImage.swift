import FuseboxWire

/// Builds a state from the sections of its image.
///
/// The limits in force do not apply to what an image holds. They apply to what is introduced later.
public struct StateImage {
    /// The sections of a state. In a snapshot the sections of the workers follow them.
    ///
    /// The order matters for reading: a record refers to numbers and accounts of earlier sections.
    public static let sections = SectionTable<StateMachine, StateImage>([
        SettingsSection.self, NameSection.self, FreeNameSection.self, ModelSection.self, FreeModelSection.self,
        BreakerSection.self, MarkSection.self, AccountSection.self, ModelAccountSection.self,
        ListedBudgetSection.self,
        HistorySection.self, SharedHistorySection.self, TagSection.self,
        FreeTagSection.self, ScopeAccountSection.self, CalendarSection.self, LimitSection.self, LimitUseSection.self,
        PermitTotalsSection.self, PermitSection.self, ForeignMembersSection.self, AliasSection.self,
        PriceSection.self, CostSection.self, DaySection.self, OpenUseSection.self, PauseSection.self,
        MonthSumSection.self, PolicySection.self,
    ])

    var builder: StateMachine.Builder
    private let bounds: Bounds
    /// The totals that a section gives. The single permits must add up to them.
    var permitTotals = PermitTotals()
    /// The model accounts of the provider that is being read, in the order of the image.
    var pendingModels: [PendingModel] = []

    /// An image without sections.
    public init(profile: Profile, bounds: Bounds, at moment: Moment) {
        self.bounds = bounds
        var unbounded = bounds
        unbounded.allowEverything()
        builder = StateMachine.Builder(profile: profile, bounds: unbounded, at: moment)
    }

    /// Adds a section, or a part of one.
    ///
    /// - Returns: whether it is a section of a state
    /// - Throws: `unsupportedVersion` if a newer program wrote the section; otherwise what is wrong with its records.
    public mutating func add(_ head: SectionHead, _ contents: inout ByteReader) throws(Refusal) -> Bool {
        try Self.sections.read(head, &contents, into: &self)
    }

    /// The state that was read.
    ///
    /// - Throws: `damagedData` if the sections contradict each other.
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
        machine.bounds = bounds
        return machine
    }
}

extension StateMachine {
    /// Calls `body` with the head and the records of every section of the state's image.
    ///
    /// A long section comes in parts, so that memory stays bounded. The state is a value, so a copy of it can be
    /// written on another thread without a lock.
    ///
    /// - Throws: what `body` throws. It is then not called again.
    public func forEachImageSection<Failure: Error>(
        _ body: (SectionHead, borrowing ByteWriter) throws(Failure) -> Void
    ) throws(Failure) {
        try StateImage.sections.forEachPart(of: self, body)
    }
}

extension Bounds {
    /// Raises the limits to the range of the numbers that stand for names. This is for what was admitted before.
    package mutating func allowEverything() {
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
        aliases = Int(UInt32.max)
        prices = Int(UInt32.max)
        costRoutes = Int(UInt32.max)
        costRoutesPerUser = Int(UInt32.max)
        tags = Int(UInt32.max)
        tagsPerUser = Int(UInt32.max)
        modelMarks = Int(UInt32.max)
        modelMarksPerUser = Int(UInt32.max)
        pauses = Int(UInt32.max)
        limits = Int(UInt32.max)
        limitsPerScope = Int(UInt32.max)
        templates = Int(UInt32.max)
    }
}
