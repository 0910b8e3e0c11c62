import FuseboxWire

extension Duration {
    /// How long a provider takes no calls, read from a header or from the body of an error.
    ///
    /// The text is a number of seconds, a duration such as `6m0s`, or a moment in the form of HTTP, RFC 3339 or the
    /// Unix epoch; see `RetryTime`. A negative duration or a past moment is zero. Returns nil if the text is none of
    /// these.
    public init?(retryAfter text: some StringProtocol) {
        guard let milliseconds = RetryTime.milliseconds(text, at: .wallClock) else { return nil }
        self = .milliseconds(milliseconds)
    }
}
