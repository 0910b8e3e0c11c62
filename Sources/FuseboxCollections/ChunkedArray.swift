/// An array in chunks that are copied one by one.
///
/// A copy of the whole costs a reference a chunk, and the first change to each chunk after that copies only that
/// chunk. That is how a snapshot is captured: the loop keeps a copy and goes on, and no turn pays for more than the
/// chunks it touches.
///
/// Other modules have it specialised for their elements: otherwise each change in place would allocate.
@usableFromInline
package struct ChunkedArray<Element> {
    /// Elements a chunk: a power of two, so that a place is found by shifting.
    @usableFromInline let shift: Int
    @usableFromInline var chunks: [ContiguousArray<Element>] = []
    /// The number of elements.
    @usableFromInline package internal(set) var count = 0

    /// - Parameter chunkBytes: about how large a chunk may be, in bytes
    @inlinable
    package init(chunkBytes: Int = 16 * 1024) {
        var shift = 3
        while (MemoryLayout<Element>.stride << (shift + 1)) <= chunkBytes { shift += 1 }
        self.shift = shift
    }

    @inlinable @inline(__always) var mask: Int { (1 << shift) - 1 }

    /// The element at a place below `count`.
    @inlinable
    package subscript(index: Int) -> Element {
        // Lent and not copied: an element may be a block of kilobytes of which one number is wanted.
        @inline(__always) _read { yield chunks[index >> shift][index & mask] }
        @inline(__always) _modify { yield &chunks[index >> shift][index & mask] }
    }

    /// Adds an element at the end.
    @inlinable @inline(__always)
    package mutating func append(_ element: Element) {
        if count >> shift == chunks.count {
            var chunk = ContiguousArray<Element>()
            chunk.reserveCapacity(1 << shift)
            chunks.append(chunk)
        }
        chunks[count >> shift].append(element)
        count += 1
    }

    /// Removes the last element of an array that is not empty, and returns it.
    @inlinable
    package mutating func removeLast() -> Element {
        count -= 1
        return chunks[count >> shift].removeLast()
    }

    /// Removes every element, with its memory.
    @inlinable
    package mutating func removeAll() {
        chunks.removeAll()
        count = 0
    }
}

extension ChunkedArray: Sendable where Element: Sendable {}
