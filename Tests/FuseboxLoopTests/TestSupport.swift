import FuseboxLoop
import FuseboxTestSupport
import Glibc
import Synchronization
import Testing

/// The status of the file at a path; nil if there is none.
func fileStatus(_ path: String) -> stat? {
    var status = stat()
    return lstat(path, &status) == 0 ? status : nil
}

func exists(_ path: String) -> Bool { fileStatus(path) != nil }

extension EventLoop {
    /// Runs the loop. Fails the test and stops the loop if that takes longer than any machine should need.
    func runWithinReason(_ location: SourceLocation = #_sourceLocation) throws {
        let guardian = try Timer(on: self) { [unowned self] in
            Issue.record("the loop still runs after 30 seconds", sourceLocation: location)
            stop()
        }
        guardian.keepsLoopRunning = false
        updateTime()
        guardian.start(afterMilliseconds: 30_000)
        run()
        guardian.close()
    }
}

/// Records events in order.
final class Log {
    var entries: [String] = []
    func callAsFunction(_ entry: String) { entries.append(entry) }
}

/// Records where turns begin and end, and calls a hook in both.
final class TurnLog: EventLoopDelegate {
    let log: Log
    var whenBegun: (EventLoop) -> Void = { _ in }
    var whenEnding: (EventLoop) -> Void = { _ in }

    init(_ log: Log) { self.log = log }

    func turnBegins(_ loop: EventLoop) {
        log("begin")
        whenBegun(loop)
    }

    func turnEnds(_ loop: EventLoop) {
        log("end")
        whenEnding(loop)
    }
}

/// A plain blocking client. Its calls time out after longer than any test should need.
final class BlockingClient: Sendable {
    let descriptor: Int32

    init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Nil if no process answers.
    convenience init?(path: String) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard connectSocket(descriptor, to: path) == 0 else {
            close(descriptor)
            return nil
        }
        self.init(adopting: descriptor)
    }

    deinit { close(descriptor) }

    /// Sends all bytes. Returns false on an error.
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Returns at most `limit` bytes, and fewer only at the end of the stream; nil on an error.
    func receive(_ limit: Int, atATime piece: Int = .max) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: limit)
        var received = 0
        while received < limit {
            let count = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress! + received, min(piece, limit - received), 0)
            }
            guard count >= 0 else { return nil }
            guard count > 0 else { break }
            received += count
        }
        return Array(bytes[..<received])
    }

    /// The bytes that can be received without waiting.
    func receiveWhatIsThere() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return Array(bytes[..<max(0, count)])
    }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }
}

func connectSocket(_ descriptor: Int32, to path: String) -> Int32 {
    withUnixAddress(path) { connect(descriptor, $0, $1) }
}

func bindSocket(_ descriptor: Int32, to path: String) -> Int32 {
    withUnixAddress(path) { bind(descriptor, $0, $1) }
}

/// A stream on the loop and a blocking client at its other end.
struct ConnectedPair {
    let stream: Stream
    let client: BlockingClient

    init(on loop: EventLoop) throws {
        var ends: [Int32] = [0, 0]
        precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        client = BlockingClient(adopting: ends[1])
        stream = try Stream(on: loop, adopting: Descriptor(owning: ends[0]))
    }
}

/// A connection as a server would have it: an input buffer, an output buffer, and hooks for the test.
class TestConnection: StreamDelegate {
    let stream: Stream
    var received: [UInt8] = []
    var output: [UInt8] = []
    var log = Log()
    /// Called after each event with its name.
    var when: (TestConnection, String) -> Void = { _, _ in }
    var lastError: LoopError?
    private let room: UnsafeMutableRawBufferPointer

    init(_ stream: Stream, roomLength: Int = 4096) {
        self.stream = stream
        room = .allocate(byteCount: roomLength, alignment: 16)
        stream.delegate = self
    }

    deinit { room.deallocate() }

    /// Writes as much output as the stream takes.
    func flush() throws(LoopError) {
        while !output.isEmpty, !stream.hasPendingChunk {
            let taken: Result<Int, LoopError> = output.withUnsafeBytes { bytes in
                do throws(LoopError) { return .success(try stream.write(bytes)) } catch { return .failure(error) }
            }
            output.removeFirst(try taken.get())
        }
    }

    func spareRoom(for stream: Stream) -> UnsafeMutableRawBufferPointer { room }

    func stream(_ stream: Stream, didFill count: Int) {
        received.append(contentsOf: UnsafeRawBufferPointer(room)[..<count])
    }

    func streamDidRead(_ stream: Stream) { happened("read") }

    func streamDidEnd(_ stream: Stream) { happened("end of stream") }

    func streamDidDrain(_ stream: Stream) { happened("drained") }

    func stream(_ stream: Stream, didFail error: LoopError) {
        lastError = error
        happened("failed")
    }

    private func happened(_ event: String) {
        log(event)
        when(self, event)
    }
}

/// Accepts connections and passes them to the test.
final class TestAcceptor: ListenerDelegate {
    var whenConnected: (Stream) -> Void
    /// Whether connections are accepted when they arrive.
    var takesConnections = true
    var waiting = 0

    init(_ whenConnected: @escaping (Stream) -> Void) { self.whenConnected = whenConnected }

    func connectionWaits(at listener: Listener) {
        waiting += 1
        if takesConnections { take(listener) }
    }

    func take(_ listener: Listener) {
        do {
            if let stream = try listener.accept() { whenConnected(stream) }
        } catch {
            Issue.record(error)
        }
    }

    func listener(_ listener: Listener, didFail error: LoopError) { Issue.record(error) }
}

/// Bytes that depend on their position, so that no two long runs are equal.
func pattern(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state)
    }
}
