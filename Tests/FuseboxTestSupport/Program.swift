import Glibc

/// The built programs, run like in a shell.
package enum Program {
    package static let fusebox = path("fusebox")
    package static let fuseboxd = path("fuseboxd")

    /// A program that was built with the tests.
    package static func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// The directory of the built tests and programs.
    package static let folder: String = {
        var path = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &path, path.count)
        let own = String(decoding: path[..<max(length, 0)], as: UTF8.self)
        let candidates = [own, CommandLine.arguments[0]].map { executable in
            executable.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        }
        return candidates.first { access($0 + "/fusebox", X_OK) == 0 } ?? "."
    }()

    /// The result of a program that has ended.
    package struct Outcome: Sendable {
        /// The exit status, or 128 plus the number of the signal that ended it.
        package var status: Int32
        package var output: String
        package var errors: String

        package var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    /// Runs a program until it ends.
    package static func run(
        _ arguments: [String], input: String = "", environment: [String: String] = [:]
    ) throws -> Outcome {
        let process = try Child(arguments, environment: environment)
        process.send(input)
        return process.end()
    }
}

/// A program that is running.
package final class Child {
    package let id: pid_t
    private var input: Int32
    private let output: Int32
    private let errors: Int32
    private var received: [UInt8] = []
    private var receivedErrors: [UInt8] = []

    package init(_ arguments: [String], environment: [String: String] = [:]) throws {
        let (inputs, outputs, errors) = (Self.pipe(), Self.pipe(), Self.pipe())
        defer { for end in [inputs.reading, outputs.writing, errors.writing] { close(end) } }
        (input, output, self.errors) = (inputs.writing, outputs.reading, errors.reading)
        id = try startProgram(arguments, environment: Self.environment(environment)) { actions in
            for (number, end) in [inputs.reading, outputs.writing, errors.writing].enumerated() {
                posix_spawn_file_actions_adddup2(&actions, end, Int32(number))
            }
        }
    }

    deinit { for end in [input, output, errors] where end >= 0 { close(end) } }

    /// Two connected sockets. Programs of other tests do not inherit them.
    private static func pipe() -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        precondition(socketpair(AF_UNIX, kind, 0, &ends) == 0)
        return (ends[0], ends[1])
    }

    private static func environment(_ changes: [String: String]) -> [String] {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        // A test about the spool sets its own. Other tests must not use the user's spool.
        let spool = changes["FUSEBOX_SPOOL"] == nil ? ["FUSEBOX_SPOOL=/dev/null/spool"] : []
        return ["PATH=\(path)", "TZ=UTC", "LC_ALL=C.UTF-8"] + spool + sanitizerVariables
            + changes.map { "\($0.key)=\($0.value)" }
    }

    /// Sends a text and, unless more follows, the end of input.
    package func send(_ text: String, andMore: Bool = false) {
        signal(SIGPIPE, SIG_IGN)
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        if !andMore { closeInput() }
    }

    package func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    package func interrupt(with signal: Int32) { kill(id, signal) }

    /// Waits for the next line of standard output; nil at the end.
    package func line() -> String? {
        while true {
            if let end = received.firstIndex(of: 0x0A) {
                defer { received.removeFirst(end + 1) }
                return String(decoding: received[..<end], as: UTF8.self)
            }
            guard let piece = Self.read(output) else { return nil }
            received += piece
        }
    }

    /// Waits for the first line of standard error; nil if there is none.
    package func errorLine() -> String? {
        while receivedErrors.firstIndex(of: 0x0A) == nil {
            guard let piece = Self.read(errors) else { return nil }
            receivedErrors += piece
        }
        return String(decoding: receivedErrors.prefix { $0 != 0x0A }, as: UTF8.self)
    }

    /// Waits for the end of the program.
    package func end() -> Program.Outcome {
        closeInput()
        var (outputBytes, errorBytes) = (received, receivedErrors)
        var open = [
            pollfd(fd: output, events: Int16(POLLIN), revents: 0),
            pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
        ]
        while open.contains(where: { $0.fd >= 0 }) {
            poll(&open, nfds_t(open.count), -1)
            for index in open.indices where open[index].fd >= 0 && open[index].revents != 0 {
                guard let piece = Self.read(open[index].fd) else {
                    open[index].fd = -1
                    continue
                }
                if index == 0 { outputBytes += piece } else { errorBytes += piece }
            }
        }
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0 && errno == EINTR {}
        return Program.Outcome(
            status: exitStatus(ofWait: status), output: String(decoding: outputBytes, as: UTF8.self),
            errors: String(decoding: errorBytes, as: UTF8.self))
    }

    private static func read(_ descriptor: Int32) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        return count > 0 ? Array(buffer[..<count]) : nil
    }
}
