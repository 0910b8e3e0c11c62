import FuseboxWire
import Testing

@testable import fusebox

/// Limits as tables and bars, within the columns of a terminal.
struct LimitReportTests {
    private static let longName = String(repeating: "n", count: 127)
    private static let longLimit = "$12345.678901234 per month in America/Argentina/Buenos_Aires from the 15th"

    private static func entry(
        _ limit: String, used: Int64 = 0, held: Int64 = 0, on scope: Scope = .host
    ) throws -> LimitEntry {
        var entry = LimitEntry()
        entry.scope = scope
        entry.limit = try LimitText.limit(limit)
        entry.used = used
        entry.held = held
        return entry
    }

    @Test(
        arguments: [
            (0, 0, "[..........] 0%"), (1, 0, "[#.........] 0%"), (100, 0, "[#.........] 10%"),
            (620, 0, "[######....] 62%"), (600, 200, "[######==..] 80%"), (0, 1, "[=.........] 0%"),
            (999, 0, "[#########.] 99%"), (1_000, 0, "[##########] 100%"), (950, 50, "[#########=] 100%"),
            (1_500, 0, "[##########] 150%"), (800, 600, "[########==] 140%"), (99_999, 0, "[##########] over 999%"),
            (-500, 0, "[..........] 0%"),
        ] as [(Int64, Int64, String)])
    func barsShowWhatIsUsedHeldAndLeft(_ used: Int64, _ held: Int64, _ bar: String) throws {
        #expect(LimitReport.bar(try Self.entry("1000 requests per day", used: used, held: held)) == bar)
    }

    @Test func aLimitOfNothingHasNoBar() throws {
        #expect(LimitReport.bar(try Self.entry("0 requests per day")) == "[----------]")
    }

    @Test(
        arguments: [
            ("$50 per month", 41_200_000_000, 0, "$41.20 of $50 used"), ("$0.5 prepaid", 0, 0, "$0.00 of $0.50 used"),
            ("$0.0012 per day", 1_000_000, 100_000, "$0.001 of $0.0012 used, $0.0001 held"),
            ("8 in flight", 0, 3, "3 of 8 in flight"), ("200k tokens per minute", 12_100, 0, "12,100 of 200,000 used"),
        ] as [(String, Int64, Int64, String)])
    func amountsHaveAtLeastCents(_ limit: String, _ used: Int64, _ held: Int64, _ sentence: String) throws {
        #expect(LimitReport.sentence(try Self.entry(limit, used: used, held: held)) == sentence)
    }

    @Test func aShortTableHasARowForEachLimit() throws {
        let openai = Scope(provider: try Name("openai"))
        let entries = [
            try Self.entry("$50 per month", used: 41_200_000_000, held: 5_000_000_000, on: openai),
            try Self.entry("600 requests per minute", used: 12, on: openai),
        ]
        #expect(
            LimitReport.table(entries, ifEmpty: "") == """
                SCOPE   LIMIT                          FULL               LEFT   HELD  ENDS IN
                openai  $41.20 of $50 per month        [########=.] 92%  $3.80  $5.00  -
                openai  12 of 600 requests per minute  [#.........] 2%     588      -  -
                """)
        #expect(
            LimitReport.table(entries, showsScopes: false, ifEmpty: "") == """
                LIMIT                          FULL               LEFT   HELD  ENDS IN
                $41.20 of $50 per month        [########=.] 92%  $3.80  $5.00  -
                12 of 600 requests per minute  [#.........] 2%     588      -  -
                """)
        #expect(LimitReport.table([], ifEmpty: "No limit is set.") == "No limit is set.")
    }

    @Test(arguments: [false, true], [false, true])
    func noLineIsLongerThanATerminalsHoweverLongTheNamesAre(_ hasLongLimit: Bool, _ showsScopes: Bool) throws {
        let name = try Name(Self.longName)
        let limit = hasLongLimit ? Self.longLimit : "$50 per month"
        var raised = try Self.entry(limit, used: 9_000_000_000_123, on: Scope(provider: name, deployment: name))
        raised.raisedAmount = .max
        raised.raisedMilliseconds = 31_000_000_000
        raised.limit.thresholds = Thresholds(warning: 0.123456, critical: 0.5, emergency: 99)
        let entries = [
            try Self.entry(
                limit, used: 41_200_000_000, held: 5_123_456_789, on: Scope(provider: name, model: name, tag: name)),
            raised,
        ]
        let text = LimitReport.table(entries, showsScopes: showsScopes, ifEmpty: "")
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(text)")
        // Nothing is left out.
        let squeezed = text.filter { !$0.isWhitespace }
        for scope in showsScopes ? entries.map(\.scope) : [] {
            #expect(squeezed.contains("\(scope)".filter { !$0.isWhitespace }))
        }
        #expect(squeezed.contains("$41.20of\(limit)".filter { !$0.isWhitespace }))
        #expect(squeezed.contains("thresholds12.3%,50%,9900%"))
    }

    @Test func theFirstColumnStandsAboveItsRowsWhereTheyWouldBeTooLong() {
        let table = Table(
            [.left("NAME"), .right("N")], rows: [[Self.longName, "1"], [Self.longName, "20"], ["b", "3"]],
            notes: [["a note"], [], ["another"]])
        #expect(
            table.fitted(ifEmpty: "") == """
                   N
                \(Self.longName.prefix(80))
                \(Self.longName.dropFirst(80))
                   1
                    a note
                  20
                b
                   3
                    another
                """)
        #expect(Table([.left("NAME")], rows: []).fitted(ifEmpty: "none") == "none")
    }

    @Test(
        arguments: [
            ("a bb", 0, ["a bb"]), ("", 0, [""]),
            (String(repeating: "word ", count: 17), 0, [String(repeating: "word ", count: 15) + "word", "word"]),
            (String(repeating: "x", count: 81), 0, [String(repeating: "x", count: 80), "x"]),
            (
                String(repeating: "x", count: 81), 78,
                Array(repeating: String(repeating: " ", count: 78) + "xx", count: 40) + [
                    String(repeating: " ", count: 78) + "x"
                ]
            ),
            (String(repeating: "模", count: 41), 0, [String(repeating: "模", count: 40), "模"]),
        ] as [(String, Int, [String])])
    func linesAreBrokenAtSpacesAndLongWordsAreCut(_ text: String, _ indent: Int, _ lines: [String]) {
        #expect(TerminalText.wrapped(text, indent: indent) == lines)
    }

    @Test func aListingsLongValuesGoOnBelowThem() {
        let listing: Listing = ["a": Self.longName, "longer": "2"]
        #expect(
            listing.fitted == """
                a       \(Self.longName.prefix(72))
                        \(Self.longName.dropFirst(72))
                longer  2
                """)
    }
}
