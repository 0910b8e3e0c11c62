import FuseboxClient
import FuseboxCollections
import FuseboxTestSupport
import Glibc
import Synchronization
import Testing

/// A well-behaved client that sends requests from its own thread while a test misbehaves.
final class Bystander: Sendable {
    private let state = Lock(State())
    private let isStopping = Atomic(false)
    private let path: String
    private let daemon: pid_t

    private struct State {
        var thread = pthread_t()
        var answered = 0
        var longestMilliseconds = 0
        var failure: ClientError?
    }

    init(_ daemon: DaemonProcess) {
        path = daemon.socketPath
        self.daemon = daemon.process
        let context = Unmanaged.passRetained(self).toOpaque()
        state.withLock { state in
            _ = pthread_create(&state.thread, nil, { Bystander.main($0) }, context)
        }
    }

    private static func main(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        Unmanaged<Bystander>.fromOpaque(context!).takeRetainedValue().run()
        return nil
    }

    private func run() {
        var configuration = FuseboxClient.Configuration(clientName: "bystander", requestTimeoutMilliseconds: 30_000)
        configuration.connectTimeoutMilliseconds = 30_000
        do throws(ClientError) {
            let client = try FuseboxClient.connect(to: path, configuration: configuration)
            while !isStopping.load(ordering: .relaxed) {
                let stopwatch = Stopwatch(of: daemon)
                _ = try client.breakers.acquire("bystander")
                _ = try client.ping()
                let passed = stopwatch.milliseconds
                state.withLock { state in
                    state.answered += 2
                    state.longestMilliseconds = max(state.longestMilliseconds, passed)
                }
                _ = poll(nil, 0, 1)
            }
        } catch {
            state.withLock { $0.failure = error }
        }
    }

    /// Requests answered so far.
    var answered: Int { state.withLock { $0.answered } }

    /// Stops, and checks that every request was answered in time.
    func expectWasServed(withinMilliseconds bound: Int = 2_000, _ location: SourceLocation = #_sourceLocation) {
        // It must also have sent requests after the last misbehaviour.
        let before = self.answered
        _ = waitUntil { self.answered > before + 10 || state.withLock { $0.failure != nil } }
        isStopping.store(true, ordering: .relaxed)
        pthread_join(state.withLock { $0.thread }, nil)
        let (answered, longest, failure) = state.withLock { ($0.answered, $0.longestMilliseconds, $0.failure) }
        #expect(failure == nil, sourceLocation: location)
        #expect(answered > before + 10, sourceLocation: location)
        #expect(longest < bound * patience, "a request took \(longest) ms", sourceLocation: location)
    }
}
