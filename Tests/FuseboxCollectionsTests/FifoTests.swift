import FuseboxCollections
import FuseboxTestSupport
import Testing

struct FifoTests {
    @Test func anEmptyQueueHasNoFirstElementAndTakesNone() {
        let queue = Fifo<Int>()
        #expect(queue.isEmpty)
        #expect(queue.count == 0)
        #expect(queue.first == nil)
        #expect(Array(queue).isEmpty)
    }

    @Test func whatWasAddedFirstIsTakenFirstHoweverOftenTheRingGoesRound() {
        var queue = Fifo<Int>()
        for number in 0..<5 { queue.append(number) }
        for number in 5..<1_000 {
            queue.append(number)
            let first = queue.removeFirst()
            #expect(first == number - 5)
        }
        #expect(Array(queue) == Array(995..<1_000))
        #expect(queue[4] == 999)
    }

    @Test func itGrowsWhileItIsInTheMiddleOfItsRing() {
        var queue = Fifo<Int>()
        for number in 0..<8 { queue.append(number) }
        for _ in 0..<5 { queue.removeFirst() }
        for number in 8..<40 { queue.append(number) }
        #expect(Array(queue) == Array(5..<40))
    }

    @Test func whatIsTakenIsLetGoAtOnce() {
        final class Thing {}
        weak var gone: Thing?
        var queue = Fifo<Thing>()
        do {
            let thing = Thing()
            gone = thing
            queue.append(thing)
        }
        #expect(gone != nil)
        queue.removeFirst()
        #expect(gone == nil)
    }

    @Test func shrinkingGivesMemoryBackButNotWhatIsInUse() {
        var queue = Fifo(0..<1_000)
        queue.shrink(to: 64)
        #expect(queue.count == 1_000)
        queue.removeAll()
        #expect(queue.isEmpty)
        queue.shrink(to: 64)
        queue.append(7)
        #expect(Array(queue) == [7])
    }

    @Test func copiesAreIndependent() {
        var queue = Fifo(0..<10)
        let copy = queue
        queue.removeFirst()
        queue.append(10)
        queue.prepend(-1)
        #expect(Array(copy) == Array(0..<10))
        #expect(Array(queue) == [-1] + Array(1...10))
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>) func itDoesWhatAnArrayDoesOverManyRandomChanges(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var queue = Fifo<Int>()
        var model: [Int] = []
        for step in 0..<10_000 {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<9:
                queue.append(step)
                model.append(step)
            case 9..<11:
                queue.prepend(step)
                model.insert(step, at: 0)
            case 19:
                queue.removeAll { $0 % 3 == 0 }
                model.removeAll { $0 % 3 == 0 }
            case _ where !model.isEmpty:
                let (first, expected) = (queue.removeFirst(), model.removeFirst())
                #expect(first == expected)
            default: break
            }
            #expect(queue.count == model.count)
            #expect(queue.isEmpty == model.isEmpty)
            #expect(queue.first == model.first)
            if let index = model.indices.randomElement(using: &random) { #expect(queue[index] == model[index]) }
        }
        #expect(Array(queue) == model)
    }
}
