/// Finds small integers by the hash of what they stand for. It uses open addressing with linear probing.
///
/// It stores no keys: the caller compares, so keys stay where they are. It stores half of each hash. So most
/// comparisons that would fail are avoided, and growing needs no keys.
@usableFromInline
package struct HashIndex: Sendable {
    @usableFromInline
    struct Slot: Sendable {
        /// A value plus one; 0 marks an empty slot.
        @usableFromInline var value: UInt32
        @usableFromInline var hash: UInt32

        @inlinable
        init(value: UInt32, hash: UInt32) {
            self.value = value
            self.hash = hash
        }

        @inlinable static var empty: Slot { Slot(value: 0, hash: 0) }
    }

    @usableFromInline var slots: ContiguousArray<Slot>
    /// The number of values.
    @usableFromInline package internal(set) var count = 0

    /// An empty index.
    @inlinable package init() { slots = ContiguousArray(repeating: .empty, count: 16) }

    @inlinable var mask: Int { slots.count - 1 }

    @inlinable
    static func half(_ hash: Int) -> UInt32 { UInt32(truncatingIfNeeded: hash) }

    /// The value with this hash for which `matches` returns true. Nil if there is none.
    @inlinable @inline(__always)
    package func find(_ hash: Int, where matches: (Int) -> Bool) -> Int? {
        let half = Self.half(hash)
        var place = Int(half) & mask
        while slots[place].value != 0 {
            if slots[place].hash == half {
                let value = Int(slots[place].value) - 1
                if matches(value) { return value }
            }
            place = (place + 1) & mask
        }
        return nil
    }

    /// Adds a value. It must not be in the index.
    @usableFromInline package mutating func insert(_ value: Int, hash: Int) {
        if (count + 1) * 4 > slots.count * 3 { grow() }
        add(Slot(value: UInt32(value + 1), hash: Self.half(hash)))
        count += 1
    }

    /// Removes a value. It must be in the index.
    @usableFromInline package mutating func remove(_ value: Int, hash: Int) {
        var gap = Int(Self.half(hash)) & mask
        while Int(slots[gap].value) - 1 != value { gap = (gap + 1) & mask }
        slots[gap] = .empty
        // The gap is closed by moving up entries that probing would no longer reach.
        var next = (gap + 1) & mask
        while slots[next].value != 0 {
            let home = Int(slots[next].hash) & mask
            if (next - home) & mask >= (next - gap) & mask {
                slots[gap] = slots[next]
                slots[next] = .empty
                gap = next
            }
            next = (next + 1) & mask
        }
        count -= 1
    }

    private mutating func add(_ slot: Slot) {
        var place = Int(slot.hash) & mask
        while slots[place].value != 0 { place = (place + 1) & mask }
        slots[place] = slot
    }

    private mutating func grow() {
        let old = slots
        slots = ContiguousArray(repeating: .empty, count: old.count * 2)
        for slot in old where slot.value != 0 { add(slot) }
    }
}
