import FuseboxClient
import Glibc
import Testing

/// Tests of the real daemon. They run one at a time, because they measure latencies and memory, and because a test that
/// waits for a process keeps one of the few threads that those with tasks need.
@Suite(.serialized) enum EndToEnd {}

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
