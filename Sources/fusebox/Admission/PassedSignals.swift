@unsafe @preconcurrency import Glibc

/// The signals that are passed on to a command. They are blocked from the creation of this value on, and received one
/// by one.
struct PassedSignals {
    /// The signal mask before this value was created.
    let before: sigset_t
    private let blocked: sigset_t

    /// A signal that was received.
    struct Arrival {
        let number: Int32
        /// Whether the signal must not be passed on, because the command has got it already or it concerns only this
        /// process.
        let isOnlyOurs: Bool
    }

    /// Signals that ask a program to end.
    static let tellingToEnd: Set<Int32> = [SIGHUP, SIGINT, SIGQUIT, SIGTERM]

    /// Signals that stop a program until SIGCONT.
    private static let stopping: Set<Int32> = [SIGTSTP, SIGTTIN, SIGTTOU]

    /// Signals that a terminal sends to all processes of its foreground group.
    private static let terminals: Set<Int32> = [
        SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGWINCH,
    ]

    /// Blocks the signals. Threads that are started later inherit the mask.
    init() {
        var blocked = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&blocked)
        // The command also ignores the signals that this process ignores.
        for number in Int32(1)...64 where number != SIGPIPE && Self.isIgnored(number) {
            unsafe sigdelset(&blocked, number)
        }
        unsafe sigaddset(&blocked, SIGCHLD)
        // If SIGCHLD is ignored, which may be inherited, the kernel reaps the command and its status is lost.
        _ = signal(SIGCHLD, SIG_DFL)
        unsafe pthread_sigmask(SIG_BLOCK, &blocked, &before)
        self.blocked = blocked
        self.before = before
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard unsafe sigaction(number, nil, &action) == 0 else { return false }
        let handler = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
        return handler == Self.ignoring
    }

    /// `SIG_IGN` as a number, because Swift cannot compare functions.
    private static let ignoring = 1

    /// A signal that asks to end and is pending; nil if there is none.
    var pending: Int32? { Self.tellingToEnd.sorted().first(where: isPending) }

    private func isPending(_ number: Int32) -> Bool {
        var pending = sigset_t()
        unsafe sigpending(&pending)
        return unsafe sigismember(&pending, number) == 1
    }

    /// Waits for the next signal, until a time.
    ///
    /// - Returns: nil if none has arrived by then
    func next(until end: ContinuousClock.Instant?) -> Arrival? {
        var set = blocked
        var information = unsafe siginfo_t()
        while true {
            var number: Int32
            if let end {
                var time = timespec(max(.zero, end - .now))
                number = unsafe sigtimedwait(&set, &information, &time)
                if number < 0, errno == EAGAIN { return nil }
            } else {
                number = unsafe sigwaitinfo(&set, &information)
            }
            guard number > 0 else { continue }
            let isTerminals = unsafe information.si_code == Self.sentByKernel && Self.terminals.contains(number)
            // A SIGPIPE from this process itself means that one of its own pipes has no reader.
            let isOwn = unsafe number == SIGPIPE && information._sifields._kill.si_pid == getpid()
            return Arrival(number: number, isOnlyOurs: isTerminals || isOwn)
        }
    }

    /// Stops this process too if the signal has stopped the command. Returns after SIGCONT.
    func obey(_ number: Int32) {
        guard Self.stopping.contains(number) else { return }
        var one = sigset_t()
        unsafe sigemptyset(&one)
        unsafe sigaddset(&one, number)
        kill(getpid(), number)
        unsafe pthread_sigmask(SIG_UNBLOCK, &one, nil)
        unsafe pthread_sigmask(SIG_BLOCK, &one, nil)
    }

    /// `SI_KERNEL`, which the C library's module does not export.
    private static let sentByKernel: Int32 = 0x80
}

extension timespec {
    /// A duration as a C structure.
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    }
}
