import FuseboxClient
import FuseboxEngine
import FuseboxInterop
import FuseboxStore
import FuseboxWire
import Glibc

/// Why a command failed: one line for a person, and an exit status for a script.
struct Failure: Error {
    /// The exit statuses, after `sysexits.h`.
    enum Status: Int32 {
        /// The command or one of its arguments is wrong.
        case usage = 64
        /// A file or an input is damaged.
        case damagedData = 65
        /// No daemon answers.
        case unavailable = 69
        /// Standard output cannot be written.
        case outputFailed = 74
        /// The same command may succeed later.
        case tryAgain = 75
        case notPermitted = 77
        /// The call was denied, and waiting cannot change that: it exceeds a configured limit (`EX_CONFIG`).
        case deniedForGood = 78
    }

    let status: Status
    /// A sentence that says what was wrong, where, and what to do.
    let message: String

    init(_ status: Status, _ message: String) {
        self.status = status
        self.message = message
    }

    /// The failure for an error of another module; nil for an error of the argument parser.
    init?(of error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as ClientError: self.init(error)
        case let error as SystemFailure: self.init(.tryAgain, "the spool cannot be used: \(error)")
        case let error as StorageError: self.init(error)
        case let error as DirectoryError: self.init(error)
        case let failure as SnapshotFailure: self.init(failure)
        case let failure as RepairFailure: self.init(failure)
        default: return nil
        }
    }

    /// Prints the message to standard error and exits. With --json it is one JSON value there.
    func exit() -> Never {
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        Self.tell(Self.isJSONWanted ? Self.json(line, status.rawValue) : "fusebox: \(line)")
        Glibc.exit(status.rawValue)
    }

    /// Whether this command line asks for JSON. An error may come before it is parsed.
    static var isJSONWanted: Bool {
        CommandLine.arguments.dropFirst().prefix { $0 != "--" }.contains("--json")
    }

    /// An error as one JSON value.
    ///
    /// - Parameter more: what else there is to tell of it, for programs
    static func json(
        _ message: String, _ status: Int32, more: KeyValuePairs<String, JSONValue> = [:]
    ) -> String {
        let error: JSONValue = ["message": .string(message), "exitStatus": JSONValue(Int(status))]
        return JSONValue.object([("error", error.adding(more))]).text()
    }

    /// Writes a line to standard error.
    static func tell(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        // An error cannot be reported anywhere.
        _ = unsafe write(STDERR_FILENO, bytes, bytes.count)
    }
}

// MARK: From the daemon

extension Failure {
    init(_ error: ClientError) {
        let status: Status =
            switch error {
            case .refused(let refusal): Status(refusal.status)
            case .invalidArgument: .usage
            default: .unavailable
            }
        self.init(status, error.description)
    }
}

extension Failure.Status {
    /// The exit status for a refusal of the daemon.
    init(_ status: Status) {
        switch status {
        case .notPermitted: self = .notPermitted
        case .badName, .badText, .outOfRange, .notFound, .overflow: self = .usage
        case .damagedData: self = .damagedData
        case .busy, .limitReached, .tooManyConnections, .storageFailed: self = .tryAgain
        // The daemon is going away, or it does not speak this tool's protocol.
        case .ok, .shuttingDown, .fenced, .idleTimeout, .helloTimeout, .helloRequired, .badMagic, .malformed,
            .unknownCommand, .frameTooLarge, .unsupportedVersion, .trailingBytes, .sequenceReused, .sequenceOutOfOrder,
            .outcomeUnknown, .unknown:
            self = .unavailable
        }
    }
}

// MARK: From files

extension Failure {
    /// The failure of a system call, from the current `errno`.
    static func system(_ operation: String, _ path: String) -> Failure {
        Failure(StorageError(lastError: operation, path))
    }

    init(_ error: StorageError) {
        let status: Status =
            switch error.code {
            case EACCES, EPERM, EROFS: .notPermitted
            case ENOENT, ENOTDIR, EISDIR, EEXIST, ELOOP, ENAMETOOLONG, EINVAL: .usage
            default: .tryAgain
            }
        self.init(status, "cannot \(error.operation) \(error.path): \(error.reason)")
    }

    /// The command that stops a daemon under systemd, with its socket, so that no client starts it again.
    private static let stop = "systemctl stop fuseboxd.socket fuseboxd.service"

    init(_ error: DirectoryError) {
        switch error {
        case .alreadyLocked:
            self.init(
                .tryAgain,
                "\(error.description) (under systemd stop its socket too, or the next client starts it again: `\(Self.stop)`)"
            )
        case .exposed: self.init(.notPermitted, error.description)
        case .failed(let error): self.init(error)
        }
    }

    init(_ failure: SnapshotFailure) {
        switch failure {
        case .storage(let error): self.init(error)
        case .damaged(let file, let damage): self.init(damage, in: file)
        }
    }

    init(_ failure: RepairFailure) {
        switch failure {
        case .refused(.unreadable(let failure)), .snapshot(let failure): self.init(failure)
        case .refused(let refusal): self.init(.damagedData, refusal.description)
        case .storage(let error): self.init(error)
        }
    }

    init(_ damage: SnapshotDamage, in file: String) { self.init(.damagedData, "\(file): \(damage)") }

    init(_ error: JSONError, in file: String) { self.init(.damagedData, "\(file): \(error)") }

    init(_ error: JSONFieldError, in file: String) { self.init(.damagedData, "\(file): \(error)") }
}

extension StorageError {
    /// The error of a system call, from the current `errno`.
    init(lastError operation: String, _ path: String) {
        let code = errno
        self.init(operation: operation, path: path, code: code, reason: unsafe String(cString: strerror(code)))
    }
}
