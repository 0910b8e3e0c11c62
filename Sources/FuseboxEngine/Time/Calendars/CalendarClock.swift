import FuseboxCore
import FuseboxWire

/// The time that decides whether a boundary of a calendar has passed: the wall clock without doubtful steps.
///
/// A step of the wall clock, forward or back, is in doubt until the clock has kept it for ten minutes. Meanwhile a
/// boundary has passed only if two clocks have passed it: the wall clock, and the wall clock without the step. So a
/// step ahead passes no boundary early, and a step back passes none that it has put off. A step that is taken back has
/// no effect.
///
/// At a start the difference between the last recorded time and the wall clock is in doubt in the same way, unless the
/// kernel reports a synchronised clock. That doubt ends early if the clock becomes synchronised.
///
/// The value reads no clock. The caller passes readings. A step is noticed with the first reading after it, so there
/// should be one about every second.
package struct CalendarClock: Sendable, Equatable {
    /// A larger difference between two readings is a step. A smaller one is a correction of the clock.
    package static let stepMilliseconds: Int64 = 1_000
    /// How long the wall clock must keep a step before it is believed.
    package static let doubtMilliseconds = Bounds.clockDoubtMilliseconds
    /// Recorded times that are further ahead of a synchronised clock than this are wrong.
    package static let farMilliseconds: Int64 = 86_400_000

    /// The steady clock at the last reading, in milliseconds.
    package private(set) var boottime: Int64
    /// Whether the kernel reported a synchronised clock at the last reading.
    package private(set) var isSynchronised: Bool
    /// The wall clock minus the steady clock at the last reading, in milliseconds.
    private var difference: Int64
    /// The same difference without doubtful steps.
    private var trusted: Int64
    private var doubt: Doubt?

    private struct Doubt: Equatable {
        /// Since when the wall clock has kept its time, on the steady clock.
        var since: Int64
        /// Whether the doubt is about the time that the daemon was down, and no step has come since.
        var isOfStart: Bool
    }

    /// What a reading has shown. All differences are in milliseconds.
    package enum News: Sendable, Equatable {
        /// The wall clock was stepped by this much. It is in doubt.
        case stepped(by: Int64)
        /// The wall clock shows again what it would have shown without the step. The doubt has ended.
        case returned(by: Int64)
        /// The wall clock is believed, because it has kept its time or is synchronised. Time has advanced by this much
        /// at once. It has gone back if this is below 0.
        case believed(by: Int64)
    }

    /// A clock that continues after a start.
    ///
    /// - Parameters:
    ///   - recorded: the last time in the recovered state; nil at the very first start
    ///   - boottime: CLOCK_BOOTTIME now, in milliseconds
    ///   - realtime: CLOCK_REALTIME now, in milliseconds since the epoch
    ///   - isSynchronised: whether the kernel says that the wall clock is
    package init(continuing recorded: Timestamp?, boottime: Int64, realtime: Int64, isSynchronised: Bool) {
        self.boottime = boottime
        self.isSynchronised = isSynchronised
        difference = realtime - boottime
        trusted = difference
        guard let recorded, !isSynchronised else { return }
        trusted = recorded.milliseconds - boottime
        if isTrusted { trusted = difference } else { doubt = Doubt(since: boottime, isOfStart: true) }
    }

    /// The time by which boundaries count, as of the last reading. It may go back.
    package var time: Timestamp { Timestamp(milliseconds: boottime + min(trusted, difference)) }

    /// The wall clock at the last reading.
    package var wall: Timestamp { Timestamp(milliseconds: boottime + difference) }

    /// When the doubt about the wall clock ends, on the steady clock in milliseconds. Nil if it is not in doubt.
    package var doubtEnds: Int64? { doubt.map { $0.since + Self.doubtMilliseconds } }

    /// When `time` will reach a moment, on the steady clock in milliseconds, if no step comes and no doubt ends before.
    package func boottime(of moment: Timestamp) -> Int64 {
        let (boottime, overflow) = moment.milliseconds.subtractingReportingOverflow(min(trusted, difference))
        return overflow ? .max : boottime
    }

    /// Takes a reading of the clocks.
    @discardableResult
    package mutating func read(boottime: Int64, realtime: Int64, isSynchronised: Bool) -> News? {
        let step = realtime - boottime - difference
        self.boottime = boottime
        self.isSynchronised = isSynchronised
        difference += step
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
}
