/// Elements in numbered slots. An element keeps its slot until it is removed. Then the slot is used again.
///
/// The slot that was freed last is used first, because it is likely to be in the processor's cache. Insertion, lookup
/// and removal take constant time, and allocate only when the table grows. A copy costs as much as that of a
/// `ChunkedArray`.
///
/// A free slot keeps the bits of its last element until it is used again, so that elements are not wrapped in
/// optionals. If elements own memory, the caller must release it before the removal, or use optional elements.
///
/// Slots have no generations. If a reference may outlive its element, it must carry a number of its own that the caller
/// compares (see `RequestID` and the numbers of sessions).
@usableFromInline
package struct SlotTable<Element> {
    @usableFromInline var elements: ChunkedArray<Element>
    /// The link of each slot. That of a free slot is the slot that was freed before it, or `SlotLink.none`. That of a
    /// taken slot is `SlotLink.taken`, that of a gap `SlotLink.gap`.
    @usableFromInline var links: ChunkedArray<UInt32>
    @usableFromInline var newestFree = SlotLink.none
    /// The number of elements.
    @usableFromInline package internal(set) var count = 0

    /// An empty table.
    ///
    /// - Parameter chunkBytes: the approximate size of a chunk in bytes, which the first change after a copy copies
    @inlinable
    package init(chunkBytes: Int = 16 * 1024) {
        elements = ChunkedArray(chunkBytes: chunkBytes)
        links = ChunkedArray(chunkBytes: chunkBytes / 4)
    }

    /// Whether the table is empty.
    @inlinable @inline(__always) package var isEmpty: Bool { count == 0 }

    /// The upper bound of the slots that were ever used.
    @inlinable @inline(__always) package var end: Int { elements.count }

    /// The slot that the next element gets.
    @inlinable package var nextSlot: Int { newestFree == SlotLink.none ? elements.count : Int(newestFree) }

    /// Inserts an element. Returns its slot.
    @inlinable @inline(__always)
    package mutating func insert(_ element: Element) -> Int {
        count += 1
        guard newestFree != SlotLink.none else {
            precondition(elements.count < Int(SlotLink.gap), "a table has fewer than 2³² − 3 slots")
            elements.append(element)
            links.append(SlotLink.taken)
            return elements.count - 1
        }
        let slot = Int(newestFree)
        newestFree = links[slot]
        links[slot] = SlotLink.taken
        elements[slot] = element
        return slot
    }

    /// The element in a slot that is taken.
    @inlinable
    package subscript(slot: Int) -> Element {
        // Borrowed and not copied, because an element may be large and own memory.
        @inline(__always) _read {
            assert(contains(slot), "slot \(slot) is not taken")
            yield elements[slot]
        }
        @inline(__always) _modify {
            assert(contains(slot), "slot \(slot) is not taken")
            yield &elements[slot]
        }
    }

    /// Whether a slot is taken. Any number is permitted.
    @inlinable @inline(__always)
    package func contains(_ slot: Int) -> Bool { slot >= 0 && slot < links.count && links[slot] == SlotLink.taken }

    /// The element in a slot. Nil if the slot is not taken. Any number is permitted.
    @inlinable
    package func element(at slot: Int) -> Element? { contains(slot) ? elements[slot] : nil }

    /// Removes the element in a slot that is taken, and returns it.
    @inlinable @inline(__always) @discardableResult
    package mutating func remove(at slot: Int) -> Element {
        precondition(contains(slot), "slot \(slot) is not taken")
        links[slot] = newestFree
        newestFree = UInt32(truncatingIfNeeded: slot)
        count -= 1
        return elements[slot]
    }

    /// Removes all elements and frees the table's memory. Slots begin at 0 again.
    @inlinable
    package mutating func removeAll() {
        elements.removeAll()
        links.removeAll()
        newestFree = SlotLink.none
        count = 0
    }

    /// The first taken slot at or after this one. Nil if there is none.
    @inlinable
    package func next(from slot: Int) -> Int? {
        var slot = slot
        while slot < links.count {
            if links[slot] == SlotLink.taken { return slot }
            slot += 1
        }
        return nil
    }

    /// Calls `body` with every taken slot, in order.
    @inlinable
    package func forEachSlot<Failure: Error>(_ body: (Int) throws(Failure) -> Void) throws(Failure) {
        var slot = 0
        while let found = next(from: slot) {
            try body(found)
            slot = found + 1
        }
    }
}

/// The links of a `SlotTable` that do not name a slot.
@usableFromInline
enum SlotLink {
    /// There is no further free slot.
    @inlinable static var none: UInt32 { .max }
    /// The slot is taken.
    @inlinable static var taken: UInt32 { .max - 1 }
    /// The slot is neither taken nor free; see `SlotTable.restore`.
    @inlinable static var gap: UInt32 { .max - 2 }
}

extension SlotTable: Sendable where Element: Sendable {}

// MARK: Walking

extension SlotTable: Sequence {
    /// Iterates over the elements in the order of their slots. It has a copy, so the table may be changed meanwhile.
    @usableFromInline
    package struct Iterator: IteratorProtocol {
        @usableFromInline let table: SlotTable
        @usableFromInline var slot = 0

        @inlinable
        init(_ table: SlotTable) { self.table = table }

        @inlinable
        package mutating func next() -> Element? {
            guard let found = table.next(from: slot) else { return nil }
            slot = found + 1
            return table[found]
        }
    }

    @inlinable
    package func makeIterator() -> Iterator { Iterator(self) }

    @inlinable package var underestimatedCount: Int { count }
}

// MARK: Restoring

// If a file refers to slots, the table is restored slot by slot, so that it continues with the same slots. Elements are
// restored first, in the order of their slots, then the free slots, oldest first. Skipped slots are gaps in between.
extension SlotTable {
    /// The free slots in the order in which they were freed. The last one is used first.
    package var freeSlots: [Int] {
        var slots: [Int] = []
        var next = newestFree
        while next != SlotLink.none {
            slots.append(Int(next))
            next = links[Int(next)]
        }
        return slots.reversed()
    }

    /// Restores an element in its slot.
    ///
    /// - Parameter blank: the element for skipped slots
    /// - Returns: false, with nothing changed, if the slot is not above all others, or if free slots were restored
    ///   already
    package mutating func restore(_ element: Element, at slot: Int, blank: Element) -> Bool {
        guard slot >= elements.count, slot < Int(SlotLink.gap), newestFree == SlotLink.none else { return false }
        leaveGaps(upTo: slot, blank)
        _ = insert(element)
        return true
    }

    /// Restores a free slot. It is the newest one so far.
    ///
    /// - Parameter blank: the element for this slot and for skipped ones
    /// - Returns: false, with nothing changed, if the slot is taken or free
    package mutating func restoreFree(_ slot: Int, blank: Element) -> Bool {
        guard slot >= 0, slot < Int(SlotLink.gap) else { return false }
        leaveGaps(upTo: slot + 1, blank)
        guard links[slot] == SlotLink.gap else { return false }
        links[slot] = newestFree
        newestFree = UInt32(slot)
        return true
    }

    private mutating func leaveGaps(upTo end: Int, _ blank: Element) {
        while elements.count < end {
            elements.append(blank)
            links.append(SlotLink.gap)
        }
    }
}
