import FuseboxWire
import Testing

struct TimestampTests {
    private let first = Timestamp(milliseconds: .min), last = Timestamp(milliseconds: .max),
        zero = Timestamp(milliseconds: 0)

    @Test func movingAMomentStopsAtTheEndsOfTheRange() {
        #expect(zero + 5 == Timestamp(milliseconds: 5))
        #expect(zero - 5 == Timestamp(milliseconds: -5))
        #expect(last + 1 == last)
        #expect(first + -1 == first)
        #expect(first - 1 == first)
        #expect(last - -1 == last)
        #expect(zero - Int64.min == last)
        #expect(Timestamp(milliseconds: -1) - Int64.min == last)
    }

    @Test func theTimeBetweenTwoMomentsStopsAtTheEndsOfTheRange() {
        #expect(Timestamp(milliseconds: 7) - Timestamp(milliseconds: 3) as Int64 == 4)
        #expect(last - first as Int64 == .max)
        #expect(first - last as Int64 == .min)
        #expect(zero - first as Int64 == .max)
    }

    @Test func momentsAreOrdered() {
        #expect(first < zero && zero < last)
        #expect(Moment(milliseconds: 3) == Moment(now: Timestamp(milliseconds: 3), wall: Timestamp(milliseconds: 3)))
    }
}
