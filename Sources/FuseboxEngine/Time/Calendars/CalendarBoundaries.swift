import FuseboxWire

/// The calendars that limits use. For each it knows the present window and the next boundary.
///
/// The state machine knows windows but no calendar. A boundary is an input to it, which the engine derives here:
///
///     while let step = boundaries.next(by: clock) {   once a turn
///         …                                           journal and apply the input; stop for now if it is refused
///         boundaries.done(step)
///     }
///     …                                               set the timer to `boundaries.wakes(by: clock)`
///
/// Windows never go back. A wall clock that is put back makes the present window longer. There is one exception:
/// dates that are more than a day ahead of a synchronised clock came from a wrong clock. Before they are taken back,
/// windows that began after the true time give way to earlier ones. A start does that at once. A running daemon waits
/// until its clock is not in doubt.
package struct CalendarBoundaries: Sendable {
    /// The calendars in the order in which they came into use, so that the order of steps is fixed.
    private var entries: [Entry] = []
    /// The earliest end of all windows. If there are none, it is never reached.
    private var earliestEnd = Self.never
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
        /// Dates were wrong and are about to go back. A window that began after the true time gives way to the one of
        /// that time, which keeps the use.
        case reopen(Change)
        /// The zone's rules have changed. The window has other edges and keeps its use.
        case move(Change)
        /// A boundary has passed. A window begins with no use. Windows in between were empty.
        case begin(Change)
    }

    /// No calendars.
    package init() {}

    // MARK: Calendars

    /// Takes a calendar into use.
    ///
    /// - Parameter time: the time of the calendar
    /// - Returns: the present window: that of the same rule if it is in use, or the one that contains the time
    @discardableResult
    package mutating func use(_ calendar: ZonedCalendar, at time: Timestamp) -> CalendarWindow {
        use(calendar, in: calendar.window(containing: time))
    }

    /// Takes a calendar into use.
    ///
    /// - Parameter window: its window in the recovered state
    /// - Returns: the present window: that of the same rule if it is in use, or the given one
    @discardableResult
    package mutating func use(_ calendar: ZonedCalendar, in window: CalendarWindow) -> CalendarWindow {
        if let known = self.window(of: calendar.rule) { return known }
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
        calendar.window(containing: window.start) != window
    }

    private mutating func summarise() {
        earliestEnd = entries.reduce(Self.never) { min($0, $1.window.end) }
        misplaced = entries.count(where: \.isMisplaced)
    }

    // MARK: Time

    /// The next step. Nil if there is none. It stays the same until `done` or another reading.
    package func next(by clock: EngineClock) -> Step? {
        let time = clock.time
        if clock.isFarAhead, let entry = entries.first(where: { $0.window.start > time }) {
            return .reopen(change(entry, to: time))
        }
        if misplaced > 0, let entry = entries.first(where: \.isMisplaced) {
            // The use belongs to the window that contains the last moment of the old one.
            let last = min(max(time, entry.window.start), entry.window.end - 1)
            return .move(change(entry, to: last))
        }
        guard time >= earliestEnd, let entry = entries.first(where: { time >= $0.window.end }) else { return nil }
        return .begin(change(entry, to: time))
    }

    private func change(_ entry: Entry, to moment: Timestamp) -> Change {
        Change(
            rule: entry.calendar.rule, from: entry.window, to: entry.calendar.window(containing: moment))
    }

    /// Notes that a step was done.
    package mutating func done(_ step: Step) {
        switch step {
        case .reopen(let change), .move(let change), .begin(let change):
            guard let index = entries.firstIndex(where: { $0.calendar.rule == change.rule }) else { return }
            entries[index].window = change.to
            entries[index].isMisplaced = false
        }
        summarise()
    }

    /// When the next step may come, on the steady clock. Nil if only a step of the wall clock can cause one.
    ///
    /// The time has passed if there is a step now.
    package func wakes(by clock: EngineClock) -> Timestamp? {
        if next(by: clock) != nil { return clock.now }
        let boundary = earliestEnd == Self.never ? nil : clock.steady(at: earliestEnd)
        guard let doubtEnds = clock.doubtEnds else { return boundary }
        return min(doubtEnds, boundary ?? doubtEnds)
    }
}
