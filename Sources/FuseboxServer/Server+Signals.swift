import FuseboxLoop
import Glibc

/// The daemon's action for each signal that can be caught and whose default action would end or stop the process.
enum SignalPolicy: CaseIterable {
    case terminate, interrupt, hangUp, user1, user2
    case brokenPipe, fileSize, alarm, virtualAlarm, backgroundRead, backgroundWrite
    case quit, terminalStop, processorTime

    enum Action: Equatable {
        /// All received requests are answered, and a last snapshot is written.
        case stopInOrder
        case logStatistics
        /// The signal is logged and has no other effect.
        case logOnly
        case ignore
        /// The system's default action.
        case byDefault
    }

    /// | signal | action | reason |
    /// |---|---|---|
    /// | SIGTERM, SIGINT | orderly stop | service managers and Ctrl-C send them |
    /// | SIGHUP | logged | a closed terminal or logrotate sends it; neither should stop the daemon |
    /// | SIGUSR1 | statistics are logged | operators ask for them |
    /// | SIGUSR2 | logged | it has no meaning here, and its default would end the daemon |
    /// | SIGPIPE | ignored | the write fails with EPIPE, and that connection is closed |
    /// | SIGXFSZ | ignored | the write fails with EFBIG, which is handled like a full disk |
    /// | SIGALRM, SIGVTALRM | ignored | a timer of the program that called `exec` may still run |
    /// | SIGTTIN, SIGTTOU | ignored | a log line from the background must not stop the daemon |
    /// | SIGQUIT, SIGXCPU | default | the sender wants a core dump at once |
    /// | SIGTSTP | default | Ctrl-Z stops the daemon, and `fg` or `bg` resumes it |
    ///
    /// The other signals cannot be caught (SIGKILL, SIGSTOP), report a defect (such as SIGSEGV), or have no effect by
    /// default.
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
    /// Prepares the process: opens closed standard descriptors, and sets up the signals. Call it before any file is
    /// opened.
    package static func prepareProcess() {
        Descriptor.openStandardStreams()
        for policy in SignalPolicy.allCases {
            switch policy.row.action {
            case .ignore: SignalWatcher.ignore(policy.row.number)
            // These signals are ignored until the loop watches them.
            case .logOnly, .logStatistics: SignalWatcher.ignore(policy.row.number)
            case .stopInOrder, .byDefault: break
            }
        }
        SignalWatcher.unblockAll()
    }

    /// Watches the signals that have an action of the daemon's own.
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
        case .logStatistics: logStatistics()
        case .logOnly: log(.notice, "\(signal) was received; it has no effect")
        case .ignore, .byDefault: break
        }
    }

    /// Stops watching, and ignores the watched signals. The process is ending, and they must not interrupt it.
    func endSignals() {
        for signal in signals {
            signal.close()
            SignalWatcher.ignore(signal.signal.number)
        }
    }
}
