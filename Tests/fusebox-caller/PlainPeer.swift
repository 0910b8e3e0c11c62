import FuseboxTestSupport
import FuseboxWire
import Glibc

/// A connection that sends and reads what its owner wants, and waits only when told to.
final class PlainPeer {
    let socket: Int32
    private var input = FrameReader(frameLimit: 1 << 20)
    private var sequence: UInt64 = 0
    /// The bytes that are not sent yet.
    private var unsent: ArraySlice<UInt8> = []

    /// Whether the last message is not sent whole.
    var hasUnsent: Bool { !unsent.isEmpty }

    /// Connects; nil if the daemon does not accept the connection.
    init?(_ path: String) {
        guard let socket = connectedSocket(path) else { return nil }
        self.socket = socket
    }

    deinit { close(socket) }

    // MARK: Frames

    static func frame<C: Command>(_ command: C, sequence: UInt64 = 0) -> [UInt8] {
        var writer = ByteWriter()
        let start = writer.beginFrame(FrameHeader(command: C.declaration.number, kind: .request, correlation: 1))
        if C.declaration.isSequenced {
            RequestSequence(sequence: sequence, oldestUnacknowledged: sequence).encode(into: &writer)
        }
        command.encode(into: &writer)
        writer.endFrame(start)
        return writer.bytes
    }

    /// Says hello and waits for the reply.
    func greet(as worker: WorkerID = .drawn(), after last: UInt64 = 0) -> (Status, WorkerStanding?, String) {
        sequence = last
        send(Self.frame(Hello(worker: worker, lastSequence: last, client: "fusebox-caller")))
        guard let (status, payload) = receive() else { return (.shuttingDown, nil, "the connection is closed") }
        var welcome = Hello.Reply()
        var message = ""
        payload.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            if status == .ok { try? welcome.decode(from: &reader) } else { try? message.decode(from: &reader) }
        }
        return (status, status == .ok ? welcome.worker : nil, message)
    }

    /// The next frame of a command. Sequenced commands are numbered.
    func next<C: Command>(_ command: C) -> [UInt8] {
        if C.declaration.isSequenced { sequence += 1 }
        return Self.frame(command, sequence: sequence)
    }

    /// Sends a command and waits for its reply.
    func ask<C: Command>(_ command: C) throws -> C.Reply {
        send(next(command))
        guard let (status, payload) = receive() else {
            throw CallerFailure("\(C.declaration.name): the connection is closed")
        }
        var reply = C.Reply()
        var message = ""
        try payload.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            if status == .ok { try reply.decode(from: &reader) } else { try message.decode(from: &reader) }
        }
        guard status == .ok else { throw CallerFailure("\(C.declaration.name): \(status): \(message)") }
        return reply
    }

    var lastSequence: UInt64 { sequence }

    // MARK: Bytes

    /// Sends all bytes, and waits as long as necessary.
    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// Sends the bytes repeatedly, as far as the socket takes them. Returns false once the connection is closed.
    func flood(_ bytes: [UInt8]) -> Bool {
        while true {
            if unsent.isEmpty { unsent = bytes[...] }
            let count = unsent.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            guard count > 0 else { return errno == EAGAIN }
            unsent = unsent.dropFirst(count)
        }
    }

    /// Sends the bytes repeatedly, as far as the socket takes them and up to a megabyte. Returns the number of bytes
    /// sent.
    func push(_ bytes: @autoclosure () throws -> [UInt8]) throws -> Int {
        var sent = 0
        while sent < 1 << 20 {
            if unsent.isEmpty { unsent = try bytes()[...] }
            let count = unsent.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            guard count > 0 else {
                guard errno == EAGAIN else { throw CallerFailure("the connection is closed") }
                break
            }
            unsent = unsent.dropFirst(count)
            sent += count
        }
        return sent
    }

    /// Sends the bytes once, as far as the socket takes them. Returns false once the connection is closed.
    func trickle(_ bytes: [UInt8]) -> Bool {
        if unsent.isEmpty { unsent = bytes[...] }
        while unsent.count > 1 {
            // The last byte is never sent.
            let count = unsent.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count - 1, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            guard count > 0 else { return errno == EAGAIN }
            unsent = unsent.dropFirst(count)
        }
        return !isClosed
    }

    /// Reads and discards what has arrived. Returns false once the connection is closed.
    func swallow() -> Bool {
        var room = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(socket, &room, room.count, Int32(MSG_DONTWAIT))
            guard count != 0 else { return false }
            guard count > 0 else { return errno == EAGAIN }
        }
    }

    /// Whether the daemon has closed the connection.
    var isClosed: Bool {
        var watch = pollfd(fd: socket, events: 0, revents: 0)
        return poll(&watch, 1, 0) == 1 && watch.revents & Int16(POLLHUP | POLLERR) != 0
    }

    /// The next reply; nil once the connection is closed.
    func receive() -> (Status, [UInt8])? {
        while true {
            let reply = try? input.next { header, payload in (Status(rawValue: header.detail), Array(payload)) }
            if let (status, payload) = reply { return (status ?? .malformed, payload) }
            let room = input.spare()
            let count = recv(socket, room.baseAddress, room.count, 0)
            guard count > 0 else { return nil }
            input.commit(count)
        }
    }
}

extension WorkerID {
    static func drawn() -> WorkerID { WorkerID(high: .random(in: 1 ... .max), low: .random(in: 0 ... .max)) }
}

/// Changes to another user if `uid=` is given, and raises the limit of descriptors.
func becomeUser(_ arguments: Arguments) throws {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let user = uid_t(try arguments.number("uid"))
    guard setgroups(0, nil) == 0, setgid(user) == 0, setuid(user) == 0 else {
        throw CallerFailure("cannot become user \(user)")
    }
}
