import Glibc

/// The protocol between a service manager such as systemd and its services: passed sockets, notifications, watchdog.
///
/// Everything has no effect without a service manager.
struct ServiceManager {
    /// The socket that takes notifications (`NOTIFY_SOCKET`). Nil if no service manager listens.
    private let socket: String?
    /// The time within which the service manager wants to be told that this process is alive (`WATCHDOG_USEC`), in
    /// milliseconds. Nil if it does not.
    let watchdogMilliseconds: Int64?

    /// The service manager that has started this process, from the environment.
    init() {
        socket = Self.environment("NOTIFY_SOCKET").flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        let process = Self.environment("WATCHDOG_PID").flatMap(Int32.init)
        let interval = Self.environment("WATCHDOG_USEC").flatMap(Int64.init)
        let isMeant = socket != nil && (process == nil || process == getpid())
        watchdogMilliseconds = interval.flatMap { isMeant && $0 >= 1_000 ? $0 / 1_000 : nil }
    }

    /// Whether a service manager takes notifications.
    var listens: Bool { socket != nil }

    /// Sends assignments such as `READY=1`, one a line. A service manager that does not take them is not waited for.
    func notify(_ lines: String...) {
        guard let path = socket else { return }
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
        let flags = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let socket = Glibc.socket(AF_UNIX, flags, 0)
        guard socket >= 0 else { return }
        defer { close(socket) }
        let message = Array(lines.joined(separator: "\n").utf8)
        _ = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sendto(socket, message, message.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), $0, length)
            }
        }
    }

    private static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}

// MARK: Sockets

extension ServiceManager {
    /// The name of the listening socket among several (`FileDescriptorName=` in the socket's unit).
    static let socketName = "fusebox"

    /// The descriptor of the listening socket that the service manager passed (`LISTEN_FDS`); nil if it passed none. Of
    /// several it is the one that is named `fusebox` (`LISTEN_FDNAMES`).
    ///
    /// The variables are removed, so that child processes do not use them.
    ///
    /// - Throws: `configuration` if it is not clear which one it is
    static func inheritedListener() throws(ServerFailure) -> Int32? {
        defer { for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(name) } }
        guard let process = environment("LISTEN_PID"), Int32(process) == getpid(),
            let count = environment("LISTEN_FDS").flatMap(Int32.init), count > 0
        else { return nil }
        let first: Int32 = 3
        let names = (environment("LISTEN_FDNAMES") ?? "").split(separator: ":", omittingEmptySubsequences: false)
        for place in 0..<count { _ = fcntl(first + place, F_SETFD, FD_CLOEXEC) }
        guard count > 1 else { return first }
        let named = names.indices.filter { names[$0] == socketName }
        guard named.count == 1, named[0] < count else {
            throw .configuration(
                "the service manager passed \(count) sockets, and \(named.count) of them are named '\(socketName)'; fuseboxd takes one: give it FileDescriptorName=\(socketName) in its socket unit, with one ListenStream="
            )
        }
        for place in 0..<count where place != named[0] { close(first + place) }
        return first + Int32(named[0])
    }
}
