import FuseboxCore
import Testing

@testable import FuseboxServer

/// Users share the time of a turn. The number of their connections does not matter.
struct TurnScheduleTests {
    private let slice = Bounds.sliceNanoseconds
    private let whole = Bounds.turnNanoseconds

    /// Lets a user continue until it must stop, with a reading of the clock at each step. Returns the time that it had.
    private func serve(
        _ user: Int, _ schedule: inout TurnSchedule, from start: Int64, each step: Int64 = 10_000
    ) -> Int64 {
        var now = start
        while schedule.mayGoOn(user, at: now) { now += step }
        return now - start
    }

    private func mayGoOn(_ user: Int, _ schedule: inout TurnSchedule, at now: Int64) -> Bool {
        schedule.mayGoOn(user, at: now)
    }

    private func next(_ schedule: inout TurnSchedule, at now: Int64) -> UInt64? { schedule.next(at: now) }

    @Test func aUserWhoIsAloneHasTheWholeTurn() {
        var schedule = TurnSchedule()
        schedule.begin(at: 1_000)
        #expect(serve(0, &schedule, from: 1_000) == whole)
    }

    @Test func whoComesAfterTheTurnsEndStillHasASliceAndNoMoreThanOne() {
        var schedule = TurnSchedule()
        schedule.begin(at: 0)
        let end = serve(0, &schedule, from: 0)
        schedule.wait(1, of: 0)
        #expect(serve(1, &schedule, from: end) == slice)
        #expect(!mayGoOn(1, &schedule, at: end + slice))
        #expect(!mayGoOn(0, &schedule, at: end + slice))
        // In the next turn it has a slice again.
        schedule.begin(at: end + slice)
        #expect(mayGoOn(1, &schedule, at: end + slice))
    }

    /// While somebody waits, who arrives has a slice; another connection of the same user does not get one more.
    @Test func whileSomebodyWaitsWhoArrivesHasASlice() {
        var schedule = TurnSchedule()
        schedule.begin(at: 0)
        schedule.wait(7, of: 3)
        let first = serve(0, &schedule, from: 0)
        #expect(first == slice)
        #expect(serve(0, &schedule, from: first) == 0)
        #expect(serve(1, &schedule, from: first) == slice)
    }

    @Test func aLookChargesTheTimeBeforeItToTheOneWhoWasServed() {
        var schedule = TurnSchedule()
        schedule.begin(at: 0)
        schedule.wait(7, of: 3)
        #expect(mayGoOn(0, &schedule, at: 0))
        // User 0 used five slices between two readings of the clock. They are not charged to the second user.
        #expect(mayGoOn(1, &schedule, at: 5 * slice))
        #expect(!mayGoOn(0, &schedule, at: 5 * slice + 1))
        #expect(mayGoOn(1, &schedule, at: 5 * slice + 2))
    }

    @Test func thoseWhoWaitAreServedUserAfterUserEachItsOldestConnectionFirstForASlice() {
        var schedule = TurnSchedule()
        for session in 0..<100 as Range<UInt64> { schedule.wait(session, of: 0) }
        schedule.wait(1_000, of: 1)
        schedule.wait(1_001, of: 1)
        schedule.wait(2_000, of: 2)
        schedule.begin(at: 0)
        var now: Int64 = 0
        var order: [UInt64] = []
        let users: [UInt64: Int] = [1_000: 1, 1_001: 1, 2_000: 2]
        while let session = schedule.next(at: now) {
            order.append(session)
            now += serve(users[session] ?? 0, &schedule, from: now)
        }
        #expect(order == [0, 1_000, 2_000, 1, 1_001, 2, 3, 4])
        #expect(now == whole, "eight slices are a turn")
        // The next turns serve the rest, and no session is lost.
        var rest: [UInt64] = []
        while schedule.hasWaiting {
            schedule.begin(at: now)
            while let session = schedule.next(at: now) {
                rest.append(session)
                now += slice
            }
        }
        #expect(rest == Array(5..<100))
    }

    @Test func theLastWhoWaitsGoesOnToTheEndOfTheTurn() throws {
        var schedule = TurnSchedule()
        schedule.wait(1, of: 0)
        schedule.begin(at: 0)
        #expect(next(&schedule, at: 0) == 1)
        #expect(serve(0, &schedule, from: 0) == whole)
    }

    @Test func aQueueThatIsNeverEmptyTakesBoundedMemoryAndLosesNobody() {
        var schedule = TurnSchedule()
        var expected: UInt64 = 0
        for session in 0..<100 as Range<UInt64> { schedule.wait(session, of: 0) }
        for session in 100..<20_000 as Range<UInt64> {
            schedule.begin(at: 0)
            #expect(next(&schedule, at: 0) == expected)
            expected += 1
            schedule.wait(session, of: 0)
        }
    }

    @Test func atTheEndEverybodyGoesOn() {
        var schedule = TurnSchedule()
        schedule.begin(at: 0)
        schedule.wait(1, of: 1)
        schedule.endFairness()
        #expect(mayGoOn(0, &schedule, at: 100 * whole))
        schedule.removeAll()
        #expect(!schedule.hasWaiting)
        #expect(next(&schedule, at: 0) == nil)
    }
}
