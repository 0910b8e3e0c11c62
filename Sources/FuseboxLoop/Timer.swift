internal import CLibuv

/// Calls back after a time, once or again and again. Dropping it closes it.
///
/// Times are in milliseconds from the loop's `now`, at least 0; they are not affected by the wall clock, and they stand
/// still while the machine sleeps.
public final class Timer {
    private let action: () -> Void
    private var box: HandleBox

    /// Makes a timer that is not running yet.
    ///
    /// - Parameter action: called each time it fires, retained until the timer goes: capture its owner `unowned`.
    public init(on loop: EventLoop, action: @escaping () -> Void) throws(LoopError) {
        self.action = action
        box = try unsafe HandleBox(on: loop, uv_timer_t.self) { unsafe uv_timer_init($0, $1) }
        box.setOwner(self)
    }

    /// The loop that it was made on.
    public var loop: EventLoop { box.loop }

    /// Starts the timer, or starts it anew. Must not be called after `close`.
    ///
    /// - Parameter repeating: the time between further calls; 0 for none.
    public func start(afterMilliseconds delay: Int64, repeatingMilliseconds repeating: Int64 = 0) {
        precondition(box.isOpen, "a closed timer cannot be started")
        precondition(delay >= 0 && repeating >= 0, "times are not negative")
        unsafe uv_timer_start(box.block(), timerDidFire, UInt64(delay), UInt64(repeating))
    }

    /// Stops the timer; it can be started again.
    public func stop() {
        if box.isOpen { unsafe uv_timer_stop(box.block()) }
    }

    /// Whether it will fire.
    public var isActive: Bool { box.isActive }

    /// Whether it keeps `run` from returning while it is active: true unless set otherwise. False for housekeeping.
    public var keepsLoopRunning: Bool {
        get { box.keepsLoopRunning }
        set { box.keepsLoopRunning = newValue }
    }

    /// Ends the timer for good; a second time does nothing.
    public func close() { box.close(then: nil) }

    fileprivate func fire() {
        loop.enter()
        // The beginning of the turn may have closed it.
        guard box.isOpen else { return }
        action()
    }
}

private func timerDidFire(_ handle: UnsafeMutablePointer<uv_timer_t>?) {
    unsafe owner(of: handle, as: Timer.self)?.fire()
}

@available(*, unavailable, message: "a loop and all that is made on it belong to one thread")
extension Timer: Sendable {}
