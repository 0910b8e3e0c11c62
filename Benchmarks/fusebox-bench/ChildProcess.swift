import Glibc

/// A program under measurement. It is killed when its last reference goes away.
final class ChildProcess {
    let process: pid_t
    private var hasEnded = false

    /// - Parameters:
    ///   - output: the file for standard output and standard error; nil: those of this process
    init(_ arguments: [String], output: String? = nil) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let output {
            posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        var argv = arguments.map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        var process: pid_t = 0
        let status = posix_spawn(&process, arguments[0], &actions, nil, &argv, environ)
        try expect(status == 0, "cannot start \(arguments[0]): \(String(cString: strerror(status)))")
        self.process = process
    }

    deinit {
        guard !hasEnded else { return }
        Glibc.kill(process, SIGKILL)
        waitpid(process, nil, 0)
    }

    func send(_ signal: Int32) { Glibc.kill(process, signal) }

    /// Kills the process.
    func kill() {
        send(SIGKILL)
        waitpid(process, nil, 0)
        hasEnded = true
    }

    /// Waits for the end of the process. Throws unless its status is 0.
    func expectSuccess() throws {
        var status: Int32 = 0
        waitpid(process, &status, 0)
        hasEnded = true
        try expect(status == 0, "process \(process) ended with status \(status)")
    }
}

/// A daemon with a temporary folder.
final class Daemon {
    let folder: String
    private(set) var child: ChildProcess
    private let arguments: [String]
    var socket: String { "\(folder)/socket" }

    /// - Parameter tool: a program that runs the daemon, with its arguments
    init(_ flags: [String] = [], under tool: [String] = []) throws {
        var template = Array("/tmp/fusebox-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("cannot create a folder in /tmp") }
        let folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        self.folder = folder
        arguments =
            tool + [Self.beside("fuseboxd"), "--data", "\(folder)/data", "--socket", "\(folder)/socket"] + flags
        child = try ChildProcess(arguments, output: "\(folder)/log")
        try waitForSocket(socket)
    }

    /// Starts the daemon again after its end, and waits until it answers.
    func start() throws {
        child = try ChildProcess(arguments, output: "\(folder)/log")
        try waitForSocket(socket)
    }

    func kill() throws { child.kill() }

    deinit {
        child.send(SIGKILL)
        for place in ["\(folder)/data", folder] {
            for name in names(in: place) { unlink("\(place)/\(name)") }
            rmdir(place)
        }
    }

    /// The path of a program that was built with this one.
    static func beside(_ name: String) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer[..<max(count, 0)], as: UTF8.self)
        return path[..<(path.lastIndex(of: "/") ?? path.startIndex)] + "/" + name
    }

    /// The lines of the daemon's log so far.
    var log: [Substring] {
        guard let file = fopen("\(folder)/log", "r") else { return [] }
        defer { fclose(file) }
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&piece, 1, piece.count, file), count > 0 { text += piece[..<count] }
        return String(decoding: text, as: UTF8.self).split(separator: "\n")
    }

    /// The longest turn since the last call, in microseconds of the loop thread's processor time.
    func longestTurn() throws -> Int {
        let before = log.count { $0.contains("; longest turn") }
        child.send(SIGUSR1)
        for _ in 0..<5_000 {
            let lines = log.filter { $0.contains("; longest turn") }
            if lines.count > before, let line = lines.last, let micros = line.split(separator: " ").dropLast(4).last {
                return Int(micros) ?? -1
            }
            poll(nil, 0, 2)
        }
        throw Failure("the daemon did not log its longest turn")
    }

    /// The bytes of memory that the daemon occupies now. `status` tells those of the last second.
    func residentBytes() throws -> Int {
        guard let file = fopen("/proc/\(child.process)/statm", "r") else { throw Failure("the daemon has no memory") }
        defer { fclose(file) }
        var text = [UInt8](repeating: 0, count: 256)
        let count = fread(&text, 1, text.count, file)
        // The whole size, then the resident part, in pages.
        let numbers = String(decoding: text[..<count], as: UTF8.self).split(separator: " ")
        guard numbers.count > 1, let pages = Int(numbers[1]) else { throw Failure("statm cannot be read") }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    func stop() throws {
        child.send(SIGTERM)
        try child.expectSuccess()
    }
}

/// The names of the entries of a folder.
func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) {
            String(cString: $0.bindMemory(to: CChar.self).baseAddress!)
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}

func waitForSocket(_ path: String) throws {
    // A start that replays a journal may take long.
    for _ in 0..<60_000 {
        if let socket = try? RawConnection(path) { return socket.close() }
        poll(nil, 0, 2)
    }
    throw Failure("no process listens on \(path)")
}
