import FuseboxClient
import FuseboxInterop
import Glibc
import Testing

/// A temporary folder for a test, which is removed with its contents.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/fusebox-cli-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { _ = try? Program.run(["/bin/rm", "-rf", path]) }

    func write(_ name: String, _ contents: some Collection<UInt8>) {
        let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        let bytes = Array(contents)
        precondition(file >= 0 && Glibc.write(file, bytes, bytes.count) == bytes.count)
        close(file)
    }

    func read(_ name: String) -> [UInt8] {
        let file = open("\(path)/\(name)", O_RDONLY)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        return Array(bytes[..<max(0, Glibc.read(file, &bytes, bytes.count))])
    }
}

/// A daemon with a temporary socket and data directory.
final class Daemon {
    let folder: TemporaryFolder
    let socket: String
    let data: String
    private var process: Child?

    /// Starts the daemon and waits until it reports that it is ready, as to a service manager.
    init(in folder: TemporaryFolder = TemporaryFolder(), data: String? = nil, arguments: [String] = []) throws {
        self.folder = folder
        socket = "\(folder.path)/socket"
        self.data = data ?? "\(folder.path)/data"
        let notice = try NotifySocket("\(folder.path)/notify")
        process = try Child(
            [Program.fuseboxd, "--socket", socket, "--data", self.data] + arguments,
            environment: ["NOTIFY_SOCKET": notice.path])
        try #require(notice.waitForReady(), "the daemon did not get ready")
    }

    deinit { stop() }

    /// Stops the daemon in order and returns its log.
    @discardableResult func stop() -> String {
        guard let process else { return "" }
        self.process = nil
        process.interrupt(with: SIGTERM)
        return process.end().errors
    }

    /// Kills the daemon, like a crash.
    func kill() {
        guard let process else { return }
        self.process = nil
        process.interrupt(with: SIGKILL)
        _ = process.end()
    }

    /// Runs the tool against the daemon.
    func fusebox(_ arguments: String..., input: String = "") throws -> Program.Outcome {
        try Program.run(command(arguments), input: input, environment: environment)
    }

    /// Runs the tool against the daemon and returns the JSON value that it prints.
    func json(_ arguments: String..., input: String = "") throws -> JSONValue {
        let outcome = try Program.run(command(arguments + ["--json"]), input: input, environment: environment)
        #expect(outcome.errors == "")
        return try outcome.json
    }

    /// Starts the tool against the daemon.
    func begin(_ arguments: String...) throws -> Child { try Child(command(arguments), environment: environment) }

    /// The spool of its workers.
    var spool: String { "\(folder.path)/spool" }
    var environment: [String: String] { ["FUSEBOX_SPOOL": spool] }

    private func command(_ arguments: [String]) -> [String] { [Program.fusebox] + arguments + ["--socket", socket] }

    /// A client of the daemon.
    func connect() throws -> FuseboxClient { try FuseboxClient.connect(to: socket) }

    /// Waits until there are this many subscribers.
    func waitForSubscribers(_ count: UInt32) throws {
        let client = try connect()
        defer { client.close() }
        let clock = ContinuousClock()
        let end = clock.now + .seconds(20)
        while try client.status().subscribers != count {
            try #require(clock.now < end, "there are not \(count) subscribers")
            sched_yield()
        }
    }
}

/// The socket to which a daemon reports that it is ready.
private final class NotifySocket {
    let path: String
    private let descriptor: Int32

    struct Unusable: Error {}

    init(_ path: String) throws {
        self.path = path
        unlink(path)
        descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw Unusable() }
    }

    deinit { close(descriptor) }

    func waitForReady() -> Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        var buffer = [UInt8](repeating: 0, count: 4096)
        while poll(&waiting, 1, 30_000) > 0 {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return false }
            if String(decoding: buffer[..<count], as: UTF8.self).contains("READY=1") { return true }
        }
        return false
    }
}
