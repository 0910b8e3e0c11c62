import FuseboxWire

/// The budgets that an export to `llm-providers` lists.
enum ListedBudgetSection: SnapshotSection {
    static let kind: UInt32 = 10
    static let name = "listedBudgets"
    static let summary = "the thresholds and budgets that an export to llm-providers lists, in their order"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        let listed = machine.ledger.listed
        guard listed != ListedBudgets() else { return }
        part.add(ListedBudgetImage(ThresholdsImage(listed.thresholds), listed.foreignThresholds))
        for entry in listed.entries {
            part.add(
                ListedBudgetImage(
                    entry.text, of: machine.names[entry.provider], entry.model.map { machine.models[$0] }))
        }
    }

    static func add(_ image: ListedBudgetImage, to state: inout StateImage) throws(Refusal) {
        if let thresholds = image.thresholds {
            try state.builder.setThresholds(thresholds.thresholds, foreign: image.text)
        } else if let provider = image.provider {
            try state.builder.listBudget(image.text, provider: provider, model: image.model)
        } else {
            throw Refusal(.damagedData, "a listed budget has no provider")
        }
    }
}

struct ListedBudgetImage: VersionedRecord {
    var thresholds: ThresholdsImage?
    var provider: Name?
    var model: Name?
    var text = ""

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("thresholds", &thresholds, "the thresholds of all budgets; absent: a budget")
        try visitor.field("provider", &provider, "the provider of the budget; absent: the thresholds")
        try visitor.field("model", &model, "the model of the budget; absent: it is for the provider as a whole")
        try visitor.field(
            "text", &text,
            "the budget as the text of a JSON object; of the thresholds the members that came with them")
    }
}

extension ListedBudgetImage {
    fileprivate init(_ thresholds: ThresholdsImage, _ foreign: String) {
        self.thresholds = thresholds
        text = foreign
    }

    fileprivate init(_ text: String, of provider: Name, _ model: Name?) {
        self.provider = provider
        self.model = model
        self.text = text
    }
}
