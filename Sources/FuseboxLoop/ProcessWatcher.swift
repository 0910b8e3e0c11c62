internal import CLibuv
internal import Glibc

/// Watches the process that connected a stream, and calls back on the loop's thread once that has ended. Dropping it closes
/// it.
///
/// It holds one descriptor: a pidfd, which stands for the process itself, whoever has its number later. A process has ended
/// with its last thread, before its parent has waited for it. Its descriptors are closed by then.
public final class ProcessWatcher {
    private let action: () -> Void
    private var box: HandleBox
    private var process: Descriptor?
    private let number: Int32

    /// Watches the process that connected a stream.
    ///
    /// - Parameter action: called once, when the process has ended; retained until the watcher goes: capture its owner
    ///   `unowned`.
    /// - Throws: `watchProcess`, with `ESRCH` if the process has ended already, and where the system cannot tell which
    ///   process it was; `createHandle`
    public init(
        on loop: EventLoop, peerOf stream: Stream, action: @escaping () -> Void
    ) throws(LoopError) {
        let process = try Descriptor(ofProcessAtOtherEndOf: stream)
        self.action = action
        number = process.number
        box = try unsafe HandleBox(on: loop, uv_poll_t.self) { unsafe uv_poll_init($0, $1, process.number) }
        self.process = consume process
        box.setOwner(self)
        try LoopError.check(
            unsafe uv_poll_start(box.block(), Int32(UV_READABLE.rawValue), processDidEnd), .watchProcess)
    }

    deinit { close() }

    /// The loop that it was made on.
    public var loop: EventLoop { box.loop }

    /// Whether it keeps `run` from returning: true unless set otherwise.
    public var keepsLoopRunning: Bool {
        get { box.keepsLoopRunning }
        set { box.keepsLoopRunning = newValue }
    }

    /// Whether the process has ended by now, as the kernel says when asked; true once closed.
    public var hasEnded: Bool {
        !box.isOpen || isReady(number, for: Int16(POLLIN)) != 0
    }

    /// Ends the watch for good; a second time does nothing.
    public func close() {
        // libuv forgets the descriptor at once; only then it may be closed.
        box.close(then: nil)
        process = nil
    }

    fileprivate func fire() {
        loop.enter()
        // The beginning of the turn may have closed it.
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
    /// Whether nobody has the other end any more; false while any process does.
    public var isHungUp: Bool { descriptor.map { isReady($0, for: 0) & Int16(POLLHUP) != 0 } ?? true }
}

/// What a descriptor is ready for at this moment, without waiting.
private func isReady(_ descriptor: Int32, for events: Int16) -> Int16 {
    var state = pollfd(fd: descriptor, events: events, revents: 0)
    return unsafe poll(&state, 1, 0) == 1 ? state.revents : 0
}

extension Descriptor {
    /// The process that connected a stream, as a pidfd.
    ///
    /// Linux 6.5 and later give the one of the process that connected. Before, the process that has the peer's number now is
    /// taken, if the stream is not hung up after that: then that process, whose end of the stream is open, had not ended
    /// when it was taken, and its number was no other's. If it has passed the stream on and ended, another process may have
    /// its number by now. That one is then watched in its place: its end is taken for that of one that has ended before.
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
        guard errno == ENOPROTOOPT else { throw LoopError.last(.watchProcess) }
        let peer = try stream.peer
        // 0 is what the kernel gives for a peer in a place that cannot be seen from here.
        guard peer.processID > 0 else { throw LoopError(.watchProcess, code: ENODATA) }
        number = open_process(peer.processID)
        guard number >= 0 else { throw LoopError.last(.watchProcess) }
        let process = Descriptor(owning: number)
        guard !stream.isHungUp else { throw LoopError(.watchProcess, code: ENODATA) }
        self = process
    }
}
