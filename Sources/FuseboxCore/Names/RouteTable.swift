import FuseboxCollections

/// Records by route: breakers, marks, and what else is kept of a provider, a deployment or a model of either.
///
/// A record without a model is found by the number of its place alone. One with a model is found by a hash, and only if
/// the table has such records is one looked for. Walks go in the order of keys, which does not depend on the history of
/// the table: a restored table is walked as the one that was written.
struct RouteTable<Element: Sendable>: Sendable {
    /// Where a record is. It stays there until it is removed.
    struct Place: Sendable, Hashable {
        /// A small number that no other record has meanwhile: even for a record without a model.
        let number: Int

        /// The place with a number.
        @inline(__always)
        init(number: Int) { self.number = number }

        @inline(__always)
        fileprivate static func plain(_ index: Int) -> Place { Place(number: index << 1) }
        @inline(__always)
        fileprivate static func modelled(_ slot: Int) -> Place { Place(number: slot << 1 | 1) }
        /// Whether it is the place of a record with a model.
        @inline(__always)
        var hasModel: Bool { number & 1 == 1 }
        @inline(__always)
        fileprivate var index: Int { number >> 1 }
    }

    private struct Entry: Sendable {
        let key: RouteKey
        /// Nil in a free slot, so that a record which owns memory releases it.
        var element: Element?
    }

    /// Those without a model, by the numbers of their places.
    private var plain = SparseTable<Element>()
    private var modelled = SlotTable<Entry>()
    /// The slots of those with a model.
    private var index = HashIndex()

    init() {}

    /// The number of records.
    var count: Int { plain.count + modelled.count }

    /// The number of records with a model.
    var modelledCount: Int { modelled.count }

    /// Whether there is no record.
    @inline(__always)
    var isEmpty: Bool { plain.count == 0 && modelled.isEmpty }

    // MARK: One record

    /// Where the record of a route is. Nil if there is none.
    @inline(__always)
    func find(_ key: RouteKey) -> Place? {
        guard key.model != nil else {
            return plain.contains(key.place.index) ? .plain(key.place.index) : nil
        }
        guard !modelled.isEmpty else { return nil }
        return index.find(key.hash) { modelled[$0].key == key }.map { .modelled($0) }
    }

    /// Whether a route has a record.
    func contains(_ key: RouteKey) -> Bool { find(key) != nil }

    /// The record of a route. Nil if there is none.
    subscript(key: RouteKey) -> Element? { find(key).map { self[$0] } }

    /// The record at a place that has one, for reading and for a change in place.
    subscript(place: Place) -> Element {
        // Borrowed and not copied, because a record may be large and one number of it is needed.
        @inline(__always) _read {
            if place.hasModel {
                yield modelled[place.index].element!
            } else {
                yield plain[existing: place.index]
            }
        }
        @inline(__always) _modify {
            if place.hasModel {
                yield &modelled[place.index].element!
            } else {
                yield &plain[existing: place.index]
            }
        }
    }

    /// Looks at the record at a place that has one. Unlike the subscript it allocates nothing, so the hot path uses it.
    @inline(__always)
    func read<Result>(_ place: Place, _ body: (borrowing Element) -> Result) -> Result {
        guard place.hasModel else { return body(plain[existing: place.index]) }
        guard let element = modelled[place.index].element else { preconditionFailure("a record is at the place") }
        return body(element)
    }

    /// Changes the record at a place that has one. Unlike the subscript it allocates nothing.
    @inline(__always)
    mutating func update<Result>(_ place: Place, _ body: (inout Element) -> Result) -> Result {
        guard place.hasModel else { return body(&plain[existing: place.index]) }
        return body(&modelled[place.index].element!)
    }

    /// The route of the record at a place that has one.
    func key(of place: Place) -> RouteKey {
        place.hasModel ? modelled[place.index].key : RouteKey(NameID(index: place.index))
    }

