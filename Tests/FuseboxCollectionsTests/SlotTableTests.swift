import FuseboxCollections
import Testing

@Suite("Slot table")
struct SlotTableTests {
    @Test("An empty table holds nothing, and any number may be asked for")
    func empty() {
        let table = SlotTable<String>()
        #expect(table.isEmpty)
        #expect(table.count == 0)
        #expect(table.end == 0)
        #expect(table.nextSlot == 0)
        #expect(table.next(from: 0) == nil)
        #expect(table.freeSlots.isEmpty)
        #expect(!table.hasGaps)
        for slot in [-1, 0, 7, .max] {
            #expect(!table.contains(slot))
            #expect(table.element(at: slot) == nil)
        }
    }

    @Test("An element keeps its slot; the slot that was freed last is given first")
    func reuse() {
        var table = SlotTable<String>()
        let slots = ["a", "b", "c", "d"].map { table.insert($0) }
        #expect(slots == [0, 1, 2, 3])
        #expect(table.remove(at: 1) == "b")
        #expect(table.remove(at: 3) == "d")
        #expect(table.freeSlots == [1, 3])
        #expect(table[2] == "c")
        #expect(table.nextSlot == 3)
        #expect(table.insert("e") == 3)
        #expect(table.insert("f") == 1)
        #expect(table.insert("g") == 4)
        #expect(Array(table) == ["a", "f", "c", "e", "g"])
    }

    @Test("What is removed is let go at once")
    func release() {
        final class Thing {}
        weak var gone: Thing?
        var table = SlotTable<Thing>()
        do {
            let thing = Thing()
            gone = thing
            _ = table.insert(thing)
        }
        #expect(gone != nil)
        table.remove(at: 0)
        #expect(gone == nil)
    }

    @Test("Emptied it starts anew")
    func removeAll() {
        var table = SlotTable<Int>()
        for number in 0..<100 { _ = table.insert(number) }
        table.remove(at: 7)
        table.removeAll()
        #expect(table.isEmpty)
        #expect(table.freeSlots.isEmpty)
        #expect(table.insert(5) == 0)
    }

    @Test("A walk holds a copy: the table may be changed meanwhile")
    func walk() {
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

    @Test("It does what a dictionary does, over many random changes; copies are independent", arguments: 1...3)
    func againstDictionary(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var table = SlotTable<Int>(chunkBytes: 128)
        var model: [Int: Int] = [:]
        var freed: [Int] = []
        var copies: [(table: SlotTable<Int>, model: [Int: Int])] = []
        for step in 0..<10_000 {
            // It fills up first, and empties in the end.
            let removes = Int.random(in: 0..<10_000, using: &random) < step
            if removes, let slot = model.keys.sorted().randomElement(using: &random) {
                #expect(table.remove(at: slot) == model.removeValue(forKey: slot))
                freed.append(slot)
            } else if step % 5 == 0, let slot = model.keys.sorted().randomElement(using: &random) {
                table[slot] += 1
                model[slot]? += 1
            } else {
                let expected = freed.popLast() ?? table.end
                #expect(table.nextSlot == expected)
                #expect(table.insert(step) == expected)
                #expect(model.updateValue(step, forKey: expected) == nil)
            }
            #expect(table.count == model.count)
            if step % 2_500 == 0 { copies.append((table, model)) }
        }
        #expect(table.freeSlots == freed)
        for (table, model) in copies + [(table, model)] {
            var slots: [Int] = []
            table.forEachSlot { slots.append($0) }
            #expect(slots == model.keys.sorted())
            #expect(slots.allSatisfy { table[$0] == model[$0] })
        }
    }

    @Test("A table that was restored goes on with the same slots")
    func restoring() {
        var random = SplitMix64(seed: 9)
        var original = SlotTable<Int>()
        for number in 0..<500 { _ = original.insert(number) }
        for slot in (0..<500).shuffled(using: &random).prefix(200) { original.remove(at: slot) }
        var restored = SlotTable<Int>()
        original.forEachSlot { slot in #expect(restored.restore(original[slot], at: slot)) }
        #expect(restored.hasGaps)
        for slot in original.freeSlots { #expect(restored.restoreFree(slot)) }
        #expect(!restored.hasGaps)
        #expect(restored.count == original.count)
        #expect(Array(restored) == Array(original))
        for number in 0..<300 { #expect(restored.insert(number) == original.insert(number)) }
    }

    @Test("No slot is restored twice, out of order, or both taken and free")
    func damage() {
        var table = SlotTable<Int>()
        #expect(table.restore(1, at: 3))
        #expect(!table.restore(2, at: 3))
        #expect(!table.restore(2, at: 1))
        #expect(!table.restoreFree(3))
        #expect(!table.restoreFree(-1))
        #expect(table.restoreFree(1))
        #expect(!table.restoreFree(1))
        #expect(!table.restore(2, at: 9))
        #expect(table.restoreFree(5))
        #expect(table.count == 1)
        #expect(table.hasGaps)
        #expect(table.freeSlots == [1, 5])
    }
}
