import FuseboxWire

/// Reads the bytes of a month's file: every good entry, and where others are.
package struct HistoryReader: Sendable {
    /// What is wrong at a place of the file.
    package struct Damage: Sendable, Equatable {
        /// The offset in the file.
        package var offset: Int
        /// What is wrong, as a clause.
        package var what: String
    }

    /// A good entry.
    package struct Found: Sendable {
        /// Its fields.
        package var entry: HistoryEntry
        /// Its offset in the file.
        package var offset: Int
        /// The offset after it.
        package var end: Int

        /// Reads the records.
        ///
        /// - Returns: the number of records that could not be written, if the entry is a gap
        package func missing(in records: inout ByteReader) throws(Refusal) -> UInt64 {
            if entry.isGap { return try HistoryGap.read(version: HistoryGap.version, from: &records).records }
            while records.remaining > 0 {
                _ = try HistoryRecord.read(version: HistoryRecord.version, from: &records)
            }
            return 0
        }
    }

    /// The month, by the name of the file.
    package let month: HistoryMonth
    /// Damaged places, in order.
    package internal(set) var damage: [Damage] = []
    /// The offset after the last good entry, or after the head.
    package private(set) var end: Int
    /// Whether bytes follow that are no entry: one was not written completely.
    package private(set) var isTorn = false

    /// Begins at an offset after the head.
    package init(_ month: HistoryMonth, from offset: Int = HistoryHeader.bytes) {
        self.month = month
        end = max(offset, HistoryHeader.bytes)
    }

    /// Why a newer program has written the file. Nil if this program can read it.
    ///
    /// A damaged head is noted as such. The entries are read by the versions that are written now.
    package mutating func checkHead(_ head: [UInt8]) -> String? {
        do throws(HeadDamage) {
            let header = try FileHead.read(HistoryHeader.self, from: head)
            if header.entryVersion > HistoryEntry.version || header.recordVersion > HistoryRecord.version
                || header.gapVersion > HistoryGap.version
            {
                return "a newer program wrote its entries"
            }
            if HistoryHeader(month).year != header.year || HistoryHeader(month).month != header.month {
                damage.append(Damage(offset: 0, what: "its head names the month \(header.year)-\(header.month)"))
            }
        } catch {
            if case .newerVersion(let version) = error { return "its head has the newer version \(version)" }
            damage.append(Damage(offset: 0, what: "its head is not good"))
        }
        return nil
    }

    /// Calls `body` with every good entry of a piece of the file, and the reader at its records.
    ///
    /// - Parameters:
    ///   - bytes: the piece, which begins at `end`
    ///   - isLast: whether the file ends with the piece
    ///   - body: returns whether further entries are wanted
    package mutating func read(_ bytes: [UInt8], isLast: Bool, _ body: (Found, inout ByteReader) -> Bool) {
        let start = end
        let (damage, place, isTorn) = unsafe bytes.withUnsafeBytes { all in
            unsafe Self.walk(all, from: start, isLast: isLast, body)
        }
        self.damage += damage
        end = place
        self.isTorn = isTorn
    }

    // A file is read in pieces that are longer than two batches. So a bad entry at the beginning of a piece that is not
    // the last one was on disk, because more than a batch follows it.
    private static func walk(
        _ all: UnsafeRawBufferPointer, from start: Int, isLast: Bool, _ body: (Found, inout ByteReader) -> Bool
    ) -> (damage: [Damage], end: Int, isTorn: Bool) {
        var damage: [Damage] = []
        var place = 0
        while place < all.count {
            if let (end, goesOn) = unsafe entry(at: place, of: all, from: start, body) {
                place = end
                guard goesOn else { return (damage, start + place, false) }
                continue
            }
            let rest = all.count - place
            if rest < 2 * HistoryEntry.batchBytes, !isLast, place > 0 { return (damage, start + place, false) }
            guard let next = unsafe proof(after: place, of: all, from: start, isProven: !isLast) else {
                // Only zeros may follow the last entry: a file whose length reached the disk before its bytes.
                guard isLast else { return (damage, start + place + rest - HistoryEntry.batchBytes, false) }
                return (damage, start + place, unsafe all[place...].contains { $0 != 0 })
            }
            damage.append(
                Damage(offset: start + place, what: "the entry is damaged; \(next - place) bytes are passed over"))
            place = next
        }
        return (damage, start + place, false)
    }

    /// The place of the next good entry after a bad one, if a good entry proves that the bad one was on disk.
    private static func proof(
        after place: Int, of all: UnsafeRawBufferPointer, from start: Int, isProven: Bool
    ) -> Int? {
        var first: Int?
        var next = place + HistoryEntry.alignment
        while next < all.count {
            guard let (_, synced, end) = unsafe frame(at: next, of: all) else {
                next += HistoryEntry.alignment
                continue
            }
            if first == nil { first = next }
            if isProven || synced > UInt64(start + place) { return first }
            next = end
        }
        return nil
    }

    /// The bytes of the body of a good entry, what it says of the file, and the place after it. Nil if there is none.
    private static func frame(
        at place: Int, of all: UnsafeRawBufferPointer
    ) -> (length: Int, synced: UInt64, end: Int)? {
        guard place + HistoryEntry.headBytes <= all.count else { return nil }
        let stored = unsafe UInt32(littleEndian: all.loadUnaligned(fromByteOffset: place, as: UInt32.self))
        let length = Int(unsafe UInt32(littleEndian: all.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self)))
        guard length > 0, length <= HistoryEntry.longest else { return nil }
        let end = place + HistoryBatch.aligned(HistoryEntry.headBytes + length)
        guard end <= all.count else { return nil }
        guard unsafe Checksum.of(UnsafeRawBufferPointer(rebasing: all[(place + 4)..<end])) == stored else { return nil }
        return (
            length, unsafe UInt64(littleEndian: all.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self)), end
        )
    }

    /// Reads an entry. Returns the offset after it, and whether further ones are wanted. Nil if it is not good.
    private static func entry(
        at place: Int, of all: UnsafeRawBufferPointer, from start: Int, _ body: (Found, inout ByteReader) -> Bool
    ) -> (end: Int, goesOn: Bool)? {
        guard let (length, _, end) = unsafe frame(at: place, of: all) else { return nil }
        let first = place + HistoryEntry.headBytes
        var reader = unsafe ByteReader(UnsafeRawBufferPointer(rebasing: all[first..<(first + length)]))
        guard let entry = try? HistoryEntry.read(version: HistoryEntry.version, from: &reader) else { return nil }
        return (end, body(Found(entry: entry, offset: start + place, end: start + end), &reader))
    }
}

