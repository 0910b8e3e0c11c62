import FuseboxWire

/// Every budget as it was set.
enum BudgetSection: SnapshotSection {
    static let kind: UInt32 = 10
    static let name = "budgets"
    static let summary = "every budget, in the order in which they were set"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        for entry in machine.ledger.budgets {
            let budget = machine.budget(entry)
            var image = BudgetImage()
            image.provider = budget.provider
            image.model = budget.model
            image.amount = budget.monthly
            image.isEnforced = budget.isEnforced
            image.rpm = budget.rpm
            image.rpd = budget.rpd
            image.tpm = budget.tpm
            image.tpd = budget.tpd
            image.isDenying = entry.isDenying
            part.add(image)
        }
    }

    static func add(_ image: BudgetImage, to state: inout StateImage) throws(Refusal) {
        let budget = Budget(
            provider: image.provider, model: image.model, monthly: image.amount, isEnforced: image.isEnforced,
            rpm: image.rpm, rpd: image.rpd, tpm: image.tpm, tpd: image.tpd)
        try state.builder.insertBudget(budget, isDenying: image.isDenying)
    }
}

struct BudgetImage: VersionedRecord {
    var provider = Name.blank
    var model: Name?
    var amount: Money?
    var isEnforced = false
    var rpm: Int64?
    var rpd: Int64?
    var tpm: Int64?
    var tpd: Int64?
    var isDenying = false

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "the model; absent: the budget is for the whole provider")
        try visitor.field("amount", &amount, "dollars per period; absent: none is set")
        try visitor.field("isEnforced", &isEnforced, "whether admission denies a call that `amount` does not cover")
        try visitor.field("rpm", &rpm, "the provider's requests per minute")
        try visitor.field("rpd", &rpd, "the provider's requests per day")
        try visitor.field("tpm", &tpm, "the provider's tokens per minute")
        try visitor.field("tpd", &tpd, "the provider's tokens per day")
        try visitor.field("isDenying", &isDenying, "whether it denied the last call that it was asked about")
    }
}
