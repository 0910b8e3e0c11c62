import FuseboxCollections
import FuseboxTestSupport
import Testing

struct SlotTableTests {
    @Test func anEmptyTableHoldsNothingAndAnyNumberMayBeAskedFor() {
        let table = SlotTable<String>()
        #expect(table.isEmpty)
        #expect(table.count == 0)
        #expect(table.end == 0)
        #expect(table.nextSlot == 0)
        #expect(table.next(from: 0) == nil)
        #expect(table.freeSlots.isEmpty)
        for slot in [-1, 0, 7, .max] {
            #expect(!table.contains(slot))
            #expect(table.element(at: slot) == nil)
        }
    }

    @Test func anElementKeepsItsSlotAndTheSlotThatWasFreedLastIsGivenFirst() {
        var table = SlotTable<String>()
        let slots = ["a", "b", "c", "d"].map { table.insert($0) }
        #expect(slots == [0, 1, 2, 3])
        let removed = [table.remove(at: 1), table.remove(at: 3)]
        #expect(removed == ["b", "d"])
        #expect(table.freeSlots == [1, 3])
        #expect(table[2] == "c")
        #expect(table.nextSlot == 3)
        let again = ["e", "f", "g"].map { table.insert($0) }
        #expect(again == [3, 1, 4])
        #expect(Array(table) == ["a", "f", "c", "e", "g"])
    }

    @Test func aSlotThatWasFreeHoldsNothingOfWhatWasThereBeforeOnceItIsUsedAgain() {
        final class Thing {}
        weak var gone: Thing?
        var table = SlotTable<Thing?>()
        do {
            let thing = Thing()
            gone = thing
            _ = table.insert(thing)
        }
        #expect(gone != nil)
        table.remove(at: 0)
        let slot = table.insert(nil)
        #expect(slot == 0)
        #expect(gone == nil)
    }

    @Test func emptiedItStartsAnew() {
        var table = SlotTable<Int>()
        for number in 0..<100 { _ = table.insert(number) }
        table.remove(at: 7)
        table.removeAll()
        #expect(table.isEmpty)
        #expect(table.freeSlots.isEmpty)
        let slot = table.insert(5)
        #expect(slot == 0)
    }

    /// A walk holds a copy: the table may be changed meanwhile.
    @Test func aWalkHoldsACopy() {
        var table = SlotTable<Int>()
        for number in 0..<10 { _ = table.insert(number) }
        var seen: [Int] = []
        for number in table {
            seen.append(number)
            table.remove(at: number)
        }
        #expect(seen == Array(0..<10))
        #expect(table.isEmpty)
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func itDoesWhatADictionaryDoesOverManyRandomChangesAndCopiesAreIndependent(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var table = SlotTable<Int>(chunkBytes: 128)
        var model: [Int: Int] = [:]
        var freed: [Int] = []
        var copies: [(table: SlotTable<Int>, model: [Int: Int])] = []
        for step in 0..<2_500 {
            // It fills up first, and empties in the end.
            let removes = Int.random(in: 0..<2_500, using: &random) < step
            if removes, let slot = model.keys.sorted().randomElement(using: &random) {
                let (removed, expected) = (table.remove(at: slot), model.removeValue(forKey: slot))
                #expect(removed == expected)
                freed.append(slot)
            } else if step % 5 == 0, let slot = model.keys.sorted().randomElement(using: &random) {
                table[slot] += 1
                model[slot]? += 1
            } else {
                let expected = freed.popLast() ?? table.end
                #expect(table.nextSlot == expected)
                let slot = table.insert(step)
                #expect(slot == expected)
                #expect(model[slot] == nil)
                model[slot] = step
            }
            #expect(table.count == model.count)
            if step % 600 == 0 { copies.append((table, model)) }
        }
        #expect(table.freeSlots == freed)
        for (table, model) in copies + [(table, model)] {
            var slots: [Int] = []
            table.forEachSlot { slots.append($0) }
            #expect(slots == model.keys.sorted())
            #expect(slots.allSatisfy { table[$0] == model[$0] })
        }
    }

    @Test func aTableThatWasRestoredGoesOnWithTheSameSlots() {
        var random = SplitMix64(seed: 9)
        var original = SlotTable<Int>()
        for number in 0..<500 { _ = original.insert(number) }
        for slot in (0..<500).shuffled(using: &random).prefix(200) { original.remove(at: slot) }
        var restored = SlotTable<Int>()
        var isRestored = true
        original.forEachSlot { isRestored = restored.restore(original[$0], at: $0, blank: 0) && isRestored }
        for slot in original.freeSlots { isRestored = restored.restoreFree(slot, blank: 0) && isRestored }
        #expect(isRestored)
        #expect(restored.count == original.count)
        #expect(Array(restored) == Array(original))
        let slots = (0..<300).map { restored.insert($0) }
        let expected = (0..<300).map { original.insert($0) }
        #expect(slots == expected)
    }

    @Test func noSlotIsRestoredTwiceOutOfOrderOrBothTakenAndFree() {
        var table = SlotTable<Int>()
        let elements = [
            table.restore(1, at: 3, blank: 0), table.restore(2, at: 3, blank: 0), table.restore(2, at: 1, blank: 0),
        ]
        #expect(elements == [true, false, false])
        let free = [3, -1, 1, 1].map { table.restoreFree($0, blank: 0) }
        #expect(free == [false, false, true, false])
        let late = [table.restore(2, at: 9, blank: 0), table.restoreFree(5, blank: 0)]
        #expect(late == [false, true])
        #expect(table.count == 1)
        #expect(table.freeSlots == [1, 5])
    }
}
