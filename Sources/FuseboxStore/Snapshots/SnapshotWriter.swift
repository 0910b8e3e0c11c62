import FuseboxWire

/// The destination of a snapshot's bytes.
package protocol ByteSink: ~Copyable {
    /// Appends bytes.
    mutating func take(_ bytes: UnsafeRawBufferPointer) throws(StorageError)
}

/// A sink in memory.
package struct MemorySink: ByteSink, ~Copyable {
    /// The bytes so far.
    package private(set) var bytes: [UInt8] = []

    /// A sink without bytes.
    package init() {}

    package mutating func take(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        unsafe self.bytes.append(contentsOf: bytes)
    }
}

/// Writes a snapshot, section by section.
package struct SnapshotWriter<Sink: ByteSink & ~Copyable>: ~Copyable {
    private var sink: Sink
    private var whole = Checksum()
    private var sections: UInt32 = 0
    /// The number of bytes written so far.
    package private(set) var length = 0

    /// Begins a snapshot with its header.
    package init(_ header: SnapshotHeader, into sink: consuming Sink) throws(StorageError) {
        self.sink = sink
        var head = ByteWriter()
        FileHead.write(header, into: &head)
        try emit(head)
    }

    /// Writes one section.
    package mutating func section(_ section: SectionHead, _ contents: borrowing ByteWriter) throws(StorageError) {
        var head = ByteWriter(capacity: SectionFrame.headBytes)
        head.write(section.kind)
        head.write(section.version)
        head.write(UInt32(contents.count))
        var checksum = Checksum()
        unsafe head.withBytes { unsafe checksum.add($0) }
        unsafe contents.withBytes { unsafe checksum.add($0) }
        var tail = ByteWriter(capacity: SectionFrame.checksumBytes)
        tail.write(checksum.value)
        try emit(head)
        try emit(contents)
        try emit(tail)
        sections += 1
    }

    /// Writes the trailer and returns the sink.
    package consuming func finish() throws(StorageError) -> Sink {
        var trailer = ByteWriter()
        SnapshotTrailer(sections: sections, checksum: whole.value).encode(into: &trailer)
        try section(SectionHead(kind: SnapshotTrailer.kind, version: SnapshotTrailer.version), trailer)
        return sink
    }

    private mutating func emit(_ bytes: borrowing ByteWriter) throws(StorageError) {
        length += bytes.count
        var failure: StorageError?
        unsafe bytes.withBytes { bytes in
            unsafe whole.add(bytes)
            do throws(StorageError) { try unsafe sink.take(bytes) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
