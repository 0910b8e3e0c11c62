import Glibc

/// The protocol between a service manager such as systemd and its services: passed sockets and notifications.
package enum ServiceManager {
    /// The name of the daemon's socket among several (`FileDescriptorName=`).
    static let socketName = "fusebox"

    /// The descriptor of the listening socket that the service manager passed (`LISTEN_FDS`); nil if it passed none.
    ///
    /// A single socket is taken whatever its name is. Of several, the one with the name `fusebox` is taken
    /// (`LISTEN_FDNAMES`), and the others are left alone. The variables are removed, so that child processes do not use
    /// them.
    ///
    /// - Throws: `configuration` if several sockets were passed and not exactly one of them has the name
    static func inheritedListener() throws(ServerFailure) -> Int32? {
        defer { for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(name) } }
        guard let process = environment("LISTEN_PID"), Int32(process) == getpid(),
            let count = environment("LISTEN_FDS").flatMap(Int.init), count > 0
        else { return nil }
        let first: Int32 = 3
        let listener = first + (count == 1 ? 0 : try namedIndex(among: count))
        _ = fcntl(listener, F_SETFD, FD_CLOEXEC)
        return listener
    }

    /// The position of the socket with the name `fusebox` among several.
    private static func namedIndex(among count: Int) throws(ServerFailure) -> Int32 {
        let names = (environment("LISTEN_FDNAMES") ?? "").split(separator: ":", omittingEmptySubsequences: false)
        let named = names.prefix(count).indices.filter { names[$0] == socketName }
        guard named.count == 1 else {
            throw .configuration(
                "the service manager passed \(count) sockets, and \(named.count) have the name '\(socketName)'; exactly one must have it: set FileDescriptorName=\(socketName) in its socket unit"
            )
        }
        return Int32(named[0])
    }

    /// Sends the service manager a state such as `READY=1`. It has no effect without `NOTIFY_SOCKET`.
    static func notify(_ state: String) {
        guard let path = environment("NOTIFY_SOCKET"), path.hasPrefix("/") || path.hasPrefix("@") else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { place in
            unsafe place.copyBytes(from: bytes)
            // An abstract address is written with @, and begins with a zero byte.
            if bytes[0] == UInt8(ascii: "@") { unsafe place[0] = 0 }
        }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return }
        defer { close(socket) }
        let message = Array(state.utf8)
        _ = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sendto(socket, message, message.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }

    private static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}
