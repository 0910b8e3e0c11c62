import FuseboxWire
import Testing

@testable import FuseboxClient

struct SequenceWindowTests {
    @Test func numbersBeginAtOneAndTheOldestFollowsTheReplies() {
        var window = SequenceWindow()
        #expect((window.next, window.oldestUnacknowledged) == (1, 1))
        #expect([window.issue(), window.issue(), window.issue()] == [1, 2, 3])
        window.settle(2)
        #expect(window.oldestUnacknowledged == 1)
        window.settle(1)
        #expect(window.oldestUnacknowledged == 3)
        window.settle(3)
        #expect((window.next, window.oldestUnacknowledged) == (4, 4))
        window.settle(3)
        window.settle(9)
        #expect(window.oldestUnacknowledged == 4)
    }

    @Test func theWindowIsAsWideAsTheDaemonKeepsReplies() {
        var window = SequenceWindow()
        for _ in 0..<3 { _ = window.issue() }
        #expect(!window.hasRoom(kept: 3) && window.hasRoom(kept: 4) && window.hasRoom(kept: 0))
        window.settle(1)
        #expect(window.hasRoom(kept: 3))
    }

    /// Against the obvious way to count: a set of what is open.
    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func anyOrderOfRepliesGivesTheLowestOpenNumber(_ seed: UInt64) {
        var random = SplitMix(state: seed)
        var window = SequenceWindow()
        var open: Set<UInt64> = []
        var next: UInt64 = 1
        for _ in 0..<3_000 {
            if open.isEmpty || open.count < 700 && random.next() % 100 < 51 {
                #expect(window.issue() == next)
                open.insert(next)
                next += 1
            } else {
                // One old number stays open for long, so that the window grows.
                let candidates = open.sorted().dropFirst(random.next() % 500 == 0 ? 0 : 1).prefix(64)
                guard let settled = candidates.randomElement(using: &random) ?? open.first else { continue }
                open.remove(settled)
                window.settle(settled)
            }
            #expect(window.oldestUnacknowledged == open.min() ?? next)
        }
    }
}

/// A small generator whose numbers a failing test can repeat.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

struct BackoffTests {
    @Test func itDoublesUpToItsBoundAndBeginsAnewAfterSuccess() {
        var configuration = FuseboxClient.Configuration()
        configuration.backoffMinimumMilliseconds = 100
        configuration.backoffMaximumMilliseconds = 1500
        var backoff = Backoff(configuration)
        for longest in [100, 200, 400, 800, 1500, 1500, 1500] {
            #expect((longest / 2...longest).contains(backoff.afterFailure()))
        }
        backoff.succeeded()
        #expect((50...100).contains(backoff.afterFailure()))
    }

    @Test func oddConfigurationsDoNotTrap() {
        for (minimum, maximum) in [(0, 0), (-5, -9), (.max, .max), (1, .max), (100, 1)] {
            var configuration = FuseboxClient.Configuration()
            configuration.backoffMinimumMilliseconds = minimum
            configuration.backoffMaximumMilliseconds = maximum
            var backoff = Backoff(configuration)
            for _ in 0..<200 { #expect(backoff.afterFailure() >= 1) }
        }
    }
}

struct WaiterTests {
    @Test func correlationIdsAreNeverZeroAndDifferAfterReuse() throws {
        var table = WaiterTable()
        var seen: Set<UInt32> = []
        for _ in 0..<60_000 {
            let claimed = table.claim(for: Ping.declaration, isReport: false)
            let waiter = try #require(claimed)
            #expect(waiter.correlation != 0)
            #expect(seen.insert(waiter.correlation).inserted)
            #expect(table.find(waiter.correlation) === waiter)
            let correlation = waiter.correlation
            table.giveBack(waiter)
            #expect(table.find(correlation) == nil)
        }
    }

    @Test func theTableHasAnEnd() {
        var table = WaiterTable()
        var claimed: [Waiter] = []
        while let waiter = table.claim(for: Ping.declaration, isReport: false) { claimed.append(waiter) }
        #expect(claimed.count == WaiterTable.capacity)
        table.giveBack(claimed[7])
        let again = table.claim(for: Ping.declaration, isReport: false)
        let beyond = table.claim(for: Ping.declaration, isReport: false)
        #expect(again != nil && beyond == nil)
    }

    @Test func aBacklogKeepsItsOrder() {
        let waiters = (0..<5000).map { Waiter(index: $0) }
        var backlog = Backlog()
        for waiter in waiters[10...] { backlog.append(waiter) }
        backlog.prepend(Array(waiters[..<10]))
        backlog.remove(waiters[3])
        let odd = backlog.removeAll { $0.index > 100 && $0.index % 2 == 1 }
        #expect(odd.allSatisfy { $0.place == .nowhere } && odd.count == 2450)
        var order: [Int] = []
        while let first = backlog.first {
            #expect(first.place == .backlog)
            order.append(first.index)
            backlog.removeFirst()
        }
        #expect(order == (0..<5000).filter { $0 != 3 && !($0 > 100 && $0 % 2 == 1) })
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
