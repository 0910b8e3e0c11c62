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
        head.write(contentsOf: SnapshotHeader.magic)
        header.encode(into: &head)
        head.write(unsafe head.withBytes { unsafe Checksum.of($0) })
        try emit(head)
    }

    /// Writes one section.
    public mutating func section(_ kind: UInt32, _ contents: borrowing ByteWriter) throws(StorageError) {
        var head = ByteWriter(capacity: SnapshotSection.headBytes)
        head.write(kind)
        head.write(UInt32(contents.count))
        var checksum = Checksum()
        unsafe head.withBytes { unsafe checksum.add($0) }
        unsafe contents.withBytes { unsafe checksum.add($0) }
        var tail = ByteWriter(capacity: SnapshotSection.checksumBytes)
        tail.write(checksum.value)
        try emit(head)
        try emit(contents)
        try emit(tail)
        sections += 1
    }

    /// Ends the snapshot and gives the sink back.
    public consuming func finish() throws(StorageError) -> Sink {
        var trailer = ByteWriter()
        trailer.write(sections)
        trailer.write(whole.value)
        try section(SnapshotSection.trailer, trailer)
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
