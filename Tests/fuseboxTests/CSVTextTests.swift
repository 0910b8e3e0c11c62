import FuseboxWire
import Testing

@testable import fusebox

struct CSVTextTests {
    @Test(
        arguments: [
            ("gpt-4o", "gpt-4o"), ("team search", "team search"), ("2026-05-01", "2026-05-01"), ("", ""),
            // What RFC 4180 quotes.
            ("a,b", "\"a,b\""), ("say \"no\"", "\"say \"\"no\"\"\""), ("\"", "\"\"\"\""), ("a\nb", "\"a\nb\""),
            ("a\rb", "\"a\rb\""), ("a\r\nb", "\"a\r\nb\""), ("a;b", "\"a;b\""),
            // What a spreadsheet would compute.
            ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""), ("\r\nx", "\"'\r\nx\""),
            // Both.
            ("=HYPERLINK(\"a\",\"b\")", "\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\""),
            // A combining character hides no mark.
            ("=\u{301}1", "'=\u{301}1"), ("a,\u{301}b", "\"a,\u{301}b\""), ("a\"\u{301}b", "\"a\"\"\u{301}b\""),
            // A mark elsewhere is harmless.
            ("a=1", "a=1"), (" =1", " =1"), ("user:-1", "user:-1"), ("'=1", "'=1"),
        ] as [(String, String)])
    func aTextIsATextToEverySpreadsheet(_ text: String, _ field: String) {
        #expect(CSVText.text(.text(text)) == field)
    }

    @Test func numbersStayNumbers() {
        #expect(CSVText.text(.count(-5)) == "-5")
        #expect(CSVText.text(.count(.min)) == "-9223372036854775808")
        #expect(CSVText.text(.dollars(Money(nanodollars: -1_500_000_000))) == "-1.5")
        #expect(CSVText.text(.dollars(Money(nanodollars: 1))) == "0.000000001")
    }

    @Test func rowsAreLines() {
        #expect(CSVText.lines([]) == "")
        #expect(
            CSVText.lines([
                [.text("tag"), .text("dollars")], [.text("a,b"), .dollars(.zero)], [.text("-"), .count(1)],
            ])
                == "tag,dollars\n\"a,b\",0\n'-,1")
    }
}
