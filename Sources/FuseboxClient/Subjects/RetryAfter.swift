import FuseboxWire
import Glibc

extension Duration {
    /// How long a provider takes no calls, as it told in a header or in the body of an error: seconds, a duration such as `6m0s`,
    /// or a moment as HTTP, RFC 3339 or an epoch tell it. See `RetryTime`.
    ///
    /// Whatever is negative or past is zero. Returns nil if the text tells no time.
    public init?(retryAfter text: some StringProtocol) {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &time) == 0 else { return nil }
        let now = Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
        guard let milliseconds = RetryTime.milliseconds(text, at: now) else { return nil }
        self = .milliseconds(milliseconds)
    }
}
