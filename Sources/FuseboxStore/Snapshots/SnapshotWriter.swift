import FuseboxWire

/// Where a snapshot's bytes go.
public protocol ByteSink: ~Copyable {
    mutating func take(_ bytes: UnsafeRawBufferPointer) throws(StorageError)
}

/// Bytes kept in memory.
public struct MemorySink: ByteSink, ~Copyable {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    public mutating func take(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        unsafe self.bytes.append(contentsOf: bytes)
    }
}

/// Writes a snapshot, section by section.
public struct SnapshotWriter<Sink: ByteSink & ~Copyable>: ~Copyable {
    private var sink: Sink
    private var whole = Checksum()
    private var sections: UInt32 = 0
    /// Bytes written so far.
    public private(set) var length = 0

    /// Begins a snapshot with its header.
    public init(_ header: SnapshotHeader, into sink: consuming Sink) throws(StorageError) {
        self.sink = sink
        var head = ByteWriter()
        FileHead.write(header, into: &head)
        try emit(head)
    }

    /// Writes one section.
    public mutating func section(_ section: SectionHead, _ contents: borrowing ByteWriter) throws(StorageError) {
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

    /// Ends the snapshot and gives the sink back.
    public consuming func finish() throws(StorageError) -> Sink {
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
