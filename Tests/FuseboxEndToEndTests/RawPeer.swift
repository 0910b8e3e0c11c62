import FuseboxWire
import Glibc
import Testing

/// A peer that sends any bytes and reads frames.
final class RawPeer {
    private let socket: Int32
    private var input = FrameReader(frameLimit: 1 << 20)
    /// The last correlation.
    private(set) var sequence: UInt64 = 0

    struct Frame {
        var header: FrameHeader
        var payload: [UInt8]
        var status: Status? { Status(rawValue: header.detail) }

        /// The message of a refusal.
        var message: String {
            var text = ""
            payload.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                try? text.decode(from: &reader)
            }
            return text
        }

        func reply<Reply: WireRecord>(_: Reply.Type) throws -> Reply {
            var reply = Reply()
            try payload.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                try reply.decode(from: &reader)
                try reader.finish()
            }
            return reply
        }
    }

    init(_ path: String) throws {
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try #require(socket >= 0)
        try #require(withUnixAddress(path) { connect(socket, $0, $1) } == 0, "cannot connect to \(path)")
    }

    /// Connects; nil if no process listens.
    init?(ifListening path: String) {
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0, withUnixAddress(path, { connect(socket, $0, $1) }) == 0 else { return nil }
    }

    /// A peer that has said hello.
    static func greeted(_ path: String) throws -> RawPeer {
        let peer = try RawPeer(path)
        peer.send(hello())
        #expect(try peer.next()?.status == .ok)
        return peer
    }

    /// A peer that has said hello as a worker that the daemon may know.
    ///
    /// - Parameter sequence: the last number that the worker has used
    static func greeted(_ path: String, as worker: WorkerID, after sequence: UInt64 = 0) throws -> RawPeer {
        let peer = try RawPeer(path)
        peer.sequence = sequence
        peer.send(frame(Hello(worker: worker, lastSequence: sequence, client: "raw peer")))
        let reply = try #require(try peer.next()).reply(Hello.Reply.self)
        #expect(reply.worker == (sequence > 0 ? .resumed : .new))
        return peer
    }

    /// The hello of a new worker. Two connections of one worker would fence each other.
    static func hello(client: String = "raw peer") -> [UInt8] {
        frame(Hello(worker: WorkerID(high: .random(in: 1 ... .max), low: .random(in: 0 ... .max)), client: client))
    }

    /// Whether the daemon answers hello and a ping.
    var isServed: Bool {
        send(RawPeer.hello() + RawPeer.frame(Ping()))
        return (try? next()?.status) == .ok && (try? next()?.status) == .ok
    }

    deinit { close(socket) }

    /// Stops receiving. The daemon's writes fail from now on.
    func stopReceiving() { shutdown(socket, Int32(SHUT_RD)) }

    // MARK: Sending

    /// Sends all bytes, or as many as the peer takes before it closes.
    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// Sends as many bytes as the socket takes without a long wait. Returns their number.
    func sendWhatFits(_ bytes: [UInt8], patienceMilliseconds: Int32 = 300) -> Int {
        var sent = 0
        while sent < bytes.count {
            var watch = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
            guard poll(&watch, 1, patienceMilliseconds) == 1 else { return sent }
            let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress! + sent, bytes.count - sent, flags)
            }
            if count > 0 { sent += count } else if errno != EAGAIN { return sent }
        }
        return sent
    }

    func send<C: Command>(_ command: C, correlation: UInt32 = 7) {
        sequence += 1
        send(Self.frame(command, correlation: correlation, sequence: sequence))
    }

    func shutDownSending() { shutdown(socket, Int32(SHUT_WR)) }

    static func frame<C: Command>(_ command: C, correlation: UInt32 = 7, sequence: UInt64 = 1) -> [UInt8] {
        var writer = ByteWriter()
        write(command, correlation: correlation, sequence: sequence, into: &writer)
        return writer.bytes
    }

    static func write<C: Command>(
        _ command: C, correlation: UInt32 = 7, sequence: UInt64, oldest: UInt64? = nil, into writer: inout ByteWriter
    ) {
        let start = writer.beginFrame(
            FrameHeader(command: C.declaration.number, kind: .request, correlation: correlation))
        if C.declaration.isSequenced {
            RequestSequence(sequence: sequence, oldestUnacknowledged: oldest ?? sequence).encode(into: &writer)
        }
        command.encode(into: &writer)
        writer.endFrame(start)
    }

    // MARK: Receiving

    /// The next frame; nil once the daemon has closed. Fails the test if neither happens in time.
    func next() throws -> Frame? {
        while true {
            let frame = try input.next { header, payload in Frame(header: header, payload: Array(payload)) }
            if let frame { return frame }
            guard try read() else { return nil }
        }
    }

    /// Whether a whole frame has been read.
    var hasFrame: Bool { input.isReady }

    /// Whether `next` would find something.
    func hasInput(withinMilliseconds milliseconds: Int32) -> Bool {
        var watch = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return input.isReady || poll(&watch, 1, milliseconds) == 1
    }

    private func read() throws -> Bool {
        var watch = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        try #require(poll(&watch, 1, 60_000) == 1, "nothing comes from the daemon")
        let room = input.spare()
        let count = recv(socket, room.baseAddress, room.count, 0)
        guard count > 0 else { return false }
        input.commit(count)
        return true
    }

    /// Sends a command and returns the frame of the reply.
    func ask<C: Command>(_ command: C) throws -> Frame {
        send(command)
        return try #require(try next(), "the daemon closed instead of answering")
    }

    /// The next event. Fails the test for any other frame.
    func nextEvent() throws -> (envelope: EventEnvelope, event: Event) {
        let frame = try #require(try next(), "the daemon closed instead of telling of an event")
        try #require(frame.header.kind == FrameKind.event.rawValue)
        return try frame.payload.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            var envelope = EventEnvelope()
            try envelope.decode(from: &reader)
            let event = try Event(number: frame.header.command, from: &reader)
            try reader.finish()
            return (envelope, event)
        }
    }

    /// Whether the daemon has closed the connection without sending more.
    func isClosed() throws -> Bool { try next() == nil }
}
