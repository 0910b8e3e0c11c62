import FuseboxCollections
import FuseboxTestSupport
import Testing

struct SparseTableTests {
    @Test func itDoesWhatADictionaryDoesOverManyRandomChangesAndCopiesAreIndependent() {
        var random = SplitMix64(seed: 4)
        var table = SparseTable<Int>(chunkBytes: 128)
        var model: [Int: Int] = [:]
        var copies: [(table: SparseTable<Int>, model: [Int: Int])] = []
        for step in 0..<10_000 {
            let index = Int.random(in: 0..<2_000, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                table.remove(at: index)
                model[index] = nil
            case 1 where model[index] != nil:
                table[existing: index] += 1
                model[index]? += 1
            default:
                table.insert(step, at: index)
                model[index] = step
            }
            #expect(table.count == model.count)
            if step % 2_000 == 0 { copies.append((table, model)) }
        }
        for (table, model) in copies + [(table, model)] {
            var found: [Int] = []
            table.forEachIndex { found.append($0) }
            #expect(found == model.keys.sorted())
            #expect(found.allSatisfy { table[$0] == model[$0] })
        }
    }

    @Test func itSkipsWhatIsEmpty() {
        var table = SparseTable<Int>(chunkBytes: 64)
        #expect(table.next(from: 0) == nil)
        table.insert(1, at: 1_000)
        #expect(table.next(from: 0) == 1_000)
        #expect(table.next(from: 1_000) == 1_000)
        #expect(table.next(from: 1_001) == nil)
        #expect(!table.contains(5))
        #expect(table[5_000] == nil)
    }
}
