import FuseboxTestSupport
import Testing

@testable import FuseboxCore

struct NumberedPlacesTests {
    private func places(_ numbered: NumberedPlaces, after number: UInt64 = 0, atMost most: Int = .max) -> [Int] {
        var places: [Int] = []
        numbered.forEach(after: number) { place in
            guard places.count < most else { return false }
            places.append(place)
            return true
        }
        return places
    }

    @Test func theyAreToldInTheOrderOfTheirNumbersFromAnyOfThemOn() {
        var numbered = NumberedPlaces()
        #expect(places(numbered, after: .max) == [])
        for (place, number) in [(7, 2), (1, 3), (9, 5), (0, 9)] as [(Int, UInt64)] {
            numbered.append(place, number: number)
        }
        #expect(places(numbered) == [7, 1, 9, 0])
        #expect(places(numbered, after: 2, atMost: 2) == [1, 9])
        numbered.remove(number: 3)
        #expect(places(numbered, after: 2) == [9, 0])
        // One that was removed can still be gone on from.
        #expect(places(numbered, after: 3) == [9, 0])
        #expect(places(numbered, after: 4) == [9, 0])
        #expect(places(numbered, after: 9) == [])
        #expect(places(numbered, after: .max) == [])
        #expect(numbered.count == 3)
    }

    @Test func theyAreThoseOfAPlainListWhateverComesAndGoes() {
        var random = SplitMix64(seed: 11)
        var numbered = NumberedPlaces()
        var plain: [(number: UInt64, place: Int)] = []
        var newest: UInt64 = 0
        for step in 0..<6_000 {
            // More go than come in every second stretch.
            if Int.random(in: 0..<10, using: &random) < (step / 1_000 % 2 == 0 ? 8 : 3) || plain.isEmpty {
                newest += UInt64.random(in: 1...3, using: &random)
                plain.append((newest, step))
                numbered.append(step, number: newest)
            } else {
                let index = Int.random(in: 0..<plain.count, using: &random)
                numbered.remove(number: plain.remove(at: index).number)
            }
            guard step % 50 == 0 else { continue }
            let after = UInt64.random(in: 0...newest, using: &random)
            #expect(numbered.count == plain.count)
            #expect(places(numbered, after: after) == plain.filter { $0.number > after }.map(\.place))
        }
    }
}
