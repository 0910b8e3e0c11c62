internal import CLibuv
internal import Glibc

/// Calls back on the loop's thread when the process gets a signal. Dropping it closes it.
///
/// While a signal is watched, anywhere in the process, its default action does not happen.
public final class SignalWatcher {
    /// The signals that can be watched.
    public enum Signal: Sendable, CaseIterable, CustomStringConvertible {
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

        /// Its number on this system.
        public var number: Int32 {
            switch self {
            case .terminate: SIGTERM
            case .interrupt: SIGINT
            case .hangUp: SIGHUP
            case .user1: SIGUSR1
            case .user2: SIGUSR2
            }
        }

        /// Its name, such as `SIGHUP`.
        public var description: String {
            switch self {
            case .terminate: "SIGTERM"
            case .interrupt: "SIGINT"
            case .hangUp: "SIGHUP"
            case .user1: "SIGUSR1"
            case .user2: "SIGUSR2"
            }
        }
    }

    /// The signal that is watched.
    public let signal: Signal
    private let action: () -> Void
    private var box: HandleBox

    /// Watches a signal from now on.
    ///
    /// - Parameter action: called for each delivery (the system may merge several), retained until the watcher goes:
    ///   capture its owner `unowned`.
    /// - Throws: `createHandle` or `watchSignal`, as when descriptors have run out.
    public init(on loop: EventLoop, _ signal: Signal, action: @escaping () -> Void) throws(LoopError) {
        self.signal = signal
        self.action = action
        box = try unsafe HandleBox(on: loop, uv_signal_t.self) { unsafe uv_signal_init($0, $1) }
        box.setOwner(self)
        try LoopError.check(unsafe uv_signal_start(box.block(), signalDidArrive, signal.number), .watchSignal)
    }

    /// The loop that it was made on.
    public var loop: EventLoop { box.loop }

    /// Whether it keeps `run` from returning: true unless set otherwise.
    public var keepsLoopRunning: Bool {
        get { box.keepsLoopRunning }
        set { box.keepsLoopRunning = newValue }
    }

    /// Ends the watch for good; a second time does nothing. The last watcher of a signal restores its default action.
    public func close() { box.close(then: nil) }

    /// Ignores a signal, by its number, for the whole process. A watcher that is made later has it while it is open.
    public static func ignore(_ number: Int32) { _ = Glibc.signal(number, SIG_IGN) }

    /// Lets every signal through that whoever started this process has blocked: a blocked one never arrives.
    public static func unblockAll() {
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
    }

    fileprivate func fire() {
        loop.enter()
        // The beginning of the turn may have closed it.
        guard box.isOpen else { return }
        action()
    }
}

private func signalDidArrive(_ handle: UnsafeMutablePointer<uv_signal_t>?, _ number: Int32) {
    unsafe owner(of: handle, as: SignalWatcher.self)?.fire()
}

@available(*, unavailable, message: "a loop and all that is made on it belong to one thread")
extension SignalWatcher: Sendable {}
