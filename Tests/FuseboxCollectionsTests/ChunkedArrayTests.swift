import FuseboxCollections
import Testing

struct ChunkedArrayTests {
    @Test func itHoldsWhatWasAppendedAndCopiesAreIndependent() {
        var original = ChunkedArray<Int>(chunkBytes: 64)
        for number in 0..<1_000 { original.append(number) }
        var copy = original
        for number in 0..<1_000 where number % 3 == 0 { original[number] = -1 }
        copy.append(1_000)
        copy[0] = 5
        #expect(original.count == 1_000)
        #expect(copy.count == 1_001)
        for number in 0..<1_000 {
            #expect(original[number] == (number % 3 == 0 ? -1 : number))
            #expect(copy[number] == (number == 0 ? 5 : number))
        }
    }

    @Test func emptiedItStartsAnew() {
        var array = ChunkedArray<Int>(chunkBytes: 64)
        for number in 0..<100 { array.append(number) }
        array.removeAll()
        #expect(array.count == 0)
        array.append(7)
        #expect(array[0] == 7)
    }
}
