import FuseboxCore
import FuseboxWire

/// The daemon's clocks: the one place that decides what time it is.
///
/// - **The steady clock** drives durations. It runs on CLOCK_BOOTTIME, and no step of the wall clock changes it. A
///   restart continues it by the time that has passed on the wall clock since then.
/// - **The calendar's time** decides whether a boundary of a calendar has passed. It is the wall clock without doubtful
///   steps.
/// - **Dates** are the latest time of the calendar so far. They are what the state records and what people see.
///
/// A step of the wall clock, forward or back, is in doubt until the clock has kept it for ten minutes. Meanwhile a
/// boundary has passed only if two clocks have passed it: the wall clock, and the wall clock without the step. So a
/// step ahead passes no boundary early, and a step back passes none that it has put off. A step that is taken back has
/// no effect.
///
/// At a start the difference between the last recorded date and the wall clock is in doubt in the same way, unless the
/// kernel reports a synchronised clock. That doubt ends early if the clock becomes synchronised.
///
/// Dates do not go back, with one exception. If they are more than a day ahead of a synchronised clock that is not in
/// doubt, they have followed a wrong clock. Then `takeBack` is due.
///
/// The value reads no clock. The caller passes readings. A step is noticed with the first reading after it, so there
/// should be one about every second while the clock is in doubt, and one at the beginning of each turn.
package struct EngineClock: Sendable, Equatable {
    /// A larger difference between two readings is a step. A smaller one is a correction of the clock.
    package static let stepMilliseconds: Int64 = 1_000
    /// How long the wall clock must keep a step before it is believed.
    package static let doubtMilliseconds = Bounds.clockDoubtMilliseconds
    /// Dates that are further ahead of a synchronised clock than this are wrong.
    package static let farMilliseconds: Int64 = 86_400_000

    /// The steady clock minus CLOCK_BOOTTIME.
    private let offset: Int64
    /// CLOCK_BOOTTIME at the last reading.
    private var boottime: Int64
    /// Whether the kernel reported a synchronised clock at the last reading.
    package private(set) var isSynchronised: Bool
    /// The wall clock minus CLOCK_BOOTTIME at the last reading.
    private var difference: Int64
    /// The same difference without doubtful steps.
    private var trusted: Int64
    private var doubt: Doubt?
    /// The latest time of the calendar so far.
    private var dates: Timestamp

    private struct Doubt: Equatable {
        /// Since when the wall clock has kept its time, on CLOCK_BOOTTIME.
        var since: Int64
        /// Whether the doubt is about the time that the daemon was down, and no step has come since.
        var isOfStart: Bool
    }

    /// A clock that continues after a start.
    ///
    /// - Parameter recorded: what the recovered state knows of time; nil at the very first start
    package init(continuing recorded: RecordedTime?, _ reading: ClockReading) {
        boottime = reading.boottime
        isSynchronised = reading.isSynchronised
        difference = reading.realtime - reading.boottime
        trusted = difference
        guard let recorded else {
            offset = difference
            dates = Timestamp(milliseconds: reading.realtime)
            return
        }
        let passed = Timestamp(milliseconds: reading.realtime) - recorded.system
        offset = recorded.moment.now.milliseconds + max(0, passed) - boottime
        dates = recorded.moment.wall
        if !isSynchronised {
            trusted = dates.milliseconds - boottime
            if isTrusted { trusted = difference } else { doubt = Doubt(since: boottime, isOfStart: true) }
        }
        dates = max(dates, time)
    }

    /// A synchronised clock that shows this moment.
    package init(at moment: Moment) {
        let reading = ClockReading(moment)
        self.init(continuing: RecordedTime(moment), reading)
    }

    // MARK: What it shows

    /// The steady clock and the date, as of the last reading.
    package var moment: Moment { Moment(now: now, wall: dates) }

    /// The steady clock at the last reading.
    package var now: Timestamp { Timestamp(milliseconds: offset + boottime) }

    /// The time by which boundaries of calendars count, as of the last reading. It may go back.
    package var time: Timestamp { Timestamp(milliseconds: boottime + min(trusted, difference)) }

    /// The system's wall clock at the last reading.
    package var system: Timestamp { Timestamp(milliseconds: boottime + difference) }

    /// The system's wall clock minus the steady clock, in milliseconds. Only a step changes it by much.
    package var lead: Int64 { difference - offset }

    /// When the doubt about the wall clock ends, on the steady clock. Nil if it is not in doubt.
    package var doubtEnds: Timestamp? {
        doubt.map { Timestamp(milliseconds: offset + $0.since + Self.doubtMilliseconds) }
    }

    /// When `time` will reach a moment, on the steady clock, if no step comes and no doubt ends before.
    package func steady(at moment: Timestamp) -> Timestamp { now + (moment - time) }

    // MARK: Readings

    /// What a turn has shown. All differences are in milliseconds.
    package enum News: Sendable, Equatable {
        /// The wall clock was stepped by this much. It is in doubt.
        case stepped(by: Int64)
        /// The wall clock shows again what it would have shown without the step. The doubt has ended.
        case returned(by: Int64)
        /// The wall clock is believed, because it has kept its time or is synchronised. Time has advanced by this much
        /// at once. It has gone back if this is below 0.
        case believed(by: Int64)
        /// Dates had followed a wrong clock and were taken back. So many windows of calendars are open again.
        case takenBack(from: Timestamp, reopened: Int)
    }

    /// Whether the doubt is about the time that the daemon was down, and no step has come since.
    package var isStartInDoubt: Bool { doubt?.isOfStart == true }

    /// Takes a reading of the clocks.
    @discardableResult
    package mutating func read(_ reading: ClockReading) -> News? {
        let step = reading.realtime - reading.boottime - difference
        boottime = reading.boottime
        isSynchronised = reading.isSynchronised
        difference += step
        let news = news(of: step)
        dates = max(dates, time)
        return news
    }

    private mutating func news(of step: Int64) -> News? {
        let isStep = step.magnitude > UInt64(Self.stepMilliseconds)
        guard let doubt else {
            guard isStep else {
                trusted = difference
                return nil
            }
            self.doubt = Doubt(since: boottime, isOfStart: false)
            return .stepped(by: step)
        }
        if isTrusted {
            believe()
            return .returned(by: step)
        }
        if isStep {
            self.doubt = Doubt(since: boottime, isOfStart: false)
            return .stepped(by: step)
        }
        guard doubt.isOfStart && isSynchronised || boottime - doubt.since >= Self.doubtMilliseconds else { return nil }
        return .believed(by: believe())
    }

    /// Whether the wall clock shows the trusted time, except for corrections.
    private var isTrusted: Bool { (difference - trusted).magnitude <= UInt64(Self.stepMilliseconds) }

    /// Believes the wall clock. Returns by how much the trusted time has changed, in milliseconds.
    @discardableResult
    private mutating func believe() -> Int64 {
        let change = difference - trusted
        trusted = difference
        doubt = nil
        return change
    }

    // MARK: Back to the truth

    /// Whether dates have followed a wrong clock and are to be taken back.
    package var isFarAhead: Bool { isSynchronised && doubt == nil && dates - time > Self.farMilliseconds }

    /// Takes dates back to the time of the calendar. The steady clock continues.
    package mutating func takeBack() { dates = time }
}

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

    /// The reading of a synchronised clock that shows this moment.
    package init(_ moment: Moment) {
        self.init(
            boottime: moment.now.milliseconds, realtime: moment.wall.milliseconds, isSynchronised: true)
    }
}

/// What a state knows of time.
package struct RecordedTime: Sendable, Equatable {
    /// The last moment that it recorded.
    package var moment: Moment
    /// The system's wall clock minus the steady clock at that time, in milliseconds. Without it a restart would take a
    /// step of the wall clock for time that has passed.
    package var lead: Int64

    /// - Parameter lead: nil if dates were the system's
    package init(_ moment: Moment, lead: Int64? = nil) {
        self.moment = moment
        self.lead = lead ?? moment.wall - moment.now
    }

    /// What the system's wall clock showed at that time.
    var system: Timestamp { moment.now + lead }
}
