import FuseboxTestSupport
import Testing

@testable import FuseboxCore

struct LatencyHistogramTests {
    @Test func everyTimeLiesInABucketThatIsAtMostAnEighthWide() {
        var times = Array(Int64(0)...5_000)
        for power in 12...23 { times += [(1 << power) - 1, 1 << power, (1 << power) + 1] }
        var last = -1
        for time in times.sorted() where time <= LatencyHistogram.longest {
            let bucket = LatencyHistogram.bucket(of: time)
            let longest = LatencyHistogram.longest(in: bucket)
            #expect(longest >= time && longest - time <= time / 8, "\(time) ms")
            #expect(bucket >= last)
            last = bucket
        }
        #expect(LatencyHistogram.bucket(of: LatencyHistogram.longest) == LatencyHistogram.bucketCount - 1)
        #expect(LatencyHistogram.longest(in: LatencyHistogram.bucketCount - 1) == LatencyHistogram.longest)
        for bucket in 0..<LatencyHistogram.bucketCount {
            #expect(LatencyHistogram.bucket(of: LatencyHistogram.longest(in: bucket)) == bucket)
        }
        #expect(LatencyHistogram.bucket(of: -1) == 0)
        #expect(LatencyHistogram.bucket(of: .max) == LatencyHistogram.bucketCount - 1)
    }

    /// Against the times themselves, sorted.
    @Test(arguments: [1, 2, 7, 100, 1_000]) func percentilesAreThoseOfTheTimesAtMostAnEighthTooLong(count: Int) throws {
        var random = SplitMix64(seed: UInt64(count))
        var histogram = LatencyHistogram()
        var halves = (LatencyHistogram(), LatencyHistogram())
        var times: [Int64] = []
        for call in 0..<count {
            let time = Int64.random(in: 0..<(1 << Int64.random(in: 0..<20, using: &random)), using: &random)
            times.append(time)
            histogram.add(time)
            if call % 2 == 0 { halves.0.add(time) } else { halves.1.add(time) }
        }
        times.sort()
        let figures = try #require(histogram.figures)
        #expect(figures.count == UInt32(count))
        for (share, told) in [
            (50, figures.p50Milliseconds), (95, figures.p95Milliseconds), (99, figures.p99Milliseconds),
        ] {
            let exact = times[(count * share + 99) / 100 - 1]
            #expect(Int64(told) >= exact && Int64(told) <= exact + exact / 8, "p\(share): \(told) for \(exact)")
        }
        halves.0.add(halves.1)
        #expect(halves.0.figures == figures)
    }

    @Test func withoutACallThereAreNoFigures() {
        #expect(LatencyHistogram().figures == nil)
    }
}
