import FuseboxWire
import Testing

@testable import FuseboxEngine

/// A host whose clocks a script moves, with the daemon's clock and its boundaries on it. Each line is an input and, after
/// `=>`, what comes of it: news of the clock, and steps in order.
///
///     start 2026-11-30 23:50 synchronised        the first start; or `unsynchronised`
///     use day  /  use month:15 Europe/Berlin     a calendar comes into use => its window
///     pass 10m                                   time goes on; the clocks are read at the end
///     sleep 10m                                  the same, and that is when the daemon would wake by itself
///     sleep for ever                             it would not wake
///     step 40d                                   the wall clock is stepped, and read
///     unseen 40d                                 the same, and not read yet
///     synchronised / unsynchronised              the kernel says so, and the clocks are read
///     down 3h                                    the daemon is down for so long; it starts with what it had recorded
///     reboot 3h                                  and the machine's steady clock starts anew
///     refuse / accept                            inputs are refused from here on, or accepted again
///     look                                       nothing => the steady clock, dates, the system's wall clock
///
/// A step is told as `begin RULE START`, `reopen RULE START`, `move RULE START to END`. Dates that go back are told as
/// `take back to MOMENT`.
struct BoundaryScript {
    private var boottime: Int64 = 1_000_000
    private var difference: Int64 = 0
    private var isSynchronised = true
    private var isRefusing = false
    private var clock = EngineClock(at: Moment(milliseconds: 0))
    private var boundaries = CalendarBoundaries()
    /// What the state has of them.
    private var recorded: [(calendar: ZonedCalendar, window: CalendarWindow)] = []
    private var time: RecordedTime?
    private var outputs: [String] = []

    /// Runs a script, and expects of each line what it says.
    static func run(_ text: String, location: SourceLocation = #_sourceLocation) throws {
        var script = BoundaryScript()
        for (index, line) in text.split(separator: "\n").enumerated() {
            let halves = line.split(separator: "=>").map { $0.split(separator: " ") }
            script.outputs = []
            try script.take(halves[0])
            let expected = halves.count > 1 ? halves[1].joined(separator: " ") : ""
            #expect(
                script.outputs.joined(separator: ", ") == expected, "line \(index + 1): \(line)",
                sourceLocation: location)
        }
    }

    // MARK: Inputs

    private mutating func take(_ words: [Substring]) throws {
        switch words[0] {
        case "start":
            difference = try CalendarText.moment(words[1...2].joined(separator: " ")).milliseconds - boottime
            isSynchronised = words[3] == "synchronised"
            start()
        case "use": try use(words.dropFirst())
        case "pass":
            boottime += try Self.duration(words[1])
            read()
        case "sleep": try sleep(words.dropFirst())
        case "step", "unseen":
            difference += try Self.duration(words[1])
            if words[0] == "step" { read() }
        case "synchronised", "unsynchronised":
            isSynchronised = words[0] == "synchronised"
            read()
        case "down", "reboot":
            boottime += try Self.duration(words[1])
            if words[0] == "reboot" {
                difference += boottime - 5_000
                boottime = 5_000
            }
            start()
        case "look": look()
        case "refuse": isRefusing = true
        case "accept":
            isRefusing = false
            read()
        default: Issue.record("no input: \(words)")
        }
    }

    private mutating func start() {
        clock = EngineClock(continuing: time, reading)
        boundaries = CalendarBoundaries()
        for (calendar, window) in recorded { boundaries.use(calendar, in: window) }
        carryOut()
    }

    private var reading: ClockReading {
        ClockReading(boottime: boottime, realtime: boottime + difference, isSynchronised: isSynchronised)
    }

    private mutating func look() {
        let moments = [clock.now, clock.moment.wall, clock.system].map(CalendarText.text)
        outputs = ["now \(moments[0])", "dates \(moments[1])", "wall \(moments[2])"]
    }

    private mutating func use(_ words: ArraySlice<Substring>) throws {
        let name = try #require(ZoneName(words.count > 1 ? words.last! : "UTC"))
        let calendar = ZonedCalendar(try CalendarText.unit(words.first!), in: try ZoneDatabase.system.zone(name))
        let window = boundaries.use(calendar, at: clock.time)
        recorded.append((calendar, window))
        outputs.append("\(CalendarText.text(window.start)) to \(CalendarText.text(window.end))")
    }

    private mutating func sleep(_ words: ArraySlice<Substring>) throws {
        let wakes = boundaries.wakes(by: clock)
        guard words.first != "for" else {
            #expect(wakes == nil)
            return
        }
        let duration = try Self.duration(words.first!)
        #expect(wakes == clock.now + duration, "it wakes after \(wakes.map { $0 - clock.now } ?? -1) ms")
        boottime += duration
        read()
    }

    private mutating func read() {
        switch clock.read(reading) {
        case .stepped(let by): outputs.append("stepped \(Self.text(by))")
        case .returned(let by): outputs.append("returned \(Self.text(by))")
        case .believed(let by): outputs.append("believed \(Self.text(by))")
        case .takenBack, nil: break
        }
        carryOut()
    }

    /// What the engine does: each step is journaled, and noted if that succeeded.
    private mutating func carryOut() {
        while !isRefusing, let step = boundaries.next(by: clock) {
            switch step {
            case .reopen(let change): note(change, "reopen")
            case .move(let change): note(change, "move")
            case .begin(let change): note(change, "begin")
            }
            boundaries.done(step)
        }
        guard !isRefusing else { return }
        if clock.isFarAhead {
            clock.takeBack()
            outputs.append("take back to \(CalendarText.text(clock.moment.wall))")
        }
        time = RecordedTime(clock.moment, lead: clock.lead)
    }

    private mutating func note(_ change: CalendarBoundaries.Change, _ what: String) {
        guard let index = recorded.firstIndex(where: { $0.calendar.rule == change.rule }) else {
            Issue.record("no such calendar: \(change)")
            return
        }
        #expect(recorded[index].window == change.from)
        recorded[index].window = change.to
        let end = what == "move" ? " to \(CalendarText.text(change.to.end))" : ""
        outputs.append("\(what) \(Self.name(change.rule)) \(CalendarText.text(change.to.start))\(end)")
    }

    // MARK: Text

    private static func name(_ rule: CalendarRule) -> String {
        let unit =
            switch rule.unit {
            case .hour: "hour"
            case .day: "day"
            case .week: "week"
            case .month: "month"
            case .quarter: "quarter"
            case .year: "year"
            }
        return rule.zone == .utc ? unit : "\(unit) \(rule.zone)"
    }

    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// `40d`, `-90m`, `1ms`.
    private static func duration(_ text: Substring) throws -> Int64 {
        let digits = text.prefix { $0.isNumber || $0 == "-" }
        let unit = try #require(units.first { $0.name == text[digits.endIndex...] })
        return try #require(Int64(digits)) * unit.milliseconds
    }

    /// In the largest unit that divides it.
    private static func text(_ milliseconds: Int64) -> String {
        let unit = units.first { milliseconds % $0.milliseconds == 0 }!
        return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }
}
