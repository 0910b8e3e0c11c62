internal import Glibc

/// Why an operation of the loop, a socket or a handle failed.
package struct LoopError: Error, Hashable, Sendable {
    /// The operation that failed. Its raw value completes the sentence "cannot …".
    package enum Operation: String, Sendable {
        case createLoop = "create an event loop"
        case createHandle = "create a handle"
        case bind = "bind a socket"
        case listen = "listen on a socket"
        case accept = "accept a connection"
        case adopt = "adopt a descriptor"
        case read = "read from a connection"
        case write = "write to a connection"
        case readCredentials = "read a peer's credentials"
        case watchSignal = "watch a signal"
        case watchProcess = "watch a process"
        case watchDirectory = "watch a directory"
        case limitDescriptors = "change the limit of open descriptors"
    }

    /// The operation that failed.
    package let operation: Operation
    /// The system's error number (`EADDRINUSE`, `EPIPE`, …), positive.
    package let code: Int32
    /// What the system's text does not say, such as the path; nil if there is nothing to add.
    package let detail: String?

    /// An error of an operation with the system's error number.
    package init(_ operation: Operation, code: Int32, detail: String? = nil) {
        self.operation = operation
        self.code = code
        self.detail = detail
    }

    /// Whether another process answers at the socket path.
    package var isAddressInUse: Bool { code == EADDRINUSE }

    /// Whether the process has ended.
    package var isProcessGone: Bool { code == ESRCH }

    /// The system's text for the code.
    package var text: String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }
}

extension LoopError: CustomStringConvertible {
    /// `cannot bind a socket: Address already in use: /run/fusebox/fusebox.sock`.
    package var description: String {
        let suffix = detail.map { ": \($0)" } ?? ""
        return "cannot \(operation.rawValue): \(text)\(suffix)"
    }
}

extension LoopError {
    /// An error with the current `errno`.
    static func last(_ operation: Operation, _ detail: String? = nil) -> LoopError {
        LoopError(operation, code: errno, detail: detail)
    }

    /// Throws if the status of a libuv call is an error. Errors are negated error numbers.
    static func check(_ status: Int32, _ operation: Operation, _ detail: String? = nil) throws(LoopError) {
        if status < 0 { throw LoopError(operation, code: -status, detail: detail) }
    }
}
