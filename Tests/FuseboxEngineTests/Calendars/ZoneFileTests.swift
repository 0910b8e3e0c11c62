import FuseboxCore
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// Files of the tz database, made by hand: what each version means, and what is refused.
@Suite struct ZoneFileTests {
    static let name = ZoneName("Test/Zone")!

    /// A file of one block, or of two. The first block of two has wrong content, which must be skipped.
    struct Draft {
        var version: UInt8 = 2
        var times: [Int64] = [0, 1_000]
        var types: [UInt8] = [1, 0]
        var offsets: [Int32] = [3_600, 7_200]
        var leapSeconds = 0
        var footer: String? = ""

        var bytes: [UInt8] {
            if version == 1 { return block(width: 4) }
            var first = self
            (first.times, first.types, first.offsets) = ([7], [0], [-12_345])
            return first.block(width: 4) + block(width: 8) + (footer.map { Array("\n\($0)\n".utf8) } ?? [])
        }

        private func block(width: Int) -> [UInt8] {
            let counts = [2, 1, leapSeconds, times.count, offsets.count, 4]
            var bytes = Array("TZif".utf8) + [version == 1 ? 0 : version + 0x30] + [UInt8](repeating: 0, count: 15)
            for count in counts { bytes += big(Int64(count), 4) }
            for time in times { bytes += big(time, width) }
            bytes += types
            for offset in offsets { bytes += big(Int64(offset), 4) + [0, 0] }
            bytes += Array("ABC\0".utf8)
            bytes += [UInt8](repeating: 0, count: leapSeconds * (width + 4) + 3)
            return bytes
        }

