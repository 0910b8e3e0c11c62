import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxCore

/// Names and their numbers.
struct NameTableTests {
    @Test func aNameKeepsItsNumberAsLongAsSomethingRefersToItWhichIsThenGivenAway() {
        var table = NameTable<NameID>()
        let first = table.intern(name("a"))
        table.retain(first)
        table.retain(first)
        #expect(table.intern(name("a")) == first)
        table.release(first)
        #expect(table.find(name("a")) == first)
        table.release(first)
        #expect(table.find(name("a")) == nil)
        #expect(table.count == 0)
        let second = table.intern(name("b"))
        #expect(second == first)
        #expect(table[second] == name("b"))
    }

    @Test func namesCountForTheUserThatIntroducedThem() {
        var table = NameTable<NameID>()
        let a = table.intern(name("a"), by: 7)
        table.retain(a)
        table.retain(table.intern(name("b"), by: 8))
        table.retain(table.intern(name("a"), by: 8))
        #expect(table.count(of: 7) == 1)
        #expect(table.count(of: 8) == 1)
        #expect(table.user(of: a) == 7)
        table.release(a)
        table.release(a)
        #expect(table.count(of: 7) == 0)
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func itDoesWhatADictionaryDoesOverManyRandomChanges(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var table = NameTable<NameID>()
        var model: [String: (id: NameID, references: Int)] = [:]
        for _ in 0..<20_000 {
            let text = "n\(Int.random(in: 0..<400, using: &random))"
            if Bool.random(using: &random) {
                let id = table.intern(name(text))
                if let known = model[text] {
                    #expect(known.id == id)
                } else {
                    #expect(!model.values.contains { $0.id == id })
                }
                table.retain(id)
                model[text] = (id, (model[text]?.references ?? 0) + 1)
            } else if let known = model[text] {
                table.release(known.id)
                model[text] = known.references == 1 ? nil : (known.id, known.references - 1)
            } else {
                #expect(table.find(name(text)) == nil)
            }
            #expect(table.count == model.count)
        }
        for number in 0..<400 { #expect(table.find(name("n\(number)")) == model["n\(number)"]?.id) }
    }
}
