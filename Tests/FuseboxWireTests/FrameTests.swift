import FuseboxWire
import Testing

struct FrameTests {
    @Test func aFrameIsALengthAHeaderAndAPayload() {
        var writer = ByteWriter()
        let start = writer.beginFrame(FrameHeader(command: 0x0102, kind: .reply, detail: 7, correlation: 0xA0B0_C0D0))
        writer.write(0xEE as UInt8)
        writer.endFrame(start)
        #expect(writer.bytes == [9, 0, 0, 0, 0x02, 0x01, 1, 7, 0xD0, 0xC0, 0xB0, 0xA0, 0xEE])
    }

    @Test func aRefusalIsAReplyThatHasItsStatusAsDetailAndSaysWhy() {
        var writer = ByteWriter()
        writer.writeRefusal(Refusal(.notFound, "no such breaker"), command: 19, correlation: 5)
        #expect(Array(writer.bytes[..<14]) == [25, 0, 0, 0, 19, 0, 1, 16, 5, 0, 0, 0, 15, 0])
        #expect(Array(writer.bytes[14...]) == Array("no such breaker".utf8))
    }

    @Test func statusesHaveNumbersOfTheirOwnAMeaningAndTheOnesThatEndAConnectionSaySo() {
        #expect(Set(Status.allCases.map(\.meaning)).count == Status.allCases.count)
        #expect(Status.allCases.filter(\.closesConnection).map(\.rawValue) == [3, 4, 5, 6, 11, 19, 23, 24, 27])
    }
}
