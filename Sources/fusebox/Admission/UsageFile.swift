import CLinux
import FuseboxClient
import FuseboxWire
import Glibc

/// The file in which a command reports its usage, as `key=value` lines and JSON. `FUSEBOX_USAGE` has its path.
///
/// The file is in memory and in no directory. Programs of the same user open it through this process's descriptor in
/// `/proc`, and it is gone when this process ends. The descriptor has a high number, so that a later process with the
/// same process number hardly has the same descriptor. Without `/proc`, as in some containers, it is a temporary file
/// that is removed at the end.
struct UsageFile: ~Copyable {
    let path: String
    private let descriptor: Int32
    private let isNamed: Bool

    /// The longest content that is read, in bytes. Of a longer one the end is read: the last event of a stream tells the
    /// usage.
    static let longest = 64 * 1024 * 1024

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

    /// Reads the file.
    func read() -> ToldUsage {
        var told = ToldUsage()
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return told }
        let start = max(0, Int(status.st_size) - Self.longest)
        var bytes = bytes(from: start, count: Int(status.st_size) - start)
        if start > 0 {
            told.noteLostBeginning()
            bytes.removeFirst((bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count - 1) + 1)
        }
        told.take(String(decoding: bytes, as: UTF8.self))
        return told
    }

    private func bytes(from start: Int, count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var length = 0
        while length < bytes.count {
            let read = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(descriptor, buffer.baseAddress! + length, buffer.count - length, off_t(start + length))
            }
            guard read > 0 else { break }
            length += read
        }
        bytes.removeLast(bytes.count - length)
        return bytes
    }

    /// Reports to an outer `fusebox run`, if there is one, that this process makes no call. Its exit status then says
    /// nothing about the provider.
    static func tellOuterRun(notSent status: Int32) {
        guard let path = unsafe getenv("FUSEBOX_USAGE") else { return }
        let descriptor = unsafe open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // The previous line may lack its line break.
        let line = Array("\nnot-sent=\(status)\n".utf8)
        // If this fails, the outer process uses the exit status.
        _ = unsafe write(descriptor, line, line.count)
    }
}
