import Glibc

/// Waits until a condition holds. It checks every few milliseconds, for as long as any machine should need.
///
/// - Returns: whether the condition held in time
package func waitUntil(seconds: Int = 60, _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = monotonicMilliseconds() + seconds * 1000
    while try !condition() {
        guard monotonicMilliseconds() < deadline else { return false }
        _ = poll(nil, 0, 2)
    }
    return true
}

/// Milliseconds from an arbitrary start, on a clock that never steps.
package func monotonicMilliseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int(time.tv_sec) * 1000 + Int(time.tv_nsec) / 1_000_000
}
