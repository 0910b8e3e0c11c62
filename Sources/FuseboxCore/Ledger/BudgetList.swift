import FuseboxWire

/// The budgets as they were set, in the order in which they were set last.
///
/// Finding, setting and removing one costs the same however many there are: they are linked in their order, and an index
/// finds them by provider and model.
public struct BudgetList: Sendable {
    private struct Node: Sendable {
        var entry: CreditLedger.BudgetEntry
        var previous: Int
        /// The one that was set after it; of a node that is free, the next free one.
        var next: Int
    }

    private static let none = -1

    private var nodes = ChunkedArray<Node>()
    private var index = HashIndex()
    private var first = none
    private var last = none
    private var firstFree = none

    init() {}

    /// The number of budgets.
    public var count: Int { index.count }

    /// Whether there is none.
    public var isEmpty: Bool { count == 0 }

    private static func hash(_ provider: NameID, _ model: ModelID?) -> Int {
        guard let model else { return provider.hashValue }
        return CreditLedger.modelHash(provider, model)
    }

    /// The place of the budget of a provider, or of a model with it.
    func find(_ provider: NameID, _ model: ModelID?) -> Int? {
        index.find(Self.hash(provider, model)) {
            nodes[$0].entry.provider == provider && nodes[$0].entry.model == model
        }
    }

    /// The budget at a place that `find` has given.
    subscript(place: Int) -> CreditLedger.BudgetEntry { nodes[place].entry }

    /// Notes whether the budget at a place denied the last call that it was asked for.
    mutating func setDenying(_ isDenying: Bool, at place: Int) { nodes[place].entry.isDenying = isDenying }

    mutating func setForeignMembers(_ members: String, at place: Int) { nodes[place].entry.foreignMembers = members }

    /// Puts a budget at the end; one for the same provider and model goes.
    mutating func put(_ entry: CreditLedger.BudgetEntry) {
        let place: Int
        if let known = find(entry.provider, entry.model) {
            unlink(known)
            nodes[known].entry = entry
            place = known
        } else {
            place = allocate(entry)
            index.insert(place, hash: Self.hash(entry.provider, entry.model))
        }
        nodes[place].previous = last
        nodes[place].next = Self.none
        if last == Self.none { first = place } else { nodes[last].next = place }
        last = place
    }

    /// Removes the budget of a provider, or of a model with it, and returns it.
    mutating func remove(_ provider: NameID, _ model: ModelID?) -> CreditLedger.BudgetEntry? {
        guard let place = find(provider, model) else { return nil }
        let entry = nodes[place].entry
        index.remove(place, hash: Self.hash(provider, model))
        unlink(place)
        nodes[place].entry.limits = [:]
        nodes[place].entry.foreignMembers = ""
        nodes[place].next = firstFree
        firstFree = place
        return entry
    }

    private mutating func allocate(_ entry: CreditLedger.BudgetEntry) -> Int {
        guard firstFree != Self.none else {
            nodes.append(Node(entry: entry, previous: Self.none, next: Self.none))
            return nodes.count - 1
        }
        let place = firstFree
        firstFree = nodes[place].next
        nodes[place].entry = entry
        return place
    }

    private mutating func unlink(_ place: Int) {
        let (previous, next) = (nodes[place].previous, nodes[place].next)
        if previous == Self.none { first = next } else { nodes[previous].next = next }
        if next == Self.none { last = previous } else { nodes[next].previous = previous }
    }
}

extension BudgetList: Sequence {
    /// Walks over the budgets in their order.
    public struct Iterator: IteratorProtocol {
        fileprivate let list: BudgetList
        fileprivate var place: Int

        public mutating func next() -> CreditLedger.BudgetEntry? {
            guard place != BudgetList.none else { return nil }
            let node = list.nodes[place]
            place = node.next
            return node.entry
        }
    }

    public func makeIterator() -> Iterator { Iterator(list: self, place: first) }
    public var underestimatedCount: Int { count }
}
