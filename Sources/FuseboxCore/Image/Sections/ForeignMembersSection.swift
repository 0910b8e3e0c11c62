import FuseboxWire

/// The unknown members of imported JSON.
enum ForeignMembersSection: SnapshotSection {
    static let kind: UInt32 = 21
    static let name = "foreignMembers"
    static let summary =
        "unknown members of imported JSON, which came with thresholds, marks and budgets; an export writes them again"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        let ledger = machine.ledger
        if !ledger.foreignThresholds.isEmpty { part.add(ForeignMembersImage(ledger.foreignThresholds)) }
        for (id, members) in machine.exhaustion.foreignMembers.sorted(by: { $0.key.index < $1.key.index }) {
            part.add(ForeignMembersImage(members, of: machine.names[id]))
        }
        for budget in ledger.budgets where !budget.foreignMembers.isEmpty {
            let model = budget.model.map { machine.models[$0] }
            let provider = machine.names[budget.provider]
            part.add(ForeignMembersImage(budget.foreignMembers, of: provider, isBudget: true, model))
        }
    }

    static func add(_ image: ForeignMembersImage, to state: inout StateImage) throws(Refusal) {
        guard let provider = image.provider else {
            return state.builder.machine.keepForeignMembers(ofThresholds: image.members)
        }
        if image.isBudget {
            state.builder.machine.keepForeignMembers(image.members, ofBudget: provider, image.model)
        } else {
            state.builder.machine.keepForeignMembers(image.members, ofMark: provider)
        }
    }
}

struct ForeignMembersImage: VersionedRecord {
    var provider: Name?
    var isBudget = false
    var model: Name?
    var members = ""

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "provider", &provider,
            "the provider of the mark or budget that they came with; absent: they came with the thresholds")
        try visitor.field("isBudget", &isBudget, "whether they came with a budget and not with a mark")
        try visitor.field("model", &model, "the model of the budget; absent: it is for the whole provider")
        try visitor.field("members", &members, "the members, as the text of a JSON object")
    }
}

extension ForeignMembersImage {
    fileprivate init(_ members: String, of provider: Name? = nil, isBudget: Bool = false, _ model: Name? = nil) {
        self.members = members
        self.provider = provider
        self.isBudget = isBudget
        self.model = model
    }
}
