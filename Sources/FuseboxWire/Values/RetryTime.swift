/// The time after which a provider takes calls again, as providers report it: a duration from now, or a moment.
///
/// | text | read as |
/// |---|---|
/// | `30`, `1.8` | seconds |
/// | `34.07s`, `6m0s`, `1h30m`, `1500ms` | a duration, as `Quantity` reads it |
/// | `1764096832`, `1764096832000` | seconds or milliseconds since 1970: that moment |
/// | `Wed, 25 Nov 2026 18:53:52 GMT`, and the two older forms of HTTP | that moment |
/// | `2026-11-25T18:53:52Z`, `2026-11-25T19:53:52.5+01:00` | that moment |
///
/// A negative duration and a moment in the past are 0. The result is never too early: parts of a millisecond are
/// rounded up. A moment in whole seconds may have lost its fraction, so the time until then is rounded up to whole
/// seconds.
public enum RetryTime {
    /// The forms of a retry time, for messages and help texts.
    public static let forms =
        "seconds, a duration such as 1500ms, 6m0s or 1.5h, or a moment as HTTP, RFC 3339 or an epoch tell it"

    /// From this number on, seconds are since 1970. As a duration they would be thirty years; as a moment they are in
    /// 2001.
    private static let firstEpochSecond: UInt128 = 1_000_000_000
    /// From this number on, the number is milliseconds since 1970.
    private static let firstEpochMillisecond: UInt128 = 100_000_000_000
    private static let endOfEpochs: UInt128 = 100_000_000_000_000

    /// The milliseconds from `wall`, the wall clock's time now, until then, at least 0; nil if the text is none of the
    /// forms.
    public static func milliseconds(_ text: some StringProtocol, at wall: Timestamp) -> Int64? {
        let told = trimmed(text)
        if let number = DecimalText(told) { return milliseconds(number, at: wall) }
        if let duration = Quantity.milliseconds(told) { return duration }
        if told.first == "-" { return Quantity.milliseconds(told.dropFirst()).map { _ in 0 } }
        return MomentText.moment(told, near: wall).map { wait(until: $0.moment, isCut: $0.isCut, at: wall) }
    }

    private static func milliseconds(_ number: DecimalText, at wall: Timestamp) -> Int64? {
        guard !number.isNegative else { return 0 }
        guard let seconds = number.units(.towardZero), seconds < endOfEpochs else { return nil }
        if seconds >= firstEpochMillisecond {
            guard let moment = number.units(.up) else { return nil }
            return wait(until: Timestamp(milliseconds: Int64(moment)), isCut: false, at: wall)
        }
        guard let milliseconds = number.units(decimals: 3, .up).map({ Int64($0) }) else { return nil }
        guard seconds >= firstEpochSecond else { return milliseconds }
        return wait(until: Timestamp(milliseconds: milliseconds), isCut: number.isWhole(), at: wall)
    }

    private static func wait(until moment: Timestamp, isCut: Bool, at wall: Timestamp) -> Int64 {
        let wait = max(0, moment - wall)
        return isCut ? (wait + 999) / 1_000 * 1_000 : wait
    }

    private static func trimmed(_ text: some StringProtocol) -> Substring {
        var rest = Substring(text)
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return rest
    }
}
