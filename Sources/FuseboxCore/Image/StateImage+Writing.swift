import FuseboxWire

extension StateMachine {
    /// Calls `body` with every section of the state's image: its kind and records, one after the other.
    ///
    /// Long sections come in parts, so that memory stays bounded. The machine is a value: writing a copy of it away
    /// from where the original changes needs no lock.
    public func forEachImageSection<Failure: Error>(
        _ body: (ImageSection, borrowing ByteWriter) throws(Failure) -> Void
    ) throws(Failure) {
        try write(.settings, body) { (part) throws(Failure) in try part.add(settingsImage) }
        try writeNames(body)
        try write(.breakers, body) { (part) throws(Failure) in
            try forEach(next: { breakers.next(from: $0)?.index }) { (index) throws(Failure) in
                let id = NameID(index: index)
                guard let breaker = breakers[id] else { return }
                try part.add(breaker.record(name: names[id], isConfigured: breakers.isConfigured(id)))
            }
        }
        try write(.marks, body) { (part) throws(Failure) in
            try forEach(next: { exhaustion.next(from: $0)?.provider.index }) { (index) throws(Failure) in
                guard let (id, mark) = exhaustion.next(from: index) else { return }
                try part.add(entry(id, mark))
            }
        }
        try writeLedger(body)
        try write(.permitTotals, body) { (part) throws(Failure) in
            var image = PermitTotalsImage()
            image.totals = permits.totals
            image.forgotten = permits.forgotten.image
            image.forgottenOfOthers = permits.forgotten.markOfOthers
            image.runs = permits.runs.map { run in
                var image = PermitTotalsImage.Run()
                image.first = run.first
                image.last = run.last
                return image
            }
            try part.add(image)
        }
        try write(.permits, body) { (part) throws(Failure) in
            try permits.forEach { (permit) throws(Failure) in
                var image = PermitImage()
                image.entry = entry(permit, isVisible: false)
                image.counted = permit.grant.counted
                try part.add(image)
            }
        }
        try write(.foreignMembers, body) { (part) throws(Failure) in
            try forEachForeignMembers { (image) throws(Failure) in try part.add(image) }
        }
    }

    private var settingsImage: SettingsImage {
        var image = SettingsImage()
        image.breakerDefault = breakers.defaultConfiguration
        image.defaultCooldownMilliseconds = exhaustion.defaultCooldownMilliseconds
        image.thresholds = ledger.thresholds
        image.periodLength = ledger.period.length
        image.periodStart = ledger.period.start
        image.periodEnd = ledger.period.end
        return image
    }

    private func writeNames<Failure: Error>(
        _ body: (ImageSection, borrowing ByteWriter) throws(Failure) -> Void
    ) throws(Failure) {
        try write(.names, body) { (part) throws(Failure) in
            try names.forEachImage { (image) throws(Failure) in try part.add(image) }
        }
        try write(.freeNames, body) { (part) throws(Failure) in
            for number in names.freeNumbers { try part.add(FreeNumberImage(number)) }
        }
        try write(.models, body) { (part) throws(Failure) in
            try models.forEachImage { (image) throws(Failure) in try part.add(image) }
        }
        try write(.freeModels, body) { (part) throws(Failure) in
            for number in models.freeNumbers { try part.add(FreeNumberImage(number)) }
        }
    }

    private func writeLedger<Failure: Error>(
        _ body: (ImageSection, borrowing ByteWriter) throws(Failure) -> Void
    ) throws(Failure) {
        try write(.accounts, body) { (part) throws(Failure) in
            try ledger.providers.forEachIndex { (index) throws(Failure) in
                try part.add(accountImage(NameID(index: index)))
            }
        }
        try write(.modelAccounts, body) { (part) throws(Failure) in
            try ledger.providers.forEachIndex { (index) throws(Failure) in
                try ledger.providers[existing: index].models.forEach(ledger.modelLinks) { (place) throws(Failure) in
                    var image = ModelAccountImage(ledger.models[place])
                    image.dollars = profile.reckonsInDollars ? ledger.models[place].dollars : nil
                    try part.add(image)
                }
            }
        }
        try write(.budgets, body) { (part) throws(Failure) in
            for entry in ledger.budgets {
                var image = BudgetImage()
                image.budget = budget(entry)
                image.isDenying = entry.isDenying
                try part.add(image)
            }
        }
        try write(.histories, body) { (part) throws(Failure) in
            try ledger.providers.forEachIndex { (index) throws(Failure) in
                guard ledger.providers[existing: index].history.count > 0 else { return }
                try part.add(historyImage(NameID(index: index)))
            }
        }
        try write(.sharedHistory, body) { (part) throws(Failure) in
            for entry in ledger.sharedHistory.entries {
                var image = SharedEntryImage()
                image.provider = names[entry.provider]
                image.at = entry.at
                image.cost = Money(nanodollars: entry.cost)
                try part.add(image)
            }
        }
        try write(.closedPeriods, body) { (part) throws(Failure) in
            for period in ledger.closedPeriods { try part.add(closedPeriodImage(period)) }
        }
    }

