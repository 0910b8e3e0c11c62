import FuseboxWire
import Testing

struct ChecksumTests {
    /// Published vectors (RFC 3720, B.4).
    @Test(
        arguments: [
            ([], 0),
            (Array("123456789".utf8), 0xE306_9283),
            ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
            ((0..<32).map { UInt8($0) }, 0x46DD_794E),
            ((0..<32).reversed().map { UInt8($0) }, 0x113F_DB5C),
        ] as [([UInt8], UInt32)])
    func published(bytes: [UInt8], checksum: UInt32) {
        #expect(Checksum.of(bytes) == checksum)
    }

    @Test func bytesMayBeAddedInAnyPieces() {
        let bytes = (0..<257).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let whole = Checksum.of(bytes)
        for cut in bytes.indices {
            var checksum = Checksum()
            bytes[..<cut].withUnsafeBytes { checksum.add($0) }
            bytes[cut...].withUnsafeBytes { checksum.add($0) }
            #expect(checksum.value == whole)
        }
    }

    @Test func everyFlippedBitIsNoticed() {
        var bytes = Array("a settled permit".utf8)
        let whole = Checksum.of(bytes)
        for bit in 0..<bytes.count * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(Checksum.of(bytes) != whole)
            bytes[bit / 8] ^= 1 << (bit % 8)
        }
    }
}
