import FuseboxWire

/// Where and why a segment's entries end.
public enum JournalEnd: Sendable, Equatable {
    /// With the entry that completes it.
    case sealed
    /// With the last entry that was written; zeros follow.
    case open(offset: Int)
    /// In a write that never reached the disk whole, as far as this segment tells.
    case torn(offset: Int)
    /// At bytes that must have been good once: they were known to be on the disk when something after them was written.
    case damaged(offset: Int)
}

/// Why a segment cannot be read at all.
public enum JournalDamage: Error, Sendable, Equatable, CustomStringConvertible {
    case notAJournal
    /// A newer program wrote it: the version of its head is not known.
    case newerVersion(UInt32)
    /// A newer program wrote it: the version of its entries is not known.
    case newerEntries(UInt32)
    case header

    /// Whether nothing is wrong with it but that a newer program wrote it.
    public var isNewer: Bool {
        switch self {
        case .newerVersion, .newerEntries: true
        case .notAJournal, .header: false
        }
    }

    public var description: String {
        switch self {
        case .notAJournal: "this is not a journal of Fusebox: its first bytes are others"
        case .newerVersion(let version):
            "its head has format version \(version), and this program reads versions up to \(JournalHeader.version)"
        case .newerEntries(let version):
            "its entries have version \(version), and this program reads versions up to \(JournalEntry.version)"
        case .header: "its header does not agree with its checksum"
        }
    }
}

/// Reads a segment: entries in their order up to the first that is not good, and what that means.
///
/// A write that a power failure cut may leave any mixture of its blocks, in any order, and zeros for the rest. So a bad
/// entry is *torn* unless something good after it tells otherwise: each entry carries the sequence that was known to be
/// on the disk when it was written, and one that knows the bad one to be there proves *damage*.
public struct JournalReader: Sendable {
    public let header: JournalHeader
    private let bytes: [UInt8]

    /// Checks the header.
    public init(_ bytes: [UInt8]) throws(JournalDamage) {
        self.bytes = bytes
        do throws(HeadDamage) { header = try FileHead.read(from: bytes) } catch {
            switch error {
            case .otherFile, .truncated: throw .notAJournal
            case .checksum, .contents: throw .header
            case .newerVersion(let version): throw .newerVersion(version)
            }
        }
        guard header.entryVersion > 0 else { throw .header }
        guard header.entryVersion <= JournalEntry.version else { throw .newerEntries(header.entryVersion) }
    }

