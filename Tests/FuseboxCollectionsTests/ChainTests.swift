import FuseboxCollections
import FuseboxTestSupport
import Testing

struct ChainTests {
    private static func slots(_ chain: Chain, _ links: ChainLinks) -> [Int] {
        var slots: [Int] = []
        chain.forEach(links) { slots.append($0) }
        return slots
    }

    /// The same, walked from the end.
    private static func backwards(_ chain: Chain, _ links: ChainLinks) -> [Int] {
        Array(sequence(first: chain.last) { $0.map { links.previous(before: $0) } ?? nil }.prefix { $0 != nil })
            .compactMap { $0 }
    }

    @Test func anEmptyChainHasNoEnds() {
        let chain = Chain()
        #expect(chain.isEmpty)
        #expect(chain.count == 0)
        #expect(chain.first == nil)
        #expect(chain.last == nil)
        #expect(Self.slots(chain, ChainLinks()).isEmpty)
    }

    @Test func theOnlySlotIsBothEndsAndLeavesAnEmptyChainThatCanBeUsedAgain() {
        var chain = Chain()
        var links = ChainLinks()
        for slot in [5, 2, 5] {
            chain.append(slot, &links)
            #expect(chain.first == slot)
            #expect(chain.last == slot)
            #expect(links.next(after: slot) == nil)
            #expect(links.previous(before: slot) == nil)
            chain.remove(slot, &links)
            #expect(chain.isEmpty)
            #expect(chain.count == 0)
        }
    }

    @Test func slotsAreAddedAtTheEndAtTheBeginningAndBehindOthers() {
        var chain = Chain()
        var links = ChainLinks()
        chain.append(4, &links)
        chain.insert(9, after: nil, &links)
        chain.insert(2, after: 4, &links)
        chain.insert(7, after: 9, &links)
        #expect(Self.slots(chain, links) == [9, 7, 4, 2])
        #expect(Self.backwards(chain, links) == [2, 4, 7, 9])
    }

    @Test func chainsOfTheSameLinksDoNotTouchEachOtherAndASlotMayMoveFromOneToTheOther() {
        var links = ChainLinks()
        var one = Chain()
        var other = Chain()
        for slot in 0..<10 { if slot % 2 == 0 { one.append(slot, &links) } else { other.append(slot, &links) } }
        one.remove(4, &links)
        other.append(4, &links)
        #expect(Self.slots(one, links) == [0, 2, 6, 8])
        #expect(Self.slots(other, links) == [1, 3, 5, 7, 9, 4])
    }

    @Test func whileItIsWalkedTheSlotThatHasBeenReachedMayGo() {
        var chain = Chain()
        var links = ChainLinks()
        for slot in 0..<6 { chain.append(slot, &links) }
        let (walked, snapshot) = (chain, links)
        walked.forEach(snapshot) { slot in if slot % 2 == 0 { chain.remove(slot, &links) } }
        #expect(Self.slots(chain, links) == [1, 3, 5])
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>) func itDoesWhatAnArrayDoesOverManyRandomChanges(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var links = ChainLinks()
        var chains = [Chain(), Chain()]
        var models: [[Int]] = [[], []]
        var idle = Array(0..<60)
        for _ in 0..<5_000 {
            let which = Int.random(in: 0...1, using: &random)
            if Bool.random(using: &random), !idle.isEmpty {
                let slot = idle.remove(at: Int.random(in: 0..<idle.count, using: &random))
                let place = Int.random(in: 0...models[which].count, using: &random)
                chains[which].insert(slot, after: place == 0 ? nil : models[which][place - 1], &links)
                models[which].insert(slot, at: place)
            } else if let place = models[which].indices.randomElement(using: &random) {
                let slot = models[which].remove(at: place)
                chains[which].remove(slot, &links)
                idle.append(slot)
            }
            for (chain, model) in zip(chains, models) {
                #expect(chain.count == model.count)
                #expect(chain.isEmpty == model.isEmpty)
                #expect(chain.first == model.first)
                #expect(chain.last == model.last)
            }
        }
        for (chain, model) in zip(chains, models) {
            #expect(Self.slots(chain, links) == model)
            #expect(Self.backwards(chain, links) == model.reversed())
        }
    }
}
