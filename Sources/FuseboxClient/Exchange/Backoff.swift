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
    mutating func afterFailure() -> Int {
        var longest = minimumMilliseconds
        for _ in 0..<failures {
            guard longest <= maximumMilliseconds / 2 else {
                longest = maximumMilliseconds
                break
            }
            longest *= 2
        }
        failures += 1
        return Int.random(in: longest - longest / 2...longest)
    }

    mutating func succeeded() { failures = 0 }
}
