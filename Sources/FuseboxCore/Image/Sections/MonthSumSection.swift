import FuseboxWire

/// What the history has of each provider in each month.
enum MonthSumSection: SnapshotSection {
    static let kind: UInt32 = 28
    static let name = "monthSums"
    static let summary =
        "what each provider has used on days that are closed, by months, oldest first, and by the names of the providers"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        machine.monthSums.forEach { part.add(MonthSumImage(month: $0, provider: $1, $2)) }
    }

    static func add(_ image: MonthSumImage, to state: inout StateImage) throws(Refusal) {
        guard state.builder.machine.monthSums.restore(image.sum, of: image.provider, in: image.month) else {
            throw Refusal(.damagedData, "the sums of months are out of order")
        }
    }
}

struct MonthSumImage: VersionedRecord {
    var month: Int64 = 0
    var provider = Name.blank
    var spend: Int64 = 0
    var unpriced: Int64 = 0

    init() {}

    init(month: Int64, provider: Name, _ sum: MonthSums.Sum) {
        self.month = month
        self.provider = provider
        spend = sum.spend
        unpriced = sum.unpriced
    }

    var sum: MonthSums.Sum { MonthSums.Sum(spend: spend, unpriced: unpriced) }

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("month", &month, "the month, in months since January 1970")
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("spend", &spend, "what it has spent, in nano-dollars")
        try visitor.field("unpriced", &unpriced, "its calls that used something, and whose cost nobody told")
    }
}
