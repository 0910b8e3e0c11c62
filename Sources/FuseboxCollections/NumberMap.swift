/// Values under numbers of 32 bits that are far apart, such as the ids of users.
///
/// A `Dictionary` does the same for any key. Its lookup hashes the key with a secret, which costs several times the
/// rest, and each request looks up its user more than once. The host assigns the ids of users. So nobody can choose many
/// that meet in one place.
@usableFromInline
package struct NumberMap<Value: Sendable>: Sendable {
    @usableFromInline
    struct Entry: Sendable {
        @usableFromInline let number: UInt32
        @usableFromInline var value: Value

        @inlinable
        init(number: UInt32, value: Value) {
            self.number = number
            self.value = value
        }
    }

    @usableFromInline var entries = SlotTable<Entry>(chunkBytes: 1024)
    @usableFromInline var index = HashIndex()

    /// An empty map.
    @inlinable package init() {}

    /// The number of values.
    @inlinable package var count: Int { entries.count }

    @inlinable
    static func hash(_ number: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(number) &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }

    @inlinable @inline(__always)
    func find(_ number: UInt32) -> Int? { index.find(Self.hash(number)) { entries[$0].number == number } }

    /// The value under a number. Nil if there is none; setting nil removes it.
    @inlinable
    package subscript(number: UInt32) -> Value? {
        get { find(number).map { entries[$0].value } }
        set {
            switch (find(number), newValue) {
            case (let slot?, let value?): entries[slot].value = value
            case (let slot?, nil):
                index.remove(slot, hash: Self.hash(number))
                entries.remove(at: slot)
            case (nil, let value?):
                index.insert(entries.insert(Entry(number: number, value: value)), hash: Self.hash(number))
            case (nil, nil): break
            }
        }
    }
}
