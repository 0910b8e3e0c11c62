internal import CLibuv
internal import Synchronization

/// Lets other threads make a loop call back. Dropping it closes it.
public final class Waker {
    /// What other threads hold. It may outlive the waker: then it does nothing.
    public let sender: Sender
    private let action: () -> Void
    private var box: HandleBox

    /// - Parameter action: called on the loop's thread, once for any number of `wake` calls since it was last called;
    ///   retained until the waker goes: capture its owner `unowned`.
    public init(on loop: EventLoop, action: @escaping () -> Void) throws(LoopError) {
        self.action = action
        box = try unsafe HandleBox(on: loop, uv_async_t.self) { unsafe uv_async_init($0, $1, wakerDidWake) }
        sender = unsafe Sender(box.block())
        box.setOwner(self)
    }

    deinit { sender.detach() }

    /// The loop that it was made on.
    public var loop: EventLoop { box.loop }

    /// Whether it keeps `run` from returning: true unless set otherwise.
    public var keepsLoopRunning: Bool {
        get { box.keepsLoopRunning }
        set { box.keepsLoopRunning = newValue }
    }

    /// Ends the waker for good; a second time does nothing.
    public func close() {
        sender.detach()
        box.close(then: nil)
    }

    fileprivate func fire() {
        loop.enter()
        // The beginning of the turn may have closed it.
        guard box.isOpen else { return }
        action()
    }

    /// Wakes the loop, from any thread.
    public final class Sender: Sendable {
        /// The handle while it is open. The lock holds a close back until a `wake` under way is done with it.
        private let target: Mutex<Target?>

        fileprivate init(_ handle: UnsafeMutablePointer<uv_async_t>) {
            target = Mutex(unsafe Target(handle: handle))
        }

        /// Makes the loop call the waker's action soon.
        public func wake() {
            target.withLock { if let target = $0 { unsafe uv_async_send(target.handle) } }
        }

        fileprivate func detach() { target.withLock { $0 = nil } }
    }

    /// libuv allows `uv_async_send` from any thread as long as the handle is open.
    @safe private struct Target: @unchecked Sendable {
        let handle: UnsafeMutablePointer<uv_async_t>
    }
}

private func wakerDidWake(_ handle: UnsafeMutablePointer<uv_async_t>?) {
    unsafe owner(of: handle, as: Waker.self)?.fire()
}

@available(*, unavailable, message: "a loop and all that is made on it belong to one thread")
extension Waker: Sendable {}
