import CLinux
// For `environ`, which nothing in this process ever changes.
@unsafe @preconcurrency import Glibc

/// A command that runs in the place of this process: with its streams and its terminal, told of its signals, and killed when
/// this process is.
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

    /// Starts a command, found as a shell finds it. To be called on the main thread: when that ends, the command is killed.
    ///
    /// - Parameters:
    ///   - command: its name and its arguments
    ///   - variables: of its environment, beside those of this process; nil: without this one
    ///   - signals: those that it is told of
    init(
        _ command: [String], variables: [String: String?], passing signals: PassedSignals
    ) throws(SpawnFailure) {
        self.signals = signals
        let arguments = unsafe command.map { unsafe strdup($0) }
        let added = unsafe variables.compactMap { name, value in unsafe value.map { unsafe strdup("\(name)=\($0)") } }
        defer { unsafe (arguments + added).forEach { unsafe free($0) } }
        var words = unsafe arguments + [nil]
        var environment = unsafe Self.inherited(without: Set(variables.keys)) + added + [nil]
        // It begins with the signals held back that this process was given so.
        var mask = signals.before
        var code: Int32 = 0
        id = unsafe spawn_bound(command[0], &words, &environment, &mask, &code)
        guard id > 0 else { throw SpawnFailure(code: code, command: command[0]) }
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

    /// How long a command may take.
    struct Patience {
        /// Then it is told to end.
        var timeout: Duration
        /// So long after that it is killed.
        var grace: Duration
    }

    /// How a command ended, and what it was told before.
    struct End: Equatable {
        var ending: Ending
        /// The signals that came for it.
        var passed: Set<Int32> = []
        var hasTimedOut = false
    }

    /// Waits for its end, and passes on the signals that come meanwhile.
    consuming func end(within patience: Patience? = nil) -> End {
        var end = End(ending: .exited(0))
        var deadline = patience.map { ContinuousClock.now + $0.timeout }
        while true {
            if let ending = reap() {
                end.ending = ending
                // One that came with the end was the command's too, as when a service manager stops all at once.
                if let signal = signals.pending { end.passed.insert(signal) }
                return end
            }
            guard let arrival = signals.next(until: deadline) else {
                // Stopped it would hear nothing.
                for signal in [end.hasTimedOut ? SIGKILL : SIGTERM, SIGCONT] { kill(id, signal) }
                deadline = end.hasTimedOut ? nil : patience.map { .now + $0.grace }
                end.hasTimedOut = true
                continue
            }
            guard arrival.number != SIGCHLD else { continue }
            end.passed.insert(arrival.number)
            // The command is not reaped yet, so its number is its own.
            if !arrival.isOnlyOurs { kill(id, arrival.number) }
            signals.obey(arrival.number)
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
