import FuseboxWire
import Testing

struct EventsTests {
    @Test(arguments: EventNumber.allCases)
    func everyEventHasItsNumberANameOfItsOwnAndATopicAndSurvivesBytesAndText(event number: EventNumber) throws {
        for variant in 0...2 {
            let event = Event.sample(number, variant: variant)
            #expect(event.declaration.event == number)
            #expect("\(event)".hasPrefix(event.name + "("))
            #expect(Topics.named.contains { $0.topic == event.topic })
            var writer = ByteWriter()
            event.encode(into: &writer)
            let back = try writer.withBytes { bytes in
                var reader = ByteReader(bytes)
                let event = try Event(number: number.rawValue, from: &reader)
                try reader.finish()
                return event
            }
            #expect(back == event)
            #expect(Event(number: number.rawValue, rendered: event.rendered) == event)
        }
    }

    @Test(arguments: [0, 13, UInt16.max]) func thereIsNoOtherEvent(number: UInt16) {
        #expect(EventNumber(rawValue: number) == nil)
        #expect(Event(number: number, rendered: .record([])) == nil)
        let refusal = #expect(throws: Refusal.self) {
            var reader = ByteReader(UnsafeRawBufferPointer(start: nil, count: 0))
            _ = try Event(number: number, from: &reader)
        }
        #expect(refusal?.status == .unknownCommand)
    }

    @Test func topicsAreSingleBitsAndAllOfThemTogetherAreAll() {
        #expect(Topics.named.allSatisfy { $0.topic.rawValue.nonzeroBitCount == 1 })
        #expect(Topics.named.reduce(into: Topics()) { $0.formUnion($1.topic) } == .all)
    }
}
