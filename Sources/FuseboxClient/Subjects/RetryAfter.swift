import FuseboxWire
import Glibc

extension Duration {
    /// How long a provider takes no calls, read from a header or from the body of an error.
    ///
    /// The text is a number of seconds, a duration such as `6m0s`, or a moment in the form of HTTP, RFC 3339 or the
    /// Unix epoch; see `RetryTime`. A negative duration or a past moment is zero. Returns nil if the text is none of
    /// these.
    public init?(retryAfter text: some StringProtocol) {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &time) == 0 else { return nil }
        let now = Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
        guard let milliseconds = RetryTime.milliseconds(text, at: now) else { return nil }
        self = .milliseconds(milliseconds)
    }
}
