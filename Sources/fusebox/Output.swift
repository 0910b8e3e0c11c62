import FuseboxStore
import Glibc

/// Standard output, written in large pieces.
///
/// If its reader has gone, as in `fusebox … | head`, the tool ends quietly with status 0. That must not happen before a
/// command has done what it is for: its output must be read.
struct Output: ~Copyable {
    private static let capacity = 64 * 1024
    private var buffer: [UInt8] = []
    private let mustBeRead: Bool

    /// - Parameter mustBeRead: whether a reader that has gone is an error like any other
    init(mustBeRead: Bool = false) { self.mustBeRead = mustBeRead }

    /// Writes a text without a line break.
    mutating func write(text: String) throws(Failure) { try write(Array(text.utf8)) }

    mutating func write(line: String) throws(Failure) {
        buffer.append(contentsOf: line.utf8)
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count >= Self.capacity { try flush() }
    }

    mutating func write(_ bytes: [UInt8]) throws(Failure) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.capacity { try flush() }
    }

    mutating func flush() throws(Failure) {
        defer { buffer.removeAll(keepingCapacity: true) }
        do throws(StorageError) {
            try Descriptor.writeAll(buffer, to: STDOUT_FILENO, "standard output")
        } catch {
            if error.code == EPIPE, !mustBeRead { exit(0) }
            throw Failure(.outputFailed, Failure(error).message)
        }
    }
}
