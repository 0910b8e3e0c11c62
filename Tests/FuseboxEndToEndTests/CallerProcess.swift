import Glibc

/// A `fusebox-caller`: a worker that is a process of its own, with its book. Killed with the test.
final class CallerProcess {
    let process: pid_t
    let bookPath: String
    private let logPath: String
    private var exitStatus: Int32?

    init(_ task: String, _ words: [String], name: String, in folder: TemporaryFolder) {
        bookPath = folder("book-\(name)")
        logPath = folder("caller-\(name)")
        process = spawn(
            [DaemonProcess.beside("fusebox-caller"), task, "book=\(bookPath)"] + words, environment: [],
            standardError: logPath)
    }

    deinit { kill() }

    /// Kills it at once, and waits until it is gone.
    func kill() {
        guard exitStatus == nil else { return }
        Glibc.kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        exitStatus = Self.meaning(status)
    }

    /// Its exit status if it has ended; a signal counts 128 and more.
    var ended: Int32? {
        var status: Int32 = 0
        if exitStatus == nil, waitpid(process, &status, WNOHANG) == process { exitStatus = Self.meaning(status) }
        return exitStatus
    }

    private static func meaning(_ status: Int32) -> Int32 {
        status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }

    /// The lines of its book, in words.
    var book: [[Substring]] {
        String(decoding: contents(of: bookPath), as: UTF8.self).split(separator: "\n").map { $0.split(separator: " ") }
    }

    /// What it has complained about.
    var log: String { String(decoding: contents(of: logPath), as: UTF8.self) }
}
