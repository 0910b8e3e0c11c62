import FuseboxTestSupport
import Glibc

/// A `fusebox-caller`, a worker process with its book. It is killed with the test.
final class CallerProcess {
    let process: pid_t
    let bookPath: String
    private let logPath: String
    private var exitStatus: Int32?

    init(_ task: String, _ words: [String], name: String, in folder: TemporaryFolder) {
        bookPath = folder("book-\(name)")
        logPath = folder("caller-\(name)")
        process = spawn(
            [Program.path("fusebox-caller"), task, "book=\(bookPath)"] + words, environment: [],
            standardError: logPath)
    }

    deinit { kill() }

    /// Kills the process and waits for its end.
    func kill() {
        guard exitStatus == nil else { return }
        Glibc.kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        exitStatus = FuseboxTestSupport.exitStatus(ofWait: status)
    }

    /// Its exit status if it has ended, or 128 plus the number of a signal.
    var ended: Int32? {
        var status: Int32 = 0
        if exitStatus == nil, waitpid(process, &status, WNOHANG) == process {
            exitStatus = FuseboxTestSupport.exitStatus(ofWait: status)
        }
        return exitStatus
    }

    /// The lines of its book, split into words.
    var book: [[Substring]] {
        String(decoding: contents(of: bookPath), as: UTF8.self).split(separator: "\n").map { $0.split(separator: " ") }
    }

    /// Its standard error.
    var log: String { String(decoding: contents(of: logPath), as: UTF8.self) }
}
