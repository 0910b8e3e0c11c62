import FuseboxWire
import Testing

struct NameTests {
    @Test(arguments: ["a", "openai", "gpt-4o mini", "提供者", "~", " ", String(repeating: "n", count: 127)])
    func whatIsAName(text: String) throws {
        let name = try Name(text)
        #expect(name.text == text)
        #expect(name.count == text.utf8.count)
        #expect(name.withBytes { Array($0) } == Array(text.utf8))
        #expect("\(name)" == text)
    }

    @Test(arguments: [0, 128, 255, 4096]) func whatIsNoName(count: Int) {
        let refusal = #expect(throws: Refusal.self) { try Name(String(repeating: "n", count: count)) }
        #expect(refusal?.status == .badName)
    }

    @Test func aControlCharacterIsFoundWhereverItStandsInNamesOfEveryLength() {
        for length in 1...127 {
            for place in [0, length / 2, length - 1] {
                for control in [0, 9, 10, 0x1F, 0x7F] as [UInt8] {
                    var bytes = [UInt8](repeating: 0x7E, count: length)
                    bytes[place] = control
                    #expect(Self.status(bytes) == .badName)
                }
            }
        }
    }

    /// Every byte value: ASCII but for control characters is a name, a byte beyond it alone is not UTF-8.
    @Test func everyByteValue() {
        for byte in UInt8.min...UInt8.max {
            let expected: Status? = byte < 0x20 || byte == 0x7F ? .badName : byte >= 0x80 ? .badText : nil
            for filler in [[], Array("abcdefgh".utf8), Array("abcdefghijklm".utf8)] as [[UInt8]] {
                #expect(Self.status(filler + [byte]) == expected, "\(byte) after \(filler.count)")
            }
        }
    }

    @Test(
        arguments: [
            [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x61, 0xC3], [0x80],
            [0xF8, 0x88, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func whatIsNoUTF8(bytes: [UInt8]) {
        #expect(Self.status(bytes) == .badText)
    }

    @Test func namesAreEqualByteByByteAndHashAlikeIfTheyAre() throws {
        for length in 1...127 {
            let text = String(repeating: "x", count: length)
            let name = try Name(text)
            #expect(try name == Name(text))
            #expect(try name.hashValue == Name(text).hashValue)
            #expect(try name != Name(text.dropLast() + "y"))
            if length < 127 { #expect(try name != Name(text + "x")) }
        }
        // Canonically equivalent, but other bytes.
        #expect(try Name("\u{E9}") != Name("e\u{301}"))
    }

    @Test func aNameReadIntoThePlaceOfALongerOneLeavesNothingOfIt() throws {
        var name = try Name("a name that was there before")
        try ([2, 0x61, 0x62] as [UInt8]).withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            try name.decode(from: &reader)
        }
        #expect(try name == Name("ab"))
    }

    @Test func namesSortByTheirBytes() throws {
        let names = try ["b", "a", "ab", "B", "é", "aa"].map { try Name($0) }
        #expect(names.sorted().map(\.text) == ["B", "a", "aa", "ab", "b", "é"])
    }

    private static func status(_ bytes: [UInt8]) -> Status? {
        bytes.withUnsafeBytes { bytes in
            do throws(Refusal) {
                _ = try Name(utf8: bytes)
                return nil
            } catch {
                return error.status
            }
        }
    }
}
