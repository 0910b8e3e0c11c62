import FuseboxWire

// An import's JSON may have members that the state has no place for. The library that wrote them hands them through, so
// an export does too. To the state they are opaque texts, each the text of a JSON object; they live as long as the mark or
// budget that they came with.

extension StateMachine {
    /// The members that came with the mark of a provider.
    public func foreignMembers(ofMark provider: Name) -> String? {
        names.find(provider).flatMap { exhaustion.foreignMembers[$0] }
    }

    /// Keeps members beside the mark of a provider, which exists, until the mark ends or is set anew.
    public mutating func keepForeignMembers(_ members: String, ofMark provider: Name) {
        guard let id = names.find(provider), exhaustion.contains(id) else { return }
        exhaustion.foreignMembers[id] = members
    }

    /// Keeps members beside a budget, which exists, until it is set anew or removed.
    public mutating func keepForeignMembers(_ members: String, ofBudget provider: Name, _ model: Name?) {
        guard let id = names.find(provider) else { return }
        var modelID: ModelID?
        if let model {
            guard let known = models.find(model) else { return }
            modelID = known
        }
        guard let place = ledger.budgets.find(id, modelID) else { return }
        ledger.budgets.setForeignMembers(members, at: place)
    }

    /// Keeps members beside the thresholds.
    public mutating func keepForeignMembers(ofThresholds members: String) { ledger.foreignThresholds = members }

    /// Calls `body` with all that is kept, in an order that the same state always has.
    func forEachForeignMembers<Failure: Error>(
        _ body: (ForeignMembersImage) throws(Failure) -> Void
    ) throws(Failure) {
        if !ledger.foreignThresholds.isEmpty { try body(ForeignMembersImage(ledger.foreignThresholds)) }
        for (id, members) in exhaustion.foreignMembers.sorted(by: { $0.key.index < $1.key.index }) {
            try body(ForeignMembersImage(members, of: names[id]))
        }
        for budget in ledger.budgets where !budget.foreignMembers.isEmpty {
            let model = budget.model.map { models[$0] }
            try body(ForeignMembersImage(budget.foreignMembers, of: names[budget.provider], isBudget: true, model))
        }
    }

    mutating func restore(_ image: ForeignMembersImage) {
        guard let provider = image.provider else { return keepForeignMembers(ofThresholds: image.members) }
        if image.isBudget {
            keepForeignMembers(image.members, ofBudget: provider, image.model)
        } else {
            keepForeignMembers(image.members, ofMark: provider)
        }
    }
}

extension StateMachine.Builder {
    /// Keeps members beside a mark that was inserted.
    ///
    /// - Throws: `outOfRange` if their text is longer than `WireLimits.textLength`
    public mutating func keepForeignMembers(_ members: String, ofMark provider: Name) throws(Refusal) {
        try Self.check(members)
        machine.keepForeignMembers(members, ofMark: provider)
    }

    /// Keeps members beside a budget that was inserted.
    ///
    /// - Throws: `outOfRange` if their text is longer than `WireLimits.textLength`
    public mutating func keepForeignMembers(
        _ members: String, ofBudget provider: Name, _ model: Name?
    ) throws(Refusal) {
        try Self.check(members)
        machine.keepForeignMembers(members, ofBudget: provider, model)
    }

    /// Keeps members beside the thresholds.
    ///
    /// - Throws: `outOfRange` if their text is longer than `WireLimits.textLength`
    public mutating func keepForeignMembers(ofThresholds members: String) throws(Refusal) {
        try Self.check(members)
        machine.keepForeignMembers(ofThresholds: members)
    }

    private static func check(_ members: String) throws(Refusal) {
        guard members.utf8.count <= WireLimits.textLength else {
            throw Refusal(
                .outOfRange,
                "members that Fusebox does not know are kept up to \(WireLimits.textLength) bytes; these have \(members.utf8.count)"
            )
        }
    }
}

/// Members of imported JSON that the state has no place for, in a snapshot.
public struct ForeignMembersImage: WireRecord {
    public var provider: Name?
    public var isBudget = false
    public var model: Name?
    public var members = ""
    public init() {}

    init(_ members: String, of provider: Name? = nil, isBudget: Bool = false, _ model: Name? = nil) {
        self.members = members
        self.provider = provider
        self.isBudget = isBudget
        self.model = model
    }

    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "whose mark or budget they came with; absent: the thresholds'")
        try visitor.field("isBudget", &isBudget, "whether it is a budget, not a mark")
        try visitor.field("model", &model, "the model that the budget is for")
        try visitor.field("members", &members, "the text of a JSON object")
    }
}
