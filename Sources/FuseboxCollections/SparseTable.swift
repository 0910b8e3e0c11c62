/// Records under small integers that the caller chooses: chunks without a record take no memory.
///
/// A `SlotTable` deals its integers itself; here they are another table's.
@usableFromInline
package struct SparseTable<Record: Sendable>: Sendable {
    @usableFromInline let shift: Int
    @usableFromInline var chunks: [ContiguousArray<Record?>] = []
    /// The number of records.
    @usableFromInline package internal(set) var count = 0

    /// - Parameter chunkBytes: about how large a chunk may be, in bytes
    @inlinable
    package init(chunkBytes: Int = 16 * 1024) {
        var shift = 3
        while (MemoryLayout<Record?>.stride << (shift + 1)) <= chunkBytes { shift += 1 }
        self.shift = shift
    }

    @inlinable @inline(__always) var mask: Int { (1 << shift) - 1 }

    /// All places a record may be at are below this.
    @inlinable package var end: Int { chunks.count << shift }

    /// Whether there is a record at a place.
    @inlinable @inline(__always)
    package func contains(_ index: Int) -> Bool {
        let chunk = index >> shift
        guard chunk < chunks.count, !chunks[chunk].isEmpty else { return false }
        return chunks[chunk][index & mask] != nil
    }

    /// The record at a place; nil if there is none.
    @inlinable @inline(__always)
    package subscript(index: Int) -> Record? {
        let chunk = index >> shift
        guard chunk < chunks.count, !chunks[chunk].isEmpty else { return nil }
        return chunks[chunk][index & mask]
    }

    /// The record at a place where there is one, to be changed there.
    @inlinable
    package subscript(existing index: Int) -> Record {
        @inline(__always) get {
            guard let record = self[index] else { preconditionFailure("no record at \(index)") }
            return record
        }
        @inline(__always) _modify { yield &chunks[index >> shift][index & mask]! }
    }

    /// Puts a record at a place; one that is there goes.
    @inlinable
    package mutating func insert(_ record: Record, at index: Int) {
        let chunk = index >> shift
        while chunks.count <= chunk { chunks.append([]) }
        if chunks[chunk].isEmpty { chunks[chunk] = ContiguousArray(repeating: nil, count: 1 << shift) }
        if chunks[chunk][index & mask] == nil { count += 1 }
        chunks[chunk][index & mask] = record
    }

    /// Removes the record at a place, if there is one.
    @inlinable
    package mutating func remove(at index: Int) {
        guard self[index] != nil else { return }
        chunks[index >> shift][index & mask] = nil
        count -= 1
    }

    /// Removes every record, with its memory.
    @inlinable
    package mutating func removeAll() {
        chunks.removeAll()
        count = 0
    }

    /// The place of the first record at or after `index`; nil if there is none.
    @inlinable
    package func next(from index: Int) -> Int? {
        var index = index
        while index < end {
            if chunks[index >> shift].isEmpty {
                index = ((index >> shift) + 1) << shift
            } else if chunks[index >> shift][index & mask] != nil {
                return index
            } else {
                index += 1
            }
        }
        return nil
    }

    /// Calls `body` with every record's place, in their order.
    @inlinable
    package func forEachIndex<Failure: Error>(_ body: (Int) throws(Failure) -> Void) throws(Failure) {
        var index = 0
        while let found = next(from: index) {
            try body(found)
            index = found + 1
        }
    }
}
