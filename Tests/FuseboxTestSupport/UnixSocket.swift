import Glibc

/// Calls `body` with the address of a Unix socket.
package func withUnixAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}

/// A stream socket that is not connected. Programs that the tests start do not inherit it.
package func unixSocket() -> Int32 {
    socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
}

/// A socket that is connected to a path; nil if no process accepts the connection.
package func connectedSocket(_ path: String) -> Int32? {
    let socket = unixSocket()
    guard socket >= 0 else { return nil }
    guard withUnixAddress(path, { connect(socket, $0, $1) }) == 0 else {
        close(socket)
        return nil
    }
    return socket
}

/// A socket that is bound to a path and listens there.
package func listeningSocket(at path: String, backlog: Int32 = 64) throws(TestFailure) -> Int32 {
    let listener = unixSocket()
    guard withUnixAddress(path, { bind(listener, $0, $1) }) == 0, listen(listener, backlog) == 0 else {
        let reason = errno
        close(listener)
        throw TestFailure("cannot listen at \(path): error \(reason)")
    }
    return listener
}
