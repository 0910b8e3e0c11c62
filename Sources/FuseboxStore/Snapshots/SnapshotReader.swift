import FuseboxWire

/// Reads a snapshot's bytes: every checksum is verified before its contents are looked at.
public struct SnapshotReader: Sendable {
    public let header: SnapshotHeader
    private let bytes: [UInt8]
    private let firstSection: Int

    /// Checks the header.
    public init(_ bytes: [UInt8]) throws(SnapshotDamage) {
        self.bytes = bytes
        let magic = SnapshotHeader.magic
        guard bytes.starts(with: magic) else { throw .notASnapshot }
        let headerBytes: Result<(SnapshotHeader, Int), SnapshotDamage> = unsafe bytes.withUnsafeBytes { all in
            let rest = unsafe UnsafeRawBufferPointer(rebasing: all[magic.count...])
            var reader = unsafe ByteReader(rest)
            var header = SnapshotHeader()
            do throws(Refusal) {
                // The version comes first and is looked at first: what follows may be laid out otherwise.
                var peek = reader
                let version = try peek.read(UInt32.self)
                guard version == SnapshotHeader.currentVersion else {
                    return .failure(
                        Self.isCurrentButForVersion(bytes) ? .checksum(offset: 0) : .unknownVersion(version))
                }
                try header.decode(from: &reader)
                let end = magic.count + reader.position
                let stored = try reader.read(UInt32.self)
                let computed = unsafe Checksum.of(UnsafeRawBufferPointer(rebasing: all[..<end]))
                guard stored == computed else { return .failure(.checksum(offset: 0)) }
                guard header.sequence <= SequenceBound.highest else {
                    let refusal = Refusal(.outOfRange, "no daemon gets to \(header.sequence) changes")
                    return .failure(.contents(offset: 0, refusal))
                }
                return .success((header, end + SnapshotSection.checksumBytes))
            } catch {
                return .failure(error.status == .outOfRange ? .checksum(offset: 0) : .truncated(offset: all.count))
            }
        }
        (header, firstSection) = try headerBytes.get()
    }

    /// Whether the header's checksum agrees once the version is this code's: then it is the version that is damaged,
    /// and an older snapshot serves better than the advice to look for a newer program.
    private static func isCurrentButForVersion(_ bytes: [UInt8]) -> Bool {
        var header = ByteWriter()
        header.write(contentsOf: SnapshotHeader.magic)
        header.write(SnapshotHeader.currentVersion)
        var mended = header.bytes
        mended.append(contentsOf: bytes.dropFirst(mended.count))
        // The mended version is the current one, so this looks no deeper.
        return (try? SnapshotReader(mended)) != nil
    }

    /// Calls `body` with the kind and the contents of every section, in order, and then checks the end.
    public func forEachSection(
        _ body: (UInt32, inout ByteReader) throws(Refusal) -> Void
    ) throws(SnapshotDamage) {
        let result: Result<Void, SnapshotDamage> = unsafe bytes.withUnsafeBytes { all in
            do throws(SnapshotDamage) {
                try unsafe walk(all, body)
                return .success(())
            } catch { return .failure(error) }
        }
        try result.get()
    }

    /// Checks every checksum and the end.
    public func verify() throws(SnapshotDamage) {
        try forEachSection { (_, _) throws(Refusal) in }
    }

    private func walk(
        _ all: UnsafeRawBufferPointer, _ body: (UInt32, inout ByteReader) throws(Refusal) -> Void
    ) throws(SnapshotDamage) {
        var offset = firstSection
        var sections: UInt32 = 0
        while true {
            let (kind, contents) = try unsafe section(at: offset, of: all)
            let end = offset + SnapshotSection.headBytes + contents.count + SnapshotSection.checksumBytes
            var reader = unsafe ByteReader(contents)
            let isTrailer = kind == SnapshotSection.trailer
            do throws(Refusal) {
                if isTrailer {
                    let whole = unsafe Checksum.of(UnsafeRawBufferPointer(rebasing: all[..<offset]))
                    try Self.checkTrailer(&reader, sections: sections, whole: whole)
                } else {
                    try body(kind, &reader)
                }
            } catch {
                throw .contents(offset: offset, error)
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
        _ reader: inout ByteReader, sections: UInt32, whole: UInt32
    ) throws(Refusal) {
        let statedSections = try reader.read(UInt32.self)
        let statedWhole = try reader.read(UInt32.self)
        try reader.finish()
        guard statedSections == sections, statedWhole == whole else {
            throw Refusal(.damagedData, "the trailer does not agree with what comes before it")
        }
    }

    private func section(
        at offset: Int, of all: UnsafeRawBufferPointer
    ) throws(SnapshotDamage) -> (kind: UInt32, contents: UnsafeRawBufferPointer) {
        let overhead = SnapshotSection.headBytes + SnapshotSection.checksumBytes
        guard all.count - offset >= overhead else { throw .truncated(offset: all.count) }
        let kind = unsafe UInt32(littleEndian: all.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        let length = unsafe Int(UInt32(littleEndian: all.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)))
        guard all.count - offset - overhead >= length else { throw .truncated(offset: all.count) }
        let end = offset + SnapshotSection.headBytes + length
        let covered = unsafe UnsafeRawBufferPointer(rebasing: all[offset..<end])
        let stored = unsafe UInt32(littleEndian: all.loadUnaligned(fromByteOffset: end, as: UInt32.self))
        guard unsafe Checksum.of(covered) == stored else { throw .checksum(offset: offset) }
        return unsafe (kind, UnsafeRawBufferPointer(rebasing: all[offset + SnapshotSection.headBytes..<end]))
    }
}
