import FuseboxCollections
import FuseboxTestSupport
import Testing

struct HashIndexTests {
    @Test(arguments: [1, 7, 1 << 40]) func itFindsWhatWasInsertedAndNothingElseWhateverTheHashes(spread: Int) {
        // A small spread makes every hash collide with many.
        let hash = { (value: Int) in (value % spread) &* 0x9E37_79B9 }
        var random = SplitMix64(seed: UInt64(spread))
        var index = HashIndex()
        var model: Set<Int> = []
        for _ in 0..<5_000 {
            let value = Int.random(in: 0..<200, using: &random)
            let found = index.find(hash(value)) { $0 == value }
            #expect((found != nil) == model.contains(value))
            if found == nil {
                index.insert(value, hash: hash(value))
                model.insert(value)
            } else if Int.random(in: 0..<3, using: &random) > 0 {
                index.remove(value, hash: hash(value))
                model.remove(value)
            }
            #expect(index.count == model.count)
        }
    }
}
