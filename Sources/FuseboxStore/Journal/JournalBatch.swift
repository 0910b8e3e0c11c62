import FuseboxWire

/// The entries of one turn of the loop. They are written together.
package struct JournalBatch: ~Copyable {
    private var bytes = ByteWriter(capacity: 64 * 1024)
    /// The sequence of the first entry. 0 if the batch is empty.
    package private(set) var firstSequence: UInt64 = 0
    /// The sequence of the last entry. 0 if the batch is empty.
    package private(set) var lastSequence: UInt64 = 0

    /// An empty batch.
    package init() {}

    /// Whether the batch has no entries.
    package var isEmpty: Bool { bytes.isEmpty }
    /// The number of bytes.
    package var count: Int { bytes.count }

    /// The bytes that an entry with a payload of this length takes.
    package static func length(payload: Int) -> Int {
        JournalEntry.aligned(JournalEntry.headBytes + JournalEntry.fieldBytes + payload)
    }

    /// Appends an entry.
    package mutating func append(_ entry: JournalEntry, payload: UnsafeRawBufferPointer) {
        let start = bytes.count
        bytes.write(0 as UInt32)
        bytes.write(UInt32(JournalEntry.fieldBytes + payload.count))
        entry.encode(into: &bytes)
        unsafe bytes.write(contentsOf: payload)
        while bytes.count % JournalEntry.alignment != 0 { bytes.write(0 as UInt8) }
        let checksum = unsafe bytes.withBytes { all in
            unsafe Checksum.of(UnsafeRawBufferPointer(rebasing: all[(start + 4)...]))
        }
        bytes.overwrite(checksum, at: start)
        if start == 0 { firstSequence = entry.sequence }
        lastSequence = entry.sequence
    }

    /// Calls `body` with the batch's bytes, which are valid only during the call.
    package func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe bytes.withBytes(body)
    }

    /// Removes all entries and keeps the memory.
    package mutating func removeAll() {
        bytes.removeAll()
        firstSequence = 0
        lastSequence = 0
    }
}
