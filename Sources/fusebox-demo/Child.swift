import Glibc

/// A process of the demo, with a pipe each way.
struct Child {
    let processID: pid_t
    private let input: Int32
    private let output: Int32

    init(_ program: String, _ arguments: [String]) throws {
        var toChild: [Int32] = [0, 0]
        var fromChild: [Int32] = [0, 0]
        guard unsafe pipe(&toChild) == 0, unsafe pipe(&fromChild) == 0 else {
            throw DemoFailure("cannot create a pipe")
        }
        // Later children must not inherit these descriptors.
        for end in toChild + fromChild { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawn_file_actions_adddup2(&actions, toChild[0], STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, fromChild[1], STDOUT_FILENO)
        var words = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        var processID: pid_t = 0
        let status = unsafe posix_spawn(&processID, program, &actions, nil, &words, environ)
        unsafe words.forEach { unsafe free($0) }
        unsafe posix_spawn_file_actions_destroy(&actions)
        close(toChild[0])
        close(fromChild[1])
        guard status == 0 else { throw DemoFailure("cannot start \(program): error \(status)") }
        self.processID = processID
        input = toChild[1]
        output = fromChild[0]
    }

    func send(_ line: String) throws {
        let bytes = Array((line + "\n").utf8)
        guard unsafe write(input, bytes, bytes.count) == bytes.count else {
            throw DemoFailure("process \(processID) does not read its input any more")
        }
    }

    func receive() throws -> String {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while unsafe read(output, &byte, 1) == 1 {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        throw DemoFailure("process \(processID) ended before it answered")
    }

    func ask(_ line: String) throws -> String {
        try send(line)
        return try receive()
    }

    /// Ends the process with a signal. Returns its exit status, or 128 plus the number of the signal that ended it.
    func end(_ signal: Int32) throws -> Int32 {
        close(input)
        close(output)
        kill(processID, signal)
        var status: Int32 = 0
        guard unsafe waitpid(processID, &status, 0) == processID else {
            throw DemoFailure("cannot wait for process \(processID)")
        }
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }

    /// Removes a folder with all its contents.
    static func removeFolder(_ path: String) {
        for entry in entries(of: path) {
            let inside = path + "/" + entry
            if unsafe unlink(inside) != 0 { removeFolder(inside) }
        }
        _ = unsafe rmdir(path)
    }

    private static func entries(of path: String) -> [String] {
        guard let folder = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
