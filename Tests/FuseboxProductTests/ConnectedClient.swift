import FuseboxClient
import FuseboxTestSupport

extension DaemonProcess {
    /// A client of the daemon.
    func connect() throws -> FuseboxClient {
        var configuration = FuseboxClient.Configuration()
        // A busy machine must not fail a test that is not about time.
        configuration.connectTimeoutMilliseconds = 20_000
        configuration.requestTimeoutMilliseconds = 20_000
        return try FuseboxClient.connect(to: socketPath, configuration: configuration)
    }
}
