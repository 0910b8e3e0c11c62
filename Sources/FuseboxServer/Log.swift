import FuseboxCore
import FuseboxWire
import Glibc

/// What the daemon tells its operators: one line an event, on standard error.
///
/// A line begins with the time and the level. Where systemd's journal reads it begins with the priority instead (`<4>`
/// for a warning): the journal has times of its own. Logging never waits: see `LogWriter`.
public struct Log: Sendable {
    public enum Level: Int, Sendable, CaseIterable, Comparable {
        case debug, info, notice, warning, error, critical

        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }

        /// The priority that syslog gives it.
        var priority: Int { 7 - rawValue }
    }

    /// Lines below this level are not written.
    public let threshold: Level

    public init(threshold: Level) { self.threshold = threshold }

    public func callAsFunction(_ level: Level, _ message: @autoclosure () -> String) {
        guard level >= threshold else { return }
        LogWriter.standardError.write(level, message)
    }

    /// Tells of lines that were left out, if no later line has done so. Call it about once a second.
    func tellLeftOut() { LogWriter.standardError.tellLeftOut() }

    /// Waits until the lines so far are written, or for half a second: what cannot be written then is lost. Call it
    /// before the process ends.
    public func flush() { LogWriter.standardError.flush() }
}

/// How a line begins.
enum LogPrefix: Sendable {
    case priority, time

    /// Priorities where systemd's journal reads the descriptor: `JOURNAL_STREAM` names its device and inode. A process
    /// that was started by another service inherits the variable, and its standard error may be elsewhere.
    init(of descriptor: Int32) {
        self = .time
        guard let text = unsafe getenv("JOURNAL_STREAM") else { return }
        let numbers = unsafe String(cString: text).split(separator: ":").map { UInt64($0) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return }
        if numbers == [UInt64(status.st_dev), UInt64(status.st_ino)] { self = .priority }
    }

    /// The line of a message. What a message quotes from a client cannot end the line or steer a terminal.
    func line(_ level: Log.Level, _ message: String) -> [UInt8] {
        let start = self == .priority ? "<\(level.priority)>" : "\(Self.time()) \(level): "
        var line = Array((start + message.printable).utf8)
        if line.count >= Limits.lineLength {
            line.removeLast(line.count - Limits.lineLength + 4)
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
    /// A moment in milliseconds since the epoch, such as `2026-03-01T08:30:00Z`.
    static func date(_ milliseconds: Int64) -> String {
        var now = time_t(milliseconds / 1000)
        var parts = unsafe tm()
        unsafe gmtime_r(&now, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date = unsafe "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        return unsafe "\(date)T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
    }
}
