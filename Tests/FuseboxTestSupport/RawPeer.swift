import FuseboxWire
import Glibc

/// A peer that sends any bytes and reads frames.
package final class RawPeer {
    private let socket: Int32
    private var input = FrameReader(frameLimit: 1 << 20)
    /// The last correlation.
    package private(set) var sequence: UInt64 = 0

    package struct Frame {
        package var header: FrameHeader
        package var payload: [UInt8]

        package init(header: FrameHeader, payload: [UInt8]) {
            self.header = header
            self.payload = payload
        }

        package var status: Status? { Status(rawValue: header.detail) }

        /// The message of a refusal.
        package var message: String {
            var text = ""
            payload.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                try? text.decode(from: &reader)
            }
            return text
        }

        package func reply<Reply: WireRecord>(_: Reply.Type) throws -> Reply { try payload.decoded(as: Reply.self) }
    }

    package convenience init(_ path: String) throws(TestFailure) {
        guard let socket = connectedSocket(path) else { throw TestFailure("cannot connect to \(path)") }
        self.init(owning: socket)
    }

    /// Connects; nil if no process listens.
    package convenience init?(ifListening path: String) {
        guard let socket = connectedSocket(path) else { return nil }
        self.init(owning: socket)
    }

    private init(owning socket: Int32) { self.socket = socket }

    /// A peer that has said hello.
    package static func greeted(_ path: String) throws -> RawPeer {
        let peer = try RawPeer(path)
        peer.send(hello())
        guard try peer.next()?.status == .ok else { throw TestFailure("hello was refused") }
        return peer
    }

    /// A peer that has said hello as a worker that the daemon may know.
    ///
    /// - Parameter sequence: the last number that the worker has used
    package static func greeted(_ path: String, as worker: WorkerID, after sequence: UInt64 = 0) throws -> RawPeer {
        let peer = try RawPeer(path)
        peer.sequence = sequence
        peer.send(frame(Hello(worker: worker, lastSequence: sequence, client: "raw peer")))
        guard let answer = try peer.next() else { throw TestFailure("the daemon closed instead of answering hello") }
        let standing = try answer.reply(Hello.Reply.self).worker
        guard standing == (sequence > 0 ? .resumed : .new) else { throw TestFailure("the worker is \(standing)") }
        return peer
    }

    /// The hello of a new worker. Two connections of one worker would fence each other.
    package static func hello(client: String = "raw peer") -> [UInt8] {
        frame(Hello(worker: WorkerID(high: .random(in: 1 ... .max), low: .random(in: 0 ... .max)), client: client))
    }

    /// Whether the daemon answers hello and a ping.
    package var isServed: Bool {
        send(RawPeer.hello() + RawPeer.frame(Ping()))
        return (try? next()?.status) == .ok && (try? next()?.status) == .ok
    }

    deinit { close(socket) }

    /// Stops receiving. The daemon's writes fail from now on.
    package func stopReceiving() { shutdown(socket, Int32(SHUT_RD)) }

    // MARK: Sending

    /// Sends all bytes, or as many as the peer takes before it closes.
    package func send(_ bytes: [UInt8]) {
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
    package func sendWhatFits(_ bytes: [UInt8], patienceMilliseconds: Int32 = 300) -> Int {
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

    package func send<C: Command>(_ command: C, correlation: UInt32 = 7) {
        sequence += 1
        send(Self.frame(command, correlation: correlation, sequence: sequence))
    }

    package func shutDownSending() { shutdown(socket, Int32(SHUT_WR)) }

    package static func frame<C: Command>(_ command: C, correlation: UInt32 = 7, sequence: UInt64 = 1) -> [UInt8] {
        var writer = ByteWriter()
        write(command, correlation: correlation, sequence: sequence, into: &writer)
        return writer.bytes
    }

    package static func write<C: Command>(
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
    package func next() throws -> Frame? {
        while true {
            let frame = try input.next { header, payload in Frame(header: header, payload: Array(payload)) }
            if let frame { return frame }
            guard try read() else { return nil }
        }
    }

    /// Whether a whole frame has been read.
    package var hasFrame: Bool { input.isReady }

    /// Whether `next` would find something.
    package func hasInput(withinMilliseconds milliseconds: Int32) -> Bool {
        var watch = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return input.isReady || poll(&watch, 1, milliseconds) == 1
    }

    private func read() throws -> Bool {
        var watch = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        guard poll(&watch, 1, 60_000) == 1 else { throw TestFailure("nothing comes from the daemon") }
        let room = input.spare()
        let count = recv(socket, room.baseAddress, room.count, 0)
        guard count > 0 else { return false }
        input.commit(count)
        return true
    }

    /// Sends a command and returns the frame of the reply.
    package func ask<C: Command>(_ command: C) throws -> Frame {
        send(command)
        guard let frame = try next() else { throw TestFailure("the daemon closed instead of answering") }
        return frame
    }

    /// The next event. Fails the test for any other frame.
    package func nextEvent() throws -> (envelope: EventEnvelope, event: Event) {
        guard let frame = try next() else { throw TestFailure("the daemon closed instead of telling of an event") }
        guard frame.header.kind == FrameKind.event.rawValue else {
            throw TestFailure("a frame of kind \(frame.header.kind) instead of an event")
        }
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
    package func isClosed() throws -> Bool { try next() == nil }
}