    private func accountImage(_ id: NameID) -> AccountImage {
        var image = AccountImage()
        guard let account = account(id), let provider = ledger.provider(id) else { return image }
        image.account = account
        image.firedThreshold = provider.firedThreshold
        image.firedDepletion = provider.firedDepletion
        image.dollars = profile.reckonsInDollars ? provider.dollars : nil
        image.user = provider.user
        return image
    }

    private func historyImage(_ id: NameID) -> HistoryImage {
        var image = HistoryImage()
        image.provider = names[id]
        let list = ledger.providers[existing: id.index].history
        var position = 0
        ledger.histories.forEach(of: list) { entry in
            if position < list.count - list.exact {
                image.stretches.append(HistoryImage.Stretch(entry))
            } else {
                image.singles.append(HistoryImage.Single(entry))
            }
            position += 1
        }
        return image
    }

    private func closedPeriodImage(_ period: CreditLedger.ClosedPeriod) -> ClosedPeriodImage {
        var image = ClosedPeriodImage()
        image.start = period.start
        image.end = period.end
        image.entries = period.sums.sorted { $0.key.index < $1.key.index }.map { id, sums in
            var entry = ClosedPeriodImage.Entry()
            entry.provider = names[id]
            entry.usage = sums.usage
            return entry
        }
        return image
    }

    // MARK: Parts

    private func write<Failure: Error>(
        _ section: ImageSection, _ body: (ImageSection, borrowing ByteWriter) throws(Failure) -> Void,
        _ records: (inout ImagePart<Failure>) throws(Failure) -> Void
    ) throws(Failure) {
        try withoutActuallyEscaping(body) { (body) throws(Failure) in
            var part = ImagePart(section: section, body: body)
            try records(&part)
            try part.end()
        }
    }

    private func forEach<Failure: Error>(
        next: (Int) -> Int?, _ body: (Int) throws(Failure) -> Void
    ) throws(Failure) {
        var index = 0
        while let found = next(index) {
            try body(found)
            index = found + 1
        }
    }
}

/// Collects the records of a section and hands them on in parts.
private struct ImagePart<Failure: Error>: ~Copyable {
    let section: ImageSection
    let body: (ImageSection, borrowing ByteWriter) throws(Failure) -> Void
    var writer = ByteWriter(capacity: 4096)

    init(section: ImageSection, body: @escaping (ImageSection, borrowing ByteWriter) throws(Failure) -> Void) {
        self.section = section
        self.body = body
    }

    mutating func add<Record: WireRecord>(_ record: Record) throws(Failure) {
        record.encode(into: &writer)
        if writer.count >= Limits.sectionPartBytes { try end() }
    }

    mutating func end() throws(Failure) {
        guard !writer.isEmpty else { return }
        try body(section, writer)
        writer.removeAll()
    }
}

extension FreeNumberImage {
    init(_ number: UInt32) {
        self.init()
        self.number = number
    }
}

extension ModelAccountImage {
    init(_ account: CreditLedger.Model) {
        self.init()
        provider = UInt32(account.provider.index)
        model = UInt32(account.model.index)
        usage = account.sums.usage
        answering = account.answering.map { UInt32($0.index) }
        user = account.user
    }
}

extension HistoryImage.Stretch {
    init(_ entry: SpendEntry) {
        self.init()
        start = entry.start
        end = entry.end
        cost = Money(nanodollars: entry.cost)
        count = entry.count
    }
}

extension HistoryImage.Single {
    init(_ entry: SpendEntry) {
        self.init()
        at = entry.start
        cost = Money(nanodollars: entry.cost)
    }
}
