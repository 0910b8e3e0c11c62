import FuseboxWire

/// The calendars that limits use. For each it knows the present window and the next boundary.
///
/// The state machine knows windows but no calendar. A boundary is an input to it, which the engine derives here:
///
///     boundaries.read(…)                          once a turn
///     while let step = boundaries.next() {
///         …                                       journal and apply the input; stop for now if it is refused
///         boundaries.done(step)
///     }
///     …                                           set the timer to `boundaries.wakes`
///
/// Windows never go back. A wall clock that is put back makes the present window longer. There is one exception:
/// recorded times that are more than a day ahead of a synchronised clock came from a wrong clock. Then time is taken
/// back, and earlier windows are open again as they were before. A start does that at once. A running daemon waits
/// until its clock is not in doubt.
package struct CalendarBoundaries: Sendable {
    /// The clock that decides when boundaries have passed.
    package private(set) var clock: CalendarClock
    /// The latest time so far, which is recorded. It goes back only with `Step.takeBack`.
    package private(set) var latest: Timestamp
    /// The calendars in the order in which they came into use, so that the order of steps is fixed.
    private var entries: [Entry] = []
    /// The earliest end of all windows. If there are none, it is never reached.
    private var earliestEnd = Self.never
    private var latestStart = Timestamp.earliest
    private var misplaced = 0

    private static let never = Timestamp(milliseconds: .max)

    private struct Entry {
        var calendar: ZonedCalendar
        var window: CalendarWindow
        /// Whether the window is not one of the calendar's, because the zone's rules have changed since it began.
        var isMisplaced: Bool
    }

    /// A change of a calendar's window.
    package struct Change: Sendable, Equatable {
        /// The calendar's rule.
        package var rule: CalendarRule
        /// The window before the change.
        package var from: CalendarWindow
        /// The window after the change.
        package var to: CalendarWindow
    }

    /// An input for the state machine.
    package enum Step: Sendable, Equatable {
        /// The recorded time was wrong and goes back. Windows that began after it are open again. Use joins what was
        /// counted in them before, where that is known.
        case takeBack(to: Timestamp, reopened: [Change])
        /// The zone's rules have changed. The window has other edges and keeps its use.
        case move(Change)
        /// A boundary has passed. A window begins with no use. Windows in between were empty.
        case begin(Change)
    }

    /// - Parameters:
    ///   - recorded: the last `latest` in the recovered state; nil at the very first start
    ///   - boottime: CLOCK_BOOTTIME now, in milliseconds
    ///   - realtime: CLOCK_REALTIME now, in milliseconds since the epoch
    ///   - isSynchronised: whether the kernel says that the wall clock is
    package init(continuing recorded: Timestamp?, boottime: Int64, realtime: Int64, isSynchronised: Bool) {
        clock = CalendarClock(
            continuing: recorded, boottime: boottime, realtime: realtime, isSynchronised: isSynchronised)
        latest = max(recorded ?? clock.time, clock.time)
    }

    // MARK: Calendars

    /// Takes a calendar into use.
    ///
    /// - Parameter recorded: its window in the recovered state; nil for a new calendar
    /// - Returns: the present window: the recorded one, or that of the same rule if it is in use, or the one that holds
    ///   the present time
    @discardableResult
    package mutating func use(_ calendar: ZonedCalendar, recorded: CalendarWindow? = nil) -> CalendarWindow {
        if let window = window(of: calendar.rule) { return window }
        let window = recorded ?? calendar.window(holding: clock.time)
        entries.append(Entry(calendar: calendar, window: window, isMisplaced: Self.isMisplaced(window, in: calendar)))
        summarise()
        return window
    }

    /// Ends the use of a calendar.
    package mutating func drop(_ rule: CalendarRule) {
        entries.removeAll { $0.calendar.rule == rule }
        summarise()
    }

    /// The present window. Nil if the calendar is not in use.
    package func window(of rule: CalendarRule) -> CalendarWindow? {
        entries.first { $0.calendar.rule == rule }?.window
    }

    /// The zones of the calendars in use, in order.
    package var zones: [ZoneName] { Set(entries.map(\.calendar.zone.name)).sorted() }

    /// Takes a new version of a zone from the database. If its rules have changed, windows move.
    package mutating func renew(_ zone: Zone) {
        for index in entries.indices where entries[index].calendar.zone.name == zone.name {
            guard entries[index].calendar.zone != zone else { continue }
            let calendar = ZonedCalendar(entries[index].calendar.unit, in: zone)
            entries[index].calendar = calendar
            entries[index].isMisplaced = Self.isMisplaced(entries[index].window, in: calendar)
        }
        summarise()
    }

    private static func isMisplaced(_ window: CalendarWindow, in calendar: ZonedCalendar) -> Bool {
        calendar.window(holding: window.start) != window
    }

    private mutating func summarise() {
        earliestEnd = entries.reduce(Self.never) { min($0, $1.window.end) }
        latestStart = entries.reduce(.earliest) { max($0, $1.window.start) }
        misplaced = entries.count(where: \.isMisplaced)
    }

    // MARK: Time

    /// Takes a reading of the clocks. Call it once a turn, and about every second.
    @discardableResult
    package mutating func read(boottime: Int64, realtime: Int64, isSynchronised: Bool) -> CalendarClock.News? {
        let news = clock.read(boottime: boottime, realtime: realtime, isSynchronised: isSynchronised)
        latest = max(latest, clock.time)
        return news
    }

    /// The next step. Nil if there is none. It stays the same until `done` or another reading.
    package func next() -> Step? {
        let time = clock.time
        if isFarAhead {
            let reopened = entries.filter { $0.window.start > time }.map { change($0, to: time) }
            return .takeBack(to: time, reopened: reopened)
        }
        if misplaced > 0, let entry = entries.first(where: \.isMisplaced) {
            // The use belongs to the window that holds the last moment of the old one.
            let last = min(max(time, entry.window.start), entry.window.end - 1)
            return .move(change(entry, to: last))
        }
        guard time >= earliestEnd, let entry = entries.first(where: { time >= $0.window.end }) else { return nil }
        return .begin(change(entry, to: time))
    }

    private var isFarAhead: Bool {
        clock.isSynchronised && clock.doubtEnds == nil
            && max(latest, latestStart) - clock.time > CalendarClock.farMilliseconds
    }

    private func change(_ entry: Entry, to moment: Timestamp) -> Change {
        Change(
            rule: entry.calendar.rule, from: entry.window, to: entry.calendar.window(holding: moment))
    }

    /// Notes that a step was done.
    package mutating func done(_ step: Step) {
        switch step {
        case .takeBack(let time, let reopened):
            latest = time
            for change in reopened { take(change) }
        case .move(let change), .begin(let change): take(change)
        }
        summarise()
    }

    private mutating func take(_ change: Change) {
        guard let index = entries.firstIndex(where: { $0.calendar.rule == change.rule }) else { return }
        entries[index].window = change.to
        entries[index].isMisplaced = false
    }

    /// When the next step may come, on the steady clock in milliseconds. Nil if only a step of the wall clock can cause
    /// one.
    ///
    /// The time has passed if there is a step now.
    package var wakes: Int64? {
        if next() != nil { return clock.boottime }
        let boundary = earliestEnd == Self.never ? nil : clock.boottime(of: earliestEnd)
        guard let doubtEnds = clock.doubtEnds else { return boundary }
        return min(doubtEnds, boundary ?? doubtEnds)
    }
}
