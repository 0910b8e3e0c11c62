import FuseboxWire

/// The time that decides whether a boundary of the calendar has passed: the wall clock without steps that are in doubt.
///
/// A step, forward or back, is in doubt until the wall clock has kept it for ten minutes. Meanwhile a boundary counts once two
/// clocks have passed it: the wall clock, and the one that it would be without the step. So a step ahead passes no boundary that
/// time itself has not, and a step back passes none that it has put off. If the step is taken back it was none.
///
/// At a start the difference between the last recorded time and the wall clock is in doubt in the same way, unless the kernel
/// reports a synchronised clock. That doubt ends early if the clock becomes synchronised.
///
/// It has no clock of its own. The caller passes readings, at any time; a step is noticed with the first reading after it, so
/// there should be one about every second.
public struct CalendarClock: Sendable, Equatable {
    /// A larger difference between two readings is a step; a smaller one corrects the clock.
    public static let stepMilliseconds: Int64 = 1_000
    /// How long the wall clock has to keep a time.
    public static let doubtMilliseconds: Int64 = 600_000
    /// Recorded times that are further ahead of a synchronised clock are wrong.
    public static let farMilliseconds: Int64 = 86_400_000

    /// The steady clock at the last reading, in milliseconds.
    public private(set) var boottime: Int64
    /// What the kernel said at the last reading.
    public private(set) var isSynchronised: Bool
    /// The wall clock less the steady one at the last reading.
    private var difference: Int64
    /// The same without what is in doubt.
    private var trusted: Int64
    private var doubt: Doubt?

    private struct Doubt: Equatable {
        /// Since when the wall clock has kept its time, on the steady clock.
        var since: Int64
        /// Whether it is about the time that the daemon was down, and no step has come since.
        var isOfStart: Bool
    }

    /// What a reading has shown.
    public enum News: Sendable, Equatable {
        /// The wall clock was stepped by so many milliseconds. It is in doubt.
        case stepped(by: Int64)
        /// It shows again what it would have without the step. It is in doubt no more.
        case returned(by: Int64)
        /// It is believed, for it has kept its time or is synchronised. Time has gone on by so many milliseconds at once; less
        /// than 0 if it has gone back.
        case believed(by: Int64)
    }

    /// - Parameters:
    ///   - recorded: the last time that the recovered state knows; nil at the very first start
    ///   - boottime: CLOCK_BOOTTIME now, in milliseconds
    ///   - realtime: CLOCK_REALTIME now, in milliseconds since the epoch
    ///   - isSynchronised: whether the kernel says that the wall clock is
    public init(continuing recorded: Timestamp?, boottime: Int64, realtime: Int64, isSynchronised: Bool) {
        self.boottime = boottime
        self.isSynchronised = isSynchronised
        difference = realtime - boottime
        trusted = difference
        guard let recorded, !isSynchronised else { return }
        trusted = recorded.milliseconds - boottime
        if isTrusted { trusted = difference } else { doubt = Doubt(since: boottime, isOfStart: true) }
    }

    /// The time by which boundaries count, as of the last reading. It may go back.
    public var time: Timestamp { Timestamp(milliseconds: boottime + min(trusted, difference)) }

    /// What the wall clock said at the last reading.
    public var wall: Timestamp { Timestamp(milliseconds: boottime + difference) }

    /// When the wall clock will have been in doubt for long enough, on the steady clock; nil if it is not in doubt.
    public var doubtEnds: Int64? { doubt.map { $0.since + Self.doubtMilliseconds } }

    /// When `time` will be at a moment, on the steady clock: if no step comes, and if no doubt ends before.
    public func boottime(of moment: Timestamp) -> Int64 {
        let (boottime, overflow) = moment.milliseconds.subtractingReportingOverflow(min(trusted, difference))
        return overflow ? .max : boottime
    }

    /// Takes a reading of the clocks.
    @discardableResult
    public mutating func read(boottime: Int64, realtime: Int64, isSynchronised: Bool) -> News? {
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

    /// Whether the wall clock shows what it would without what is in doubt.
    private var isTrusted: Bool { (difference - trusted).magnitude <= UInt64(Self.stepMilliseconds) }

    /// Returns by how much the trusted time has changed.
    @discardableResult
    private mutating func believe() -> Int64 {
        let change = difference - trusted
        trusted = difference
        doubt = nil
        return change
    }
}
