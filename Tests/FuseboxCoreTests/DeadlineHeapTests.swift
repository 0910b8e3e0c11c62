import FuseboxTestSupport
import Testing

@testable import FuseboxCore

/// The next deadline, whatever was set, moved and taken away.
struct DeadlineHeapTests {
    private struct Key: Hashable {
        var kind: DeadlineHeap.Kind
        var subject: Int
    }

    /// Whether one deadline is due before another.
    private static func isDue(_ one: DeadlineHeap.Deadline, before other: DeadlineHeap.Deadline) -> Bool {
        (one.milliseconds, one.kind.rawValue, one.order) < (other.milliseconds, other.kind.rawValue, other.order)
    }

    /// All deadlines of a heap, taken one by one.
    private static func drained(_ heap: DeadlineHeap) -> [DeadlineHeap.Deadline] {
        var heap = heap
        var found: [DeadlineHeap.Deadline] = []
        while let first = heap.first {
            found.append(first)
            heap.remove(first.kind, first.subject)
        }
        return found
    }

    /// Compared with a dictionary that is searched for its least deadline. Many are due at the same moment.
    @Test(arguments: 1...6 as ClosedRange<UInt64>) func theNextOneIsTheLeastOfAll(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var heap = DeadlineHeap()
        var model: [Key: DeadlineHeap.Deadline] = [:]
        var copies: [(DeadlineHeap, [Key: DeadlineHeap.Deadline])] = []
        for step in 0..<4_000 {
            // It fills up first, and empties in the end.
            let removes = random.below(4_000) < step
            let key = Key(kind: random.pick(DeadlineHeap.Kind.allCases), subject: random.below(150))
            if removes, random.once(in: 2), let first = model.values.min(by: Self.isDue) {
                heap.remove(first.kind, first.subject)
                model[Key(kind: first.kind, subject: first.subject)] = nil
            } else if removes {
                heap.remove(key.kind, key.subject)
                model[key] = nil
            } else {
                // An order is of one subject alone, and is not that of their places.
                let order = UInt64(key.subject * 77 % 151)
                let milliseconds = Int64(random.below(60)) - 10
                heap.set(key.kind, key.subject, order: order, at: milliseconds)
                model[key] = DeadlineHeap.Deadline(
                    milliseconds: milliseconds, kind: key.kind, order: order, subject: key.subject)
            }
            #expect(heap.count == model.count)
            let least = model.values.min(by: Self.isDue)
            guard heap.first == least else {
                Issue.record("step \(step): \(String(describing: heap.first)) instead of \(String(describing: least))")
                return
            }
            if step % 500 == 0 { copies.append((heap, model)) }
        }
        for (heap, model) in copies + [(heap, model)] {
            #expect(Self.drained(heap) == model.values.sorted(by: Self.isDue))
        }
    }

    @Test(arguments: DeadlineHeap.Kind.allCases) func allDeadlinesOfOneKindAreRemoved(_ removed: DeadlineHeap.Kind) {
        var random = SplitMix64(seed: 7)
        var heap = DeadlineHeap()
        for kind in DeadlineHeap.Kind.allCases {
            for subject in 0..<100 {
                heap.set(kind, subject, order: UInt64(subject), at: Int64(random.below(60)))
            }
        }
        let rest = Self.drained(heap).filter { $0.kind != removed }
        heap.removeAll(removed)
        #expect(Self.drained(heap) == rest)
        // The rest can be moved, and those that were removed are set anew.
        heap.set(removed, 3, order: 3, at: -1)
        #expect(heap.first?.kind == removed)
        for deadline in rest { heap.set(deadline.kind, deadline.subject, order: deadline.order, at: 70) }
        #expect(Self.drained(heap).count == rest.count + 1)
        heap.removeAll(removed)
        #expect(Self.drained(heap).allSatisfy { $0.milliseconds == 70 })
    }

    @Test func aSubjectHasOneDeadlineWhichMovesBothWays() {
        var heap = DeadlineHeap()
        for subject in 0..<100 { heap.set(.breaker, subject, order: UInt64(subject), at: Int64(subject)) }
        heap.set(.breaker, 99, order: 99, at: -1)
        #expect(heap.first?.subject == 99)
        heap.set(.breaker, 99, order: 99, at: 1_000)
        heap.set(.breaker, 0, order: 0, at: 500)
        #expect(heap.first?.subject == 1)
        #expect(heap.count == 100)
        #expect(Self.drained(heap).suffix(2).map(\.subject) == [0, 99])
    }

    @Test func theKindsHaveTablesOfTheirOwn() {
        var heap = DeadlineHeap()
        for kind in DeadlineHeap.Kind.allCases { heap.set(kind, 3, order: 3, at: 7) }
        heap.remove(.breaker, 3)
        heap.remove(.breaker, 3)
        heap.remove(.mark, 1_000)
        #expect(Self.drained(heap).map(\.kind) == [.mark, .permit, .raise, .wait])
    }
}
