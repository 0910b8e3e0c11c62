internal import CLibuv
internal import Glibc

/// Gets the events of a listener. The listener does not retain its delegate.
package protocol ListenerDelegate: AnyObject {
    /// A connection waits. `accept` takes it.
    ///
    /// Until then the listener reports no other connection, and further clients queue in the kernel. So a server
    /// without room may call `accept` later.
    func connectionWaits(at listener: Listener)
    /// The kernel did not hand over a connection. The listener continues.
    func listener(_ listener: Listener, didFail error: LoopError)
}

/// A listening Unix socket. It is closed when its last reference goes away.
///
/// When the process has no free descriptor, libuv accepts waiting connections and closes them without a report. Keep
/// the number of connections below `DescriptorLimit.current`, with a reserve.
@safe package final class Listener {
    /// The default backlog: the kernel's own bound.
    package static let defaultBacklog: Int32 = SOMAXCONN

    /// Gets the listener's events. It is not retained: it must outlive the open listener, or be set to nil.
    package unowned var delegate: (any ListenerDelegate)?

    private var box: HandleBox
    private let pipe: UnsafeMutablePointer<uv_stream_t>
    private var file: SocketFile?
    private let backlog: Int32

    /// Binds a socket to a path and listens. Clients queue until `start`.
    ///
    /// A socket file on which no process answers is replaced. `close` unlinks the file if it is still the one that this
    /// call created.
    ///
    /// - Parameters:
    ///   - path: absolute, or relative to a working directory that does not change; 1 to 107 bytes of UTF-8
    ///   - mode: permission bits of the socket file, such as `0o660`; a user that may write may connect
    ///   - backlog: the number of clients that may queue in the kernel
    /// - Throws: `bind` with the code `EADDRINUSE` if a process answers at the path, `EEXIST` if the file is not a
    ///   socket, `ENAMETOOLONG` or `EINVAL` for a path that cannot be an address, or the system's code; `listen`;
    ///   `createHandle`
    package convenience init(
        on loop: EventLoop, path: String, mode: UInt32 = 0o600, backlog: Int32 = defaultBacklog
    ) throws(LoopError) {
        try self.init(on: loop, try ListeningSocket.bind(path: path, mode: mode, backlog: backlog), backlog)
    }

    /// Checks whether a socket could be bound to a path now. Changes nothing.
    ///
    /// - Throws: the error that `init(on:path:mode:backlog:)` would throw
    package static func check(path: String) throws(LoopError) { try ListeningSocket.check(path: path) }

    /// Takes over a listening Unix stream socket, for example from a service manager. Its path is never unlinked.
    ///
    /// - Throws: `adopt` if the descriptor is not such a socket, which then stays open; `createHandle`
    package convenience init(
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
        // From here on the handle closes the descriptor. The handle is not given the path, because libuv would unlink
        // it even if another process owns it by then.
        _ = socket.releaseDescriptor()
        box.setOwner(self)
    }

    deinit { close() }

    /// The loop that the listener was made on.
    package var loop: EventLoop { box.loop }

    /// The path that this listener bound; nil for an inherited socket.
    package var path: String? { file.flatMap { $0.isOwn ? $0.path : nil } }

    /// The path that clients connect to. Nil for an inherited socket without one.
    package var filePath: String? { file?.path }

    /// The file at the path that clients connect to.
    package enum PathState: Sendable, Equatable {
        /// The file of this socket. Also a path that is not known or cannot be examined.
        case unchanged
        /// There is no file, so no new client can connect.
        case missing(path: String)
        /// There is another file, so new clients do not reach this socket.
        case replaced(path: String)
    }

    /// Examines the path that clients connect to.
    package func checkPath() -> PathState {
        guard box.isOpen, let path = file?.path else { return .unchanged }
        switch file?.check() {
        case .missing: return .missing(path: path)
        case .replaced: return .replaced(path: path)
        case .unchanged, nil: return .unchanged
        }
    }

    /// Makes a second listener at the path of one whose file is gone, with the mode and the owner that the file had.
    ///
    /// The old listener stays open. The caller closes it once the new one works. This does not wait for another process
    /// that binds to the path.
    ///
    /// - Throws: as `init`: `EADDRINUSE` if a process answers at the path by now, `EEXIST` if the file is not a socket;
    ///   `EINVAL` for an inherited socket
    package func rebind() throws(LoopError) -> Listener {
        guard let file, file.isOwn else {
            throw LoopError(.bind, code: EINVAL, detail: "the socket was inherited; only its owner can bind it again")
        }
        let socket = try ListeningSocket.bind(
            path: file.path, mode: file.mode, owner: file.owner, backlog: backlog, patience: 0)
        return try Listener(on: loop, socket, backlog)
    }

    /// Starts to report connections.
    ///
    /// - Throws: `listen`, with `EBADF` if the listener is closed
    package func start() throws(LoopError) {
        guard box.isOpen else { throw LoopError(.listen, code: EBADF) }
        try LoopError.check(unsafe uv_listen(pipe, backlog, listenerHasConnection), .listen)
    }

    /// Takes the connection that waits; nil if none does. The stream does not read yet.
    ///
    /// - Throws: `accept` or `createHandle`
    package func accept() throws(LoopError) -> Stream? {
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

    /// Whether the listener keeps `run` from returning while it reports connections. Initially true.
    package var keepsLoopRunning: Bool {
        get { box.keepsLoopRunning }
        set { box.keepsLoopRunning = newValue }
    }

    /// Stops listening, and unlinks the path if this listener bound it. A second call has no effect.
    ///
    /// Queued clients are disconnected. Accepted streams stay open.
    package func close() {
        guard box.isOpen else { return }
        file?.unlinkIfOwn()
        box.close(then: nil)
    }

    fileprivate func connectionArrived(_ status: Int32) {
        loop.enter()
        // `turnBegins` may have closed the listener.
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
