/// Records under small integers that the caller chooses. Chunks without a record take no memory.
///
/// A `SlotTable` assigns its integers itself. Here they are those of another table.
@usableFromInline
package struct SparseTable<Record: Sendable>: Sendable {
    @usableFromInline let shift: Int
    @usableFromInline var chunks: [ContiguousArray<Record?>] = []
    /// The number of records.
    @usableFromInline package internal(set) var count = 0

    /// An empty table.
    ///
    /// - Parameter chunkBytes: the approximate size of a chunk in bytes
    @inlinable
    package init(chunkBytes: Int = 16 * 1024) {
        var shift = 3
        while (MemoryLayout<Record?>.stride << (shift + 1)) <= chunkBytes { shift += 1 }
        self.shift = shift
    }

    @inlinable @inline(__always) var mask: Int { (1 << shift) - 1 }

    /// The upper bound of the indices with a record.
    @inlinable package var end: Int { chunks.count << shift }

    /// Whether there is a record at an index.
    @inlinable @inline(__always)
    package func contains(_ index: Int) -> Bool {
        let chunk = index >> shift
        guard chunk < chunks.count, !chunks[chunk].isEmpty else { return false }
        return chunks[chunk][index & mask] != nil
    }

    /// The record at an index. Nil if there is none.
    @inlinable @inline(__always)
    package subscript(index: Int) -> Record? {
        let chunk = index >> shift
        guard chunk < chunks.count, !chunks[chunk].isEmpty else { return nil }
        return chunks[chunk][index & mask]
    }

    /// The record at an index that has one, for a change in place.
    @inlinable
    package subscript(existing index: Int) -> Record {
        // Borrowed and not copied, because a record may be large and one number of it is needed.
        @inline(__always) _read { yield chunks[index >> shift][index & mask]! }
        @inline(__always) _modify { yield &chunks[index >> shift][index & mask]! }
    }

    /// Inserts a record at an index. Replaces the one that is there.
    @inlinable
    package mutating func insert(_ record: Record, at index: Int) {
        let chunk = index >> shift
        while chunks.count <= chunk { chunks.append([]) }
        if chunks[chunk].isEmpty { chunks[chunk] = ContiguousArray(repeating: nil, count: 1 << shift) }
        if chunks[chunk][index & mask] == nil { count += 1 }
        chunks[chunk][index & mask] = record
    }

    /// Removes the record at an index, if there is one.
    @inlinable
    package mutating func remove(at index: Int) {
        guard self[index] != nil else { return }
        chunks[index >> shift][index & mask] = nil
        count -= 1
    }

    /// Removes all records and frees their memory.
    @inlinable
    package mutating func removeAll() {
        chunks.removeAll()
        count = 0
    }

    /// The index of the first record at or after `index`. Nil if there is none.
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

    /// Calls `body` with the index of every record, in order.
    @inlinable
    package func forEachIndex<Failure: Error>(_ body: (Int) throws(Failure) -> Void) throws(Failure) {
        var index = 0
        while let found = next(from: index) {
            try body(found)
            index = found + 1
        }
    }
}
