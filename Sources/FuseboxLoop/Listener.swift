internal import CLibuv
internal import Glibc

/// What is told about a listener. The listener does not retain its delegate.
public protocol ListenerDelegate: AnyObject {
    /// A connection waits: `accept` takes it.
    ///
    /// Until it is taken the listener rests and further clients queue in the kernel, so a server that has no room may
    /// leave it and call `accept` later.
    func connectionWaits(at listener: Listener)
    /// A connection could not be taken from the kernel. The listener goes on.
    func listener(_ listener: Listener, didFail error: LoopError)
}

/// A listening Unix socket. Dropping it closes it.
///
/// When the process has no descriptor left, libuv takes waiting connections and closes them without telling. Keep
/// the number of connections below `DescriptorLimit.current` with a reserve.
@safe public final class Listener {
    /// The kernel's own bound of a backlog by default.
    public static let defaultBacklog: Int32 = SOMAXCONN

    /// Called with all that happens. Not retained: it must outlive the open listener (it usually owns it) or be set
    /// to nil.
    public unowned var delegate: (any ListenerDelegate)?

    private var box: HandleBox
    private let pipe: UnsafeMutablePointer<uv_stream_t>
    private var file: SocketFile?
    private let backlog: Int32

    /// Binds a socket to a path and listens; clients queue until `start`.
    ///
    /// A socket file that nobody answers on is replaced. The file is unlinked at the close if it is still the one
    /// that was made here.
    ///
    /// - Parameters:
    ///   - path: absolute, or relative to a working folder that does not change; at most 107 bytes of UTF-8
    ///   - mode: permission bits of the socket file, such as `0o660`: who may write may connect
    ///   - backlog: clients that may queue in the kernel
    /// - Throws: `bind` with the code `EADDRINUSE` if somebody answers at the path, `EEXIST` if it is no socket,
    ///   `ENAMETOOLONG`, `EINVAL` for an empty path or what the system says; `listen`; `createHandle`.
    public convenience init(
        on loop: EventLoop, path: String, mode: UInt32 = 0o600, backlog: Int32 = defaultBacklog
    ) throws(LoopError) {
        try self.init(on: loop, try ListeningSocket.bind(path: path, mode: mode, backlog: backlog), backlog)
    }

    /// Looks whether a socket could be bound to a path now, and changes nothing.
    ///
    /// - Throws: what `init(on:path:mode:backlog:)` would throw
    public static func check(path: String) throws(LoopError) { try ListeningSocket.check(path: path) }

    /// Takes over a listening Unix stream socket, as from a service manager. Its path is never unlinked.
    ///
    /// - Throws: `adopt` if the descriptor is no such socket, and leaves it open then; `createHandle`.
    public convenience init(
        on loop: EventLoop, inheriting descriptor: Int32, backlog: Int32 = defaultBacklog
    ) throws(LoopError) {
        try self.init(on: loop, try ListeningSocket.inherit(descriptor), backlog)
    }

    private init(on loop: EventLoop, _ socket: consuming ListeningSocket, _ backlog: Int32) throws(LoopError) {
        self.backlog = backlog
        file = socket.file
        box = try unsafe HandleBox(on: loop, uv_pipe_t.self) { unsafe uv_pipe_init($0, $1, 0) }
        unsafe pipe = unsafe box.block()
        try LoopError.check(unsafe uv_pipe_open(box.block(), socket.descriptor.number), .adopt)
        // The handle closes it from here on. It knows no path: libuv would unlink that whoever owns it by then.
        _ = socket.releaseDescriptor()
        box.setOwner(self)
    }

    deinit { close() }

    /// The loop that it was made on.
    public var loop: EventLoop { box.loop }

    /// The path that was bound; nil for an inherited socket.
    public var path: String? { file.flatMap { $0.isOwn ? $0.path : nil } }

    /// What stands at the path that clients connect to.
    public enum PathFinding: Sendable, Equatable {
        /// The file of this socket, or a path that is not known or cannot be looked at.
        case asItWas
        /// Nothing: no new client can connect.
        case missing(path: String)
        /// Another file: new clients connect to somebody else, or to nobody.
        case replaced(path: String)
    }

    /// Looks at the path that clients connect to.
    public func lookAtPath() -> PathFinding {
        guard box.isOpen, let path = file?.path else { return .asItWas }
        switch file?.look() {
        case .missing: return .missing(path: path)
        case .replaced: return .replaced(path: path)
        case .unchanged, nil: return .asItWas
        }
    }

    /// Binds and listens anew at the path of a listener whose file is gone, with the mode and the owner that it had.
    ///
    /// The old listener stays as it is: close it when the new one is there. Nothing is waited for.
    ///
    /// - Throws: as `init`: `EADDRINUSE` if somebody answers at the path by now, `EEXIST` if it is no socket; `EINVAL` for
    ///   an inherited socket
    public func makeAnew() throws(LoopError) -> Listener {
        guard let file, file.isOwn else { throw LoopError(.bind, code: EINVAL, detail: "the socket was inherited") }
        let socket = try ListeningSocket.bind(
            path: file.path, mode: file.mode, owner: file.owner, backlog: backlog, patience: 0)
        return try Listener(on: loop, socket, backlog)
    }

    /// Begins to report connections.
    public func start() throws(LoopError) {
        guard box.isOpen else { throw LoopError(.listen, code: EBADF) }
        try LoopError.check(unsafe uv_listen(pipe, backlog, listenerHasConnection), .listen)
    }

    /// Takes the connection that waits; nil if none does. It does not read yet.
    public func accept() throws(LoopError) -> Stream? {
        guard box.isOpen else { return nil }
        do throws(LoopError) {
            return try unsafe Stream(on: loop, .accept) {
                unsafe uv_accept(pipe, UnsafeMutableRawPointer($0).assumingMemoryBound(to: uv_stream_t.self))
            }
        } catch {
            if error.code == EAGAIN { return nil }
            throw error
        }
    }

    /// Whether it keeps `run` from returning while it reports connections: true unless set otherwise.
    public var keepsLoopRunning: Bool {
        get { box.keepsLoopRunning }
        set { box.keepsLoopRunning = newValue }
    }

    /// Stops listening and unlinks the path if it was bound here; a second time does nothing.
    ///
    /// Clients that were queued are refused; accepted streams live on.
    public func close() {
        guard box.isOpen else { return }
        file?.unlinkIfOwn()
        box.close(then: nil)
    }

    fileprivate func connectionArrived(_ status: Int32) {
        loop.enter()
        // The beginning of the turn may have closed it.
        guard box.isOpen else { return }
        if status < 0 {
            delegate?.listener(self, didFail: LoopError(.accept, code: -status))
        } else {
            delegate?.connectionWaits(at: self)
        }
    }
}

private func listenerHasConnection(_ handle: UnsafeMutablePointer<uv_stream_t>?, _ status: Int32) {
    unsafe owner(of: handle, as: Listener.self)?.connectionArrived(status)
}

@available(*, unavailable, message: "a loop and all that is made on it belong to one thread")
extension Listener: Sendable {}
