import FuseboxEngine
import FuseboxLoop
import FuseboxStore

/// Why the daemon does not start, or did not end in order. The exit statuses are those of `sysexits.h`.
package enum ServerFailure: Error, Sendable, CustomStringConvertible {
    /// A setting, or what the service manager passed, cannot be used (64).
    case configuration(String)
    /// No state can be recovered from the data directory (65).
    case damagedData(RecoveryRefusal)
    /// The daemon cannot listen on the socket (69).
    case unavailable(String)
    /// The data directory cannot be used (74).
    case storage(String)
    /// Another daemon uses the data directory or the socket (75).
    case alreadyRunning(String)

    /// The exit status of the process.
    package var exitStatus: Int32 {
        switch self {
        case .configuration: 64
        case .damagedData: 65
        case .unavailable: 69
        case .storage: 74
        case .alreadyRunning: 75
        }
    }

    /// A sentence that says what was wrong, where, and what to do.
    package var description: String {
        switch self {
        case .configuration(let text), .unavailable(let text), .storage(let text), .alreadyRunning(let text): text
        case .damagedData(let refusal): refusal.description
        }
    }
}

extension ServerFailure {
    init(_ error: DirectoryError) {
        switch error {
        case .alreadyLocked: self = .alreadyRunning(error.description)
        case .exposed, .failed: self = .storage(error.description)
        }
    }
}

extension ServerFailure {
    /// The daemon cannot listen on a path.
    init(_ error: LoopError, on path: String) {
        self =
            error.isAddressInUse
            ? .alreadyRunning("another process listens on \(path); stop it, or name another path with --socket")
            : .unavailable("cannot listen on \(path): \(error)")
    }
}

extension ServerFailure {
    init(_ refusal: RecoveryRefusal) {
        switch refusal {
        case .unreadable: self = .storage(refusal.description)
        default: self = .damagedData(refusal)
        }
    }
}
