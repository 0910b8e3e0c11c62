import FuseboxTestSupport
import Testing

@testable import FuseboxCore

struct RouteTableTests {
    private static func key(_ place: Int, _ model: Int? = nil) -> RouteKey {
        RouteKey(NameID(index: place), model.map { ModelID(index: $0) })
    }

    private static func randomKey(_ random: inout SplitMix64) -> RouteKey {
        let model = Int.random(in: -5..<20, using: &random)
        return key(Int.random(in: 0..<40, using: &random), model < 0 ? nil : model)
    }

    @Test func itDoesWhatADictionaryDoesOverManyRandomChangesAndIsWalkedInTheOrderOfKeys() {
        var random = SplitMix64(seed: 9)
        var table = RouteTable<Int>()
        var model: [RouteKey: Int] = [:]
        for step in 0..<20_000 {
            let key = Self.randomKey(&random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                table.remove(key)
                model[key] = nil
            case 2:
                if let place = table.find(key) { table[place] += 1 }
                model[key]? += 1
            default:
                let place = table.insert(step, for: key)
                #expect(table.key(of: place) == key)
                model[key] = step
            }
            #expect(table.count == model.count)
            #expect(table[key] == model[key])
        }
        let keys = model.keys.sorted()
        var walked: [RouteKey] = []
        table.forEach { key, place in
            #expect(table[place] == model[key])
            walked.append(key)
        }
        #expect(walked == keys)
        #expect(table.keys == keys)
        #expect(table.modelledCount == keys.count { $0.model != nil })
    }

    @Test func aPageGoesOnAtAnyPlaceInTheOrderOfKeys() {
        var random = SplitMix64(seed: 10)
        var table = RouteTable<Int>()
        for step in 0..<200 { table.insert(step, for: Self.randomKey(&random)) }
        let keys = table.keys
        for place in keys.indices {
            for length in [1, 3, 500] {
                #expect(table.keys(from: keys[place].order, atMost: length) == Array(keys[place...].prefix(length)))
                #expect(
                    table.keys(from: keys[place].order + 1, atMost: length)
                        == Array(keys[(place + 1)...].prefix(length)))
            }
        }
        #expect(table.keys(from: 0, atMost: 500) == keys)
        #expect(table.keys(from: .max, atMost: 500).isEmpty)
    }

    @Test func aRecordKeepsItsPlaceUntilItIsRemovedAndNoTwoHaveTheSameNumber() throws {
        var table = RouteTable<String>()
        let keys = [Self.key(0), Self.key(1), Self.key(0, 0), Self.key(0, 1), Self.key(1, 1)]
        for key in keys { table.insert("\(key.order)", for: key) }
        #expect(Set(keys.compactMap { table.find($0)?.number }).count == keys.count)
        let place = try #require(table.find(Self.key(0, 1)))
        table.remove(Self.key(0, 0))
        table.insert("new", for: Self.key(7, 7))
        #expect(table[place] == "\(Self.key(0, 1).order)")
        #expect(table.key(of: place) == Self.key(0, 1))
        #expect(table.insert("changed", for: Self.key(0, 1)) == place)
        #expect(table[Self.key(0, 1)] == "changed")
    }

    @Test func recordsThatExchangeTheirRoutesAreAllKept() {
        var table = RouteTable<String>()
        let (a, b, c, d) = (Self.key(0), Self.key(0, 3), Self.key(5, 3), Self.key(9))
        table.insert("a", for: a)
        table.insert("b", for: b)
        table.insert("c", for: c)
        table.rename([(a, c), (b, a), (c, d)])
        #expect(table.keys == [a, c, d])
        #expect([table[a], table[c], table[d]] == ["b", "a", "c"])
    }

    @Test func everyKeyHasAPlaceInTheOrderAndNumbersBeyondTheLastHaveNoKey() {
        for key in [Self.key(0), Self.key(0, 0), Self.key(65_535, 65_535)] {
            #expect(RouteKey(order: key.order) == key)
        }
        #expect(Self.key(0) < Self.key(0, 0))
        #expect(Self.key(0, 7) < Self.key(1))
        #expect(RouteKey(order: .max) == nil)
        #expect(RouteKey(order: 0xFFFF_FFFF) == nil)
    }
}
