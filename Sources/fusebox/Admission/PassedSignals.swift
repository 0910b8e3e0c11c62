@unsafe @preconcurrency import Glibc

/// The signals that this process would be told of, held back from now on, taken one by one and passed on to a command.
struct PassedSignals {
    /// What was held back before.
    let before: sigset_t
    private let held: sigset_t

    /// One that has come.
    struct Arrival {
        let number: Int32
        /// Whether the command has had it already, or is not to have it.
        let isOnlyOurs: Bool
    }

    /// Those that ask a program to end.
    static let tellingToEnd: Set<Int32> = [SIGHUP, SIGINT, SIGQUIT, SIGTERM]

    /// Those that stop a program until it is told to go on.
    private static let stopping: Set<Int32> = [SIGTSTP, SIGTTIN, SIGTTOU]

    /// Those that a terminal sends, to all processes in its foreground.
    private static let terminals: Set<Int32> = [
        SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGWINCH,
    ]

    /// Threads that are started after this hold them back too.
    init() {
        var held = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&held)
        // What this process was told to ignore, its command ignores too.
        for number in Int32(1)...64 where number != SIGPIPE && Self.isIgnored(number) {
            unsafe sigdelset(&held, number)
        }
        unsafe sigaddset(&held, SIGCHLD)
        // Ignored, as it may have been inherited, it would take the command's end away.
        _ = signal(SIGCHLD, SIG_DFL)
        unsafe pthread_sigmask(SIG_BLOCK, &held, &before)
        self.held = held
        self.before = before
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard unsafe sigaction(number, nil, &action) == 0 else { return false }
        let handler = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
        return handler == Self.ignoring
    }

    /// `SIG_IGN` as a number: functions are not to be compared in Swift.
    private static let ignoring = 1

    /// One that asks to end, has come and has not been taken.
    var pending: Int32? { Self.tellingToEnd.sorted().first(where: isPending) }

    private func isPending(_ number: Int32) -> Bool {
        var pending = sigset_t()
        unsafe sigpending(&pending)
        return unsafe sigismember(&pending, number) == 1
    }

    /// Waits for the next one.
    ///
    /// - Returns: nil if none has come by then
    func next(until end: ContinuousClock.Instant?) -> Arrival? {
        var set = held
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
            // A pipe that this process writes to has broken.
            let isOwn = unsafe number == SIGPIPE && information._sifields._kill.si_pid == getpid()
            return Arrival(number: number, isOnlyOurs: isTerminals || isOwn)
        }
    }

    /// Stops this process, as its command was, if the signal is one that does that; comes back when both are to go on.
    func obey(_ number: Int32) {
        guard Self.stopping.contains(number) else { return }
        var one = sigset_t()
        unsafe sigemptyset(&one)
        unsafe sigaddset(&one, number)
        kill(getpid(), number)
        unsafe pthread_sigmask(SIG_UNBLOCK, &one, nil)
        unsafe pthread_sigmask(SIG_BLOCK, &one, nil)
    }

    /// `SI_KERNEL`, which the C library's header does not give to Swift.
    private static let sentByKernel: Int32 = 0x80
}

extension timespec {
    /// A length of time as the C library takes it.
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    }
}
