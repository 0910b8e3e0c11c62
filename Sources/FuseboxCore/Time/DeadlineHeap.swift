import FuseboxCollections

/// A priority queue of deadlines, the earliest first.
///
/// Each subject (a mark, a pause, a breaker, a permit, a raised limit) has at most one deadline, which can be moved and
/// taken away. Which of two comes first is the same however the heap came to be: earlier, then by kind, then by the
/// subject's own order.
struct DeadlineHeap: Sendable {
    enum Kind: UInt8, Sendable, CaseIterable {
        case mark = 0
        case breaker = 1
        case permit = 2
        case raise = 3
        case pause = 4
        /// Of a waiting call. These are in a heap of the queue, which is not part of the state.
        case wait = 5
    }

    struct Deadline: Sendable, Equatable {
        var milliseconds: Int64
        var kind: Kind
        /// The order among deadlines of one kind at the same moment.
        var order: UInt64
        /// The subject: an index into the table of its kind.
        var subject: Int

        func precedes(_ other: Deadline) -> Bool {
            if milliseconds != other.milliseconds { return milliseconds < other.milliseconds }
            if kind != other.kind { return kind.rawValue < other.kind.rawValue }
            return order < other.order
        }
    }

    private var heap = ChunkedArray<Deadline>()
    /// The place of each subject's deadline in the heap plus one; 0 if it has none.
    private var places = Places(repeating: ChunkedArray())

    /// A table for each kind of deadline.
    typealias Places = InlineArray<6, ChunkedArray<UInt32>>

    var count: Int { heap.count }

    /// The next deadline.
    var first: Deadline? { heap.count == 0 ? nil : heap[0] }

    /// Sets the deadline of a subject, in place of one that it has.
    mutating func set(_ kind: Kind, _ subject: Int, order: UInt64, at milliseconds: Int64) {
        let deadline = Deadline(milliseconds: milliseconds, kind: kind, order: order, subject: subject)
        if let place = place(kind, subject) {
            let before = heap[place]
            guard before != deadline else { return }
            heap[place] = deadline
            if deadline.precedes(before) { rise(from: place) } else { sink(from: place) }
        } else {
            heap.append(deadline)
            while places[Int(kind.rawValue)].count <= subject { places[Int(kind.rawValue)].append(0) }
            rise(from: heap.count - 1)
        }
    }

    /// Removes the deadline of a subject, if it has one.
    mutating func remove(_ kind: Kind, _ subject: Int) {
        guard let place = place(kind, subject) else { return }
        places[Int(kind.rawValue)][subject] = 0
        let last = heap.removeLast()
        guard place < heap.count else { return }
        let before = heap[place]
        heap[place] = last
        if last.precedes(before) { rise(from: place) } else { sink(from: place) }
    }

    /// Removes all deadlines of a kind.
    mutating func removeAll(_ kind: Kind) {
        let before = heap
        guard (0..<before.count).contains(where: { before[$0].kind == kind }) else { return }
        heap = ChunkedArray()
        places[Int(kind.rawValue)] = ChunkedArray()
        for place in 0..<before.count where before[place].kind != kind {
            heap.append(before[place])
            note(heap.count - 1)
        }
        for place in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(from: place) }
    }

    private func place(_ kind: Kind, _ subject: Int) -> Int? {
        guard subject < places[Int(kind.rawValue)].count else { return nil }
        let place = places[Int(kind.rawValue)][subject]
        return place == 0 ? nil : Int(place) - 1
    }

    /// Records the place of the deadline that is there.
    private mutating func note(_ place: Int) {
        places[Int(heap[place].kind.rawValue)][heap[place].subject] = UInt32(place + 1)
    }

    private mutating func put(_ deadline: Deadline, at place: Int) {
        heap[place] = deadline
        places[Int(deadline.kind.rawValue)][deadline.subject] = UInt32(place + 1)
    }

    /// Moves a deadline towards the front to its place, and records the places of all that move.
    private mutating func rise(from start: Int) {
        let deadline = heap[start]
        var place = start
        while place > 0 {
            let parent = (place - 1) / 2
            let other = heap[parent]
            guard deadline.precedes(other) else { break }
            put(other, at: place)
            place = parent
        }
        put(deadline, at: place)
    }

    /// Moves a deadline towards the end to its place, and records the places of all that move.
    private mutating func sink(from start: Int) {
        let deadline = heap[start]
        let count = heap.count
        var place = start
        while 2 * place + 1 < count {
            var child = 2 * place + 1
            var least = heap[child]
            if child + 1 < count, heap[child + 1].precedes(least) {
                child += 1
                least = heap[child]
            }
            guard least.precedes(deadline) else { break }
            put(least, at: place)
            place = child
        }
        put(deadline, at: place)
    }
}
