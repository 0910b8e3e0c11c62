/// How long to wait after a failed connect before the next. The time doubles with each failure, up to a bound, and is
/// spread at random.
struct Backoff {
    let minimumMilliseconds: Int
    let maximumMilliseconds: Int
    private var failures = 0

    init(_ configuration: FuseboxClient.Configuration) {
        minimumMilliseconds = max(configuration.backoffMinimumMilliseconds, 1)
        maximumMilliseconds = max(configuration.backoffMaximumMilliseconds, minimumMilliseconds)
    }

    /// Notes a failure. Returns the milliseconds to wait, between half of the present bound and all of it.
    ///
    /// - Parameter chance: the position in that range, 0 to 1
    mutating func afterFailure(_ chance: Double) -> Int {
        var longest = minimumMilliseconds
        for _ in 0..<failures {
            guard longest <= maximumMilliseconds / 2 else {
                longest = maximumMilliseconds
                break
            }
            longest *= 2
        }
        failures += 1
        return longest - Int(Double(longest / 2) * (1 - chance))
    }

    mutating func succeeded() { failures = 0 }
}
