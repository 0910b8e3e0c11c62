import FuseboxCore
import FuseboxLoop
import FuseboxWire
import Glibc
import Synchronization

/// Brings lines to standard error without ever holding up whoever logs.
///
/// Standard error may be a pipe that nobody reads, a stopped terminal, or a file on a disk that hangs: a write to each
/// takes as long as it likes. Making the descriptor non-blocking is no way out: that mode belongs to the open file and not
/// to the process, so the shell that shares the terminal would get it too, and a file ignores it. So a thread of its own
/// writes, and whoever logs appends to a buffer with a bound. What does not fit there, or is more than a second may
/// have, is left out and counted; the count is told.
@safe final class LogWriter: Sendable {
    /// The one of this process.
    static let standardError = LogWriter(STDERR_FILENO)

    private static let flushMilliseconds = 500

    fileprivate struct State {
        var lines: [[UInt8]] = []
        var waitingBytes = 0
        /// Whether the thread has lines in its hands.
        var isWriting = false
        /// Lines that were left out and have not been told of.
        var leftOut = 0
        var secondBegan: Int64 = 0
        var linesInSecond = 0
    }

    private let state = Mutex(State())
    private let descriptor: Int32
    private let prefix: LogPrefix
    /// Posted when there is something to write. Never freed: the writer lives as long as the process.
    private nonisolated(unsafe) let wake: UnsafeMutablePointer<sem_t>

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        prefix = LogPrefix(of: descriptor)
        unsafe wake = .allocate(capacity: 1)
        unsafe wake.initialize(to: sem_t())
        unsafe sem_init(wake, 0, 0)
        startThread()
    }

    // MARK: Whoever logs

    /// Appends a line, or counts it as left out.
    func write(_ level: Log.Level, _ message: () -> String) {
        let now = SystemClock.monotonicNanoseconds
        let isAdmitted = state.withLock { $0.admit(level, at: now) }
        guard isAdmitted else { return }
        // The text is made outside of the lock, and not at all if it is left out.
        append(prefix.line(level, message()))
    }

    /// Tells how many lines were left out since this was last told.
    func tellLeftOut() {
        let count = state.withLock { $0.takeLeftOut() }
        guard count > 0 else { return }
        let reason = "more than \(Limits.linesPerSecond) came in a second, or standard error did not take them"
        append(
            prefix.line(.warning, "\(Quantity.count(count, "line was", plural: "lines were")) left out: \(reason)"),
            ifLeftOut: count)
    }

    /// Waits until everything is written, but not for long.
    func flush() {
        tellLeftOut()
        for _ in 0..<Self.flushMilliseconds where state.withLock({ $0.isWriting || !$0.lines.isEmpty }) {
            _ = poll(nil, 0, 1)
        }
    }

    /// - Parameter count: what is added to the count of lines that were left out if this one has to be
    private func append(_ line: [UInt8], ifLeftOut count: Int = 1) {
        let fits = state.withLock { state in
            guard state.waitingBytes + line.count <= Limits.waitingLineBytes else {
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
        // Signals are for the loop's thread: a new thread blocks what its creator does.
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
        precondition(status == 0, "a process that can have no thread cannot sync its journal either")
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

    /// Writes a line; returns whether that could be done. It may take for ever.
    private func put(_ line: [UInt8]) -> Bool {
        var rest = line[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest.removeFirst(count)
            } else if errno == EAGAIN {
                // Somebody else has made it non-blocking.
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
    /// Whether a line may be written in this second.
    fileprivate mutating func admit(_ level: Log.Level, at now: Int64) -> Bool {
        beginSecond(at: now)
        let limit = level <= .info ? Limits.peerLinesPerSecond : Limits.linesPerSecond
        guard linesInSecond < limit || level == .critical else {
            leftOut += 1
            return false
        }
        linesInSecond += 1
        return true
    }

    /// The count of lines that were left out.
    fileprivate mutating func takeLeftOut() -> Int {
        defer { leftOut = 0 }
        return leftOut
    }

    /// Everything that waits.
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
