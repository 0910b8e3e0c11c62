import Glibc

/// What the daemon tells its operators: one line an event, on standard error.
///
/// On a terminal a line begins with the time and the level; elsewhere with the priority that systemd's journal reads
/// (`<4>` for a warning).
public struct Log: Sendable {
    public enum Level: Int, Sendable, CaseIterable, Comparable {
        case debug, info, notice, warning, error, critical

        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }

        /// The priority that syslog gives it.
        var priority: Int { 7 - rawValue }
    }

    /// Lines below this level are not written.
    public let threshold: Level
    private let isTerminal: Bool

    public init(threshold: Level) {
        self.threshold = threshold
        isTerminal = isatty(STDERR_FILENO) == 1
    }

    public func callAsFunction(_ level: Level, _ message: @autoclosure () -> String) {
        guard level >= threshold else { return }
        var line = isTerminal ? "\(Self.timeOfDay()) \(level) " : "<\(level.priority)>"
        // A message may quote what a client has sent: it stays one line.
        line.unicodeScalars.append(
            contentsOf: message().unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 })
        line += "\n"
        line.withUTF8 { bytes in
            // A log that cannot be written must not stop the daemon.
            _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }

    private static func timeOfDay() -> String {
        var now = time(nil)
        var parts = unsafe tm()
        unsafe localtime_r(&now, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return unsafe "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    }
}
