import FuseboxStore
import FuseboxWire
import Testing

/// Every deviation from the written bytes is refused.
@Suite struct SnapshotReaderTests {
    private static let sections: [(UInt32, [UInt8])] = [
        (1, []), (2, [1, 2, 3]), (9, Array(repeating: 0xAB, count: 70)),
    ]

    private static func snapshot() throws -> [UInt8] {
        let header = SnapshotHeader(
            epoch: 3, sequence: 4, moment: Moment(now: Timestamp(milliseconds: 5), wall: Timestamp(milliseconds: 6)),
            profile: .llmProviders)
        var writer = try SnapshotWriter(header, into: MemorySink())
        for (kind, bytes) in sections {
            var contents = ByteWriter()
            contents.write(contentsOf: bytes)
            try writer.section(kind, contents)
        }
        return try writer.finish().bytes
    }

    private func damage(of bytes: [UInt8]) -> SnapshotDamage? {
        do throws(SnapshotDamage) {
            try SnapshotReader(bytes).verify()
            return nil
        } catch { return error }
    }

    @Test func whatWasWrittenIsRead() throws {
        let reader = try SnapshotReader(try Self.snapshot())
        #expect(reader.header.epoch == 3)
        #expect(reader.header.sequence == 4)
        #expect(reader.header.moment == Moment(now: Timestamp(milliseconds: 5), wall: Timestamp(milliseconds: 6)))
        #expect(reader.header.profile == .llmProviders)
        var found: [(UInt32, [UInt8])] = []
        try reader.forEachSection { (kind, contents) throws(Refusal) in
            var bytes: [UInt8] = []
            while contents.remaining > 0 { bytes.append(try contents.read()) }
            found.append((kind, bytes))
        }
        #expect(found.elementsEqual(Self.sections, by: ==))
    }

    @Test func everyTruncationIsRefused() throws {
        let bytes = try Self.snapshot()
        for length in bytes.indices { #expect(damage(of: Array(bytes[..<length])) != nil, "\(length) bytes") }
    }

    @Test func everyFlippedBitIsRefused() throws {
        let bytes = try Self.snapshot()
        for place in bytes.indices {
            for bit in 0..<8 {
                var flipped = bytes
                flipped[place] ^= 1 << bit
                #expect(damage(of: flipped) != nil, "bit \(bit) of byte \(place)")
            }
        }
    }

    @Test func bytesAfterTheEndAreRefused() throws {
        let bytes = try Self.snapshot()
        #expect(damage(of: bytes + [0]) == .trailingBytes(offset: bytes.count))
    }

    @Test func aFlippedBitOfTheVersionIsDamageAndNoNewerVersion() throws {
        var bytes = try Self.snapshot()
        bytes[8] ^= 2
        #expect(damage(of: bytes) == .checksum(offset: 0))
    }

    @Test func aNewerVersionIsToldAsSuch() throws {
        var header = SnapshotHeader(epoch: 3, sequence: 4, moment: Moment(milliseconds: 5), profile: .fusebox)
        header.version = 2
        let bytes = try SnapshotWriter(header, into: MemorySink()).finish().bytes
        #expect(damage(of: bytes) == .unknownVersion(2))
    }

    @Test func sectionsThatWereTakenOutOrSwappedAreMissed() throws {
        let bytes = try Self.snapshot()
        // The first section is empty: 12 bytes, with a good checksum of its own.
        let first = try #require(
            (8..<bytes.count - 12).first { Array(bytes[$0..<$0 + 8]) == [1, 0, 0, 0, 0, 0, 0, 0] })
        #expect(damage(of: Array(bytes[..<first] + bytes[(first + 12)...])) != nil)
        let second = first + 12
        let third = second + 12 + 3
        let swapped = bytes[..<first] + bytes[second..<third] + bytes[first..<second] + bytes[third...]
        #expect(damage(of: Array(swapped)) != nil)
    }

    @Test func otherFilesAreNoSnapshots() {
        #expect(damage(of: []) == .notASnapshot)
        #expect(damage(of: Array("{\"breakers\": []}".utf8)) == .notASnapshot)
    }
}
