import FuseboxWire
import Testing

struct ByteReaderTests {
    @Test func numbersAreLittleEndianAndFollowOneAnother() throws {
        let bytes: [UInt8] = [0x01, 0x34, 0x12, 0x78, 0x56, 0x34, 0x12, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        try bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            #expect(try reader.read(UInt8.self) == 1)
            #expect(try reader.read(UInt16.self) == 0x1234)
            #expect(try reader.read(UInt32.self) == 0x1234_5678)
            #expect(reader.position == 7)
            #expect(reader.remaining == 8)
            #expect(try reader.read(Int64.self) == -2)
            try reader.finish()
        }
    }

    @Test(arguments: 0..<8) func aReadBeyondTheEndIsRefusedSaysWhereAndMovesNothing(count: Int) {
        let bytes = [UInt8](repeating: 7, count: count)
        bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            let refusal = #expect(throws: Refusal.self) { try reader.read(UInt64.self) }
            #expect(refusal?.status == .malformed)
            #expect(refusal?.message == "the payload ends at byte \(count), inside a value that begins at byte 0")
            #expect(reader.remaining == count)
        }
    }

    @Test(arguments: [4, 1 << 32, Int.max, -1, Int.min]) func lengthsThatNoPayloadCanHaveAreRefused(length: Int) {
        ([1, 2, 3] as [UInt8]).withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            #expect(throws: Refusal.self) { try reader.readBytes(length) }
        }
    }

    /// No bytes at all: nothing to read, nothing left over.
    @Test func noBytesAtAll() throws {
        var reader = ByteReader(UnsafeRawBufferPointer(start: nil, count: 0))
        try reader.finish()
        #expect(try reader.readBytes(0).isEmpty)
        #expect(throws: Refusal.self) { try reader.read(UInt8.self) }
    }

    @Test func whatIsLeftOverIsRefused() {
        ([1, 2, 3] as [UInt8]).withUnsafeBytes { bytes in
            let reader = ByteReader(bytes)
            let refusal = #expect(throws: Refusal.self) { try reader.finish() }
            #expect(refusal?.status == .trailingBytes)
        }
    }
}
