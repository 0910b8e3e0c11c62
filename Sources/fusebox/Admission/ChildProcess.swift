import CLinux
// For `environ`, which this process never changes.
@unsafe @preconcurrency import Glibc

/// A command that runs on behalf of this process. It has this process's streams and terminal, gets its signals, and is
/// killed when this process is killed.
struct ChildProcess: ~Copyable {
    /// How a command ended.
    enum Ending: Equatable {
        case exited(Int32)
        case killed(by: Int32)

        /// The exit status that a shell would report: 128 plus the number of the signal that ended the command.
        var status: Int32 {
            switch self {
            case .exited(let status): status
            case .killed(let signal): 128 + signal
            }
        }
    }

    /// The command could not be started. No part of it has run.
    struct SpawnFailure: Error {
        let code: Int32
        let command: String

        /// The exit status of shells: 127 if the command does not exist, else 126.
        var status: Int32 { code == ENOENT ? 127 : 126 }

        var message: String {
            code == ENOENT ? "\(command): command not found" : "cannot run \(command): \(reason)"
        }

        private var reason: String { unsafe String(cString: strerror(code)) }
    }

    private let id: pid_t
    private let signals: PassedSignals

    /// Starts a command, which is found like in a shell. It must be called on the main thread, because the command is
    /// killed when the calling thread ends.
    ///
    /// - Parameters:
    ///   - command: the command's name and its arguments
    ///   - variables: environment variables in addition to those of this process; a nil value removes a variable
    ///   - signals: the signals that are passed on to the command
    init(
        _ command: [String], variables: [String: String?], passing signals: PassedSignals
    ) throws(SpawnFailure) {
        self.signals = signals
        let arguments = unsafe command.map { unsafe strdup($0) }
        let added = unsafe variables.compactMap { name, value in unsafe value.map { unsafe strdup("\(name)=\($0)") } }
        defer { unsafe (arguments + added).forEach { unsafe free($0) } }
        var words = unsafe arguments + [nil]
        var environment = unsafe Self.inherited(without: Set(variables.keys)) + added + [nil]
        // The command begins with the signal mask that this process was started with.
        var mask = signals.before
        var code: Int32 = 0
        id = unsafe spawn_bound(command[0], &words, &environment, &mask, &code)
        guard id > 0 else { throw SpawnFailure(code: code, command: command[0]) }
    }

    /// The environment variables of this process, byte for byte.
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

    /// The time limit of a command.
    struct Patience {
        /// The time after which the command gets SIGTERM.
        var timeout: Duration
        /// The time after SIGTERM at which the command gets SIGKILL.
        var grace: Duration
    }

    /// How a command ended, and the signals that it got before.
    struct End: Equatable {
        var ending: Ending
        /// The signals that were passed on to the command.
        var passed: Set<Int32> = []
        var hasTimedOut = false
    }

    /// Waits for the command's end, and passes signals on meanwhile.
    consuming func end(within patience: Patience? = nil) -> End {
        var end = End(ending: .exited(0))
        var deadline = patience.map { ContinuousClock.now + $0.timeout }
        while true {
            if let ending = reap() {
                end.ending = ending
                // A signal that arrived at the same time was for the command too: a service manager signals all
                // processes of a unit at once.
                if let signal = signals.pending { end.passed.insert(signal) }
                return end
            }
            guard let arrival = signals.next(until: deadline) else {
                // A stopped command would not get SIGTERM.
                for signal in [end.hasTimedOut ? SIGKILL : SIGTERM, SIGCONT] { kill(id, signal) }
                deadline = end.hasTimedOut ? nil : patience.map { .now + $0.grace }
                end.hasTimedOut = true
                continue
            }
            guard arrival.number != SIGCHLD else { continue }
            end.passed.insert(arrival.number)
            // The command is not reaped yet, so no other process can have its number.
            if !arrival.isOnlyOurs { kill(id, arrival.number) }
            signals.obey(arrival.number)
        }
    }

    /// How the command has ended; nil if it is still running.
    private func reap() -> Ending? {
        var status: Int32 = 0
        var result: pid_t
        repeat { result = unsafe waitpid(id, &status, WNOHANG) } while result < 0 && errno == EINTR
        guard result == id else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(by: signal)
    }
}
