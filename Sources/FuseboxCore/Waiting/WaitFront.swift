/// The calls that are to be examined, in the order of their turns: a heap.
///
/// An entry has the order that its call had when it was added. Since then the call may have been examined, granted or
/// withdrawn, or its user may have had a turn, so that it comes later. So an entry is a hint, and the queue looks at the
/// call itself before it takes it. A call that has become more urgent is added again.
struct WaitFront: Sendable {
    struct Entry: Sendable {
        var order: WaitQueue.Order
        let slot: Int
    }

    private var entries: [Entry] = []

    init() {}

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    /// The entry that comes first. Nil if there is none.
    var first: Entry? { entries.first }

    mutating func add(_ slot: Int, _ order: WaitQueue.Order) {
        entries.append(Entry(order: order, slot: slot))
        rise(from: entries.count - 1)
    }

    mutating func removeFirst() {
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        if entries.count > 1 { sink(from: 0) }
    }

    /// Gives the first entry a later order.
    mutating func putOffFirst(to order: WaitQueue.Order) {
        entries[0].order = order
        sink(from: 0)
    }

    /// Removes all entries and returns them.
    mutating func removeAll() -> [Entry] {
        defer { entries = [] }
        return entries
    }

    private mutating func rise(from start: Int) {
        var place = start
        while place > 0 {
            let parent = (place - 1) / 2
            guard entries[place].order < entries[parent].order else { return }
            entries.swapAt(place, parent)
            place = parent
        }
    }

    private mutating func sink(from start: Int) {
        var place = start
        while 2 * place + 1 < entries.count {
            var least = 2 * place + 1
            if least + 1 < entries.count, entries[least + 1].order < entries[least].order { least += 1 }
            guard entries[least].order < entries[place].order else { return }
            entries.swapAt(place, least)
            place = least
        }
    }
}
