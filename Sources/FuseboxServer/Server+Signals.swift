import FuseboxLoop
import Glibc

/// What the daemon does with each signal that its sender, or the system, might end or stop it with by default.
enum SignalPolicy: CaseIterable {
    case terminate, interrupt, hangUp, user1, user2
    case brokenPipe, fileSize, alarm, virtualAlarm, backgroundRead, backgroundWrite
    case quit, terminalStop, processorTime

    enum Action: Equatable {
        /// What was received is answered and a last snapshot written.
        case stopInOrder
        case logStatistics
        /// It is logged and nothing else.
        case logOnly
        case ignore
        /// What the system does by default.
        case byDefault
    }

    /// | signal | done | why |
    /// |---|---|---|
    /// | SIGTERM, SIGINT | stopped in order | service managers and Ctrl-C |
    /// | SIGHUP | logged | a terminal was closed, or logrotate ran: neither wants the workers' state to be gone |
    /// | SIGUSR1 | statistics are logged | operators ask for them |
    /// | SIGUSR2 | logged | it means nothing here, and must not end what others depend on |
    /// | SIGPIPE | ignored | the write fails, and that connection is over |
    /// | SIGXFSZ | ignored | the write fails with EFBIG: a full disk |
    /// | SIGALRM, SIGVTALRM | ignored | a timer that the program before `exec` has set goes on running |
    /// | SIGTTIN, SIGTTOU | ignored | a log line from the background must not stop the daemon |
    /// | SIGQUIT, SIGXCPU | by default | a core is wanted at once; what was acknowledged is on the disk |
    /// | SIGTSTP | by default | whoever presses Ctrl-Z in front of it means it, and `bg` goes on |
    ///
    /// The rest cannot be caught (SIGKILL, SIGSTOP), tell of a defect (SIGSEGV and its like), or do nothing by default.
    var row: (number: Int32, action: Action) {
        switch self {
        case .terminate: (SIGTERM, .stopInOrder)
        case .interrupt: (SIGINT, .stopInOrder)
        case .hangUp: (SIGHUP, .logOnly)
        case .user1: (SIGUSR1, .logStatistics)
        case .user2: (SIGUSR2, .logOnly)
        case .brokenPipe: (SIGPIPE, .ignore)
        case .fileSize: (SIGXFSZ, .ignore)
        case .alarm: (SIGALRM, .ignore)
        case .virtualAlarm: (SIGVTALRM, .ignore)
        case .backgroundRead: (SIGTTIN, .ignore)
        case .backgroundWrite: (SIGTTOU, .ignore)
        case .quit: (SIGQUIT, .byDefault)
        case .terminalStop: (SIGTSTP, .byDefault)
        case .processorTime: (SIGXCPU, .byDefault)
        }
    }
}

extension Server {
    /// Makes the process ready for a daemon: call it first of all, before a file is opened.
    public static func prepareProcess() {
        Descriptor.openStandardOnes()
        for policy in SignalPolicy.allCases {
            switch policy.row.action {
            case .ignore: SignalWatcher.ignore(policy.row.number)
            // Until there is a loop that can tell of it.
            case .logOnly, .logStatistics: SignalWatcher.ignore(policy.row.number)
            case .stopInOrder, .byDefault: break
            }
        }
        SignalWatcher.unblockAll()
    }

    /// Watches the signals that the daemon does something for.
    func watchSignals() throws(LoopError) {
        for signal in SignalWatcher.Signal.allCases {
            guard let policy = SignalPolicy.allCases.first(where: { $0.row.number == signal.number }) else { continue }
            let action = policy.row.action
            signals.append(try SignalWatcher(on: loop, signal) { [unowned self] in received(signal, action) })
        }
    }

    private func received(_ signal: SignalWatcher.Signal, _ action: SignalPolicy.Action) {
        switch action {
        case .stopInOrder:
            log(.notice, "stopping: \(signal)")
            beginShutdown()
        case .logStatistics: tellStatistics()
        case .logOnly: log(.notice, "\(signal) was received; nothing is done for it")
        case .ignore, .byDefault: break
        }
    }

    /// Ends the watch. No signal of a kind that was watched ends the process any more: it ends by itself now.
    func endSignals() {
        for signal in signals {
            signal.close()
            SignalWatcher.ignore(signal.signal.number)
        }
    }
}
