import FuseboxCollections
import FuseboxTestSupport
import Testing

struct NumberMapTests {
    @Test func itDoesWhatADictionaryDoesOverManyRandomChangesAndCopiesAreIndependent() {
        var random = SplitMix64(seed: 8)
        var map = NumberMap<Int>()
        var model: [UInt32: Int] = [:]
        let numbers = (0..<200).map { _ in UInt32.random(in: 0 ... .max, using: &random) } + [0, 1, .max]
        var copies: [(map: NumberMap<Int>, model: [UInt32: Int])] = []
        for step in 0..<10_000 {
            let number = numbers.randomElement(using: &random) ?? 0
            let value = Bool.random(using: &random) ? step : nil
            map[number] = value
            model[number] = value
            #expect(map[number] == value)
            #expect(map.count == model.count)
            if step % 2_000 == 0 { copies.append((map, model)) }
        }
        for (map, model) in copies + [(map, model)] {
            #expect(numbers.allSatisfy { map[$0] == model[$0] })
        }
    }
}
