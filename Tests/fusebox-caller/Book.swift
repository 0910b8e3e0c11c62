import Glibc

/// The file in which a worker records its calls, one line each. Each line is one `write`, so the file is complete when
/// the process is killed.
struct Book {
    private let file: Int32

    init(_ path: String) throws {
        file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw CallerFailure("cannot open \(path)") }
    }

    func note(_ words: Any...) throws {
        let line = Array((words.map { "\($0)" }.joined(separator: " ") + "\n").utf8)
        guard write(file, line, line.count) == line.count else { throw CallerFailure("cannot write the book") }
    }
}
