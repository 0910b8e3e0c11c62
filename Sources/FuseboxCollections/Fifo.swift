/// A first-in, first-out queue in a ring buffer.
///
/// Adding and taking an element takes constant time, and allocates only when the queue grows. An empty queue keeps its
/// memory. `shrink` frees what a rare burst needed.
@usableFromInline
package struct Fifo<Element> {
    /// The places of the ring. Their number is a power of two, or 0.
    @usableFromInline var ring: ContiguousArray<Element?> = []
    /// The place of the first element.
    @usableFromInline var head = 0
    /// The number of elements.
    @usableFromInline package internal(set) var count = 0

    /// An empty queue without memory.
    @inlinable package init() {}

    /// A queue of these elements.
    @inlinable
    package init(_ elements: some Sequence<Element>) {
        for element in elements { append(element) }
    }

    @inlinable @inline(__always) var mask: Int { ring.count - 1 }

    /// Whether the queue is empty.
    @inlinable @inline(__always) package var isEmpty: Bool { count == 0 }

    /// The bytes that one element takes.
    @inlinable package static var elementBytes: Int { MemoryLayout<Element?>.stride }

    /// The element that is taken next. Nil if the queue is empty.
    @inlinable package var first: Element? { count == 0 ? nil : ring[head] }

    /// The element at an index from 0 to below `count`. Index 0 is taken next.
    @inlinable
    package subscript(index: Int) -> Element {
        @inline(__always) _read {
            precondition(index >= 0 && index < count, "a place below the count")
            yield ring[(head &+ index) & mask]!
        }
    }

    /// Appends an element.
    @inlinable @inline(__always)
    package mutating func append(_ element: Element) {
        if count == ring.count { grow() }
        ring[(head &+ count) & mask] = element
        count += 1
    }

    /// Inserts an element at the beginning. It is taken next.
    @inlinable
    package mutating func prepend(_ element: Element) {
        if count == ring.count { grow() }
        head = (head &- 1) & mask
        ring[head] = element
        count += 1
    }

    /// Removes and returns the first element. The queue must not be empty.
    @inlinable @inline(__always) @discardableResult
    package mutating func removeFirst() -> Element {
        guard count > 0, let element = ring[head] else { preconditionFailure("the queue is empty") }
        ring[head] = nil
        head = (head &+ 1) & mask
        count -= 1
        return element
    }

    /// Removes the elements that meet a condition. The others keep their order.
    @inlinable
    package mutating func removeAll(where condition: (Element) -> Bool) {
        var kept = 0
        for index in 0..<count {
            let element = self[index]
            guard !condition(element) else { continue }
            ring[(head + kept) & mask] = element
            kept += 1
        }
        for index in kept..<count { ring[(head + index) & mask] = nil }
        count = kept
    }

    /// Removes all elements and keeps the memory.
    @inlinable package mutating func removeAll() { removeAll { _ in true } }

    /// Frees the memory of an empty queue if it has room for more elements than this.
    @inlinable
    package mutating func shrink(to capacity: Int) {
        guard isEmpty, ring.count > capacity else { return }
        ring = []
        head = 0
    }

    @inlinable @inline(never)
    mutating func grow() {
        var larger = ContiguousArray<Element?>()
        larger.reserveCapacity(Swift.max(8, ring.count * 2))
        for index in 0..<count { larger.append(ring[(head + index) & mask]) }
        while larger.count < Swift.max(8, ring.count * 2) { larger.append(nil) }
        ring = larger
        head = 0
    }
}

extension Fifo: Sendable where Element: Sendable {}

extension Fifo: Sequence {
    /// Iterates over the elements, from the first to the last. It has a copy, so the queue may be changed meanwhile.
    @usableFromInline
    package struct Iterator: IteratorProtocol {
        @usableFromInline let queue: Fifo
        @usableFromInline var index = 0

        @inlinable
        init(_ queue: Fifo) { self.queue = queue }

        @inlinable
        package mutating func next() -> Element? {
            guard index < queue.count else { return nil }
            defer { index += 1 }
            return queue[index]
        }
    }

    @inlinable
    package func makeIterator() -> Iterator { Iterator(self) }

    @inlinable package var underestimatedCount: Int { count }
}
