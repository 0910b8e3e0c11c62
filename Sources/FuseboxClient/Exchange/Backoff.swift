/// How long to wait after failed connects before the next: doubled with each, up to a bound, and spread at random.
struct Backoff {
    let minimumMilliseconds: Int
    let maximumMilliseconds: Int
    private var failures = 0

    init(_ configuration: FuseboxClient.Configuration) {
        minimumMilliseconds = max(configuration.backoffMinimumMilliseconds, 1)
        maximumMilliseconds = max(configuration.backoffMaximumMilliseconds, minimumMilliseconds)
    }

    /// The milliseconds to wait after one more failure: between half of the doubled time and all of it.
    ///
    /// - Parameter chance: from 0 to 1: where between
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
