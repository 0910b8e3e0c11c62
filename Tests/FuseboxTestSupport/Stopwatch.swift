import Glibc

/// Measures the time that some programs and the calling thread have had since a moment.
///
/// It leaves out the time for which they were ready to run and other programs had the processors. A bound on this time
/// says something about the program, however busy the machine is.
package struct Stopwatch {
    private let processes: [pid_t]
    private let begun = monotonicMilliseconds()
    private let waitedBefore: Int

    /// Starts it.
    ///
    /// - Parameter processes: the programs that are waited for; of each, the main thread counts
    package init(of processes: pid_t...) {
        self.processes = processes
        waitedBefore = Self.millisecondsWithoutProcessor(processes)
    }

    /// The milliseconds that have passed.
    package var milliseconds: Int {
        let waited = Self.millisecondsWithoutProcessor(processes) - waitedBefore
        return max(0, monotonicMilliseconds() - begun - waited)
    }

    /// For how long the main threads of these processes and the calling thread have waited for a processor. 0 for what has
    /// ended.
    private static func millisecondsWithoutProcessor(_ processes: [pid_t]) -> Int {
        let paths = ["/proc/thread-self/schedstat"] + processes.map { "/proc/\($0)/schedstat" }
        return paths.reduce(0) { sum, path in
            // The time on a processor, the time of waiting for one, both in nanoseconds, and a count.
            let fields = String(decoding: contents(of: path), as: UTF8.self).split(separator: " ")
            return sum + (fields.count > 1 ? (Int(fields[1]) ?? 0) / 1_000_000 : 0)
        }
    }
}
