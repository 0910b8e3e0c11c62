import FuseboxCollections
import FuseboxCore
import FuseboxLoop
import FuseboxWire
import Glibc

/// Writes lines to standard error. Its callers never block.
///
/// A write to standard error can block without limit: it may be a pipe that nobody reads, a stopped terminal, or a file
/// on a hanging disk. Non-blocking mode does not help. It belongs to the open file, so the shell on the same terminal
/// would get it too, and regular files ignore it. So a thread writes, and callers append to a bounded buffer. Lines
/// that do not fit, and lines beyond the rate limit, are left out. Their number is logged.
@safe final class LogWriter: Sendable {
    /// The only instance for standard error.
    static let standardError = LogWriter(STDERR_FILENO)

    private static let flushMilliseconds = 500

    fileprivate struct State {
        var lines: [[UInt8]] = []
        var waitingBytes = 0
        /// Whether the thread is writing lines that it took from the buffer.
        var isWriting = false
        /// The number of lines that were left out and are not reported yet.
        var leftOut = 0
        var secondBegan: Int64 = 0
        var linesInSecond = 0
    }

    private let state = Lock(State())
    private let descriptor: Int32
    private let prefix: LogPrefix
    /// The thread waits for this semaphore. It is never freed, because the writer lives as long as the process.
    private nonisolated(unsafe) let wake: UnsafeMutablePointer<sem_t>

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        prefix = LogPrefix(of: descriptor)
        unsafe wake = .allocate(capacity: 1)
        unsafe wake.initialize(to: sem_t())
        unsafe sem_init(wake, 0, 0)
        startThread()
    }

    // MARK: Callers

    /// Appends a line, or counts it as left out.
    func write(_ level: Log.Level, _ message: () -> String) {
        let now = SystemClock.monotonicNanoseconds
        let isWithinRate = state.withLock { $0.countLine(level, at: now) }
        guard isWithinRate else { return }
        // The text is built outside of the lock, and only if it is written.
        append(prefix.line(level, message()))
    }

    /// Logs how many lines were left out since the last report, if any.
    func reportLeftOut() {
        let count = state.withLock { $0.takeLeftOut() }
        guard count > 0 else { return }
        let reason = "there were more than \(Bounds.linesPerSecond) in a second, or standard error did not take them"
        append(
            prefix.line(.warning, "\(Quantity.count(count, "line was", plural: "lines were")) left out: \(reason)"),
            ifLeftOut: count)
    }

    /// Waits until everything is written, for `flushMilliseconds` at most.
    func flush() {
        reportLeftOut()
        for _ in 0..<Self.flushMilliseconds where state.withLock({ $0.isWriting || !$0.lines.isEmpty }) {
            _ = poll(nil, 0, 1)
        }
    }

    /// Appends a line to the buffer.
    ///
    /// - Parameter count: the number that is added to the lines left out if this line does not fit
    private func append(_ line: [UInt8], ifLeftOut count: Int = 1) {
        let fits = state.withLock { state in
            guard state.waitingBytes + line.count <= Bounds.waitingLineBytes else {
                state.leftOut += count
                return false
            }
            state.lines.append(line)
            state.waitingBytes += line.count
            return true
        }
        if fits { _ = unsafe sem_post(wake) }
    }

    // MARK: The thread

    private func startThread() {
        // The loop's thread handles signals. A new thread inherits its creator's mask, so it blocks all of them.
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(self)
        let status = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<LogWriter>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        precondition(status == 0, "cannot create a thread for the log")
        pthread_detach(thread)
    }

    private func run() {
        while true {
            while unsafe sem_wait(wake) != 0 {}
            let lines = state.withLock { $0.take() }
            var lost = 0
            for line in lines where !put(line) { lost += 1 }
            state.withLock { state in
                state.isWriting = false
                state.leftOut += lost
            }
        }
    }

    /// Writes a line. Returns false if an error prevents it. It may block without limit.
    private func put(_ line: [UInt8]) -> Bool {
        var rest = line[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest.removeFirst(count)
            } else if errno == EAGAIN {
                // Another process has set the shared file to non-blocking mode.
                var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&room, 1, -1)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}

extension LogWriter.State {
    /// Counts a line towards the rate limit. Returns whether it may be written.
    fileprivate mutating func countLine(_ level: Log.Level, at now: Int64) -> Bool {
        beginSecond(at: now)
        let limit = level <= .info ? Bounds.peerLinesPerSecond : Bounds.linesPerSecond
        guard linesInSecond < limit || level == .critical else {
            leftOut += 1
            return false
        }
        linesInSecond += 1
        return true
    }

    /// Returns the number of lines that were left out, and resets it.
    fileprivate mutating func takeLeftOut() -> Int {
        defer { leftOut = 0 }
        return leftOut
    }

    /// Removes and returns all lines in the buffer.
    fileprivate mutating func take() -> [[UInt8]] {
        defer {
            lines = []
            waitingBytes = 0
        }
        isWriting = !lines.isEmpty
        return lines
    }

    private mutating func beginSecond(at now: Int64) {
        guard now - secondBegan >= 1_000_000_000 else { return }
        secondBegan = now
        linesInSecond = 0
    }
}
