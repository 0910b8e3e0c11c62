import FuseboxInterop
import FuseboxTestSupport
import FuseboxWire
import Testing

/// Cutting a stream into frames.
struct FrameReaderTests {
    private static let vectors = ProtocolVectors.all()

    /// A frame as it came out of the reader.
    private struct Frame: Equatable {
        var header: FrameHeader
        var payload: [UInt8]
    }

    private static let expected = vectors.map { Frame(header: $0.frame.header, payload: Array($0.bytes[12...])) }
    private static let stream = vectors.flatMap(\.bytes)

    private func drain(_ reader: inout FrameReader, into frames: inout [Frame]) throws {
        while let frame = try reader.next({ Frame(header: $0, payload: Array($1)) }) { frames.append(frame) }
    }

    @Test(arguments: [1, 2, 3, 7, 64, 4_096, 1 << 20])
    func everyVectorComesOutWholeHoweverLargeThePiecesItComesIn(size: Int) throws {
        var reader = FrameReader()
        var frames: [Frame] = []
        for start in stride(from: 0, to: Self.stream.count, by: size) {
            Self.stream[start..<min(start + size, Self.stream.count)].withUnsafeBytes { reader.append($0) }
            try drain(&reader, into: &frames)
        }
        #expect(frames == Self.expected)
        #expect(reader.pending == 0)
        #expect(reader.footprint == FrameReader.restingCapacity)
    }

    @Test(arguments: 0..<8)
    func everyVectorComesOutWholeFromRandomPiecesReadIntoTheReadersOwnMemory(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var reader = FrameReader()
        var frames: [Frame] = []
        var position = 0
        while position < Self.stream.count {
            let room = reader.spare()
            #expect(room.count >= 1_024)
            let length = min(Int.random(in: 1...2_000, using: &random), room.count, Self.stream.count - position)
            room.copyBytes(from: Self.stream[position..<position + length])
            reader.commit(length)
            position += length
            // Sometimes frames wait, as they do when a connection has had its turn.
            if Bool.random(using: &random) { try drain(&reader, into: &frames) }
        }
        try drain(&reader, into: &frames)
        #expect(frames == Self.expected)
    }

    @Test func aFrameOfTheLargestLengthPassesAndItsMemoryIsGivenBack() throws {
        var reader = FrameReader()
        var frame = ByteWriter()
        let start = frame.beginFrame(FrameHeader(command: 1, kind: .request, correlation: 1))
        frame.write(contentsOf: [UInt8](repeating: 0x55, count: WireLimits.frameLength - FrameHeader.bytes))
        frame.endFrame(start)
        frame.withBytes { reader.append(UnsafeRawBufferPointer(rebasing: $0.dropLast())) }
        #expect(reader.isReady == false)
        #expect(try reader.next { _, _ in true } == nil)
        frame.withBytes { reader.append(UnsafeRawBufferPointer(rebasing: $0.suffix(1))) }
        #expect(reader.isReady == true)
        #expect(try reader.next { $1.count } == WireLimits.frameLength - FrameHeader.bytes)
        #expect(reader.footprint == FrameReader.restingCapacity)
    }

    @Test(
        arguments: [
            (0, .malformed), (1, .malformed), (7, .malformed), (262_145, .frameTooLarge), (0x7FFF_FFFF, .frameTooLarge),
            (0x8000_0000, .frameTooLarge), (0xFFFF_FFFF, .frameTooLarge), (0x2054_4547, .frameTooLarge),
        ] as [(UInt32, Status)])
    func lengthsThatNoFrameHasAreRefusedAsSoonAsTheyAreReadAndNothingIsReservedForThem(length: UInt32, status: Status) {
        var reader = FrameReader()
        withUnsafeBytes(of: length.littleEndian) { reader.append($0) }
        #expect(reader.isReady == true)
        // It stays refused: the stream has no meaning any more.
        for _ in 0..<2 {
            let refusal = #expect(throws: Refusal.self) { _ = try reader.next { _, _ in true } }
            #expect(refusal?.status == status)
            #expect(reader.spare().count <= 128 * 1024)
        }
        #expect(reader.footprint <= 256 * 1024)
    }

    @Test func theLimitCanBeLoweredAsItIsBeforeHello() throws {
        var reader = FrameReader(frameLimit: WireLimits.helloFrameLength)
        withUnsafeBytes(of: UInt32(WireLimits.helloFrameLength + 1).littleEndian) { reader.append($0) }
        let refusal = #expect(throws: Refusal.self) { _ = try reader.next { _, _ in true } }
        #expect(refusal?.status == .frameTooLarge)
        reader.frameLimit = WireLimits.frameLength
        #expect(try reader.next { _, _ in true } == nil)
    }

    @Test func aFrameWithoutAPayloadAndCorrelation0AreFramesLikeOthers() throws {
        var reader = FrameReader()
        let frame: [UInt8] = [8, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]
        frame.withUnsafeBytes { reader.append($0) }
        let header = try reader.next { header, payload in
            #expect(payload.isEmpty)
            return header
        }
        #expect(header == FrameHeader(command: 3, kind: .request, correlation: 0))
    }
}
