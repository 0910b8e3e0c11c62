/// An array of chunks that are copied one by one.
///
/// A copy of the array costs one reference for each chunk. The first change of a chunk after that copies this chunk
/// only. Snapshots are captured this way: the loop keeps a copy and continues, and each turn pays only for the chunks
/// that it changes.
///
/// The methods are inlinable, so that other modules specialise them for their elements. Otherwise each change in place
/// would allocate.
@usableFromInline
package struct ChunkedArray<Element> {
    /// The binary logarithm of the number of elements in a chunk.
    @usableFromInline let shift: Int
    @usableFromInline var chunks: [ContiguousArray<Element>] = []
    /// The number of elements.
    @usableFromInline package internal(set) var count = 0

    /// An empty array.
    ///
    /// - Parameter chunkBytes: the approximate size of a chunk in bytes
    @inlinable
    package init(chunkBytes: Int = 16 * 1024) {
        var shift = 3
        while (MemoryLayout<Element>.stride << (shift + 1)) <= chunkBytes { shift += 1 }
        self.shift = shift
    }

    @inlinable @inline(__always) var mask: Int { (1 << shift) - 1 }

    /// The element at an index below `count`.
    @inlinable
    package subscript(index: Int) -> Element {
        // Borrowed and not copied, because an element may be a block of kilobytes of which one number is needed.
        @inline(__always) _read { yield chunks[index >> shift][index & mask] }
        @inline(__always) _modify { yield &chunks[index >> shift][index & mask] }
    }

    /// Appends an element.
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

    /// Removes and returns the last element. The array must not be empty.
    @inlinable
    package mutating func removeLast() -> Element {
        count -= 1
        return chunks[count >> shift].removeLast()
    }

    /// Removes all elements and frees their memory.
    @inlinable
    package mutating func removeAll() {
        chunks.removeAll()
        count = 0
    }
}

extension ChunkedArray: Sendable where Element: Sendable {}
