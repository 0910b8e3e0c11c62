import FuseboxClient
import Glibc
import Testing

/// A real `fuseboxd` with a temporary folder. It is killed and removed with the test.
final class Daemon {
    let socketPath: String
    private let folder: String
    private let logPath: String
    private let process: pid_t
    private var exitStatus: Int32?

    /// Starts the daemon. `connect` waits until it is ready.
    init(_ flags: String...) throws {
        var template = Array("/tmp/fusebox-product-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        socketPath = folder + "/socket"
        logPath = folder + "/log"
        process = try Self.spawn(
            [Product.path("fuseboxd"), "--socket", socketPath, "--data", folder + "/data"] + flags, output: logPath)
    }

    deinit {
        if !hasEnded {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
        removeTree(folder)
    }

    /// A client of the daemon.
    func connect() throws -> FuseboxClient {
        var configuration = FuseboxClient.Configuration()
        // A busy machine must not fail a test that is not about time.
        configuration.connectTimeoutMilliseconds = 20_000
        configuration.requestTimeoutMilliseconds = 20_000
        var client: FuseboxClient?
        let connected = waitUntil {
            do throws(ClientError) {
                client = try FuseboxClient.connect(to: socketPath, configuration: configuration)
                return true
            } catch { return hasEnded }
        }
        return try #require(connected ? client : nil, "fuseboxd is not there: \(log)")
    }

    /// Stops the daemon in order. Returns its exit status, or 128 plus the number of a signal.
    func stop() throws -> Int32 {
        kill(process, SIGTERM)
        try #require(waitUntil { hasEnded }, "fuseboxd does not end: \(log)")
        return exitStatus ?? -1
    }

    /// Its log.
    var log: String { String(decoding: contents(of: logPath), as: UTF8.self) }

    private var hasEnded: Bool {
        if exitStatus != nil { return true }
        var status: Int32 = 0
        guard waitpid(process, &status, WNOHANG) == process else { return false }
        exitStatus = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        return true
    }

    private static func spawn(_ arguments: [String], output: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // The daemon must not inherit descriptors of other tests.
        for descriptor in 3..<256 as Range<Int32> { posix_spawn_file_actions_addclose(&actions, descriptor) }
        // Nor the signal mask of this thread.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var argv = arguments.map { strdup($0) } + [nil]
        defer { for text in argv { free(text) } }
        var process: pid_t = 0
        let status = posix_spawn(&process, arguments[0], &actions, &attributes, &argv, environ)
        try #require(status == 0, "cannot start \(arguments[0])")
        return process
    }

    /// Checks every few milliseconds, for as long as any machine should need.
    private func waitUntil(_ condition: () -> Bool) -> Bool {
        for _ in 0..<12_000 {
            if condition() { return true }
            _ = poll(nil, 0, 5)
        }
        return false
    }
}
