import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxCore

struct RateWindowTests {
    /// Against a list of all calls: those of the period count, and none older than a twentieth beyond it.
    @Test(arguments: [0, 1, 19, 20, 21, 1_000, 60_000, 300_000, ValueRanges.longestMilliseconds])
    func theCallsOfThePeriodCountAndNoneThatAreMoreThanATwentiethOlder(period: Int64) {
        var random = SplitMix64(seed: UInt64(period) + 1)
        var window = RateWindow(isKept: true)
        var calls: [(at: Int64, isFailure: Bool, isSlow: Bool?)] = []
        var now: Int64 = 1_000_000
        for _ in 0..<700 {
            now += Int64(random.below(Int(period / 50 + 2)))
            let call = (now, random.below(3) == 0, random.below(2) == 0 ? random.below(2) == 0 : nil)
            calls.append(call)
            window.count(isFailure: call.1, isSlow: call.2, at: at(now), over: period)
            let sums = window.sums(at: at(now), over: period)
            let (least, most) = (
                calls.filter { now - $0.at <= period }, calls.filter { now - $0.at <= longest(period) }
            )
            #expect((UInt64(least.count)...UInt64(most.count)).contains(sums.calls))
            let failures = UInt64(least.count { $0.isFailure })...UInt64(most.count { $0.isFailure })
            #expect(failures.contains(sums.failures))
            let slow = UInt64(least.count { $0.isSlow == true })...UInt64(most.count { $0.isSlow == true })
            #expect(slow.contains(sums.slow))
            #expect(sums.slow <= sums.timed && sums.timed <= sums.calls)
        }
    }

    /// A twentieth longer than the period, with both rounded up to whole milliseconds.
    private func longest(_ period: Int64) -> Int64 {
        let part = max(1, (period + 19) / 20)
        return (period + part - 1) / part * part + part - 1
    }

    @Test func anEmptiedWindowBeginsAnew() {
        var window = RateWindow(isKept: true)
        window.count(isFailure: true, isSlow: true, at: at(0), over: 1_000)
        window.empty()
        #expect(window.sums(at: at(0), over: 1_000) == RateWindow.Sums())
        window.count(isFailure: false, isSlow: nil, at: at(1), over: 1_000)
        #expect(window.sums(at: at(1), over: 1_000) == RateWindow.Sums(calls: 1))
    }

    @Test func aWindowThatNobodyHasConfiguredKeepsNothing() throws {
        var window = RateWindow(isKept: false)
        window.count(isFailure: true, isSlow: true, at: at(0), over: 1_000)
        #expect(window.sums(at: at(0), over: 1_000) == RateWindow.Sums())
        #expect(window.records(over: 1_000).isEmpty)
    }

    @Test func itsRecordsBringItBack() throws {
        var window = RateWindow(isKept: true)
        for moment in stride(from: 0, to: 5_000, by: 137) as StrideTo<Int64> {
            window.count(isFailure: moment % 2 == 0, isSlow: moment % 3 == 0, at: at(moment), over: 1_000)
        }
        let records = window.records(over: 1_000)
        let restored = try RateWindow(records, isKept: true, over: 1_000)
        #expect(restored.sums(at: at(5_000), over: 1_000) == window.sums(at: at(5_000), over: 1_000))
        #expect(restored.records(over: 1_000) == records)
    }

    @Test(arguments: ["unaligned", "twice", "more failures", "no calls", "off"])
    func recordsOfNoWindowAreRefused(fault: String) {
        var bucket = RateBucket()
        bucket.startedAt = at(fault == "unaligned" ? 51 : 50)
        bucket.calls = fault == "no calls" ? 0 : 1
        bucket.failures = fault == "more failures" ? 2 : 0
        let records = fault == "twice" ? [bucket, bucket] : [bucket]
        let error = refusal { () throws(Refusal) in
            _ = try RateWindow(records, isKept: fault != "off", over: 1_000)
        }
        #expect(error?.status == .outOfRange)
    }
}
