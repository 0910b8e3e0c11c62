import FuseboxInterop
import Testing

struct JSONValueTests {
    @Test(
        arguments: [
            (0, "0"), (-0.0, "-0"), (1, "1"), (-1.5, "-1.5"), (0.1, "0.1"), (1e6, "1000000"),
            (123456789.25, "123456789.25"),
            (1e-6, "0.000001"), (1e-7, "1e-7"), (1.5e-9, "1.5e-9"), (1e20, "100000000000000000000"), (1e21, "1e+21"),
            (1.25e300, "1.25e+300"), (.leastNonzeroMagnitude, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (0.30000000000000004, "0.30000000000000004"), (9007199254740992, "9007199254740992"),
            (123456789012345683968, "123456789012345680000"),
        ] as [(Double, String)])
    func aDoubleIsWrittenAsJavaScriptWritesItAndReadsBackAsItself(value: Double, literal: String) {
        #expect(JSONValue(value).text() == literal)
        #expect(Double(literal)?.bitPattern == value.bitPattern)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity]) func whatJSONCannotSpellBecomesNull(value: Double) {
        #expect(JSONValue(value).isNull)
    }

    @Test func numbersKeepTheirLiteralText() throws {
        let value = try JSONValue(parsing: "[0.10, 1e3, -0, 9223372036854775807, 1E-2, 12345678901234567890]".utf8)
        #expect(value.text() == "[0.10,1e3,-0,9223372036854775807,1E-2,12345678901234567890]")
        #expect(value.list?.map(\.int64) == [nil, 1000, 0, .max, nil, nil])
        #expect(value[0]?.double == 0.1)
    }

    @Test func membersKeepTheirOrderAndOfAKeyGivenTwiceTheLastValueCountsInTheFirstPlace() throws {
        let value = try JSONValue(parsing: #"{"b": 1, "a": [true, null], "b": "x"}"#.utf8)
        #expect(value.text() == #"{"b":"x","a":[true,null]}"#)
        #expect(value["b"]?.text == "x")
        #expect(value["a"]?[0]?.bool == true)
        #expect(value["c"] == nil)
        #expect(value["a"]?[2] == nil)
        #expect(value == ["a": [true, .null], "b": "x"])
    }

    @Test func manyMembersAreFoundAgainAndStayDistinctByteByByte() throws {
        let composed = "\u{E9}", decomposed = "e\u{301}"
        let text =
            (0..<100).map { "\"k\($0)\": \($0)" } + ["\"k7\": 700", "\"\(composed)\": 1", "\"\(decomposed)\": 2"]
        let value = try JSONValue(parsing: "{\(text.joined(separator: ","))}".utf8)
        #expect(value.members?.count == 102)
        #expect(value["k7"]?.int64 == 700)
        #expect(value[composed]?.int64 == 1)
        #expect(value[decomposed]?.int64 == 2)
    }

    /// Strings: every escape, both ways.
    @Test func strings() throws {
        let value = try JSONValue(parsing: #""\"\\\/\b\f\n\r\t\u0001\u00e9\ud83d\ude00 ü""#.utf8)
        #expect(value.text == "\"\\/\u{8}\u{C}\n\r\t\u{1}é😀 ü")
        #expect(value.text() == #""\"\\/\b\f\n\r\t\u0001é😀 ü""#)
    }

    @Test func thePrettyFormPutsOneMemberOrElementOnALine() {
        let value: JSONValue = ["a": [1, 2], "b": [:], "c": [], "d": ["x": 0.5]]
        #expect(
            value.text(pretty: true) == """
                {
                  "a": [
                    1,
                    2
                  ],
                  "b": {},
                  "c": [],
                  "d": {
                    "x": 0.5
                  }
                }
                """)
    }

    @Test(
        arguments: [
            ("", 1, 1), ("  ", 1, 3), ("nul", 1, 1), ("[1,]", 1, 4), ("[1 2]", 1, 4), ("{\"a\" 1}", 1, 6),
            ("{a: 1}", 1, 2),
            ("01", 1, 2), ("1.", 1, 3), (".5", 1, 1), ("+1", 1, 1), ("1e", 1, 3), ("-", 1, 2), ("1 x", 1, 3),
            ("{\n  \"a\": tru\n}", 2, 8), ("\"a\u{1}\"", 1, 3), ("\"abc", 1, 1), ("\"\\x\"", 1, 2),
            ("\"\\u12g4\"", 1, 2),
            ("\"\\ud800\"", 1, 2), ("\"\\ud800\\u0041\"", 1, 2), ("\"\\udc00\"", 1, 2), ("[\"ü\", x]", 1, 7),
            ("\u{FEFF}1", 1, 1),
            ("\"\\", 1, 2), ("\"\\u12", 1, 2),
        ])
    func whatDepartsFromTheGrammarIsRefusedWhereItDoes(text: String, line: Int, column: Int) {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text.utf8) }
        #expect(error?.line == line)
        #expect(error?.column == column)
    }

    @Test func bytesThatAreNoUTF8AreRefused() {
        #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22] as [UInt8]) }
    }

    @Test func nestingIsBounded() throws {
        let limit = JSONValue.depthLimit
        _ = try JSONValue(parsing: (String(repeating: "[", count: limit) + String(repeating: "]", count: limit)).utf8)
        #expect(throws: JSONError.self) {
            try JSONValue(parsing: String(repeating: "[", count: limit + 1).utf8)
        }
        #expect(throws: JSONError.self) {
            try JSONValue(parsing: String(repeating: "[{\"a\":", count: 1_000_000).utf8)
        }
    }
}
