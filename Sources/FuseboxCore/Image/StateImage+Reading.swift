import FuseboxWire

/// Puts a state together from the sections of its image.
///
/// The limits in force do not refuse what is already there: they bound what comes new.
public struct StateImage {
    private var builder: StateMachine.Builder
    private let limits: Limits
    private var permitTotals = PermitTotals()
    /// Model accounts of the provider at hand, in the order of the image.
    private var pendingModels: [(provider: Name, account: ModelAccount, dollars: Double?, user: UInt32)] = []

    public init(profile: Profile, limits: Limits, at moment: Moment) {
        self.limits = limits
        var unbounded = limits
        unbounded.admitEverything()
        builder = StateMachine.Builder(profile: profile, limits: unbounded, at: moment)
    }

    /// Adds a section, or a part of one.
    ///
    /// - Throws: what is wrong with its records; `unknownCommand` for a section of an unknown kind
    public mutating func add(_ kind: UInt32, _ contents: inout ByteReader) throws(Refusal) {
        guard let section = ImageSection(rawValue: kind) else {
            throw Refusal(.damagedData, "no section has the kind \(kind)")
        }
        while contents.remaining > 0 { try addRecord(section, &contents) }
    }

    /// The state that was put together.
    public consuming func finish() throws(Refusal) -> StateMachine {
        try addModels()
        var machine = builder.finish()
        guard machine.names.hasNoStrays, machine.models.hasNoStrays else {
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

    private mutating func addRecord(_ section: ImageSection, _ contents: inout ByteReader) throws(Refusal) {
        switch section {
        case .settings: try addSettings(try read(&contents))
        case .names: try builder.machine.names.restore(try read(&contents))
        case .freeNames: try builder.machine.names.restoreFree(try read(&contents, as: FreeNumberImage.self).number)
        case .models: try builder.machine.models.restore(try read(&contents))
        case .freeModels: try builder.machine.models.restoreFree(try read(&contents, as: FreeNumberImage.self).number)
        case .breakers: try builder.insertBreaker(try read(&contents))
        case .marks: try builder.insertMark(try read(&contents))
        case .accounts:
            let image = try read(&contents, as: AccountImage.self)
            try builder.insertAccount(
                image.account, firedThreshold: image.firedThreshold, firedDepletion: image.firedDepletion,
                dollars: image.dollars, by: image.user)
        case .modelAccounts: try addModelAccount(try read(&contents))
        case .budgets:
            let image = try read(&contents, as: BudgetImage.self)
            try builder.insertBudget(image.budget, isDenying: image.isDenying)
        case .histories: try addHistory(try read(&contents))
        case .sharedHistory:
            let image = try read(&contents, as: SharedEntryImage.self)
            try builder.insertShared(image.provider, at: image.at, cost: image.cost)
        case .closedPeriods:
            let image = try read(&contents, as: ClosedPeriodImage.self)
            try builder.insertClosedPeriod(
                start: image.start, end: image.end, usage: image.entries.map { ($0.provider, $0.usage) })
        case .permitTotals:
            let image = try read(&contents, as: PermitTotalsImage.self)
            permitTotals = image.totals
            try builder.setPermitTotals(image)
        case .permits:
            let image = try read(&contents, as: PermitImage.self)
            try builder.insertPermit(image.entry, counted: image.counted)
        case .foreignMembers: builder.machine.restore(try read(&contents))
        }
    }

    private func read<Record: WireRecord>(
        _ contents: inout ByteReader, as: Record.Type = Record.self
    ) throws(Refusal) -> Record {
        var record = Record()
        try record.decode(from: &contents)
        return record
    }

    private mutating func addSettings(_ image: SettingsImage) throws(Refusal) {
        try builder.setDefaultConfiguration(image.breakerDefault)
        try builder.setDefaultCooldown(milliseconds: image.defaultCooldownMilliseconds)
        try builder.setThresholds(image.thresholds)
        try builder.setPeriod(BudgetPeriod(image.periodLength, start: image.periodStart, end: image.periodEnd))
    }

    /// A provider lists its newest model account first: they are added in the opposite order.
    private mutating func addModelAccount(_ image: ModelAccountImage) throws(Refusal) {
        guard let provider = builder.machine.names.name(number: image.provider),
            let model = builder.machine.models.name(number: image.model)
        else {
            throw Refusal(
                .damagedData,
                "a model account belongs to provider \(image.provider) and model \(image.model), which have no names")
        }
        if let last = pendingModels.last, last.provider != provider { try addModels() }
        var account = ModelAccount()
        account.model = model
        account.usage = image.usage
        if let number = image.answering {
            guard let answering = builder.machine.models.name(number: number) else {
                throw Refusal(.damagedData, "model \(number) answered for another and has no name")
            }
            account.answering = answering
        }
        pendingModels.append((provider, account, image.dollars, image.user))
    }

    private mutating func addModels() throws(Refusal) {
        for (provider, account, dollars, user) in pendingModels.reversed() {
            try builder.insertModelAccount(account, of: provider, dollars: dollars, by: user)
        }
        pendingModels.removeAll(keepingCapacity: true)
    }

    private mutating func addHistory(_ image: HistoryImage) throws(Refusal) {
        let stretches = image.stretches.map {
            SpendEntry(start: $0.start, end: $0.end, cost: $0.cost.nanodollars, count: $0.count)
        }
        let singles = image.singles.map { SpendEntry(at: $0.at, cost: $0.cost.nanodollars) }
        try builder.insertHistory(stretches: stretches, singles: singles, of: image.provider)
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
    }
}
