import FuseboxCollections

/// Places of a table in the order of their numbers. Numbers only grow, so a list can continue after any of them.
///
/// What is removed leaves a gap. The gaps are closed when they outnumber the places.
struct NumberedPlaces: Sendable {
    private struct Numbered: Sendable {
        var number: UInt64
        /// The place, or `gap` after it was removed.
        var place: UInt32
    }

    private static var gap: UInt32 { .max }
    /// The number of gaps that are not worth closing.
    private static var toleratedGaps: Int { 64 }

    private var list = ChunkedArray<Numbered>()
    private var gaps = 0

    /// The number of places.
    var count: Int { list.count - gaps }

    /// Adds a place. Its number must be higher than every other.
    mutating func append(_ place: Int, number: UInt64) {
        precondition(list.count == 0 || list[list.count - 1].number < number, "\(number) is not the highest number")
        list.append(Numbered(number: number, place: UInt32(place)))
    }

    /// Removes the place with this number, which must be there.
    mutating func remove(number: UInt64) {
        let index = firstIndex { $0 >= number }
        precondition(
            index < list.count && list[index].number == number && list[index].place != Self.gap,
            "no place has the number \(number)")
        list[index].place = Self.gap
        gaps += 1
        if gaps > count + Self.toleratedGaps { closeGaps() }
    }

    /// Calls `body` with the places whose numbers are higher than this one, in their order, until it returns false.
    func forEach(after number: UInt64 = 0, _ body: (Int) -> Bool) {
        var index = firstIndex { $0 > number }
        while index < list.count {
            let place = list[index].place
            if place != Self.gap, !body(Int(place)) { return }
            index += 1
        }
    }

    /// The index of the lowest number that meets the condition. All higher numbers meet it too.
    private func firstIndex(where holds: (UInt64) -> Bool) -> Int {
        var (low, high) = (0, list.count)
        while low < high {
            let middle = (low + high) / 2
            if holds(list[middle].number) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private mutating func closeGaps() {
        var closed = ChunkedArray<Numbered>()
        for index in 0..<list.count where list[index].place != Self.gap { closed.append(list[index]) }
        list = closed
        gaps = 0
    }
}
