import FuseboxCore
import FuseboxWire

/// The calendars that limits go by, in the engine's hands: their zones, and which boundary counts.
struct EngineCalendars {
    /// Where time zones are read.
    let database: ZoneDatabase
    private(set) var boundaries = CalendarBoundaries()
    /// How many windows are open again since dates were last taken back.
    private(set) var reopened = 0
    /// Why a zone in use cannot be read; its windows go on until it can.
    private(set) var trouble: String?
    /// Calendars of the state whose zone could not be read yet.
    private var missing: [(calendar: LimitWindow, window: CalendarWindow)] = []
    /// When zones are read again, on the steady clock.
    private var rereadAt: Timestamp

    /// The calendar of the history's days.
    static let days = ZonedCalendar(.day, in: .utc)

    /// The calendars of the recovered state, at this moment on the steady clock.
    init(_ database: ZoneDatabase, _ machine: borrowing StateMachine, at now: Timestamp) {
        self.database = database
        rereadAt = now + Bounds.zoneRereadMilliseconds
        if let day = machine.openDay {
            boundaries.use(Self.days, at: Timestamp(milliseconds: day * BeginDay.milliseconds))
        }
        for calendar in machine.calendars { missing.append((calendar.window, calendar.current)) }
        useMissing(at: now)
    }

    /// Takes a calendar into use; returns its window that is now.
    ///
    /// - Parameter time: the time of the calendar
    /// - Throws: `outOfRange` for a zone that there is not, or that cannot be read
    mutating func use(_ calendar: LimitWindow, at time: Timestamp) throws(Refusal) -> CalendarWindow {
        let rule = try calendar.calendarRule()
        if let known = boundaries.window(of: rule) { return known }
        return boundaries.use(ZonedCalendar(rule.unit, in: try zone(rule.zone)), at: time)
    }

    private func zone(_ name: ZoneName) throws(Refusal) -> Zone {
        do throws(ZoneError) { return try database.zone(name) } catch {
            throw Refusal(.outOfRange, "\(error)")
        }
    }

    private mutating func useMissing(at now: Timestamp) {
        trouble = nil
        var unreadable: [(calendar: LimitWindow, window: CalendarWindow)] = []
        for (calendar, window) in missing {
            do throws(Refusal) {
                let rule = try calendar.calendarRule()
                boundaries.use(ZonedCalendar(rule.unit, in: try zone(rule.zone)), in: window)
            } catch {
                trouble = error.message
                unreadable.append((calendar, window))
            }
        }
        missing = unreadable
        if !missing.isEmpty { rereadAt = min(rereadAt, now + Bounds.zoneRetryMilliseconds) }
    }

    /// Reads zones again that are due: once a turn.
    mutating func reread(at now: Timestamp) {
        guard now >= rereadAt else { return }
        rereadAt = now + Bounds.zoneRereadMilliseconds
        for name in boundaries.zones {
            // One that cannot be read now stays as it is.
            if let zone = try? database.zone(name) { boundaries.renew(zone) }
        }
        useMissing(at: now)
    }

    /// Notes that a step was done.
    ///
    /// - Parameter isOfLimit: whether a limit goes by its calendar
    mutating func done(_ step: CalendarBoundaries.Step, isOfLimit: Bool) {
        if case .reopen = step, isOfLimit { reopened += 1 }
        boundaries.done(step)
    }

    /// Notes that dates were taken back. Returns how many windows are open again for that.
    mutating func takenBack() -> Int {
        defer { reopened = 0 }
        return reopened
    }

    /// Ends the use of a calendar that no limit goes by.
    mutating func drop(_ rule: CalendarRule) { boundaries.drop(rule) }
}

extension Engine {
    /// Counts the boundaries of calendars that have passed, and opens windows again that a wrong clock has ended.
    ///
    /// - Throws: `storageFailed` or `busy` if one cannot be written down now; it stays due
    mutating func turnCalendars() throws(Refusal) {
        if calendars == nil { beginCalendars() } else { calendars?.reread(at: clock.now) }
        while let step = calendars?.boundaries.next(by: clock) {
            let isOfLimit =
                switch step {
                case .begin(let change): try turn(change, keepsUse: false)
                case .move(let change), .reopen(let change): try turn(change, keepsUse: true)
                }
            calendars?.done(step, isOfLimit: isOfLimit)
        }
    }

