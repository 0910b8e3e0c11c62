import CLinux
import FuseboxClient
import FuseboxWire
import Glibc

/// Where a command tells what its call used: a file of its own, named in `FUSEBOX_USAGE`, with a `key=value` a line.
///
/// It is in memory and has no name in any folder: programs of the same user reach it through this process's descriptor, and
/// however this process ends, nothing of it stays. The number of the descriptor is a high one, so that a process that comes
/// by this one's number later hardly has it too. Where `/proc` does not lead to it, as in a container without one, it
/// is a temporary file that is removed at the end.
struct UsageFile: ~Copyable {
    let path: String
    private let descriptor: Int32
    private let isNamed: Bool

    /// More than this is no report of a call.
    private static let longest = 256 * 1024

    init() throws(Failure) {
        if let (descriptor, path) = Self.inMemory() {
            (self.descriptor, self.path, isNamed) = (descriptor, path, false)
            return
        }
        let folder = unsafe getenv("TMPDIR").flatMap { unsafe $0.pointee == 0 ? nil : unsafe String(cString: $0) }
        var template = Array("\(folder ?? "/tmp")/fusebox-usage-XXXXXX".utf8CString)
        let descriptor = unsafe mkstemp(&template)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard descriptor >= 0 else { throw .system("create", path) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        (self.descriptor, self.path, isNamed) = (descriptor, path, true)
    }

    deinit {
        if isNamed { _ = unsafe unlink(path) }
        close(descriptor)
    }

    private static func inMemory() -> (descriptor: Int32, path: String)? {
        let created = unsafe memfd_create("fusebox-usage", memfd_close_on_exec)
        guard created >= 0 else { return nil }
        let raised = fcntl(created, F_DUPFD_CLOEXEC, Int32.random(in: 512..<960))
        let descriptor = raised < 0 ? created : raised
        if raised >= 0 { close(created) }
        let path = "/proc/\(getpid())/fd/\(descriptor)"
        guard unsafe access(path, R_OK | W_OK) == 0 else {
            close(descriptor)
            return nil
        }
        return (descriptor, path)
    }

    /// What it says.
    func read() -> ToldUsage {
        var told = ToldUsage()
        var bytes = [UInt8](repeating: 0, count: Self.longest)
        var length = 0
        while length < bytes.count {
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(descriptor, buffer.baseAddress! + length, buffer.count - length, off_t(length))
            }
            guard count > 0 else { break }
            length += count
        }
        let lines = String(decoding: bytes.prefix(length), as: UTF8.self)
            .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() where !line.allSatisfy(\.isWhitespace) {
            told.take(line, number: index + 1)
        }
        return told
    }

    /// Tells the `fusebox run` that this one runs in, if there is one, that this one makes no call and exits with a status of
    /// its own: that status says nothing about a provider.
    static func tellOuterRun(notSent status: Int32) {
        guard let path = unsafe getenv("FUSEBOX_USAGE") else { return }
        let descriptor = unsafe open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // The line before may not have been ended.
        let line = Array("\nnot-sent=\(status)\n".utf8)
        // If it cannot be told, the outer one goes by the status as it would without.
        _ = unsafe write(descriptor, line, line.count)
    }
}
