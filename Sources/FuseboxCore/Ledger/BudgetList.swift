import FuseboxCollections
import FuseboxWire

/// The budgets as they were set, in the order in which they were set last.
///
/// Finding, setting and removing one costs the same however many there are: they are linked in their order, and an
/// index finds them by provider and model.
public struct BudgetList: Sendable {
    private var entries = SlotTable<CreditLedger.BudgetEntry>()
    private var index = HashIndex()
    private var order = Chain()
    private var links = ChainLinks()

    init() {}

    /// The number of budgets.
    public var count: Int { entries.count }

    /// Whether there is none.
    public var isEmpty: Bool { count == 0 }

    private static func hash(_ provider: NameID, _ model: ModelID?) -> Int {
        guard let model else { return provider.hashValue }
        return CreditLedger.modelHash(provider, model)
    }

    /// The place of the budget of a provider, or of a model with it.
    func find(_ provider: NameID, _ model: ModelID?) -> Int? {
        index.find(Self.hash(provider, model)) {
            entries[$0].provider == provider && entries[$0].model == model
        }
    }

    /// The budget at a place that `find` has given.
    subscript(place: Int) -> CreditLedger.BudgetEntry { entries[place] }

    /// Notes whether the budget at a place denied the last call that it was asked for.
    mutating func setDenying(_ isDenying: Bool, at place: Int) { entries[place].isDenying = isDenying }

    mutating func setForeignMembers(_ members: String, at place: Int) { entries[place].foreignMembers = members }

    /// Puts a budget at the end; one for the same provider and model goes.
    mutating func put(_ entry: CreditLedger.BudgetEntry) {
        if let known = find(entry.provider, entry.model) {
            entries[known] = entry
            order.remove(known, &links)
            order.append(known, &links)
        } else {
            let place = entries.insert(entry)
            index.insert(place, hash: Self.hash(entry.provider, entry.model))
            order.append(place, &links)
        }
    }

    /// Removes the budget of a provider, or of a model with it, and returns it.
    mutating func remove(_ provider: NameID, _ model: ModelID?) -> CreditLedger.BudgetEntry? {
        guard let place = find(provider, model) else { return nil }
        index.remove(place, hash: Self.hash(provider, model))
        order.remove(place, &links)
        let entry = entries[place]
        entries[place].limits = [:]
        entries[place].foreignMembers = ""
        entries.remove(at: place)
        return entry
    }
}

extension BudgetList: Sequence {
    /// Walks over the budgets in their order.
    public struct Iterator: IteratorProtocol {
        fileprivate let list: BudgetList
        fileprivate var place: Int?

        /// The next budget; nil after the last.
        public mutating func next() -> CreditLedger.BudgetEntry? {
            guard let place else { return nil }
            self.place = list.links.next(after: place)
            return list.entries[place]
        }
    }

    /// Walks from the budget that was set longest ago.
    public func makeIterator() -> Iterator { Iterator(list: self, place: order.first) }
    /// The number of budgets.
    public var underestimatedCount: Int { count }
}
