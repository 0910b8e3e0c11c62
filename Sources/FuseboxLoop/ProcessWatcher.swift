internal import CLibuv
internal import Glibc

/// Watches the process that connected a stream, and calls back on the loop's thread when the process has ended.
/// Dropping the watcher closes it.
///
/// A watcher has one descriptor, a pidfd. It stands for the process itself, and not for a number that another process
/// may get later. A process has ended when its last thread has, even if its parent has not waited for it yet. The
/// kernel closes the descriptors of a process before it reports the end.
package final class ProcessWatcher {
    private let action: () -> Void
    private var box: HandleBox
    private var process: Descriptor?
    private let number: Int32

    /// Watches the process that connected a stream.
    ///
    /// - Parameter action: called when the process has ended, until the watcher is closed; retained by the watcher, so
    ///   capture its owner `unowned`
    /// - Throws: `watchProcess`, with `ESRCH` if the process has ended already; `createHandle`
    package convenience init(
        on loop: EventLoop, peerOf stream: Stream, action: @escaping () -> Void
    ) throws(LoopError) {
        try self.init(on: loop, try Descriptor(ofProcessAtOtherEndOf: stream), action: action)
    }

    /// Watches the process that a pidfd stands for.
    init(on loop: EventLoop, _ process: consuming Descriptor, action: @escaping () -> Void) throws(LoopError) {
        let number = process.number
        self.action = action
        self.number = number
        box = try unsafe HandleBox(on: loop, uv_poll_t.self) { unsafe uv_poll_init($0, $1, number) }
        self.process = consume process
        box.setOwner(self)
        try LoopError.check(
            unsafe uv_poll_start(box.block(), Int32(UV_READABLE.rawValue), processDidEnd), .watchProcess)
    }

    deinit { close() }

    /// The loop that the watcher was made on.
    package var loop: EventLoop { box.loop }

    /// Whether the watcher keeps `run` from returning. Initially true.
    package var keepsLoopRunning: Bool {
        get { box.keepsLoopRunning }
        set { box.keepsLoopRunning = newValue }
    }

    /// Asks the kernel whether the process has ended. True once the watcher is closed.
    package var hasEnded: Bool {
        !box.isOpen || isReady(number, for: Int16(POLLIN)) != 0
    }

    /// Stops watching. A second call has no effect.
    package func close() {
        // libuv stops using the descriptor at once. It must not be closed before that.
        box.close(then: nil)
        process = nil
    }

    fileprivate func fire() {
        loop.enter()
        // `turnBegins` may have closed the watcher.
        guard box.isOpen else { return }
        action()
    }
}

private func processDidEnd(_ handle: UnsafeMutablePointer<uv_poll_t>?, _ status: Int32, _ events: Int32) {
    unsafe owner(of: handle, as: ProcessWatcher.self)?.fire()
}

@available(*, unavailable, message: "a loop and all that is made on it belong to one thread")
extension ProcessWatcher: Sendable {}

extension Stream {
    /// Whether the other end is closed in every process.
    package var isHungUp: Bool { descriptor.map { isReady($0, for: 0) & Int16(POLLHUP) != 0 } ?? true }
}

/// The events for which a descriptor is ready now. It does not wait.
private func isReady(_ descriptor: Int32, for events: Int16) -> Int16 {
    var state = pollfd(fd: descriptor, events: events, revents: 0)
    return unsafe poll(&state, 1, 0) == 1 ? state.revents : 0
}

extension Descriptor {
    /// A pidfd of the process that connected a stream.
    ///
    /// Linux 6.5 and later return the pidfd of the socket's peer. On older kernels the process is opened by the peer's
    /// number, and the stream must not be hung up after that. If the process still has its end of the stream, it was
    /// alive when it was opened, so no other process had its number. If it has ended and left the stream to another
    /// process, the number may belong to a third process. The third one is then watched, and its end counts as that of
    /// the first.
    fileprivate init(ofProcessAtOtherEndOf stream: Stream) throws(LoopError) {
        guard let socket = stream.descriptor else { throw LoopError(.watchProcess, code: EBADF) }
        var number: Int32 = -1
        var length = socklen_t(MemoryLayout.size(ofValue: number))
        // The number of the option on every architecture that Swift runs on; Glibc's module does not show it.
        let peerProcess: Int32 = 77
        if unsafe getsockopt(socket, SOL_SOCKET, peerProcess, &number, &length) == 0 {
            self.init(owning: number)
            return
        }
        // Before Linux 6.16 a process that its parent has waited for is an invalid argument.
        if errno == EINVAL { throw LoopError(.watchProcess, code: ESRCH) }
        guard errno == ENOPROTOOPT else { throw LoopError.last(.watchProcess) }
        self = try Descriptor(byNumberOfPeerOf: stream)
    }

    /// A pidfd of the process that has the number which the kernel recorded when a stream was connected.
    ///
    /// The stream must not be hung up after the process was opened. If the process still has its end of the stream, it was
    /// alive when it was opened, so no other process had its number. If it left the stream to another process and ended,
    /// the number may be that of a third one. That one is watched then, and its end counts as the end of a process that has
    /// ended before.
    init(byNumberOfPeerOf stream: Stream) throws(LoopError) {
        let peer = try stream.peer
        // The number is 0 for a process in a PID namespace that cannot be seen from here.
        guard peer.processID > 0 else { throw LoopError(.watchProcess, code: ENODATA) }
        let number = open_process(peer.processID)
        guard number >= 0 else { throw LoopError.last(.watchProcess) }
        let process = Descriptor(owning: number)
        guard !stream.isHungUp else { throw LoopError(.watchProcess, code: ENODATA) }
        self = process
    }
}
