import FuseboxCore
import FuseboxWire

/// A reading of the system's clocks.
package struct ClockReading: Sendable, Equatable {
    /// CLOCK_BOOTTIME, in milliseconds.
    package var boottime: Int64
    /// CLOCK_REALTIME, in milliseconds since the epoch.
    package var realtime: Int64
    /// Whether the kernel says that the wall clock is synchronised.
    package var isSynchronised: Bool

    /// A reading of both clocks.
    package init(boottime: Int64, realtime: Int64, isSynchronised: Bool) {
        self.boottime = boottime
        self.realtime = realtime
        self.isSynchronised = isSynchronised
    }

    /// The reading that a moment would come from, by a synchronised clock.
    init(_ moment: Moment) {
        self.init(
            boottime: moment.now.milliseconds, realtime: moment.wall.milliseconds, isSynchronised: true)
    }
}

/// The calendars that limits go by, in the engine's hands: their zones, and which boundary counts.
struct EngineCalendars {
    /// Where time zones are read.
    let database: ZoneDatabase
    private(set) var boundaries: CalendarBoundaries
    /// Why a zone in use cannot be read; its windows go on until it can.
    private(set) var trouble: String?
    /// Calendars of the state whose zone could not be read yet.
    private var missing: [(calendar: LimitWindow, window: CalendarWindow)] = []
    /// When zones are read again, on the steady clock.
    private var rereadAt: Int64

    /// The database of zones may be updated: it is looked at once an hour, and each minute for a zone that cannot be read.
    private static let rereadMilliseconds: Int64 = 3_600_000
    private static let retryMilliseconds: Int64 = 60_000

    /// - Parameter recorded: the last date that the recovered state knows
    init(_ database: ZoneDatabase, _ machine: borrowing StateMachine, recorded: Timestamp, _ reading: ClockReading) {
        self.database = database
        boundaries = CalendarBoundaries(
            continuing: recorded, boottime: reading.boottime, realtime: reading.realtime,
            isSynchronised: reading.isSynchronised)
        rereadAt = reading.boottime + Self.rereadMilliseconds
        for calendar in machine.calendars { missing.append((calendar.window, calendar.current)) }
        useMissing(at: reading.boottime)
    }

    /// Takes a calendar into use; returns its window that is now.
    ///
    /// - Throws: `outOfRange` for a zone that there is not, or that cannot be read
    mutating func use(_ calendar: LimitWindow) throws(Refusal) -> CalendarWindow {
        let rule = try calendar.calendarRule()
        if let known = boundaries.window(of: rule) { return known }
        return boundaries.use(ZonedCalendar(rule.unit, in: try zone(rule.zone)))
    }

    private func zone(_ name: ZoneName) throws(Refusal) -> Zone {
        do throws(ZoneError) { return try database.zone(name) } catch {
            throw Refusal(.outOfRange, "\(error)")
        }
    }

    private mutating func useMissing(at boottime: Int64) {
        trouble = nil
        var unreadable: [(calendar: LimitWindow, window: CalendarWindow)] = []
        for (calendar, window) in missing {
            do throws(Refusal) {
                let rule = try calendar.calendarRule()
                boundaries.use(ZonedCalendar(rule.unit, in: try zone(rule.zone)), recorded: window)
            } catch {
                trouble = error.message
                unreadable.append((calendar, window))
            }
        }
        missing = unreadable
        if !missing.isEmpty { rereadAt = min(rereadAt, boottime + Self.retryMilliseconds) }
    }

    /// Takes a reading of the clocks: once a turn.
    mutating func read(_ reading: ClockReading) {
        boundaries.read(
            boottime: reading.boottime, realtime: reading.realtime, isSynchronised: reading.isSynchronised)
        guard reading.boottime >= rereadAt else { return }
        rereadAt = reading.boottime + Self.rereadMilliseconds
        for name in boundaries.zones {
            // One that cannot be read now stays as it is.
            if let zone = try? database.zone(name) { boundaries.renew(zone) }
        }
        useMissing(at: reading.boottime)
    }

    /// What is to be done first; nil if there is nothing.
    func next() -> CalendarBoundaries.Step? { boundaries.next() }

    /// Notes that a step was done.
    mutating func done(_ step: CalendarBoundaries.Step) { boundaries.done(step) }

    /// Ends the use of a calendar that no limit goes by.
    mutating func drop(_ rule: CalendarRule) { boundaries.drop(rule) }

    /// How long it takes until there may be something to do, in milliseconds; nil if only a step of the clock can bring it.
    var untilDue: Int64? { boundaries.wakes.map { max(0, $0 - boundaries.clock.boottime) } }
}

extension Engine {
    /// Counts the boundaries of calendars that have passed.
    ///
    /// - Throws: `storageFailed` or `busy` if one cannot be written down now; it stays due
    mutating func turnCalendars(_ reading: ClockReading, at moment: Moment) throws(Refusal) {
        if calendars == nil {
            calendars = EngineCalendars(zones, state.machine, recorded: state.machine.lastMoment.wall, reading)
        } else {
            calendars?.read(reading)
        }
        while let step = calendars?.next() {
            switch step {
            case .begin(let change): try turn(change, keepsUse: false, at: moment)
            case .move(let change): try turn(change, keepsUse: true, at: moment)
            case .takeBack(_, let reopened):
                for change in reopened { try turn(change, keepsUse: true, at: moment) }
            }
            calendars?.done(step)
        }
    }

    private mutating func turn(
        _ change: CalendarBoundaries.Change, keepsUse: Bool, at moment: Moment
    ) throws(Refusal) {
        let known = state.machine.calendars.first { (try? $0.window.calendarRule()) == change.rule }
        guard let known, known.isInUse else {
            calendars?.drop(change.rule)
            return
        }
        try applyOwn(
            BeginWindow(known.window, start: change.to.start, end: change.to.end, keepsUse: keepsUse), at: moment)
    }

    /// Tells the state the windows of the calendars that a request's limits go by.
    ///
    /// - Throws: `outOfRange` for a zone that there is not; what is wrong with the request is told when it is applied
    mutating func beginCalendars(of request: consuming ByteReader, at moment: Moment) throws(Refusal) {
        var command = LimitSet()
        do throws(Refusal) { try command.fields(&request) } catch { return }
        var isFirst = true
        for limit in command.limits.prefix(WireLimits.limitsPerRequest) where limit.window.kind == .calendar {
            do throws(Refusal) { try limit.validate() } catch { return }
            guard !state.machine.knows(limit.window) else { continue }
            if calendars == nil {
                calendars = EngineCalendars(
                    zones, state.machine, recorded: state.machine.lastMoment.wall, ClockReading(moment))
            }
            guard let window = try calendars?.use(limit.window) else { continue }
            try applyOwn(
                BeginWindow(
                    limit.window, start: window.start, end: window.end, keepsUse: false, forgetsIdle: isFirst),
                at: moment)
            isFirst = false
        }
    }

    /// Why windows of the calendar cannot go on; nil: they can.
    package var calendarTrouble: String? { calendars?.trouble }
}
