import FuseboxSimulation
import FuseboxStore
import FuseboxWire
import Testing

/// Every deviation from the written bytes is refused.
@Suite struct SnapshotReaderTests {
    private static let sections: [(SectionHead, [UInt8])] = [
        (SectionHead(kind: 1, version: 1), []), (SectionHead(kind: 2, version: 7), [1, 2, 3]),
        (SectionHead(kind: 9, version: 2), Array(repeating: 0xAB, count: 70)),
    ]

    private static func snapshot() throws -> [UInt8] {
        let header = SnapshotHeader(
            epoch: 3, sequence: 4, moment: Moment(now: Timestamp(milliseconds: 5), wall: Timestamp(milliseconds: 6)),
            profile: .llmProviders)
        var writer = try SnapshotWriter(header, into: MemorySink())
        for (section, bytes) in sections {
            var contents = ByteWriter()
            contents.write(contentsOf: bytes)
            try writer.section(section, contents)
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
        var found: [(SectionHead, [UInt8])] = []
        try reader.forEachSection { (section, contents) throws(Refusal) in
            var bytes: [UInt8] = []
            while contents.remaining > 0 { bytes.append(try contents.read()) }
            found.append((section, bytes))
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
        var bytes = try Self.snapshot()
        bytes[8] = 2
        bytes.mendHead()
        #expect(damage(of: bytes) == .newerVersion(2))
    }

    @Test func sectionsThatWereTakenOutOrSwappedAreMissed() throws {
        let bytes = try Self.snapshot()
        // The first section is empty: 16 bytes after the head, with a good checksum of its own.
        let first = 64
        #expect(bytes[first..<first + 12].elementsEqual([1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]))
        #expect(damage(of: Array(bytes[..<first] + bytes[(first + 16)...])) != nil)
        let second = first + 16
        let third = second + 16 + 3
        let swapped = bytes[..<first] + bytes[second..<third] + bytes[first..<second] + bytes[third...]
        #expect(damage(of: Array(swapped)) != nil)
    }

    @Test func aRefusalThatTellsOfANewerSectionIsNoDamage() throws {
        let reader = try SnapshotReader(try Self.snapshot())
        func failure(_ status: Status) -> SnapshotDamage? {
            do throws(SnapshotDamage) {
                try reader.forEachSection { (_, _) throws(Refusal) in throw Refusal(status, "what it is") }
                return nil
            } catch { return error }
        }
        #expect(failure(.unsupportedVersion) == .newerSection(offset: 64, "what it is"))
        #expect(failure(.unsupportedVersion)?.isNewer == true)
        #expect(failure(.damagedData)?.isNewer == false)
    }

    @Test func otherFilesAreNoSnapshots() {
        #expect(damage(of: []) == .notASnapshot)
        #expect(damage(of: Array("{\"breakers\": []}".utf8)) == .notASnapshot)
    }
}
