internal import CLibuv

/// Gets the beginnings and ends of a loop's turns. The loop does not retain its delegate.
package protocol EventLoopDelegate: AnyObject {
    /// A turn begins. Called once, before the first callback after a wait. The delegate reads the clocks here.
    func turnBegins(_ loop: EventLoop)
    /// A turn ends. Called once, after its last callback and before the loop waits again. The delegate writes here what
    /// the turn produced.
    func turnEnds(_ loop: EventLoop)
}

/// A libuv event loop. One thread waits for sockets, timers, signals and finished work, and calls their callbacks.
///
/// Everything that was made on a loop may only be used on the loop's thread.
///
/// A *turn* is a series of callbacks without a wait in between. One iteration of libuv is: timers and pending
/// callbacks; the wait; sockets, signals and finished work; closed handles. A turn ends before the wait if the first
/// part called anything, else after the sockets. So the output of a callback never waits for the next event. An
/// iteration without a callback is not a turn.
///
/// Handles retain their loop, so the loop is deallocated after them. Its `deinit` waits for work that is still running.
@safe package final class EventLoop {
    /// Gets the beginnings and ends of turns. It is not retained: it must outlive the loop's last `run`, or be set to
    /// nil.
    package unowned var delegate: (any EventLoopDelegate)?

    /// libuv's loop. Its `data` is this object, unretained; it is nil during `deinit`.
    let pointer: UnsafeMutablePointer<uv_loop_t>
    private let hooks: UnsafeMutablePointer<Hooks>
    private let prepare: UnsafeMutablePointer<uv_prepare_t>
    private let check: UnsafeMutablePointer<uv_check_t>
    private let idle: UnsafeMutablePointer<uv_idle_t>
    private var isInTurn = false
    private var wantsTurn = false
    private var isRunning = false
    private var isStopping = false

    /// The loop's own handles, in one block that is freed with the loop.
    @unsafe private struct Hooks {
        var prepare: uv_prepare_t
        var check: uv_check_t
        var idle: uv_idle_t
    }

    /// Makes a loop.
    ///
    /// - Throws: `createLoop`, for example when no descriptor is free
    package init() throws(LoopError) {
        let loop = unsafe allocateZeroed(uv_loop_t.self)
        let status = unsafe uv_loop_init(loop)
        guard status >= 0 else {
            unsafe loop.deallocate()
            throw LoopError(.createLoop, code: -status)
        }
        let hooks = unsafe allocateZeroed(Hooks.self)
        unsafe self.pointer = unsafe loop
        unsafe self.hooks = unsafe hooks
        unsafe prepare = unsafe hooks.field(\.prepare)
        unsafe check = unsafe hooks.field(\.check)
        unsafe idle = unsafe hooks.field(\.idle)
        unsafe loop.pointee.data = unsafe Unmanaged.passUnretained(self).toOpaque()
        startHooks()
    }

    deinit {
        unsafe pointer.pointee.data = nil
        unsafe uv_close(uvHandle(prepare), nil)
        unsafe uv_close(uvHandle(check), nil)
        unsafe uv_close(uvHandle(idle), nil)
        // All other handles are closing already, because the owner of an open handle retains this loop.
        while unsafe uv_run(pointer, UV_RUN_DEFAULT) != 0 {}
        let status = unsafe uv_loop_close(pointer)
        precondition(status == 0, "a handle outlived its loop")
        unsafe hooks.deallocate()
        unsafe pointer.deallocate()
    }

    /// Runs callbacks until `stop` is called or no handle keeps the loop running.
    package func run() {
        precondition(!isRunning, "the loop is running already")
        isRunning = true
        repeat {
            _ = unsafe uv_run(pointer, UV_RUN_DEFAULT)
            // Close callbacks come after the last hook of an iteration.
            endTurn()
        } while !isStopping && isAlive
        isRunning = false
        isStopping = false
    }

    /// Makes `run` return at the end of the current iteration. Outside `run` it makes the next `run` return after one
    /// iteration.
    package func stop() {
        isStopping = true
        unsafe uv_stop(pointer)
    }

    /// Starts another turn after this one without waiting for an event. It is for work that was deferred out of
    /// fairness.
    ///
    /// The delegate sees that turn begin and end, even if it has no callback.
    package func runAgain() {
        guard !wantsTurn else { return }
        wantsTurn = true
        // An active idle handle keeps libuv from blocking.
        unsafe uv_idle_start(idle) { _ in }
    }

    /// The monotonic clock that timers use, in milliseconds from an arbitrary start, as libuv read it in this
    /// iteration.
    package var now: Int64 { unsafe Int64(uv_now(pointer)) }

    /// Updates `now` from the clock. Call it before a timer is started after long work.
    package func updateTime() { unsafe uv_update_time(pointer) }

    /// Whether a handle or running work keeps `run` from returning.
    package var isAlive: Bool { unsafe uv_loop_alive(pointer) != 0 }
}

@available(*, unavailable, message: "a loop and all that is made on it belong to one thread")
extension EventLoop: Sendable {}

// MARK: Turns

extension EventLoop {
    /// The object of a libuv loop; nil while the loop is being deallocated.
    static func of(_ loop: UnsafeMutablePointer<uv_loop_t>?) -> EventLoop? {
        guard let data = unsafe loop?.pointee.data else { return nil }
        return unsafe Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue()
    }

    /// Begins the turn unless it has begun. Every callback from libuv calls this first.
    ///
    /// libuv has no hook between its wait and the first socket, and clocks that were read before the wait are stale.
    @inline(__always)
    func enter() {
        if !isInTurn { beginTurn() }
    }

    private func beginTurn() {
        isInTurn = true
        if wantsTurn {
            wantsTurn = false
            unsafe uv_idle_stop(idle)
        }
        delegate?.turnBegins(self)
    }

    private func endTurn() {
        guard isInTurn else { return }
        delegate?.turnEnds(self)
        isInTurn = false
    }

    /// libuv has called the callbacks of all sockets.
    private func iterationEnds() {
        if wantsTurn { enter() }
        endTurn()
    }

    private func startHooks() {
        // None of these calls can fail. They only fill in structures.
        unsafe uv_prepare_init(pointer, prepare)
        unsafe uv_check_init(pointer, check)
        unsafe uv_idle_init(pointer, idle)
        unsafe uv_prepare_start(prepare) { unsafe EventLoop.of($0?.pointee.loop)?.endTurn() }
        unsafe uv_check_start(check) { unsafe EventLoop.of($0?.pointee.loop)?.iterationEnds() }
        unsafe uv_unref(uvHandle(prepare))
        unsafe uv_unref(uvHandle(check))
    }
}

/// A handle as `uv_handle_t`, with which every handle type begins.
private func uvHandle(_ handle: UnsafeMutableRawPointer) -> UnsafeMutablePointer<uv_handle_t> {
    unsafe handle.assumingMemoryBound(to: uv_handle_t.self)
}
