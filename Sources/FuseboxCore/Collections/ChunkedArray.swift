/// An array in chunks that are copied one by one.
///
/// A copy of the whole costs a reference a chunk, and the first change to each chunk after that copies only that
/// chunk. That is how a snapshot is captured: the loop keeps a copy and goes on, and no turn pays for more than the
/// chunks it touches.
///
/// Other modules have it specialised for their elements: otherwise each change in place would allocate.
@usableFromInline
package struct ChunkedArray<Element: Sendable>: Sendable {
    /// Elements a chunk: a power of two, so that a place is found by shifting.
    @usableFromInline let shift: Int
    @usableFromInline var chunks: [ContiguousArray<Element>] = []
    @usableFromInline package internal(set) var count = 0

    /// - Parameter chunkBytes: about how large a chunk may be, in bytes
    @inlinable
    package init(chunkBytes: Int = 16 * 1024) {
        var shift = 3
        while (MemoryLayout<Element>.stride << (shift + 1)) <= chunkBytes { shift += 1 }
        self.shift = shift
    }

    @inlinable var mask: Int { (1 << shift) - 1 }

    @inlinable
    package subscript(index: Int) -> Element {
        // Lent and not copied: an element may be a block of kilobytes of which one number is wanted.
        _read { yield chunks[index >> shift][index & mask] }
        _modify { yield &chunks[index >> shift][index & mask] }
    }

    @inlinable
    package mutating func append(_ element: Element) {
        if count >> shift == chunks.count {
            var chunk = ContiguousArray<Element>()
            chunk.reserveCapacity(1 << shift)
            chunks.append(chunk)
        }
        chunks[count >> shift].append(element)
        count += 1
    }

    @inlinable
    package mutating func removeLast() -> Element {
        count -= 1
        return chunks[count >> shift].removeLast()
    }

    @inlinable
    package mutating func removeAll() {
        chunks.removeAll()
        count = 0
    }
}

/// Records under small integers, few of which may be in use: chunks without a record take no memory.
struct SparseTable<Record: Sendable>: Sendable {
    private let shift: Int
    private var chunks: [ContiguousArray<Record?>] = []
    /// The number of records.
    private(set) var count = 0

    init(chunkBytes: Int = 16 * 1024) {
        var shift = 3
        while (MemoryLayout<Record?>.stride << (shift + 1)) <= chunkBytes { shift += 1 }
        self.shift = shift
    }

    private var mask: Int { (1 << shift) - 1 }

    /// All places a record may be at are below this.
    var end: Int { chunks.count << shift }

    func contains(_ index: Int) -> Bool {
        let chunk = index >> shift
        guard chunk < chunks.count, !chunks[chunk].isEmpty else { return false }
        return chunks[chunk][index & mask] != nil
    }

    subscript(index: Int) -> Record? {
        let chunk = index >> shift
        guard chunk < chunks.count, !chunks[chunk].isEmpty else { return nil }
        return chunks[chunk][index & mask]
    }

    /// The record at a place where there is one, to be changed there.
    subscript(existing index: Int) -> Record {
        get {
            guard let record = self[index] else { preconditionFailure("no record at \(index)") }
            return record
        }
        _modify { yield &chunks[index >> shift][index & mask]! }
    }

    mutating func insert(_ record: Record, at index: Int) {
        let chunk = index >> shift
        while chunks.count <= chunk { chunks.append([]) }
        if chunks[chunk].isEmpty { chunks[chunk] = ContiguousArray(repeating: nil, count: 1 << shift) }
        if chunks[chunk][index & mask] == nil { count += 1 }
        chunks[chunk][index & mask] = record
    }

    mutating func remove(at index: Int) {
        guard self[index] != nil else { return }
        chunks[index >> shift][index & mask] = nil
        count -= 1
    }

    mutating func removeAll() {
        chunks.removeAll()
        count = 0
    }

    /// The place of the first record at or after `index`; nil if there is none.
    func next(from index: Int) -> Int? {
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
    func forEachIndex<Failure: Error>(_ body: (Int) throws(Failure) -> Void) throws(Failure) {
        var index = 0
        while let found = next(from: index) {
            try body(found)
            index = found + 1
        }
    }
}
