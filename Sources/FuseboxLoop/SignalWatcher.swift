internal import CLibuv
internal import Glibc

/// Calls a closure on the loop's thread when the process gets a signal. It is closed when its last reference goes away.
///
/// While any watcher in the process watches a signal, the signal's default action does not happen.
package final class SignalWatcher {
    /// The signals that can be watched.
    package enum Signal: Sendable, CaseIterable, CustomStringConvertible {
        /// SIGTERM.
        case terminate
        /// SIGINT.
        case interrupt
        /// SIGHUP.
        case hangUp
        /// SIGUSR1.
        case user1
        /// SIGUSR2.
        case user2

        /// The signal's number on this system.
        package var number: Int32 {
            switch self {
            case .terminate: SIGTERM
            case .interrupt: SIGINT
            case .hangUp: SIGHUP
            case .user1: SIGUSR1
            case .user2: SIGUSR2
            }
        }

        /// The signal's name, such as `SIGHUP`.
        package var description: String {
            switch self {
            case .terminate: "SIGTERM"
            case .interrupt: "SIGINT"
            case .hangUp: "SIGHUP"
            case .user1: "SIGUSR1"
            case .user2: "SIGUSR2"
            }
        }
    }

    /// The watched signal.
    package let signal: Signal
    private let action: () -> Void
    private var box: HandleBox

    /// Starts to watch a signal.
    ///
    /// - Parameter action: called for each delivery; the system may merge several. The watcher retains it, so it should
    ///   capture the watcher's owner `unowned`
    /// - Throws: `createHandle` or `watchSignal`, for example when no descriptor is free
    package init(on loop: EventLoop, _ signal: Signal, action: @escaping () -> Void) throws(LoopError) {
        self.signal = signal
        self.action = action
        box = try unsafe HandleBox(on: loop, uv_signal_t.self) { unsafe uv_signal_init($0, $1) }
        box.setOwner(self)
        try LoopError.check(unsafe uv_signal_start(box.block(), signalDidArrive, signal.number), .watchSignal)
    }

    /// The loop that the watcher was made on.
    package var loop: EventLoop { box.loop }

    /// Whether the watcher keeps `run` from returning. Initially true.
    package var keepsLoopRunning: Bool {
        get { box.keepsLoopRunning }
        set { box.keepsLoopRunning = newValue }
    }

    /// Stops watching. A second call has no effect. When a signal's last watcher closes, its default action returns.
    package func close() { box.close(then: nil) }

    /// Ignores a signal, by its number, in the whole process. A watcher that is made later still gets the signal.
    package static func ignore(_ number: Int32) { _ = Glibc.signal(number, SIG_IGN) }

    /// Unblocks all signals. The parent process may have blocked some, and a blocked signal is never delivered.
    package static func unblockAll() {
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
    }

    fileprivate func fire() {
        loop.enter()
        // `turnBegins` may have closed the watcher.
        guard box.isOpen else { return }
        action()
    }
}

private func signalDidArrive(_ handle: UnsafeMutablePointer<uv_signal_t>?, _ number: Int32) {
    unsafe owner(of: handle, as: SignalWatcher.self)?.fire()
}

@available(*, unavailable, message: "a loop and all that is made on it belong to one thread")
extension SignalWatcher: Sendable {}
