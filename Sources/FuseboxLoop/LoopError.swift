internal import Glibc

/// Why an operation of the loop, a socket or a handle failed.
public struct LoopError: Error, Hashable, Sendable {
    /// What was being tried; its raw value completes the sentence "cannot …".
    public enum Operation: String, Sendable {
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
        case limitDescriptors = "change the limit of open descriptors"
    }

    public let operation: Operation
    /// The error number of the system (`EADDRINUSE`, `EPIPE`, …), positive.
    public let code: Int32
    /// What the system's text leaves open, such as the path; nil if there is nothing to add.
    public let detail: String?

    public init(_ operation: Operation, code: Int32, detail: String? = nil) {
        self.operation = operation
        self.code = code
        self.detail = detail
    }

    /// Whether somebody else answers on the socket path that was to be bound.
    public var isAddressInUse: Bool { code == EADDRINUSE }

    /// Whether the process that it is about is not there any more.
    public var isProcessGone: Bool { code == ESRCH }

    /// The system's text for the code.
    public var text: String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }
}

extension LoopError: CustomStringConvertible {
    /// `cannot bind a socket: Address already in use: /run/fusebox/fusebox.sock`.
    public var description: String {
        let suffix = detail.map { ": \($0)" } ?? ""
        return "cannot \(operation.rawValue): \(text)\(suffix)"
    }
}

extension LoopError {
    /// The error that `errno` tells of.
    static func last(_ operation: Operation, _ detail: String? = nil) -> LoopError {
        LoopError(operation, code: errno, detail: detail)
    }

    /// Throws if the status that a library call returned is an error: those are negated error numbers.
    static func check(_ status: Int32, _ operation: Operation, _ detail: String? = nil) throws(LoopError) {
        if status < 0 { throw LoopError(operation, code: -status, detail: detail) }
    }
}
