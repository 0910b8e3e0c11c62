import FuseboxClient
import FuseboxWire
import Glibc

/// The text of values for people.
enum Formatting {
    /// A duration in its two largest units: `850ms`, `12s`, `4m 10s`, `2d 3h`.
    static func span(milliseconds: Int64) -> String {
        guard milliseconds >= 1_000 else { return "\(max(milliseconds, 0))ms" }
        let seconds = milliseconds / 1_000
        let parts = [
            (seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s"),
        ]
        return parts.drop { $0.0 == 0 }.prefix(2).filter { $0.0 != 0 }.map { "\($0.0)\($0.1)" }.joined(separator: " ")
    }

    /// Dollars with at least two decimals, and as many as the exact amount needs: `$0.0012`, `$50.00`.
    static func dollars(_ money: Money) -> String {
        let digits = "\(Money(nanodollars: money.nanodollars == .min ? .max : abs(money.nanodollars)))"
        let parts = digits.split(separator: ".")
        let decimals = parts.count == 2 ? String(parts[1]) : ""
        let cents = decimals + String(repeating: "0", count: max(0, 2 - decimals.count))
        return "\(money < .zero ? "-" : "")$\(parts[0]).\(cents)"
    }

    /// The requests that a spend lacks: `2 requests whose cost nobody told`. Nil if there is none.
    static func unpriced(_ count: Int64) -> String? {
        count > 0 ? "\(Quantity.count(count, "request")) whose cost nobody told" : nil
    }

    /// The same behind a spend: `, without 2 requests whose cost nobody told`. Empty if there is none.
    static func without(unpriced count: Int64) -> String { unpriced(count).map { ", without \($0)" } ?? "" }

    /// A number of requests, and of those whose cost nobody told: `3 requests (1 unpriced)`.
    static func requests(_ count: Int64, unpriced: Int64) -> String {
        "\(Quantity.count(count, "request"))\(unpriced > 0 ? " (\(unpriced) unpriced)" : "")"
    }

    /// An estimate in dollars, to the nearest millionth.
    static func dollars(_ estimate: Double) -> String {
        Money(dollars: (estimate * 1e6).rounded() / 1e6).map { dollars($0) } ?? "$\(estimate)"
    }

    /// A ratio as a percentage, with one decimal unless it is whole: `90%`, `33.3%`.
    static func percent(_ ratio: Double) -> String {
        let tenths = (ratio * 1000).rounded()
        guard tenths.magnitude < 1e12 else { return "\(ratio * 100)%" }
        let whole = Int64(tenths)
        return whole % 10 == 0 ? "\(whole / 10)%" : "\(Double(whole) / 10)%"
    }

    /// A burn rate in dollars; `-` if it is unknown.
    static func rate(_ dollars: Double?) -> String { dollars.map { Self.dollars($0) } ?? "-" }

    /// How long something lasts, in days with one decimal. A projection beyond a year is too uncertain to be shown.
    static func days(_ days: Double) -> String {
        if days <= 0 { return "used up" }
        return days > 366 ? "over a year" : "\((days * 10).rounded() / 10) days"
    }

    /// A file's length: `512 B`, `1.5 MiB`.
    static func bytes(_ count: UInt64) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB"]
        guard count >= 1024 else { return "\(count) B" }
        var value = Double(count) / 1024
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return "\((value * 10).rounded() / 10) \(units[unit])"
    }

    /// Sixteen hexadecimal digits. An epoch is an identifier, and some JSON readers would round it as a number.
    static func epoch(_ epoch: UInt64) -> String {
        let digits = String(epoch, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// The daemon's clocks at one moment, for the conversion of its times to relative times and dates.
struct DaemonClock {
    let now: Timestamp
    let wall: Timestamp

    init(now: Timestamp, wall: Timestamp) {
        self.now = now
        self.wall = wall
    }

    init(of client: FuseboxClient) throws(ClientError) {
        let reply = try client.ping()
        self.init(now: reply.now, wall: reply.wall)
    }

    /// A time of the steady clock relative to now: `in 4m 10s`, `12s ago`, `now`.
    func relative(_ moment: Timestamp) -> String { Self.relative(moment - now) }

    /// A time of the wall clock relative to now.
    func relative(wall moment: Timestamp) -> String { Self.relative(moment - wall) }

    /// A time relative to now; `-` for nil.
    func relative(_ moment: Timestamp?) -> String { moment.map { relative($0) } ?? "-" }

    private static func relative(_ milliseconds: Int64) -> String {
        switch milliseconds {
        case 0: "now"
        case 1...: "in \(Formatting.span(milliseconds: milliseconds))"
        default: "\(Formatting.span(milliseconds: milliseconds == .min ? .max : -milliseconds)) ago"
        }
    }

    /// A time of the steady clock as local date and time.
    func date(_ moment: Timestamp) -> String { Self.date(wall: wall + (moment - now)) }

    /// A time of the wall clock as local date and time: `2026-07-04 12:34:56`.
    static func date(wall moment: Timestamp) -> String {
        var seconds = time_t(moment.milliseconds / 1_000)
        // The structure is unsafe because it has a pointer to the zone's name, which is not used here.
        var parts = unsafe tm()
        guard unsafe localtime_r(&seconds, &parts) != nil else { return "\(moment.milliseconds)" }
        let date = unsafe [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday]
        let time = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec]
        return date.map(twoDigits).joined(separator: "-") + " " + time.map(twoDigits).joined(separator: ":")
    }

    private static func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
