import FuseboxClient
import Glibc
import Testing

/// Tests of the real daemon.
@Suite enum EndToEnd {
    /// Those that measure latencies and memory. They run one at a time.
    @Suite(.serialized) enum Measured {}
}

/// Set `FUSEBOX_FULL=1` for sizes that take minutes.
let isFull = getenv("FUSEBOX_FULL") != nil

extension FuseboxClient.Configuration {
    /// For tests that are not about time: a daemon that shares two cores with other tests may take longer than a second.
    static var patient: FuseboxClient.Configuration {
        var configuration = FuseboxClient.Configuration()
        configuration.connectTimeoutMilliseconds = 600_000
        configuration.requestTimeoutMilliseconds = 600_000
        return configuration
    }
}
