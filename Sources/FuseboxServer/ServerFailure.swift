import FuseboxEngine
import FuseboxLoop
import FuseboxStore

/// Why the daemon does not run, or did not end well. Each has the exit status that `sysexits.h` gives it.
public enum ServerFailure: Error, Sendable, CustomStringConvertible {
    /// What it was told cannot be (64).
    case configuration(String)
    /// The data directory holds nothing that can be read (65).
    case damagedData(RecoveryRefusal)
    /// The socket cannot be listened on (69).
    case unavailable(String)
    /// The data directory cannot be used (74).
    case storage(String)
    /// Another daemon has the data directory or the socket (75).
    case alreadyRunning(String)

    public var exitStatus: Int32 {
        switch self {
        case .configuration: 64
        case .damagedData: 65
        case .unavailable: 69
        case .storage: 74
        case .alreadyRunning: 75
        }
    }

    public var description: String {
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
    /// A socket that cannot be listened on.
    init(_ error: LoopError, on path: String) {
        self =
            error.isAddressInUse
            ? .alreadyRunning("somebody listens on \(path) already: \(error)")
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
