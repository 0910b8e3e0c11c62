import FuseboxWire
import Testing

@testable import FuseboxEngine

struct LostWorkersTests {
    private func worker(_ number: UInt64) -> WorkerID { WorkerID(high: 1, low: number) }
    private func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

    /// Everyone whose deadline is over, in order.
    private func taken(_ lost: inout LostWorkers, at now: Int64) -> [UInt64] {
        var numbers: [UInt64] = []
        while let worker = lost.next(at: at(now)) {
            numbers.append(worker.low)
            lost.remove(worker)
        }
        return numbers
    }

    /// They are taken by their deadlines; those of one moment in the order in which they were lost, after those that
    /// are not waited for.
    @Test func theyAreTakenByTheirDeadlines() {
        var lost = LostWorkers()
        #expect(lost.nextDeadline == nil)
        for (number, deadline) in [(1, 100), (2, 100), (3, 50), (4, 200), (5, 100)] as [(UInt64, Int64)] {
            lost.add(worker(number), until: at(deadline), since: 0)
        }
        #expect(lost.nextDeadline == at(50))
        #expect(lost.next(at: at(49)) == nil)
        let first = taken(&lost, at: 150)
        #expect(first == [3, 5, 1, 2])
        #expect(lost.nextDeadline == at(200))
        let rest = taken(&lost, at: 200)
        #expect(rest == [4])
        #expect(lost.nextDeadline == nil)
    }

    @Test func anEarlierDeadlineStandsInThePlaceOfALaterOneAndALaterOneChangesNothing() {
        var lost = LostWorkers()
        lost.add(worker(1), until: at(100), since: 0)
        lost.add(worker(2), until: at(120), since: 0)
        lost.add(worker(2), until: at(80), since: 0)
        lost.add(worker(1), until: at(300), since: 0)
        let both = taken(&lost, at: 100)
        #expect(both == [2, 1])
    }

    @Test func whoHasComeBackIsNotTaken() {
        var lost = LostWorkers()
        for number in 0..<2_000 as Range<UInt64> { lost.add(worker(number), until: at(Int64(number)), since: 0) }
        for number in 0..<2_000 as Range<UInt64> where number != 1_500 { lost.remove(worker(number)) }
        lost.remove(worker(7))
        #expect(lost.nextDeadline == at(1_500))
        let left = taken(&lost, at: 5_000)
        #expect(left == [1_500])
    }
}