    /// Calls `body` with every good entry and its payload, in order, and returns how they end.
    ///
    /// - Parameter body: what it throws ends the reading
    ///   The end tells torn from damaged by this segment alone: `proves` asks those that follow.
    public func forEach<Failure: Error>(
        _ body: (JournalEntry, UnsafeRawBufferPointer, _ offset: Int) throws(Failure) -> Void
    ) throws(Failure) -> JournalEnd {
        let result: Result<JournalEnd, Failure> = unsafe bytes.withUnsafeBytes { all in
            do throws(Failure) { return .success(try unsafe walk(all, body)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Whether an entry among these bytes proves that `sequence` was on the disk when it was written.
    public static func proves(_ sequence: UInt64, in bytes: [UInt8]) -> Bool {
        let version = entryVersion(of: bytes)
        return unsafe bytes.withUnsafeBytes { all in
            unsafe knows(sequence, from: JournalHeader.bytes, of: all, version)
        }
    }

    /// The highest sequence of a good entry that begins at `offset` or after it; nil if there is none.
    public static func highestSequence(in bytes: [UInt8], from offset: Int) -> UInt64? {
        let version = entryVersion(of: bytes)
        return unsafe bytes.withUnsafeBytes { all in
            var highest: UInt64?
            var place = max(offset, JournalHeader.bytes)
            while place < all.count {
                guard let (entry, _, end) = unsafe entry(at: place, of: all, version) else {
                    place += JournalEntry.alignment
                    continue
                }
                // The entry that completes a segment has the sequence of the next one.
                let sequence = entry.command == JournalEntry.seal ? entry.sequence - 1 : entry.sequence
                highest = max(highest ?? 0, sequence)
                place = end
            }
            return highest
        }
    }

    /// The version of a segment's entries. Where the head does not tell, it is the one that is written now.
    private static func entryVersion(of bytes: [UInt8]) -> UInt32 {
        (try? FileHead.read(JournalHeader.self, from: bytes))?.entryVersion ?? JournalEntry.version
    }

    private static func knows(
        _ sequence: UInt64, from offset: Int, of all: UnsafeRawBufferPointer, _ version: UInt32
    ) -> Bool {
        var place = offset
        while place < all.count {
            if let (entry, _, end) = unsafe entry(at: place, of: all, version) {
                if entry.synced >= sequence { return true }
                place = end
            } else {
                place += JournalEntry.alignment
            }
        }
        return false
    }

    private func walk<Failure: Error>(
        _ all: UnsafeRawBufferPointer,
        _ body: (JournalEntry, UnsafeRawBufferPointer, _ offset: Int) throws(Failure) -> Void
    ) throws(Failure) -> JournalEnd {
        var offset = JournalHeader.bytes
        var expected = header.firstSequence
        while let (entry, payload, end) = unsafe Self.entry(at: offset, of: all, header.entryVersion),
            entry.sequence == expected
        {
            if entry.command == JournalEntry.seal {
                return unsafe Self.isZero(all, from: end) ? .sealed : .damaged(offset: end)
            }
            try unsafe body(entry, payload, offset)
            offset = end
            expected += 1
        }
        return unsafe end(at: offset, expected: expected, of: all)
    }

    /// What it means that no good entry with the expected sequence stands at `offset`.
    private func end(at offset: Int, expected: UInt64, of all: UnsafeRawBufferPointer) -> JournalEnd {
        if unsafe Self.isZero(all, from: offset) { return .open(offset: offset) }
        if unsafe Self.knows(expected, from: offset, of: all, header.entryVersion) { return .damaged(offset: offset) }
        return .torn(offset: offset)
    }

    /// The entry at an offset, if it is good.
    private static func entry(
        at offset: Int, of all: UnsafeRawBufferPointer, _ version: UInt32
    ) -> (entry: JournalEntry, payload: UnsafeRawBufferPointer, end: Int)? {
        let body = offset + JournalEntry.headBytes
        guard body <= all.count else { return nil }
        let checksum = unsafe UInt32(littleEndian: all.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        let length = unsafe Int(UInt32(littleEndian: all.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)))
        guard length > 0, length <= all.count - body else { return nil }
        let end = JournalEntry.aligned(body + length)
        guard end <= all.count,
            unsafe Checksum.of(UnsafeRawBufferPointer(rebasing: all[(offset + 4)..<end])) == checksum
        else { return nil }
        var reader = unsafe ByteReader(UnsafeRawBufferPointer(rebasing: all[body..<body + length]))
        let entry: JournalEntry
        do throws(Refusal) { entry = try JournalEntry.read(version: version, from: &reader) } catch { return nil }
        guard (1...SequenceBound.highest).contains(entry.sequence) else { return nil }
        let payload = unsafe UnsafeRawBufferPointer(rebasing: all[(body + reader.position)..<body + length])
        return unsafe (entry, payload, end)
    }

    static func isZero(_ all: UnsafeRawBufferPointer, from offset: Int) -> Bool {
        var offset = offset
        while offset + 8 <= all.count {
            guard unsafe all.loadUnaligned(fromByteOffset: offset, as: UInt64.self) == 0 else { return false }
            offset += 8
        }
        while offset < all.count {
            guard unsafe all[offset] == 0 else { return false }
            offset += 1
        }
        return true
    }
}
