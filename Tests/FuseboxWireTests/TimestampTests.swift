import FuseboxWire
import Testing

@Suite("Timestamps")
struct TimestampTests {
    private let first = Timestamp(milliseconds: .min), last = Timestamp(milliseconds: .max),
        zero = Timestamp(milliseconds: 0)

    @Test("Moving a moment stops at the ends of the range")
    func moving() {
        #expect(zero + 5 == Timestamp(milliseconds: 5))
        #expect(zero - 5 == Timestamp(milliseconds: -5))
        #expect(last + 1 == last)
        #expect(first + -1 == first)
        #expect(first - 1 == first)
        #expect(last - -1 == last)
        #expect(zero - Int64.min == last)
        #expect(Timestamp(milliseconds: -1) - Int64.min == last)
    }

    @Test("The time between two moments stops at the ends of the range")
    func between() {
        #expect(Timestamp(milliseconds: 7) - Timestamp(milliseconds: 3) as Int64 == 4)
        #expect(last - first as Int64 == .max)
        #expect(first - last as Int64 == .min)
        #expect(zero - first as Int64 == .max)
    }

    @Test("Moments are ordered")
    func order() {
        #expect(first < zero && zero < last)
        #expect(Moment(milliseconds: 3) == Moment(now: Timestamp(milliseconds: 3), wall: Timestamp(milliseconds: 3)))
    }
}
