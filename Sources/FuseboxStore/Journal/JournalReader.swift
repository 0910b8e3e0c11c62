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
    case unknownVersion(UInt32)
    case header

    public var description: String {
        switch self {
        case .notAJournal: "this is not a journal of Fusebox: its first bytes are others"
        case .unknownVersion(let version):
            "it has format version \(version), and this program reads version \(JournalHeader.currentVersion) only; use the program that wrote it, or a newer one"
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
        guard bytes.count >= JournalHeader.bytes, bytes.starts(with: JournalHeader.magic) else { throw .notAJournal }
        let result: Result<JournalHeader, JournalDamage> = unsafe bytes.withUnsafeBytes { all in
            let rest = unsafe UnsafeRawBufferPointer(rebasing: all[JournalHeader.magic.count..<JournalHeader.bytes])
            var reader = unsafe ByteReader(rest)
            var header = JournalHeader()
            do throws(Refusal) {
                var peek = reader
                let version = try peek.read(UInt32.self)
                // No version has the number 0: these are bytes that never reached the disk.
                guard version != 0 else { return .failure(.header) }
                guard version == JournalHeader.currentVersion else { return .failure(.unknownVersion(version)) }
                try header.decode(from: &reader)
                let end = JournalHeader.magic.count + reader.position
                let stored = try reader.read(UInt32.self)
                let computed = unsafe Checksum.of(UnsafeRawBufferPointer(rebasing: all[..<end]))
                return stored == computed ? .success(header) : .failure(.header)
            } catch { return .failure(.header) }
        }
        header = try result.get()
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
        unsafe bytes.withUnsafeBytes { all in
            unsafe knows(sequence, from: JournalHeader.bytes, of: all)
        }
    }

    /// The highest sequence of a good entry that begins at `offset` or after it; nil if there is none.
    public static func highestSequence(in bytes: [UInt8], from offset: Int) -> UInt64? {
        unsafe bytes.withUnsafeBytes { all in
            var highest: UInt64?
            var place = max(offset, JournalHeader.bytes)
            while place < all.count {
                guard let (entry, _, end) = unsafe entry(at: place, of: all) else {
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

    private static func knows(_ sequence: UInt64, from offset: Int, of all: UnsafeRawBufferPointer) -> Bool {
        var place = offset
        while place < all.count {
            if let (entry, _, end) = unsafe entry(at: place, of: all) {
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
        while let (entry, payload, end) = unsafe Self.entry(at: offset, of: all), entry.sequence == expected {
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
        if unsafe Self.knows(expected, from: offset, of: all) { return .damaged(offset: offset) }
        return .torn(offset: offset)
    }

    /// The entry at an offset, if it is good.
    private static func entry(
        at offset: Int, of all: UnsafeRawBufferPointer
    ) -> (entry: JournalEntry, payload: UnsafeRawBufferPointer, end: Int)? {
        guard offset + JournalEntry.headBytes + JournalEntry.fieldBytes <= all.count else { return nil }
        let checksum = unsafe UInt32(littleEndian: all.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        let length = unsafe Int(UInt32(littleEndian: all.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)))
        let body = offset + JournalEntry.headBytes
        guard length >= JournalEntry.fieldBytes, length <= all.count - body else { return nil }
        let end = offset + JournalBatch.length(payload: length - JournalEntry.fieldBytes)
        guard end <= all.count,
            unsafe Checksum.of(UnsafeRawBufferPointer(rebasing: all[(offset + 4)..<end])) == checksum
        else { return nil }
        var reader = unsafe ByteReader(UnsafeRawBufferPointer(rebasing: all[body..<body + length]))
        var entry = JournalEntry()
        do throws(Refusal) { try entry.decode(from: &reader) } catch { return nil }
        guard (1...SequenceBound.highest).contains(entry.sequence) else { return nil }
        return unsafe (
            entry, UnsafeRawBufferPointer(rebasing: all[(body + JournalEntry.fieldBytes)..<body + length]), end
        )
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
