import FuseboxWire

/// The spend history of each provider.
enum HistorySection: SnapshotSection {
    static let kind: UInt32 = 11
    static let name = "histories"
    static let summary = "the spend history of every provider that has one (profile fusebox)"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        machine.ledger.providers.forEachIndex { index in
            let list = machine.ledger.providers[existing: index].history
            guard list.count > 0 else { return }
            var image = HistoryImage()
            image.provider = machine.names[NameID(index: index)]
            var position = 0
            machine.ledger.histories.forEach(of: list) { entry in
                if position < list.count - list.exact {
                    image.stretches.append(HistoryImage.Stretch(entry))
                } else {
                    image.singles.append(HistoryImage.Single(entry))
                }
                position += 1
            }
            part.add(image)
        }
    }

    static func add(_ image: HistoryImage, to state: inout StateImage) throws(Refusal) {
        let stretches = image.stretches.map {
            SpendEntry(start: $0.start, end: $0.end, cost: $0.cost.nanodollars, count: $0.count)
        }
        let singles = image.singles.map { SpendEntry(at: $0.at, cost: $0.cost.nanodollars) }
        try state.builder.insertHistory(stretches: stretches, singles: singles, of: image.provider)
    }
}

/// The spend history that all providers share.
enum SharedHistorySection: SnapshotSection {
    static let kind: UInt32 = 12
    static let name = "sharedHistory"
    static let summary = "the spend history that all providers share, oldest first (profile llm-providers)"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        for entry in machine.ledger.sharedHistory.entries {
            var image = SharedEntryImage()
            image.provider = machine.names[entry.provider]
            image.at = entry.at
            image.cost = Money(nanodollars: entry.cost)
            part.add(image)
        }
    }

    static func add(_ image: SharedEntryImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.insertShared(image.provider, at: image.at, cost: image.cost)
    }
}

struct HistoryImage: VersionedRecord {
    struct Stretch: WireRecord {
        static var wireType: String { "HistoryStretch" }
        var start = Timestamp(milliseconds: 0)
        var end = Timestamp(milliseconds: 0)
        var cost = Money.zero
        var count: Int64 = 0

        mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("start", &start, "the moment of the first record that it sums up")
            try visitor.field("end", &end, "the moment of the last record that it sums up")
            try visitor.field("cost", &cost, "the sum of their costs")
            try visitor.field("count", &count, "how many records it sums up")
        }
    }

    struct Single: WireRecord {
        static var wireType: String { "HistorySingle" }
        var at = Timestamp(milliseconds: 0)
        var cost = Money.zero

        mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("at", &at, "when it was recorded")
            try visitor.field("cost", &cost, "what it cost")
        }
    }

    var provider = Name.blank
    var stretches: [Stretch] = []
    var singles: [Single] = []

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("stretches", &stretches, "the older part, in sums of several records, oldest first")
        try visitor.field("singles", &singles, "the newer part, in single records, oldest first")
    }
}

struct SharedEntryImage: VersionedRecord {
    var provider = Name.blank
    var at = Timestamp(milliseconds: 0)
    var cost = Money.zero

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("at", &at, "when it was recorded")
        try visitor.field("cost", &cost, "what it cost")
    }
}

extension HistoryImage.Stretch {
    fileprivate init(_ entry: SpendEntry) {
        start = entry.start
        end = entry.end
        cost = Money(nanodollars: entry.cost)
        count = entry.count
    }
}

extension HistoryImage.Single {
    fileprivate init(_ entry: SpendEntry) {
        at = entry.start
        cost = Money(nanodollars: entry.cost)
    }
}
