internal import CLibuv

/// What is told about the turns of a loop. The loop does not retain its delegate.
public protocol EventLoopDelegate: AnyObject {
    /// A turn begins: called once, before the first callback after the loop has waited. Read the clocks here.
    func turnBegins(_ loop: EventLoop)
    /// A turn ends: called once, after its last callback and before the loop waits again. Flush and commit here.
    func turnEnds(_ loop: EventLoop)
}

/// A libuv event loop: one thread waits for sockets, timers, signals and finished work, and calls back.
///
/// Everything made on a loop is used on the thread of the loop alone.
///
/// A *turn* is a run of callbacks with no wait inside. The loop's iteration is: timers and what was left
/// over; wait; sockets, signals, finished work; closed handles. A turn ends before the wait if the first part
/// called anything, and after the sockets otherwise, so nothing that a callback produced waits for the next event.
/// An iteration that calls nothing is no turn.
///
/// Handles retain their loop, so it goes after them. Its `deinit` waits for work that is still under way.
@safe public final class EventLoop {
    /// Called at the edges of turns. Not retained: it must outlive the loop's last `run`, or be set to nil.
    public unowned var delegate: (any EventLoopDelegate)?

    /// libuv's loop. Its `data` is this object, unretained, and nil during the final clearing up.
    let pointer: UnsafeMutablePointer<uv_loop_t>
    private let hooks: UnsafeMutablePointer<Hooks>
    private let prepare: UnsafeMutablePointer<uv_prepare_t>
    private let check: UnsafeMutablePointer<uv_check_t>
    private let idle: UnsafeMutablePointer<uv_idle_t>
    private var isInTurn = false
    private var wantsTurn = false
    private var isRunning = false
    private var isStopping = false

    /// The loop's own handles, in memory that is freed with the loop itself.
    @unsafe private struct Hooks {
        var prepare: uv_prepare_t
        var check: uv_check_t
        var idle: uv_idle_t
    }

    /// - Throws: `createLoop`, as when descriptors have run out.
    public init() throws(LoopError) {
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
        // All other handles are closing, for an open one's owner would retain this loop. Let them finish.
        while unsafe uv_run(pointer, UV_RUN_DEFAULT) != 0 {}
        let status = unsafe uv_loop_close(pointer)
        precondition(status == 0, "a handle outlived its loop")
        unsafe hooks.deallocate()
        unsafe pointer.deallocate()
    }

    /// Calls back until `stop` is called or nothing is left that could call back.
    ///
    /// Idle handles that do not keep the loop running do not count.
    public func run() {
        precondition(!isRunning, "the loop is running already")
        isRunning = true
        repeat {
            _ = unsafe uv_run(pointer, UV_RUN_DEFAULT)
            // Closed handles are reported after the last hook of an iteration.
            endTurn()
        } while !isStopping && isAlive
        isRunning = false
        isStopping = false
    }

    /// Makes `run` return at the end of the current iteration; called outside `run`, the next one after a single pass.
    public func stop() {
        isStopping = true
        unsafe uv_stop(pointer)
    }

    /// Asks for one more turn without waiting for an event: for work that was put off to be fair to others.
    ///
    /// The next turn begins at once, even if nothing else happens in it; the delegate sees it begin and end.
    public func runAgain() {
        guard !wantsTurn else { return }
        wantsTurn = true
        // An active idle handle keeps libuv from blocking.
        unsafe uv_idle_start(idle) { _ in }
    }

    /// Milliseconds on the monotonic clock that timers use, from an arbitrary start, as read in this iteration.
    public var now: Int64 { unsafe Int64(uv_now(pointer)) }

    /// Reads the clock behind `now` anew: call it before setting a timer after long work.
    public func updateTime() { unsafe uv_update_time(pointer) }

    /// Whether something is left that keeps `run` from returning.
    public var isAlive: Bool { unsafe uv_loop_alive(pointer) != 0 }
}

@available(*, unavailable, message: "a loop and all that is made on it belong to one thread")
extension EventLoop: Sendable {}

// MARK: Turns

extension EventLoop {
    /// The object of a libuv loop, unless that is being torn down.
    static func of(_ loop: UnsafeMutablePointer<uv_loop_t>?) -> EventLoop? {
        guard let data = unsafe loop?.pointee.data else { return nil }
        return unsafe Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue()
    }

    /// Begins the turn if it has not begun. Every callback from libuv calls this before anything else.
    ///
    /// libuv has no hook between its wait and the first socket, and clocks read before the wait are old.
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

    /// After the sockets.
    private func iterationEnds() {
        if wantsTurn { enter() }
        endTurn()
    }

    private func startHooks() {
        // None of these can fail: they only fill in structures.
        unsafe uv_prepare_init(pointer, prepare)
        unsafe uv_check_init(pointer, check)
        unsafe uv_idle_init(pointer, idle)
        unsafe uv_prepare_start(prepare) { unsafe EventLoop.of($0?.pointee.loop)?.endTurn() }
        unsafe uv_check_start(check) { unsafe EventLoop.of($0?.pointee.loop)?.iterationEnds() }
        unsafe uv_unref(uvHandle(prepare))
        unsafe uv_unref(uvHandle(check))
    }
}

/// A handle as the type that all handles begin with.
private func uvHandle(_ handle: UnsafeMutableRawPointer) -> UnsafeMutablePointer<uv_handle_t> {
    unsafe handle.assumingMemoryBound(to: uv_handle_t.self)
}
