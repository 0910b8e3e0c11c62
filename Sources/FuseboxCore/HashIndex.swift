/// Finds small integers by the hash of what they stand for: open addressing with linear probing.
///
/// It stores no keys. Whoever asks compares, so that keys stay where they live.
package struct HashIndex: Sendable {
    /// A value plus one; 0 is an empty slot.
    private var slots: ContiguousArray<UInt32>
    package private(set) var count = 0

    package init() { slots = ContiguousArray(repeating: 0, count: 16) }

    private var mask: Int { slots.count - 1 }

    /// The value with this hash for which `matches` holds.
    @inline(__always)
    package func find(_ hash: Int, where matches: (Int) -> Bool) -> Int? {
        var slot = hash & mask
        while slots[slot] != 0 {
            let value = Int(slots[slot]) - 1
            if matches(value) { return value }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// Adds a value that is not there. `hashOf` gives the hash of each value that is.
    package mutating func insert(_ value: Int, hash: Int, hashOf: (Int) -> Int) {
        if (count + 1) * 4 > slots.count * 3 { grow(hashOf) }
        place(value, hash)
        count += 1
    }

    /// Removes a value that is there.
    package mutating func remove(_ value: Int, hash: Int, hashOf: (Int) -> Int) {
        var slot = hash & mask
        while Int(slots[slot]) - 1 != value { slot = (slot + 1) & mask }
        // Close the gap: move up what probing would no longer reach.
        var gap = slot
        slots[gap] = 0
        var next = (slot + 1) & mask
        while slots[next] != 0 {
            let home = hashOf(Int(slots[next]) - 1) & mask
            if (next - home) & mask >= (next - gap) & mask {
                slots[gap] = slots[next]
                slots[next] = 0
                gap = next
            }
            next = (next + 1) & mask
        }
        count -= 1
    }

    private mutating func place(_ value: Int, _ hash: Int) {
        var slot = hash & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = UInt32(value + 1)
    }

    private mutating func grow(_ hashOf: (Int) -> Int) {
        let old = slots
        slots = ContiguousArray(repeating: 0, count: old.count * 2)
        for entry in old where entry != 0 { place(Int(entry) - 1, hashOf(Int(entry) - 1)) }
    }
}
