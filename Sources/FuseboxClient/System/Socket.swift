import Glibc

/// A connected Unix stream socket, and every system call that is made on one.
///
/// Any thread may use it at any time. Its descriptor is closed with the last reference to the socket, and in the child
/// of a fork at once.
final class Socket: Sendable {
    private let place: ForkGuard.Place
    /// The receive timeout of the socket. A receive that may wait at least this long needs only one system call.
    private let patienceMilliseconds: Int

    private var descriptor: Int32 { place.descriptor }

    private init(_ descriptor: Int32, patienceMilliseconds: Int) {
        place = ForkGuard.enter(descriptor)
        self.patienceMilliseconds = max(patienceMilliseconds, 1)
    }

    // MARK: Opening

    /// Connects to the socket at `path`.
    ///
    /// - Parameter patienceMilliseconds: how long a receive usually may wait
    static func connect(
        to path: String, patienceMilliseconds: Int, until deadline: Deadline
    ) throws(SystemFailure) -> Socket {
        var address = try unixAddress(path)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemFailure("socket", errno) }
        let opened = Socket(descriptor, patienceMilliseconds: patienceMilliseconds)
        // A connect waits while the listener's queue is full, at most for the send timeout.
        opened.set(SO_SNDTIMEO, milliseconds: max(deadline.remainingMilliseconds, 1))
        opened.set(SO_RCVTIMEO, milliseconds: opened.patienceMilliseconds)
        while true {
            let result = unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            if result == 0 { return opened }
            let code = errno
            guard code == EINTR, deadline.remainingMilliseconds > 0 else { throw SystemFailure("connect", code) }
        }
    }

    private static func unixAddress(_ path: String) throws(SystemFailure) -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard path.utf8.count <= room, !path.isEmpty, !path.utf8.contains(0) else {
            throw SystemFailure("connect", ENAMETOOLONG)
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        return address
    }

    /// Two sockets that are connected to each other.
    static func pair() throws(SystemFailure) -> (Socket, Socket) {
        var descriptors: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &descriptors) == 0 else {
            throw SystemFailure("socketpair", errno)
        }
        return (
            Socket(descriptors[0], patienceMilliseconds: .max), Socket(descriptors[1], patienceMilliseconds: .max)
        )
    }

    private func set(_ option: Int32, milliseconds: Int) {
        // The time is limited to a day, so that it cannot overflow the kernel's unit.
        let milliseconds = min(milliseconds, 86_400_000)
        var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        unsafe setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Ends the connection for both sides, and wakes every thread that waits on it. The descriptor stays open until the
    /// socket is released.
    func end() {
        guard place.generation == ForkGuard.generation else { return }
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    // MARK: Bytes

    enum Received: Equatable {
        case bytes(Int)
        /// The peer has closed.
        case ended
        case failed(SystemFailure)
        case timedOut
    }

    /// Waits for bytes and reads them. This takes one system call if the usual time is left, otherwise two.
    func receive(into buffer: UnsafeMutableRawBufferPointer, until deadline: Deadline) -> Received {
        while true {
            let remaining = deadline.remainingMilliseconds
            // The deadline was computed just before, so up to a millisecond of the usual time is over.
            let mayBlock = remaining > 0 && remaining >= patienceMilliseconds - 1
            if !mayBlock, remaining > 0 { _ = wait([.readable], until: deadline) }
            let count = unsafe recv(
                descriptor, buffer.baseAddress, buffer.count, mayBlock ? 0 : Int32(MSG_DONTWAIT))
            if count > 0 { return .bytes(count) }
            if count == 0 { return .ended }
            switch errno {
            case EINTR: continue
            case EAGAIN: if deadline.remainingMilliseconds == 0 { return .timedOut }
            case let code: return .failed(SystemFailure("recv", code))
            }
        }
    }

    enum Sent {
        case bytes(Int)
        /// The peer does not read, and no byte fits.
        case full
        case failed(SystemFailure)
    }

    /// Sends as many bytes as fit. Does not wait, and raises no SIGPIPE.
    func send(_ bytes: UnsafeRawBufferPointer) -> Sent {
        while true {
            let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
            let count = unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, flags)
            if count >= 0 { return .bytes(count) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .full
            case let code: return .failed(SystemFailure("send", code))
            }
        }
    }

    // MARK: Waiting

    struct Readiness: OptionSet {
        let rawValue: Int
        static let readable = Readiness(rawValue: 1)
        static let writable = Readiness(rawValue: 2)
        /// The nudging socket has something to read.
        static let nudged = Readiness(rawValue: 4)
    }

    /// Waits until the socket is ready for something in `wanted`, or until a signal or the deadline. The end of the
    /// connection counts as readable.
    func wait(_ wanted: Readiness, orNudgedBy nudge: Socket? = nil, until deadline: Deadline) -> Readiness {
        var events: Int16 = 0
        if wanted.contains(.readable) { events |= Int16(POLLIN) }
        if wanted.contains(.writable) { events |= Int16(POLLOUT) }
        // `poll` skips a descriptor below 0.
        let own = pollfd(fd: descriptor, events: events, revents: 0)
        let other = pollfd(fd: nudge?.descriptor ?? -1, events: Int16(POLLIN), revents: 0)
        var polled: InlineArray<2, pollfd> = [own, other]
        let milliseconds = Int32(clamping: deadline.remainingMilliseconds)
        let count = unsafe withUnsafeMutableBytes(of: &polled) {
            unsafe poll($0.bindMemory(to: pollfd.self).baseAddress, 2, milliseconds)
        }
        guard count > 0 else { return [] }
        var readiness: Readiness = []
        if polled[0].revents & ~Int16(POLLOUT) != 0 { readiness.insert(.readable) }
        if polled[0].revents & Int16(POLLOUT | POLLHUP | POLLERR) != 0 { readiness.insert(.writable) }
        if polled[1].revents != 0 { readiness.insert(.nudged) }
        return readiness
    }

    /// Makes the other side of a pair readable.
    func nudge() {
        var byte: UInt8 = 1
        // The other side of a full socket is readable already.
        _ = unsafe withUnsafeBytes(of: &byte) { unsafe send($0) }
    }

    /// Reads the nudges that have come.
    func takeNudges() {
        var bytes: InlineArray<64, UInt8> = InlineArray(repeating: 0)
        _ = unsafe withUnsafeMutableBytes(of: &bytes) { unsafe receive(into: $0, until: .past) }
    }
}

/// A system call that failed, and why.
package struct SystemFailure: Error, Equatable, CustomStringConvertible {
    let call: String
    let code: Int32

    init(_ call: String, _ code: Int32) {
        self.call = call
        self.code = code
    }

    package var description: String {
        if code == EAGAIN, call == "connect" { return "the daemon accepts no connections at the moment" }
        return unsafe "\(call): \(String(cString: strerror(code)))"
    }
}
