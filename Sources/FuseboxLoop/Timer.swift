internal import CLibuv

/// Calls a closure after a time, once or repeatedly. It is closed when its last reference goes away.
///
/// Times are in milliseconds from the loop's `now`, at least 0. They do not depend on the wall clock, and they stop
/// while the machine is suspended.
package final class Timer {
    private let action: () -> Void
    private var box: HandleBox

    /// Makes a timer that is not started.
    ///
    /// - Parameter action: called each time the timer fires. The timer retains it, so it should capture the timer's
    ///   owner `unowned`
    /// - Throws: `createHandle`
    package init(on loop: EventLoop, action: @escaping () -> Void) throws(LoopError) {
        self.action = action
        box = try unsafe HandleBox(on: loop, uv_timer_t.self) { unsafe uv_timer_init($0, $1) }
        box.setOwner(self)
    }

    /// The loop that the timer was made on.
    package var loop: EventLoop { box.loop }

    /// Starts the timer, or restarts it. It must not be called after `close`.
    ///
    /// - Parameters:
    ///   - delay: the time until the first call, in milliseconds, at least 0
    ///   - repeating: the time between further calls, in milliseconds; 0 for a single call
    package func start(afterMilliseconds delay: Int64, repeatingMilliseconds repeating: Int64 = 0) {
        precondition(box.isOpen, "a closed timer cannot be started")
        precondition(delay >= 0 && repeating >= 0, "a timer's times must not be negative")
        unsafe uv_timer_start(box.block(), timerDidFire, UInt64(delay), UInt64(repeating))
    }

    /// Stops the timer. It can be started again.
    package func stop() {
        if box.isOpen { unsafe uv_timer_stop(box.block()) }
    }

    /// Whether the timer keeps `run` from returning while it is active. Initially true.
    package var keepsLoopRunning: Bool {
        get { box.keepsLoopRunning }
        set { box.keepsLoopRunning = newValue }
    }

    /// Closes the timer. A second call has no effect.
    package func close() { box.close(then: nil) }

    fileprivate func fire() {
        loop.enter()
        // `turnBegins` may have closed the timer.
        guard box.isOpen else { return }
        action()
    }
}

private func timerDidFire(_ handle: UnsafeMutablePointer<uv_timer_t>?) {
    unsafe owner(of: handle, as: Timer.self)?.fire()
}

@available(*, unavailable, message: "a loop and all that is made on it belong to one thread")
extension Timer: Sendable {}
