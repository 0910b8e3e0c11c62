import FuseboxTestSupport
import FuseboxWire
import Testing

struct ByteWriterTests {
    @Test func numbersAreLittleEndian() {
        var writer = ByteWriter()
        writer.write(0x12 as UInt8)
        writer.write(0x1234 as UInt16)
        writer.write(0x1234_5678 as UInt32)
        writer.write(-2 as Int64)
        writer.write(1.0)
        #expect(
            Hexadecimal.text(writer.bytes) == "12" + "3412" + "78563412" + "feffffffffffffff" + "000000000000f03f")
    }

    @Test func itGrowsKeepsWhatItHoldsAndForgetsFromTheFront() {
        var writer = ByteWriter(capacity: 16)
        let all = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        for byte in all { writer.write(byte) }
        #expect(writer.bytes == all)
        writer.removeFirst(300)
        #expect(writer.bytes == Array(all[300...]))
        writer.overwrite(0xAABB_CCDD as UInt32, at: 696)
        #expect(Array(writer.bytes.suffix(4)) == [0xDD, 0xCC, 0xBB, 0xAA])
        writer.removeFirst(700)
        #expect(writer.isEmpty == true)
        writer.shrink(to: 64)
        #expect(writer.footprint == 64)
        writer.write(contentsOf: all)
        #expect(writer.bytes == all)
        writer.removeAll()
        #expect(writer.count == 0)
    }

    @Test func asAQueueOfBoundedLengthItHoldsBoundedMemoryAndEveryByteComesOutInOrder() {
        var random = SplitMix64(seed: 1)
        var writer = ByteWriter(capacity: 64)
        var written = 0, taken = 0
        for _ in 0..<20_000 {
            for _ in 0..<Int.random(in: 0...40, using: &random) where writer.count < 1_000 {
                writer.write(UInt8(truncatingIfNeeded: written))
                written += 1
            }
            let length = Int.random(in: 0...min(40, writer.count), using: &random)
            let isInOrder = writer.withBytes { bytes in
                bytes.prefix(length).enumerated().allSatisfy { $1 == UInt8(truncatingIfNeeded: taken + $0) }
            }
            #expect(isInOrder)
            writer.removeFirst(length)
            taken += length
        }
        #expect(writer.footprint <= 4_096)
    }

    @Test func roomIsLentAndClaimed() {
        var writer = ByteWriter(capacity: 16)
        writer.write(9 as UInt8)
        let room = writer.spare(100)
        #expect(room.count >= 100)
        room.copyBytes(from: [1, 2, 3])
        writer.commit(3)
        #expect(writer.bytes == [9, 1, 2, 3])
    }
}
