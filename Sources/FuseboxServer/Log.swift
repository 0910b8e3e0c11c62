import FuseboxCore
import FuseboxWire
import Glibc

/// The daemon's log: one line an event, on standard error.
///
/// A line begins with the time and the level. If systemd's journal reads standard error, a line begins with the
/// priority instead, such as `<4>` for a warning, because the journal records the time itself. Logging never blocks:
/// see `LogWriter`.
package struct Log: Sendable {
    /// How important a line is, in ascending order.
    package enum Level: Int, Sendable, CaseIterable, Comparable {
        case debug, info, notice, warning, error, critical

        /// Whether the left level is less important.
        package static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }

        /// The priority of syslog, 7 (debug) to 2 (critical).
        var priority: Int { 7 - rawValue }
    }

    /// Lines below this level are not written.
    package let threshold: Level

    /// A log that writes the lines from a level upwards.
    package init(threshold: Level) { self.threshold = threshold }

    /// Logs a line. The message is not evaluated if the line is not written.
    package func callAsFunction(_ level: Level, _ message: @autoclosure () -> String) {
        guard level >= threshold else { return }
        LogWriter.standardError.write(level, message)
    }

    /// Logs how many lines were left out since the last call, if any. Call it about once a second.
    func reportLeftOut() { LogWriter.standardError.reportLeftOut() }

    /// Waits until all lines are written, for half a second at most. Lines that are not written by then are lost. Call
    /// it before the process ends.
    package func flush() { LogWriter.standardError.flush() }
}

/// The beginning of a line: the priority, or time and level.
enum LogPrefix: Sendable {
    case priority, time

    /// `priority` if systemd's journal reads the descriptor, else `time`.
    ///
    /// systemd sets `JOURNAL_STREAM` to the device and the inode of the journal's socket. A child of another service
    /// inherits the variable, so the descriptor's own device and inode are compared with it.
    init(of descriptor: Int32) {
        self = .time
        guard let text = unsafe getenv("JOURNAL_STREAM") else { return }
        let numbers = unsafe String(cString: text).split(separator: ":").map { UInt64($0) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return }
        if numbers == [UInt64(status.st_dev), UInt64(status.st_ino)] { self = .priority }
    }

    /// The line of a message. Control characters are replaced, so that a client's text cannot end the line or control a
    /// terminal.
    func line(_ level: Log.Level, _ message: String) -> [UInt8] {
        let start = self == .priority ? "<\(level.priority)>" : "\(Self.time()) \(level): "
        var line = Array((start + message.printable).utf8)
        if line.count >= Bounds.lineLength {
            line.removeLast(line.count - Bounds.lineLength + 4)
            while line.last.map({ $0 & 0xC0 == 0x80 }) == true { line.removeLast() }
            if line.last.map({ $0 >= 0xC0 }) == true { line.removeLast() }
            line += Array("...".utf8)
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }

    private static func time() -> String { Log.date(Int64(Glibc.time(nil)) * 1000) }
}

extension Log {
    /// The text of a time in milliseconds since the epoch, such as `2026-03-01T08:30:00Z`.
    static func date(_ milliseconds: Int64) -> String {
        var now = time_t(milliseconds / 1000)
        var parts = unsafe tm()
        unsafe gmtime_r(&now, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date = unsafe "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        return unsafe "\(date)T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
    }
}
