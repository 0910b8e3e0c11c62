import Glibc
import Testing

/// A real `fuseboxd` that is started for a test and killed with it.
final class DaemonProcess {
    let folder: TemporaryFolder
    let process: pid_t
    let socketPath: String
    let dataPath: String
    private let logPath: String
    private let notifications: NotifySocket
    private var exitStatus: Int32?

    /// The options of a start.
    struct Options {
        var flags: [String] = []
        /// Shell commands that run first, such as `ulimit -n 100`.
        var prelude = "true"
        /// A listening socket to pass, as systemd passes it.
        var listener: Int32?
        /// Whether the temporary socket path is passed.
        var passesSocket = true
        var dataPath: String?
        var socketPath: String?
    }

    /// Starts the daemon without waiting until it is ready.
    init(starting options: Options, in folder: TemporaryFolder = TemporaryFolder()) {
        self.folder = folder
        socketPath = options.socketPath ?? folder("socket")
        dataPath = options.dataPath ?? folder("data")
        let number = fileNames(in: folder.path).filter { $0.hasPrefix("log") }.count
        logPath = folder("log\(number)")
        notifications = NotifySocket(folder("notify\(number)"))
        var arguments = ["--data", dataPath] + options.flags
        if options.passesSocket { arguments += ["--socket", socketPath] }
        var environment = ["PATH=/usr/bin:/bin", "NOTIFY_SOCKET=\(notifications.path)"]
        var prelude = options.prelude
        // Under a sanitizer the daemon gets the sanitizer's options of the tests. Leak detection is off, because it
        // fails under strace.
        for name in ["ASAN_OPTIONS", "TSAN_OPTIONS"] {
            if let value = getenv(name) { environment.append("\(name)=\(String(cString: value))") }
        }
        if options.listener != nil {
            environment.append("LISTEN_FDS=1")
            prelude += "; export LISTEN_PID=$$"
        }
        process = spawn(
            ["/bin/sh", "-c", prelude + "; exec \"$@\"", "sh", Self.executable] + arguments,
            environment: environment, standardError: logPath, third: options.listener)
    }

    /// Starts the daemon and waits until it reports that it is ready.
    convenience init(_ options: Options, in folder: TemporaryFolder = TemporaryFolder()) throws {
        self.init(starting: options, in: folder)
        try waitUntilReady()
    }

    convenience init(_ flags: String..., in folder: TemporaryFolder = TemporaryFolder()) throws {
        try self.init(Options(flags: flags), in: folder)
    }

    deinit {
        if exitStatus == nil {
            kill(process, SIGKILL)
            _ = waitpid(process, nil, 0)
        }
    }

    /// `fuseboxd` is in the directory of the test program, unless `FUSEBOX_DAEMON` names another one.
    static let executable = getenv("FUSEBOX_DAEMON").map { String(cString: $0) } ?? beside("fuseboxd")

    /// A program that was built with the tests.
    static func beside(_ name: String) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer[..<max(count, 0)], as: UTF8.self)
        return path[..<(path.lastIndex(of: "/") ?? path.startIndex)] + "/" + name
    }

    /// Its standard error.
    var log: String { String(decoding: contents(of: logPath), as: UTF8.self) }

    /// Whether its standard error holds this text, or will before long. A line is written beside the loop, so it may come after the
    /// effect that it tells of.
    func logs(_ text: String) -> Bool {
        _ = waitUntil { log.contains(text) || hasEnded }
        return log.contains(text)
    }

    /// Resident memory in bytes. It is 0 under AddressSanitizer, where it means nothing because freed memory is kept.
    var residentBytes: Int {
        if isUnderAddressSanitizer { return 0 }
        let fields = String(decoding: contents(of: "/proc/\(process)/statm"), as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) : 0
    }

    func waitUntilReady() throws {
        try waitForNotification("READY=1")
    }

    /// Waits until the daemon sends this to its service manager.
    func waitForNotification(_ state: String) throws {
        let arrived = waitUntil { notifications.has(state) || hasEnded }
        try #require(arrived && notifications.has(state), "no \(state) from fuseboxd: \(log)")
    }

    func send(_ signal: Int32) { kill(process, signal) }

    /// Waits for the daemon's end. Returns its exit status, or 128 plus the number of a signal.
    func wait() throws -> Int32 {
        try #require(waitUntil { hasEnded }, "fuseboxd does not end: \(log)")
        return exitStatus ?? -1
    }

    /// Stops the daemon in order and returns its exit status.
    func stop(_ signal: Int32 = SIGTERM) throws -> Int32 {
        send(signal)
        return try wait()
    }

    private var hasEnded: Bool {
        if exitStatus != nil { return true }
        var status: Int32 = 0
        guard waitpid(process, &status, WNOHANG) == process else { return false }
        exitStatus = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        return true
    }

    /// The exit status of `fusebox check` on its data directory: 0 if nothing is wrong there.
    func check() -> Int32 { run([Self.beside("fusebox"), "check", dataPath]) }

    /// The snapshot files, oldest first.
    var snapshots: [String] { snapshotNames(in: dataPath) }
}

/// The snapshots in a data directory, oldest first.
func snapshotNames(in folder: String) -> [String] {
    fileNames(in: folder).filter { $0.hasPrefix("snapshot-") && $0.hasSuffix(".fusebox") }
}

/// The segments of the journal in a data directory, oldest first.
func segmentNames(in folder: String) -> [String] {
    fileNames(in: folder).filter { $0.hasPrefix("journal-0") && $0.hasSuffix(".fusebox") }
}

/// Starts a program. Its descriptor 3 is `third`, unless that is nil.
func spawn(_ arguments: [String], environment: [String], standardError: String, third: Int32? = nil) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, standardError, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    if let third { posix_spawn_file_actions_adddup2(&actions, third, 3) }
    // Test threads block signals, and a program would inherit the mask.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var argv = arguments.map { strdup($0) } + [nil]
    var envp = environment.map { strdup($0) } + [nil]
    defer { for text in argv + envp { free(text) } }
    var process: pid_t = 0
    let status = posix_spawn(&process, arguments[0], &actions, &attributes, &argv, &envp)
    precondition(status == 0, "cannot start \(arguments[0])")
    return process
}

/// Waits until a condition holds. It checks every few milliseconds, for as long as any machine should need.
func waitUntil(seconds: Int = 60, _ condition: () -> Bool) -> Bool {
    let deadline = monotonicMilliseconds() + seconds * 1000
    while !condition() {
        guard monotonicMilliseconds() < deadline else { return false }
        _ = poll(nil, 0, 2)
    }
    return true
}

func monotonicMilliseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int(time.tv_sec) * 1000 + Int(time.tv_nsec) / 1_000_000
}

/// The socket of a service manager.
final class NotifySocket {
    let path: String
    private let socket: Int32
    private var received: [String] = []

    init(_ path: String) {
        self.path = path
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        let status = withUnixAddress(path) { bind(socket, $0, $1) }
        precondition(status == 0, "cannot bind \(path)")
    }

    deinit { close(socket) }

    /// Whether this message has arrived.
    func has(_ state: String) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { break }
            received += String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
        }
        return received.contains(state)
    }
}

func withUnixAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}
