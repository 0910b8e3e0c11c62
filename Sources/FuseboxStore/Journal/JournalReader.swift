import FuseboxWire

/// How a segment's entries end, and where.
package enum JournalEnd: Sendable, Equatable {
    /// The segment is complete: a seal ends it.
    case sealed
    /// The last entry that was written is good, and zeros follow.
    case open(offset: Int)
    /// The next entry was not written completely, as far as this segment tells.
    case torn(offset: Int)
    /// The next entry is damaged. It was synced once, because a later entry says so.
    case damaged(offset: Int)
}

/// Why a segment cannot be read at all.
package enum JournalDamage: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file does not begin with the magic of a segment.
    case notAJournal
    /// A newer program wrote the file: the version of its head is unknown.
    case newerVersion(UInt32)
    /// A newer program wrote the file: the version of its entries is unknown.
    case newerEntries(UInt32)
    /// The header is damaged.
    case header

    /// Whether the only problem is that a newer program wrote the file.
    package var isNewer: Bool {
        switch self {
        case .newerVersion, .newerEntries: true
        case .notAJournal, .header: false
        }
    }

    package var description: String {
        switch self {
        case .notAJournal: "this is not a journal of Fusebox: it does not begin like one"
        case .newerVersion(let version):
            "its head has format version \(version), and this program reads versions up to \(JournalHeader.version)"
        case .newerEntries(let version):
            "its entries have version \(version), and this program reads versions up to \(JournalEntry.version)"
        case .header: "its header does not agree with its checksum"
        }
    }
}

/// Reads a segment: its entries in order up to the first bad one, and how they end.
///
/// A power failure during a write may leave any of its blocks, in any order, and zeros for the others. So a bad entry
/// is *torn* unless a good entry after it proves otherwise. Each entry carries the highest synced sequence of the time
/// when it was written. A later entry that says that the bad one was synced proves *damage*.
package struct JournalReader: Sendable {
    /// The header.
    package let header: JournalHeader
    private let bytes: [UInt8]

    /// Reads the header.
    ///
    /// - Parameter bytes: the file, or at least its head
    package init(_ bytes: [UInt8]) throws(JournalDamage) {
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

    /// Calls `body` with every good entry, its payload and its offset, in order.
    ///
    /// - Parameter body: ends the reading if it throws
    /// - Returns: how the entries end, judged by this segment alone; `proves` examines later segments
    package func forEach<Failure: Error>(
        _ body: (JournalEntry, UnsafeRawBufferPointer, _ offset: Int) throws(Failure) -> Void
    ) throws(Failure) -> JournalEnd {
        let result: Result<JournalEnd, Failure> = unsafe bytes.withUnsafeBytes { all in
            do throws(Failure) { return .success(try unsafe walk(all, body)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Whether an entry in these bytes proves that `sequence` was synced before the entry was written.
    package static func proves(_ sequence: UInt64, in bytes: [UInt8]) -> Bool {
        let version = entryVersion(of: bytes)
        return unsafe bytes.withUnsafeBytes { all in
            unsafe knows(sequence, from: JournalHeader.bytes, of: all, version)
        }
    }

    /// The highest sequence of a good entry at `offset` or after it. Nil if there is none.
    package static func highestSequence(in bytes: [UInt8], from offset: Int) -> UInt64? {
        let version = entryVersion(of: bytes)
        return unsafe bytes.withUnsafeBytes { all in
            var highest: UInt64?
            var place = max(offset, JournalHeader.bytes)
            while place < all.count {
                guard let (entry, _, end) = unsafe entry(at: place, of: all, version) else {
                    place += JournalEntry.alignment
                    continue
                }
                // A seal has the sequence of the next entry.
                let sequence = entry.command == JournalEntry.seal ? entry.sequence - 1 : entry.sequence
                highest = max(highest ?? 0, sequence)
                place = end
            }
            return highest
        }
    }

    /// The version of a segment's entries. If the head is not good, it is the present version.
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

    /// How the entries end if there is no good entry with the expected sequence at `offset`.
    private func end(at offset: Int, expected: UInt64, of all: UnsafeRawBufferPointer) -> JournalEnd {
        if unsafe Self.isZero(all, from: offset) { return .open(offset: offset) }
        if unsafe Self.knows(expected, from: offset, of: all, header.entryVersion) { return .damaged(offset: offset) }
        return .torn(offset: offset)
    }

    /// The entry at an offset. Nil if it is not good.
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
