import Glibc

/// A moment of the monotonic clock, in nanoseconds.
struct Deadline: Sendable, Comparable {
    var nanoseconds: Int64

    static var now: Deadline {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Deadline(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// A moment that has passed. A wait until then looks once and returns.
    static let past = Deadline(nanoseconds: 0)

    /// A moment that never comes.
    static let never = Deadline(nanoseconds: .max)

    static func after(milliseconds: Int) -> Deadline { now + milliseconds }

    static func + (moment: Deadline, milliseconds: Int) -> Deadline {
        let (nanoseconds, tooFar) = Int64(milliseconds).multipliedReportingOverflow(by: 1_000_000)
        let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(nanoseconds)
        return tooFar || overflow ? .never : Deadline(nanoseconds: sum)
    }

    static func < (left: Deadline, right: Deadline) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The time left in milliseconds. It is rounded up, so that a wait for it does not end too early. 0 if the moment
    /// has passed.
    var remainingMilliseconds: Int {
        if self == .never { return .max }
        if self == .past { return 0 }
        let left = nanoseconds - Deadline.now.nanoseconds
        return left <= 0 ? 0 : Int((left + 999_999) / 1_000_000)
    }

    /// The moment as the C library takes it.
    var asTimespec: timespec {
        timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }
}