/// Entries of a month, encoded.
package struct HistoryBatch: Sendable {
    /// The bytes of the entries.
    package private(set) var bytes: [UInt8] = []

    /// No entries.
    package init() {}

    static func aligned(_ count: Int) -> Int { (count + HistoryEntry.alignment - 1) & ~(HistoryEntry.alignment - 1) }

    /// The body of an entry.
    package static func body(_ entry: HistoryEntry, _ records: some Sequence<HistoryRecord>) -> [UInt8] {
        var writer = ByteWriter(capacity: 4_096)
        entry.encode(into: &writer)
        for record in records { record.encode(into: &writer) }
        return writer.bytes
    }

    /// The body of an entry that tells a gap.
    package static func body(_ entry: HistoryEntry, _ gap: HistoryGap) -> [UInt8] {
        var entry = entry
        entry.isGap = true
        var writer = ByteWriter(capacity: 128)
        entry.encode(into: &writer)
        gap.encode(into: &writer)
        return writer.bytes
    }

    /// The bytes of an entry with a body of this length.
    static func bytes(of body: [UInt8]) -> Int { aligned(HistoryEntry.headBytes + body.count) }

    /// Appends an entry with this body, of at most `HistoryEntry.longest` bytes.
    ///
    /// - Parameter synced: the length of the file that is on disk
    package mutating func append(_ body: [UInt8], synced: Int) {
        precondition(body.count <= HistoryEntry.longest, "an entry has at most \(HistoryEntry.longest) bytes")
        var writer = ByteWriter(capacity: body.count + 24)
        writer.write(0 as UInt32)
        writer.write(UInt32(body.count))
        writer.write(UInt64(synced))
        writer.write(contentsOf: body)
        while writer.count % HistoryEntry.alignment != 0 { writer.write(0 as UInt8) }
        let checksum = unsafe writer.withBytes { all in
            unsafe Checksum.of(UnsafeRawBufferPointer(rebasing: all[4...]))
        }
        writer.overwrite(checksum, at: 0)
        bytes += writer.bytes
    }
}
