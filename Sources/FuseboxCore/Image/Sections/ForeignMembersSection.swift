import FuseboxWire

/// Members of imported JSON that the state has no place for.
enum ForeignMembersSection: SnapshotSection {
    static let kind: UInt32 = 21
    static let name = "foreignMembers"
    static let summary =
        "members of imported JSON that came with thresholds, marks and budgets; an export writes them again"

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
        try visitor.field("provider", &provider, "whose mark or budget they came with; absent: the thresholds'")
        try visitor.field("isBudget", &isBudget, "whether it is a budget, not a mark")
        try visitor.field("model", &model, "the model that the budget is for")
        try visitor.field("members", &members, "the text of a JSON object")
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
