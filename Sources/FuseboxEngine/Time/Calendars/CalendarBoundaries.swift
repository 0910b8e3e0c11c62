import FuseboxWire

/// The calendars that limits use, each with the window that use counts in, and which boundary counts next.
///
/// The state machine knows windows but no calendar. A boundary is an input to it, which the engine derives here:
///
///     boundaries.read(…)                          once a turn
///     while let step = boundaries.next() {
///         …                                       the input is journaled and applied; if it is refused, that is all for now
///         boundaries.done(step)
///     }
///     …                                           the timer is set to `boundaries.wakes`
///
/// A window only goes on: a wall clock that is put back lengthens it. There is one exception. If recorded times are more than a
/// day ahead of a synchronised clock, they came from a wrong one; then time is taken back, and windows that began after it are
/// open again as they were before. A start does that at once, a running daemon when the clock is not in doubt.
public struct CalendarBoundaries: Sendable {
    /// The time by which boundaries count.
    public private(set) var clock: CalendarClock
    /// The latest time that was counted by: what is to be recorded. It goes back only with `Step.takeBack`.
    public private(set) var latest: Timestamp
    /// In the order in which they came into use, so that steps have an order.
    private var entries: [Entry] = []
    /// The earliest end of all windows; that of none is never reached.
    private var earliestEnd = Self.never
    private var latestStart = Timestamp.earliest
    private var misplaced = 0

    private static let never = Timestamp(milliseconds: .max)

    private struct Entry {
        var calendar: ZonedCalendar
        var window: CalendarWindow
        /// Whether the window is none of the calendar's: the zone's rules are others than when it began.
        var isMisplaced: Bool
    }

    /// What a calendar's window becomes.
    public struct Change: Sendable, Equatable {
        public var rule: CalendarRule
        public var from: CalendarWindow
        public var to: CalendarWindow
    }

    /// What is to be done with the windows.
    public enum Step: Sendable, Equatable {
        /// The recorded time is wrong and goes back. Windows that began after it are open again; use joins what was counted
        /// in them before, where that is known.
        case takeBack(to: Timestamp, reopened: [Change])
        /// The zone's rules have changed: the window has other edges, and its use stays.
        case move(Change)
        /// A boundary counts: a window begins, with no use. Windows between the two were empty.
        case begin(Change)
    }

    /// - Parameters:
    ///   - recorded: the last `latest` that the recovered state knows; nil at the very first start
    ///   - boottime: CLOCK_BOOTTIME now, in milliseconds
    ///   - realtime: CLOCK_REALTIME now, in milliseconds since the epoch
    ///   - isSynchronised: whether the kernel says that the wall clock is
    public init(continuing recorded: Timestamp?, boottime: Int64, realtime: Int64, isSynchronised: Bool) {
        clock = CalendarClock(
            continuing: recorded, boottime: boottime, realtime: realtime, isSynchronised: isSynchronised)
        latest = max(recorded ?? clock.time, clock.time)
    }

    // MARK: Calendars

    /// Takes a calendar into use.
    ///
    /// - Parameter recorded: its window as the state has it; nil for a new one
    /// - Returns: the window that use counts in: the recorded one, that of the same rule if it is in use, or the one of now
    @discardableResult
    public mutating func use(_ calendar: ZonedCalendar, recorded: CalendarWindow? = nil) -> CalendarWindow {
        if let window = window(of: calendar.rule) { return window }
        let window = recorded ?? calendar.window(holding: clock.time)
        entries.append(Entry(calendar: calendar, window: window, isMisplaced: Self.isMisplaced(window, in: calendar)))
        summarise()
        return window
    }

    /// Ends the use of a calendar.
    public mutating func drop(_ rule: CalendarRule) {
        entries.removeAll { $0.calendar.rule == rule }
        summarise()
    }

    /// The window that use counts in; nil if the calendar is not in use.
    public func window(of rule: CalendarRule) -> CalendarWindow? {
        entries.first { $0.calendar.rule == rule }?.window
    }

    /// The zones of the calendars in use, in order.
    public var zones: [ZoneName] { Set(entries.map(\.calendar.zone.name)).sorted() }

    /// Takes up a zone as the database has it now. If its rules are others than before, windows move.
    public mutating func renew(_ zone: Zone) {
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

    /// Takes a reading of the clocks: once a turn, and about each second.
    @discardableResult
    public mutating func read(boottime: Int64, realtime: Int64, isSynchronised: Bool) -> CalendarClock.News? {
        let news = clock.read(boottime: boottime, realtime: realtime, isSynchronised: isSynchronised)
        latest = max(latest, clock.time)
        return news
    }

    /// What is to be done first; nil if there is nothing. It stays the same until `done` or another reading.
    public func next() -> Step? {
        let time = clock.time
        if isFarAhead {
            let reopened = entries.filter { $0.window.start > time }.map { change($0, to: time) }
            return .takeBack(to: time, reopened: reopened)
        }
        if misplaced > 0, let entry = entries.first(where: \.isMisplaced) {
            // Its use belongs to the window that holds the last of it.
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
    public mutating func done(_ step: Step) {
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

    /// When there may be something to do next, on the steady clock; nil if only a step of the wall clock can bring it.
    ///
    /// It has passed if there is something to do now.
    public var wakes: Int64? {
        if next() != nil { return clock.boottime }
        let boundary = earliestEnd == Self.never ? nil : clock.boottime(of: earliestEnd)
        guard let doubtEnds = clock.doubtEnds else { return boundary }
        return min(doubtEnds, boundary ?? doubtEnds)
    }
}
