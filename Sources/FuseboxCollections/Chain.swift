/// A doubly linked list over the slots of a table: its two ends and its length.
///
/// The neighbours of the slots are in a `ChainLinks` beside the table, which many chains share. A slot is in at most
/// one chain of the same links. It can be in several chains with different links. Each change takes constant time.
@usableFromInline
package struct Chain: Sendable {
    @usableFromInline var head = ChainLinks.none
    @usableFromInline var tail = ChainLinks.none
    /// The number of slots in the chain.
    @usableFromInline package internal(set) var count = 0

    /// An empty chain.
    @inlinable package init() {}

    /// Whether the chain is empty.
    @inlinable @inline(__always) package var isEmpty: Bool { head == ChainLinks.none }

    /// The first slot. Nil if the chain is empty.
    @inlinable @inline(__always) package var first: Int? { ChainLinks.slot(head) }

    /// The last slot. Nil if the chain is empty.
    @inlinable @inline(__always) package var last: Int? { ChainLinks.slot(tail) }

    /// Appends a slot. It must not be in a chain of these links.
    @inlinable
    package mutating func append(_ slot: Int, _ links: inout ChainLinks) { insert(slot, after: last, &links) }

    /// Inserts a slot after another one of this chain, or at the beginning for nil. It must not be in a chain of these
    /// links.
    @inlinable
    package mutating func insert(_ slot: Int, after previous: Int?, _ links: inout ChainLinks) {
        let before = ChainLinks.number(previous)
        let after = before == ChainLinks.none ? head : links.neighbours[Int(before)].next
        links.reserve(slot)
        links.neighbours[slot] = ChainLinks.Neighbours(previous: before, next: after)
        let number = UInt32(slot)
        if before == ChainLinks.none { head = number } else { links.neighbours[Int(before)].next = number }
        if after == ChainLinks.none { tail = number } else { links.neighbours[Int(after)].previous = number }
        count += 1
    }

    /// Removes a slot that is in this chain.
    @inlinable
    package mutating func remove(_ slot: Int, _ links: inout ChainLinks) {
        let (previous, next) = (links.neighbours[slot].previous, links.neighbours[slot].next)
        let number = UInt32(slot)
        if previous == ChainLinks.none {
            precondition(head == number, "slot \(slot) is not in this chain")
            head = next
        } else {
            links.neighbours[Int(previous)].next = next
        }
        if next == ChainLinks.none {
            precondition(tail == number, "slot \(slot) is not in this chain")
            tail = previous
        } else {
            links.neighbours[Int(next)].previous = previous
        }
        count -= 1
    }

    /// Calls `body` with every slot, from the first to the last. `body` may free the slot that it is called with.
    @inlinable
    package func forEach<Failure: Error>(
        _ links: borrowing ChainLinks, _ body: (Int) throws(Failure) -> Void
    ) throws(Failure) {
        var slot = first
        while let present = slot {
            slot = links.next(after: present)
            try body(present)
        }
    }
}

/// The neighbours of the slots of a table in the chains that they are in.
@usableFromInline
package struct ChainLinks: Sendable {
    @usableFromInline
    struct Neighbours: Sendable {
        @usableFromInline var previous: UInt32
        @usableFromInline var next: UInt32

        @inlinable
        init(previous: UInt32, next: UInt32) {
            self.previous = previous
            self.next = next
        }
    }

    @usableFromInline var neighbours = ChunkedArray<Neighbours>()

    /// The links of a table without chains.
    @inlinable package init() {}

    /// The number that stands for no neighbour.
    @inlinable static var none: UInt32 { .max }

    @inlinable @inline(__always)
    static func slot(_ number: UInt32) -> Int? { number == none ? nil : Int(number) }

    @inlinable @inline(__always)
    static func number(_ slot: Int?) -> UInt32 { slot.map { UInt32($0) } ?? none }

    @inlinable @inline(__always)
    mutating func reserve(_ slot: Int) {
        while neighbours.count <= slot { neighbours.append(Neighbours(previous: Self.none, next: Self.none)) }
    }

    /// The slot after one that is in a chain. Nil if it is the last.
    @inlinable @inline(__always)
    package func next(after slot: Int) -> Int? { Self.slot(neighbours[slot].next) }

    /// The slot before one that is in a chain. Nil if it is the first.
    @inlinable @inline(__always)
    package func previous(before slot: Int) -> Int? { Self.slot(neighbours[slot].previous) }

    /// Removes all links and frees their memory. No chain of these links may be used afterwards.
    @inlinable
    package mutating func removeAll() { neighbours.removeAll() }
}