    private mutating func beginDay(at time: Timestamp, keepsUse: Bool) throws(Refusal) {
        let day = time.milliseconds.floorDivided(by: BeginDay.milliseconds)
        try applyOwn(BeginDay(day, keepsUse: keepsUse), at: clock.moment)
    }

    private mutating func beginCalendars() {
        calendars = EngineCalendars(zones, state.machine, at: clock.now)
    }

    /// When there may be something to do, on the steady clock. Nil if only a step of the clock can bring it.
    var calendarsWake: Timestamp? { calendars?.boundaries.wakes(by: clock) }

    /// - Returns: whether a limit goes by the calendar
    private mutating func turn(_ change: CalendarBoundaries.Change, keepsUse: Bool) throws(Refusal) -> Bool {
        let isOfHistory = change.rule == EngineCalendars.days.rule
        if isOfHistory { try beginDay(at: change.to.start, keepsUse: keepsUse) }
        let known = state.machine.calendars.first { (try? $0.window.calendarRule()) == change.rule }
        guard let known, known.isInUse else {
            if !isOfHistory { calendars?.drop(change.rule) }
            return false
        }
        try applyOwn(
            BeginWindow(known.window, start: change.to.start, end: change.to.end, keepsUse: keepsUse),
            at: clock.moment)
        return true
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
            if let window = try newWindow(of: limit) {
                try begin(limit, window, isFirst: &isFirst, at: moment)
            }
        }
    }

    /// Tells the state the windows of the calendars that the limits of a policy go by. A preview changes nothing, so for
    /// one only the zones are read.
    ///
    /// - Throws: `outOfRange` for a zone that there is not, with the limit, and for more new calendars than a policy may
    ///   name; what else is wrong with the policy is told when it is applied
    mutating func beginCalendars(
        ofPolicy request: consuming ByteReader, for number: CommandNumber, at moment: Moment
    ) throws(Refusal) {
        var policy = Policy()
        do throws(Refusal) { try policy.fields(&request) } catch { return }
        var seen: Set<CalendarRule> = []
        var new: [Limit] = []
        for (item, told) in policy.limits.enumerated() where told.limit.window.kind == .calendar {
            let limit = told.limit
            do throws(Refusal) { try limit.validate() } catch { return }
            do throws(Refusal) {
                guard seen.insert(try limit.window.calendarRule()).inserted, try newWindow(of: limit) != nil
                else { continue }
                guard new.count < Policy.newCalendars else {
                    throw Refusal(
                        .outOfRange, "a policy names at most \(Policy.newCalendars) calendars that are new")
                }
                new.append(limit)
            } catch { throw error.inside("limits[\(item)]") }
        }
        guard number == .policyApply else { return }
        var isFirst = true
        for limit in new {
            if let window = try newWindow(of: limit) {
                try begin(limit, window, isFirst: &isFirst, at: moment)
            }
        }
    }

    /// The window that is now of a limit's calendar. Nil if the state knows the calendar.
    ///
    /// - Throws: `outOfRange` for a zone that there is not
    private mutating func newWindow(of limit: Limit) throws(Refusal) -> CalendarWindow? {
        guard !state.machine.knows(limit.window) else { return nil }
        if calendars == nil { beginCalendars() }
        return try calendars?.use(limit.window, at: clock.time)
    }

    private mutating func begin(
        _ limit: Limit, _ window: CalendarWindow, isFirst: inout Bool, at moment: Moment
    ) throws(Refusal) {
        try applyOwn(
            BeginWindow(limit.window, start: window.start, end: window.end, keepsUse: false, forgetsIdle: isFirst),
            at: moment)
        isFirst = false
    }

    /// Why windows of the calendar cannot end. Nil if they can.
    package var calendarTrouble: String? { calendars?.trouble }
}
