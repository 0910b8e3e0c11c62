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
    /// - Parameter processes: the programs that are waited for, with all their threads
    package init(of processes: pid_t...) {
        self.processes = processes
        waitedBefore = Self.nanosecondsWithoutProcessor(processes)
    }

    /// The milliseconds that have passed.
    package var milliseconds: Int {
        let waited = Self.nanosecondsWithoutProcessor(processes) - waitedBefore
        return max(0, monotonicMilliseconds() - begun - waited / 1_000_000)
    }

    /// For how long the threads of these processes and the calling thread have waited for a processor. 0 for what has ended.
    private static func nanosecondsWithoutProcessor(_ processes: [pid_t]) -> Int {
        let threads = processes.flatMap { process in
            fileNames(in: "/proc/\(process)/task").map { "/proc/\(process)/task/\($0)" }
        }
        return (threads + ["/proc/thread-self"]).reduce(0) { sum, thread in
            // The time on a processor, the time of waiting for one, both in nanoseconds, and a count.
            let fields = String(decoding: contents(of: "\(thread)/schedstat"), as: UTF8.self).split(separator: " ")
            return sum + (fields.count > 1 ? Int(fields[1]) ?? 0 : 0)
        }
    }
}
