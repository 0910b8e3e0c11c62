import FuseboxWire
import Testing

@testable import FuseboxCore

struct RateBurstTests {
    /// Bursts follow each other by every number of seconds that is even.
    @Test(arguments: Array(stride(from: Int64(2), through: 60, by: 2)))
    func tenRequestsPerMinuteAreNeverMoreInAnyMinuteWheneverBurstsCome(seconds: Int64) throws {
        var rig = Rig()
        try rig.apply(try LimitCalls.set("10 requests per minute"))
        var admitted: [Int64] = []
        for now in stride(from: Int64(0), to: 600_000, by: Int(seconds * 1_000)) {
            // Smaller than the rate, so that the uses of a minute come from several bursts.
            for _ in 0..<4 where try rig.apply(try LimitCalls.admit(), at: now).permit != nil { admitted.append(now) }
        }
        for last in admitted {
            let minute = admitted.count { $0 > last - 60_000 && $0 <= last }
            #expect(minute <= 10, "\(minute) in the minute that ends at \(last) ms")
        }
        // Whatever fits a window of 61 s is admitted.
        let offered = 600 / seconds * 4
        #expect(admitted.count >= min(offered, 600 / (61 + seconds) * 10), "\(admitted.count) of \(offered)")
    }
}