        private func big(_ number: Int64, _ width: Int) -> [UInt8] {
            (0..<width).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * Int64($0))) }
        }
    }

    private func zone(_ draft: Draft) throws -> Zone { try ZoneFile.zone(Self.name, draft.bytes) }

    private func flaw(_ bytes: [UInt8]) -> ZoneFileFlaw? {
        do throws(ZoneFileFlaw) {
            _ = try ZoneFile.zone(Self.name, bytes)
            return nil
        } catch { return error }
    }

    private func flaw(_ draft: Draft) -> ZoneFileFlaw? { flaw(draft.bytes) }

    @Test(arguments: [1, 2, 3, 4] as [UInt8])
    func aTableTellsTheOffsetsBeforeBetweenAndAfterItsTransitions(_ version: UInt8) throws {
        let zone = try zone(Draft(version: version))
        #expect(zone.span(containing: -1) == Zone.Span(start: .min, end: 0, offset: 3_600))
        #expect(zone.span(containing: 0) == Zone.Span(start: 0, end: 1_000, offset: 7_200))
        #expect(zone.span(containing: 999) == Zone.Span(start: 0, end: 1_000, offset: 7_200))
        #expect(zone.span(containing: 1_000) == Zone.Span(start: 1_000, end: .max, offset: 3_600))
    }

    @Test func theRuleHoldsFromTheLastTransitionOn() throws {
        // 2026-03-29 01:00 UTC is the last Sunday of March.
        let spring = try CalendarText.moment("2026-03-29 01:00").milliseconds / 1_000
        let zone = try zone(Draft(times: [0, spring - 100], types: [1, 0], footer: "CET-1CEST,M3.5.0,M10.5.0/3"))
        #expect(zone.span(containing: spring - 101) == Zone.Span(start: 0, end: spring - 100, offset: 7_200))
        #expect(zone.span(containing: spring - 1) == Zone.Span(start: spring - 100, end: spring, offset: 3_600))
        let autumn = try CalendarText.moment("2026-10-25 01:00").milliseconds / 1_000
        #expect(zone.span(containing: spring) == Zone.Span(start: spring, end: autumn, offset: 7_200))
    }

    @Test func aRuleHoldsForAllTimesWithoutATable() throws {
        let zone = try zone(Draft(times: [], types: [], offsets: [0], footer: "<-03>3"))
        #expect(zone.span(containing: -5_000_000_000) == Zone.Span(start: .min, end: .max, offset: -10_800))
        let fixed = try self.zone(Draft(times: [], types: [], offsets: [60], footer: ""))
        #expect(fixed.span(containing: 0) == Zone.Span(start: .min, end: .max, offset: 60))
    }

    @Test func transitionsBeyondAllDatesTellTheFirstOffset() throws {
        let zone = try zone(Draft(times: [.min, -1 << 59, 5, .max], types: [0, 1, 0, 1]))
        #expect(zone.span(containing: 4) == Zone.Span(start: .min, end: 5, offset: 7_200))
        #expect(zone.span(containing: 5) == Zone.Span(start: 5, end: .max, offset: 3_600))
    }

    @Test func transitionsThatChangeNothingAreNone() throws {
        let zone = try zone(Draft(times: [0, 10, 20, 30], types: [0, 1, 1, 0]))
        #expect(zone.span(containing: 0) == Zone.Span(start: .min, end: 10, offset: 3_600))
        #expect(zone.span(containing: 25) == Zone.Span(start: 10, end: 30, offset: 7_200))
    }

    @Test func whatIsWrongIsSaid() {
        #expect(flaw([]) == .noZoneFile)
        #expect(flaw(Array("#!/bin/sh".utf8)) == .noZoneFile)
        #expect(flaw(Draft(version: 5)) == .newerVersion(0x35))
        #expect(flaw([UInt8](repeating: 0, count: Bounds.zoneFileBytes + 1)) == .tooLarge(bytes: Bounds.zoneFileBytes))
        #expect(flaw(Draft(leapSeconds: 1)) == .leapSeconds)
        #expect(flaw(Draft(times: [], types: [], offsets: [])) == .invalid("it has 0 kinds of local time"))
        #expect(flaw(Draft(types: [1, 2])) == .invalid("a transition leads to a local time that it lacks"))
        #expect(flaw(Draft(times: [5, 5])) == .invalid("its transitions are out of order"))
        #expect(flaw(Draft(offsets: [0, 93_600])) == .invalid("an offset of 93600 seconds is out of range"))
        #expect(flaw(Draft(offsets: [0, .min])) == .invalid("an offset of -2147483648 seconds is out of range"))
        #expect(flaw(Draft(footer: "CET-1\u{1B}[1m")) == .invalid("its rule 'CET-1\u{FFFD}[1m' is not understood"))
        #expect(flaw(Draft(footer: nil)) == .truncated)
        #expect(flaw(Draft(footer: nil).bytes + [0x20]) == .invalid("its footer does not begin as a line"))
    }

    @Test(arguments: [1, 2] as [UInt8])
    func aFileThatEndsTooEarlyIsRefused(_ version: UInt8) {
        let bytes = Draft(version: version, footer: "CET-1").bytes
        #expect(flaw(bytes) == nil)
        for length in 0..<bytes.count {
            #expect([.truncated, .noZoneFile].contains(flaw(Array(bytes[..<length]))), "\(length)")
        }
    }

    /// Whatever a file says, its windows are found: nothing overflows, and no search goes on for ever.
    @Test func aDamagedFileIsRefusedOrRead() throws {
        let bytes = Draft(
            times: Array(0..<20).map { $0 * 15_000_000 }, types: Array(0..<20).map { $0 % 2 },
            footer: "CET-1CEST,M3.5.0,M10.5.0/3"
        ).bytes
        var read = 0
        for position in bytes.indices {
            for damage in [0x01, 0x80, 0xFF] as [UInt8] {
                var damaged = bytes
                damaged[position] ^= damage
                do throws(ZoneFileFlaw) {
                    let zone = try ZoneFile.zone(Self.name, damaged)
                    read += 1
                    for unit in [.hour, .day, .year(from: .first)] as [CalendarUnit] {
                        let calendar = ZonedCalendar(unit, in: zone)
                        for moment in [0, 150_000_000_000, 1_800_000_000_000] as [Int64] {
                            let window = calendar.window(containing: Timestamp(milliseconds: moment))
                            #expect(window.contains(Timestamp(milliseconds: moment)))
                        }
                    }
                } catch { #expect(!"\(error)".isEmpty) }
            }
        }
        #expect(read > bytes.count)
    }

    // MARK: Rules

    private func rule(_ text: String) throws -> ZoneRule { try #require(ZoneRuleParser.rule(Array(text.utf8)[...])) }

    /// A rule, and the moments of a year from which on it has another offset, with that.
    @Test(arguments: [
        ("EST5EDT,M3.2.0,M11.1.0", 2026, ["2026-03-08 07:00", "2026-11-01 06:00"], [-14_400, -18_000]),
        // Ireland's winter is an hour behind its standard time.
        ("IST-1GMT0,M10.5.0,M3.5.0/1", 2026, ["2026-03-29 01:00", "2026-10-25 01:00"], [3_600, 0]),
        ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 2026, ["2026-04-04 15:00", "2026-10-03 15:30"], [37_800, 39_600]),
        // 50 hours after the fourth Thursday began, and 2 before the last Sunday.
        ("EET-2EEST,M3.4.4/50,M10.5.0/-2", 2026, ["2026-03-28", "2026-10-24 19:00"], [10_800, 7_200]),
        ("AAA0BBB,J59/0,J60/0", 2024, ["2024-02-28", "2024-02-29 23:00"], [3_600, 0]),
        ("AAA0BBB,58/0,59/0", 2024, ["2024-02-28", "2024-02-28 23:00"], [3_600, 0]),
        ("AAA0BBB,59/0,60/0", 2023, ["2023-03-01", "2023-03-01 23:00"], [3_600, 0]),
        ("AAA-0:20:30BBB-1:20:30,J1/0,J2/0", 1970, ["1969-12-31 23:39:30", "1970-01-01 22:39:30"], [4_830, 1_230]),
    ])
    func rules(_ text: String, _ year: Int64, _ moments: [String], _ offsets: [Int64]) throws {
        let rule = try rule(text)
        for (moment, offset) in zip(moments, offsets) {
            let second = try CalendarText.moment(moment).milliseconds / 1_000
            #expect(rule.span(containing: second).start == second, "\(moment)")
            #expect(rule.span(containing: second).offset == offset, "\(moment)")
            #expect(rule.span(containing: second - 1).end == second, "\(moment)")
        }
    }

    /// The way in which version 3 writes a zone that is on daylight time for ever.
    @Test func daylightTimeThatEndsAsItBeginsLasts() throws {
        let rule = try rule("XXX3EDT4,0/0,J365/23")
        for moment in ["2025-12-31 23:00", "2026-01-01 03:00", "2026-01-01 04:00", "2026-07-01"] {
            #expect(rule.span(containing: try CalendarText.moment(moment).milliseconds / 1_000).offset == -14_400)
        }
    }

    @Test(arguments: [
        "", "CE-1", "CET", "CET-25", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0/3,",
        "CET-1CEST,M0.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J100", "CET-1CEST,0,366", "<CET-1",
        "CET-1:60",
        "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,M3.5.0/1:,M10.5.0", "CET--1", "CET-1 ", "CET-0001",
    ])
    func textsThatAreNoRules(_ text: String) {
        #expect(ZoneRuleParser.rule(Array(text.utf8)[...]) == nil)
    }
}
