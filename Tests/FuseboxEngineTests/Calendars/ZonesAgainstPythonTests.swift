import FuseboxWire
import Glibc
import Testing

@testable import FuseboxEngine

/// All zones of the system's database against Python's `zoneinfo`: `zones.py` beside this file says what it finds.
///
/// Nothing of it is kept: the answers depend on the version of the database. Windows are compared around a sample of each
/// zone's transitions, or around all of them with `FUSEBOX_FULL=1`.
@Suite struct ZonesAgainstPythonTests {
    private static let sample = getenv("FUSEBOX_FULL") == nil ? 2 : 0

    @Test func zonesAndWindowsAreThoseOfPython() throws {
        let database = ZoneDatabase(directory: "/usr/share/zoneinfo")
        var comparison = Comparison(database: database)
        for line in try Self.lines(database.directory) where !line.isEmpty {
            try comparison.take(line.split(separator: " "))
        }
        try comparison.endZone()
        #expect(comparison.names == database.names())
        #expect(comparison.zones > 300, "what Python says was not understood, or the database is small")
        #expect(comparison.windows > 30_000)
    }

    private static func lines(_ directory: String) throws -> [Substring] {
        let script = #filePath.replacing("ZonesAgainstPythonTests.swift", with: "zones.py")
        let pipe = try #require(popen("python3 '\(script)' '\(directory)' \(sample)", "re"))
        var (text, piece) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
        while true {
            let count = fread(&piece, 1, piece.count, pipe)
            guard count > 0 else { break }
            text += piece[..<count]
        }
        try #require(pclose(pipe) == 0, "python3 failed; on Debian: apt-get install python3 tzdata")
        return String(decoding: text, as: UTF8.self).split(separator: "\n")
    }

    /// Holds each line against what is found here.
    private struct Comparison {
        let database: ZoneDatabase
        private(set) var names: [ZoneName] = []
        private(set) var zones = 0
        private(set) var windows = 0
        private var zone = Zone.utc
        private var transitions: [Zone.Transition] = []
        private var calendars: [Substring: ZonedCalendar] = [:]

        init(database: ZoneDatabase) { self.database = database }

        mutating func take(_ words: [Substring]) throws {
            switch words[0] {
            case "name":
                // `localtime` is no zone of the database.
                if let name = ZoneName(words[1]) { names.append(name) }
            case "zone":
                try endZone()
                zones += 1
                // A copy of a zone under a name that is none is read all the same.
                let name = ZoneName(words[1])
                zone = try name.map { try database.zone($0) } ?? .utc
                (transitions, calendars) = ([], [:])
            case "from":
                transitions.append(Zone.Transition(at: try Self.number(words[1]), offset: try Self.number(words[2])))
            default: try compareWindow(words)
            }
        }

        private mutating func compareWindow(_ words: [Substring]) throws {
            windows += 1
            let calendar = try calendars[words[1]] ?? ZonedCalendar(CalendarText.unit(words[1]), in: zone)
            calendars[words[1]] = calendar
            let numbers = try words.dropFirst(2).map(Self.number)
            let window = calendar.window(containing: Timestamp(milliseconds: numbers[0] * 1_000 + 999))
            if window.start.milliseconds == numbers[1] * 1_000, window.end.milliseconds == numbers[2] * 1_000 { return }
            Issue.record("\(zone.name): \(words.joined(separator: " ")), here \(window)")
        }

        /// Every offset from 1970 to 2100, and when it changes.
        mutating func endZone() throws {
            guard let first = transitions.first else { return }
            var (found, moment) = ([first], first.at)
            #expect(zone.span(containing: moment).offset == first.offset, "\(zone.name)")
            while found.count < 10_000 {
                moment = zone.span(containing: moment).end
                guard moment < 4_133_980_800 else { break }
                let offset = zone.span(containing: moment).offset
                if offset != found.last?.offset { found.append(Zone.Transition(at: moment, offset: offset)) }
            }
            // Python looks a little further.
            let expected = transitions.filter { $0.at < 4_133_980_800 }
            if found != expected { Issue.record("\(zone.name): \(found), Python \(expected)") }
            transitions = []
        }

        private static func number(_ text: Substring) throws -> Int64 { try #require(Int64(text)) }
    }
}
