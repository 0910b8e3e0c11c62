import FuseboxWire

/// Reads the bytes of a snapshot. Every checksum is verified before its contents are read.
package struct SnapshotReader: Sendable {
    /// The header.
    package let header: SnapshotHeader
    /// The version that the header was written in.
    package let version: UInt32
    private let bytes: [UInt8]

    /// Reads the header.
    ///
    /// - Parameter bytes: the file, or at least its head
    package init(_ bytes: [UInt8]) throws(SnapshotDamage) {
        self.bytes = bytes
        do throws(HeadDamage) { header = try FileHead.read(from: bytes) } catch {
            switch error {
            case .otherFile: throw .notASnapshot
            case .truncated: throw .truncated(offset: bytes.count)
            case .checksum: throw .checksum(offset: 0)
            case .newerVersion(let version): throw .newerVersion(version)
            case .contents(let refusal): throw .contents(offset: 0, refusal)
            }
        }
        version = FileHead.version(of: bytes)
        guard header.sequence <= SequenceBound.highest else {
            throw .contents(offset: 0, Refusal(.outOfRange, "no daemon reaches \(header.sequence) changes"))
        }
    }

    /// Calls `body` with the head and the contents of every section, in order, and then checks the trailer.
    ///
    /// - Parameter body: a refusal that it throws becomes `contents`, or `newerSection` if its status is
    ///   `unsupportedVersion`
    package func forEachSection(
        _ body: (SectionHead, inout ByteReader) throws(Refusal) -> Void
    ) throws(SnapshotDamage) {
        let result: Result<Void, SnapshotDamage> = unsafe bytes.withUnsafeBytes { all in
            do throws(SnapshotDamage) {
                try unsafe walk(all, body)
                return .success(())
            } catch { return .failure(error) }
        }
        try result.get()
    }

    /// Verifies every checksum and the trailer.
    package func verify() throws(SnapshotDamage) {
        try forEachSection { (_, _) throws(Refusal) in }
    }

    private func walk(
        _ all: UnsafeRawBufferPointer, _ body: (SectionHead, inout ByteReader) throws(Refusal) -> Void
    ) throws(SnapshotDamage) {
        var offset = FileHead.bytes
        var sections: UInt32 = 0
        while true {
            let (head, contents) = try unsafe section(at: offset, of: all)
            let end = offset + SectionFrame.headBytes + contents.count + SectionFrame.checksumBytes
            var reader = unsafe ByteReader(contents)
            let isTrailer = head.kind == SnapshotTrailer.kind
            do throws(Refusal) {
                if isTrailer {
                    let whole = unsafe Checksum.of(UnsafeRawBufferPointer(rebasing: all[..<offset]))
                    let expected = SnapshotTrailer(sections: sections, checksum: whole)
                    try Self.checkTrailer(&reader, version: head.version, expected)
                } else {
                    try body(head, &reader)
                }
            } catch {
                guard error.status == .unsupportedVersion else { throw .contents(offset: offset, error) }
                throw .newerSection(offset: offset, error.message)
            }
            if isTrailer {
                guard end == all.count else { throw .trailingBytes(offset: end) }
                return
            }
            sections += 1
            offset = end
        }
    }

    private static func checkTrailer(
        _ reader: inout ByteReader, version: UInt32, _ expected: SnapshotTrailer
    ) throws(Refusal) {
        let trailer = try SnapshotTrailer.read(version: version, from: &reader)
        try reader.finish()
        guard trailer == expected else {
            throw Refusal(.damagedData, "the trailer does not agree with what comes before it")
        }
    }

    private func section(
        at offset: Int, of all: UnsafeRawBufferPointer
    ) throws(SnapshotDamage) -> (head: SectionHead, contents: UnsafeRawBufferPointer) {
        let overhead = SectionFrame.headBytes + SectionFrame.checksumBytes
        guard all.count - offset >= overhead else { throw .truncated(offset: all.count) }
        let kind = unsafe UInt32(littleEndian: all.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        let version = unsafe UInt32(littleEndian: all.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self))
        let length = unsafe Int(UInt32(littleEndian: all.loadUnaligned(fromByteOffset: offset + 8, as: UInt32.self)))
        guard all.count - offset - overhead >= length else { throw .truncated(offset: all.count) }
        let end = offset + SectionFrame.headBytes + length
        let covered = unsafe UnsafeRawBufferPointer(rebasing: all[offset..<end])
        let stored = unsafe UInt32(littleEndian: all.loadUnaligned(fromByteOffset: end, as: UInt32.self))
        guard unsafe Checksum.of(covered) == stored else { throw .checksum(offset: offset) }
        let contents = unsafe UnsafeRawBufferPointer(rebasing: all[offset + SectionFrame.headBytes..<end])
        return unsafe (SectionHead(kind: kind, version: version), contents)
    }
}
