import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxClient

struct SequenceWindowTests {
    @Test func numbersBeginAtOneAndTheOldestFollowsTheReplies() {
        var window = SequenceWindow()
        #expect((window.next, window.oldestUnacknowledged) == (1, 1))
        #expect([window.issue(), window.issue(), window.issue()] == [1, 2, 3])
        window.close(2)
        #expect(window.oldestUnacknowledged == 1)
        window.close(1)
        #expect(window.oldestUnacknowledged == 3)
        window.close(3)
        #expect((window.next, window.oldestUnacknowledged) == (4, 4))
        window.close(3)
        window.close(9)
        #expect(window.oldestUnacknowledged == 4)
    }

    @Test func theWindowIsAsWideAsTheDaemonKeepsReplies() {
        var window = SequenceWindow()
        for _ in 0..<3 { _ = window.issue() }
        func hasRoom(kept: UInt32) -> Bool { window.hasRoom(for: window.next, kept: kept) }
        #expect(!hasRoom(kept: 3) && hasRoom(kept: 4) && hasRoom(kept: 0))
        window.close(1)
        #expect(hasRoom(kept: 3))
    }

    /// Compared with a simple implementation, a set of open numbers.
    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func anyOrderOfRepliesGivesTheLowestOpenNumber(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var window = SequenceWindow()
        var open: Set<UInt64> = []
        var next: UInt64 = 1
        for _ in 0..<3_000 {
            if open.isEmpty || open.count < 700 && random.next() % 100 < 51 {
                #expect(window.issue() == next)
                open.insert(next)
                next += 1
            } else {
                // An old number stays open for long, so that the window grows.
                let candidates = open.sorted().dropFirst(random.next() % 500 == 0 ? 0 : 1).prefix(64)
                guard let settled = candidates.randomElement(using: &random) ?? open.first else { continue }
                open.remove(settled)
                window.close(settled)
            }
            #expect(window.oldestUnacknowledged == open.min() ?? next)
        }
    }
}

struct BackoffTests {
    @Test func itDoublesUpToItsBoundAndBeginsAnewAfterSuccess() {
        var configuration = FuseboxClient.Configuration()
        configuration.backoffMinimumMilliseconds = 100
        configuration.backoffMaximumMilliseconds = 1500
        var backoff = Backoff(configuration)
        for longest in [100, 200, 400, 800, 1500, 1500, 1500] {
            var least = backoff
            #expect(least.afterFailure(0) == longest - longest / 2)
            #expect(backoff.afterFailure(1) == longest)
        }
        backoff.succeeded()
        #expect(backoff.afterFailure(0.5) == 75)
    }

    @Test func oddConfigurationsDoNotTrap() {
        for (minimum, maximum) in [(0, 0), (-5, -9), (.max, .max), (1, .max), (100, 1)] {
            var configuration = FuseboxClient.Configuration()
            configuration.backoffMinimumMilliseconds = minimum
            configuration.backoffMaximumMilliseconds = maximum
            var backoff = Backoff(configuration)
            for round in 0..<200 { #expect(backoff.afterFailure(Double(round % 2)) >= 1) }
        }
    }
}

struct RequestTableTests {
    @Test func correlationIdsAreNeverZeroAndDifferAfterReuse() throws {
        var table = RequestTable()
        var seen: Set<UInt32> = []
        for _ in 0..<60_000 {
            let claimed = table.claim(Ping.declaration, isReport: false)
            let id = try #require(claimed)
            #expect(id.correlation != 0)
            #expect(seen.insert(id.correlation).inserted)
            #expect(table.find(id)?.id == id)
            table.free(id)
            #expect(table.find(id) == nil)
        }
    }

    @Test func theTableHasAnEnd() {
        var table = RequestTable()
        var claimed: [RequestID] = []
        while let id = table.claim(Ping.declaration, isReport: false) { claimed.append(id) }
        #expect(claimed.count == ClientLimits.requests)
        table.free(claimed[7])
        let again = table.claim(Ping.declaration, isReport: false)
        let beyond = table.claim(Ping.declaration, isReport: false)
        #expect(again?.index == claimed[7].index && beyond == nil)
    }

    /// The memory of a burst is freed. The next request has the first slot, and the memory that is kept with it.
    @Test func afterABurstTheFirstPlacesAreUsedAgain() {
        var table = RequestTable()
        let burst = (0..<5_000).compactMap { _ in table.claim(Ping.declaration, isReport: false) }
        for id in burst { table.free(id) }
        let next = table.claim(Ping.declaration, isReport: false)
        #expect(burst.count == 5_000 && next?.index == 0)
        #expect(!burst.contains { $0 == next })
    }
}

struct ArgumentTests {
    @Test(
        arguments: [
            (Duration.milliseconds(5), 5), (.seconds(2), 2000), (.zero, 0), (.nanoseconds(1), 1),
            (.microseconds(1001), 2), (.seconds(-2), -2000), (.seconds(Int64.max), Int64.max),
            (.seconds(Int64.min), Int64.min),
        ] as [(Duration, Int64)])
    func durationsBecomeWholeMilliseconds(_ duration: Duration, _ milliseconds: Int64) {
        #expect(duration.wholeMilliseconds == milliseconds)
    }
}
