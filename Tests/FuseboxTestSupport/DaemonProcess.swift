import Glibc

/// A real `fuseboxd` that is started for a test and killed with it.
package final class DaemonProcess {
    package let folder: TemporaryFolder
    package let process: pid_t
    package let socketPath: String
    package let dataPath: String
    private let logPath: String
    private let notifications: NotifySocket
    private var exitStatus: Int32?

    /// The options of a start.
    package struct Options {
        package var flags: [String]
        /// Shell commands that run first, such as `ulimit -n 100`.
        package var prelude = "true"
        /// A listening socket to pass, as systemd passes it.
        package var listener: Int32?
        /// Whether the temporary socket path is passed.
        package var passesSocket = true
        package var dataPath: String?
        package var socketPath: String?

        package init(flags: [String] = [], dataPath: String? = nil, socketPath: String? = nil) {
            self.flags = flags
            self.dataPath = dataPath
            self.socketPath = socketPath
        }
    }

    /// Starts the daemon without waiting until it is ready.
    package init(starting options: Options, in folder: TemporaryFolder = TemporaryFolder()) {
        self.folder = folder
        socketPath = options.socketPath ?? folder("socket")
        dataPath = options.dataPath ?? folder("data")
        let number = fileNames(in: folder.path).filter { $0.hasPrefix("log") }.count
        logPath = folder("log\(number)")
        notifications = NotifySocket(folder("notify\(number)"))
        var arguments = ["--data", dataPath] + options.flags
        if options.passesSocket { arguments += ["--socket", socketPath] }
        // Under a sanitizer leak detection is off in these, because it fails under strace.
        var environment = ["PATH=/usr/bin:/bin", "NOTIFY_SOCKET=\(notifications.path)"] + sanitizerVariables
        var prelude = options.prelude
        if options.listener != nil {
            environment.append("LISTEN_FDS=1")
            prelude += "; export LISTEN_PID=$$"
        }
        process = spawn(
            ["/bin/sh", "-c", prelude + "; exec \"$@\"", "sh", Self.executable] + arguments,
            environment: environment, standardError: logPath, third: options.listener)
    }

    /// Starts the daemon and waits until it reports that it is ready.
    package convenience init(_ options: Options, in folder: TemporaryFolder = TemporaryFolder()) throws {
        self.init(starting: options, in: folder)
        try waitUntilReady()
    }

    package convenience init(_ flags: String..., in folder: TemporaryFolder = TemporaryFolder()) throws {
        try self.init(Options(flags: flags), in: folder)
    }

    deinit { kill() }

    /// `fuseboxd` is in the directory of the test program, unless `FUSEBOX_DAEMON` names another one.
    package static let executable = getenv("FUSEBOX_DAEMON").map { String(cString: $0) } ?? Program.fuseboxd

    /// Its standard error.
    package var log: String { String(decoding: contents(of: logPath), as: UTF8.self) }

    /// Whether its standard error holds this text, or will before long. A line is written beside the loop, so it may come
    /// after the effect that it tells of.
    package func logs(_ text: String) -> Bool {
        _ = waitUntil { log.contains(text) || hasEnded }
        return log.contains(text)
    }

    /// Resident memory in bytes. It is 0 under AddressSanitizer, where it means nothing because freed memory is kept.
    package var residentBytes: Int {
        if isUnderAddressSanitizer { return 0 }
        let fields = String(decoding: contents(of: "/proc/\(process)/statm"), as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) : 0
    }

    package func waitUntilReady() throws {
        try waitForNotification("READY=1")
    }

    /// Waits until the daemon sends this to its service manager.
    package func waitForNotification(_ state: String) throws {
        let arrived = waitUntil { notifications.has(state) || hasEnded }
        guard arrived, notifications.has(state) else { throw TestFailure("no \(state) from fuseboxd: \(log)") }
    }

    /// How often the daemon has sent this to its service manager.
    package func notifications(of state: String) -> Int { notifications.count(of: state) }

    /// How often the thread of the loop has waited, and so was woken.
    package var wakeUps: Int {
        let status = String(decoding: contents(of: "/proc/\(process)/task/\(process)/status"), as: UTF8.self)
        let line = status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") }
        return line?.split(separator: "\t").last.flatMap { Int($0) } ?? 0
    }

    package func send(_ signal: Int32) { Glibc.kill(process, signal) }

    /// Waits for the daemon's end. Returns its exit status, or 128 plus the number of a signal.
    package func wait() throws -> Int32 {
        guard waitUntil({ hasEnded }) else { throw TestFailure("fuseboxd does not end: \(log)") }
        return exitStatus ?? -1
    }

    /// Stops the daemon in order and returns its exit status.
    package func stop(_ signal: Int32 = SIGTERM) throws -> Int32 {
        send(signal)
        return try wait()
    }

    /// Kills the daemon, like a crash.
    package func kill() {
        guard exitStatus == nil else { return }
        send(SIGKILL)
        var status: Int32 = 0
        _ = waitpid(process, &status, 0)
        exitStatus = FuseboxTestSupport.exitStatus(ofWait: status)
    }

    package var hasEnded: Bool {
        if exitStatus != nil { return true }
        var status: Int32 = 0
        guard waitpid(process, &status, WNOHANG) == process else { return false }
        exitStatus = FuseboxTestSupport.exitStatus(ofWait: status)
        return true
    }

    /// The exit status of `fusebox check` on its data directory: 0 if nothing is wrong there.
    package func check() -> Int32 {
        guard let outcome = try? Program.run([Program.fusebox, "check", dataPath]) else { return -1 }
        if outcome.status != 0 { print("fusebox check \(dataPath): \(outcome.output)\(outcome.errors)") }
        return outcome.status
    }

    /// The snapshot files, oldest first.
    package var snapshots: [String] { snapshotNames(in: dataPath) }
}

/// The snapshots in a data directory, oldest first.
package func snapshotNames(in folder: String) -> [String] {
    fileNames(in: folder).filter { $0.hasPrefix("snapshot-") && $0.hasSuffix(".fusebox") }
}

/// The segments of the journal in a data directory, oldest first.
package func segmentNames(in folder: String) -> [String] {
    fileNames(in: folder).filter { $0.hasPrefix("journal-0") && $0.hasSuffix(".fusebox") }
}

/// The socket of a service manager.
package final class NotifySocket {
    package let path: String
    private let socket: Int32
    private var received: [String] = []

    package init(_ path: String) {
        self.path = path
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        let status = withUnixAddress(path) { bind(socket, $0, $1) }
        precondition(status == 0, "cannot bind \(path)")
    }

    deinit { close(socket) }

    /// Whether this message has arrived.
    package func has(_ state: String) -> Bool { count(of: state) > 0 }

    /// How often this message has arrived.
    package func count(of state: String) -> Int {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { break }
            received += String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
        }
        return received.count { $0 == state }
    }
}
