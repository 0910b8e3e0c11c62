import FuseboxWire

/// The calendars of limits. The state machine is given their windows, because it knows no time zones.
extension StateMachine {
    /// A calendar that the state knows.
    public struct KnownCalendar: Sendable {
        /// Its unit, anchor and zone: a window of the kind `calendar`.
        public var window: LimitWindow
        /// The window in which use counts.
        public var current: CalendarWindow
        /// Whether limits use it.
        public var isInUse: Bool
    }

    /// The calendars that the state knows, in no particular order.
    public var calendars: [KnownCalendar] {
        limitTable.calendars.map {
            KnownCalendar(
                window: $0.window, current: CalendarWindow(start: $0.start, end: $0.end), isInUse: $0.references > 0)
        }
    }

    /// Whether the state knows the calendar of a window.
    public func knows(_ calendar: LimitWindow) -> Bool {
        limitTable.findCalendar(calendar).map { limitTable.calendars[$0].references > 0 } ?? false
    }
}

extension BeginWindow: StateCommand {
    /// Begins the window of the calendar.
    ///
    /// - Throws: `outOfRange` if it is not a calendar, for an anchor, zone or moment outside its range, and for a
    ///   window that ends before it starts.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        guard calendar.kind == .calendar else { throw Refusal(.outOfRange, "'\(calendar)' is no window of a calendar") }
        try Limit(.requests, 1, calendar).validate()
        _ = try calendar.calendarRule()
        try validateMoment(start, "the start of a window")
        try validateMoment(end, "the end of a window")
        guard start < end else { throw Refusal(.outOfRange, "a window ends after its start") }
        if forgetsIdle { machine.limitTable.forgetIdleCalendars() }
        machine.limitTable.begin(calendar, start: start, end: end, keepsUse: keepsUse)
        return Done()
    }
}
