// For `environ`, which nothing in this process ever changes.
@unsafe @preconcurrency import Glibc

/// A command that runs in the place of this process: with its streams and its terminal, told of its signals.
struct ChildProcess: ~Copyable {
    /// How a command ended.
    enum Ending: Equatable {
        case exited(Int32)
        case killed(by: Int32)

        /// As a shell gives it on: 128 and the number of the signal that ended it.
        var status: Int32 {
            switch self {
            case .exited(let status): status
            case .killed(let signal): 128 + signal
            }
        }
    }

    /// The command could not be started; nothing of it has run.
    struct SpawnFailure: Error {
        let code: Int32
        let command: String

        /// As shells exit: 127 if there is no such command, else 126.
        var status: Int32 { code == ENOENT ? 127 : 126 }

        var message: String {
            code == ENOENT ? "\(command): command not found" : "cannot run \(command): \(reason)"
        }

        private var reason: String { unsafe String(cString: strerror(code)) }
    }

    private let id: pid_t
    private let signals: PassedSignals

    /// Starts a command, found as a shell finds it.
    ///
    /// - Parameters:
    ///   - command: its name and its arguments
    ///   - variables: of its environment, beside those of this process; nil: without this one
    ///   - signals: those that it is told of
    init(
        _ command: [String], variables: [String: String?], passing signals: PassedSignals
    ) throws(SpawnFailure) {
        self.signals = signals
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // It begins with what this process was given, not with what it has made of it.
        var mask = signals.before
        var defaults = sigset_t()
        unsafe sigemptyset(&defaults)
        unsafe sigaddset(&defaults, SIGPIPE)
        unsafe posix_spawnattr_setsigmask(&attributes, &mask)
        unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let arguments = unsafe command.map { unsafe strdup($0) }
        let added = unsafe variables.compactMap { name, value in unsafe value.map { unsafe strdup("\(name)=\($0)") } }
        defer { unsafe (arguments + added).forEach { unsafe free($0) } }
        var words = unsafe arguments + [nil]
        var environment = unsafe Self.inherited(without: Set(variables.keys)) + added + [nil]
        var id: pid_t = 0
        let code = unsafe posix_spawnp(&id, command[0], nil, &attributes, &words, &environment)
        guard code == 0 else { throw SpawnFailure(code: code, command: command[0]) }
        self.id = id
    }

    /// The variables of this process, byte for byte.
    private static func inherited(without names: Set<String>) -> [UnsafeMutablePointer<CChar>?] {
        var result: [UnsafeMutablePointer<CChar>?] = unsafe []
        var place = unsafe environ
        while let variable = unsafe place.pointee {
            let name = unsafe String(cString: variable).prefix { $0 != "=" }
            if !names.contains(String(name)) { unsafe result.append(variable) }
            unsafe place += 1
        }
        return unsafe result
    }

    /// Waits for its end, and passes on the signals that come meanwhile.
    ///
    /// - Returns: how it ended, and the signals that it was told of
    consuming func end() -> (ending: Ending, passed: Set<Int32>) {
        var passed: Set<Int32> = []
        while true {
            if let ending = reap() { return (ending, passed) }
            let (signal, isTerminals) = signals.next()
            guard signal != SIGCHLD else { continue }
            passed.insert(signal)
            // What a terminal sends, it has sent to the command too. The command is not reaped yet, so its number is its own.
            if !isTerminals { kill(id, signal) }
        }
    }

    /// How it has ended; nil: it has not.
    private func reap() -> Ending? {
        var status: Int32 = 0
        var result: pid_t
        repeat { result = unsafe waitpid(id, &status, WNOHANG) } while result < 0 && errno == EINTR
        guard result == id else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(by: signal)
    }
}

/// The signals that would end this process, held back from now on and taken one by one.
struct PassedSignals {
    /// What was held back before.
    let before: sigset_t
    private let held: sigset_t

    /// Threads that are started after this hold them back too.
    init() {
        var held = sigset_t()
        var before = sigset_t()
        unsafe sigemptyset(&held)
        for number in [SIGTERM, SIGINT, SIGHUP, SIGCHLD] { unsafe sigaddset(&held, number) }
        // Ignored, as it may have been inherited, it would take the command's end away.
        _ = signal(SIGCHLD, SIG_DFL)
        unsafe pthread_sigmask(SIG_BLOCK, &held, &before)
        self.held = held
        self.before = before
    }

    /// One that has come and has not been taken, `SIGCHLD` aside.
    var pending: Int32? {
        var pending = sigset_t()
        unsafe sigpending(&pending)
        return [SIGTERM, SIGINT, SIGHUP].first { unsafe sigismember(&pending, $0) == 1 }
    }

    /// Waits for the next one, and tells whether a terminal sent it.
    func next() -> (signal: Int32, isTerminals: Bool) {
        var set = held
        var information = unsafe siginfo_t()
        var signal: Int32
        repeat { signal = unsafe sigwaitinfo(&set, &information) } while signal < 0
        return unsafe (signal, information.si_code == Self.sentByKernel)
    }

    /// `SI_KERNEL`, which the C library's header does not give to Swift.
    private static let sentByKernel: Int32 = 0x80
}