    /// Inserts the record of a route. Replaces the one that is there.
    @discardableResult
    mutating func insert(_ element: Element, for key: RouteKey) -> Place {
        if let known = find(key) {
            self[known] = element
            return known
        }
        guard key.model != nil else {
            plain.insert(element, at: key.place.index)
            return .plain(key.place.index)
        }
        let slot = modelled.insert(Entry(key: key, element: element))
        index.insert(slot, hash: key.hash)
        return .modelled(slot)
    }

    /// Removes the record at a place that has one.
    mutating func remove(at place: Place) {
        guard place.hasModel else {
            plain.remove(at: place.index)
            return
        }
        index.remove(place.index, hash: modelled[place.index].key.hash)
        modelled[place.index].element = nil
        modelled.remove(at: place.index)
    }

    /// Removes the record of a route, if there is one.
    mutating func remove(_ key: RouteKey) {
        if let place = find(key) { remove(at: place) }
    }

    /// Gives records other routes. Each `from` must have a record, and no two may get the same route.
    mutating func rename(_ keys: [(from: RouteKey, to: RouteKey)]) {
        // All are taken out first, because one may get the route that another had.
        let moved = keys.map { (key: $0.to, element: self[$0.from]) }
        for (from, _) in keys { remove(from) }
        for (key, element) in moved {
            guard let element else { preconditionFailure("a record that gets another route is there") }
            insert(element, for: key)
        }
    }

    // MARK: Walks

    /// Calls `body` with every route and the place of its record, in the order of keys. The table must not change
    /// meanwhile.
    func forEach<Failure: Error>(_ body: (RouteKey, Place) throws(Failure) -> Void) throws(Failure) {
        let slots = slots(from: 0)
        var next = 0
        var before = plain.next(from: 0)
        while let index = before {
            let key = RouteKey(NameID(index: index))
            while next < slots.count, modelled[slots[next]].key < key {
                try body(modelled[slots[next]].key, .modelled(slots[next]))
                next += 1
            }
            try body(key, .plain(index))
            before = plain.next(from: index + 1)
        }
        for slot in slots[next...] { try body(modelled[slot].key, .modelled(slot)) }
    }

    /// The first provider or deployment with a record of its own, at or after an index.
    func nextPlain(from index: Int) -> NameID? { plain.next(from: index).map { NameID(index: $0) } }

    /// Every route with a record, in the order of keys.
    var keys: [RouteKey] {
        var keys: [RouteKey] = []
        keys.reserveCapacity(count)
        forEach { key, _ in keys.append(key) }
        return keys
    }

    /// The first routes with a record, at or after a place in the order of keys, at most so many.
    func keys(from order: UInt64, atMost limit: Int) -> [RouteKey] {
        let slots = slots(from: order)
        var keys: [RouteKey] = []
        keys.reserveCapacity(limit)
        var next = 0
        // The one without a model comes first of its place.
        var before = plain.next(from: Int(order >> 32) + (order & 0xFFFF_FFFF == 0 ? 0 : 1))
        while keys.count < limit {
            let plainKey = before.map { RouteKey(NameID(index: $0)) }
            let modelledKey = next < slots.count ? modelled[slots[next]].key : nil
            if let plainKey, modelledKey.map({ plainKey < $0 }) ?? true {
                keys.append(plainKey)
                before = plain.next(from: plainKey.place.index + 1)
            } else if let modelledKey {
                keys.append(modelledKey)
                next += 1
            } else {
                break
            }
        }
        return keys
    }

    /// The slots of records with a model, at or after a place in the order of keys, in that order.
    private func slots(from order: UInt64) -> [Int] {
        guard !modelled.isEmpty else { return [] }
        var slots: [Int] = []
        modelled.forEachSlot { if modelled[$0].key.order >= order { slots.append($0) } }
        slots.sort { modelled[$0].key < modelled[$1].key }
        return slots
    }
}
