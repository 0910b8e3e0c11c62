import FuseboxWire
import Glibc

/// A connection after hello, and the bytes that were received on it. Its holder is its only reader.
struct Connection: ~Copyable, @unchecked Sendable {
    // Sendable: the frame reader's memory has one owner, and moves with it.
    let socket: Socket
    private var greeting: Greeting?
    var reader = FrameReader()
    /// The number of this connection among those of its exchange.
    var number: UInt64 = 0

    /// The daemon's reply to hello.
    var hello: Hello.Reply { greeting?.hello ?? Hello.Reply() }
    /// The protocol version that the daemon chose. The reply to hello is the same in all versions.
    var version: UInt16 { greeting?.hello.version ?? ProtocolVersion.lowest }

    /// A class, because a connection is moved with every call and should be small.
    private final class Greeting {
        let hello: Hello.Reply
        init(_ hello: Hello.Reply) { self.hello = hello }
    }

    private init(_ socket: Socket) { self.socket = socket }

    /// Connects and says hello.
    ///
    /// - Parameters:
    ///   - lastSequence: the highest sequence number that the worker has used
    ///   - patienceMilliseconds: how long a receive will usually wait
    static func open(
        _ path: String, as worker: WorkerID, lastSequence: UInt64 = 0, name: String, patienceMilliseconds: Int,
        until deadline: Deadline
    ) throws(ClientError) -> Connection {
        do throws(Failure) {
            return try attempt(
                path, as: worker, lastSequence: lastSequence, name: name, patienceMilliseconds: patienceMilliseconds,
                until: deadline)
        } catch { throw error.error }
    }

    /// Why no connection was made.
    struct Failure: Error {
        var error: ClientError
        /// Whether the kernel said at once that nobody listens.
        var isVacant = false
    }

    /// Connects and says hello, as `open`; a failure tells whether nobody listens.
    static func attempt(
        _ path: String, as worker: WorkerID, lastSequence: UInt64, name: String, patienceMilliseconds: Int,
        until deadline: Deadline
    ) throws(Failure) -> Connection {
        let socket: Socket
        do throws(SystemFailure) {
            socket = try Socket.connect(to: path, patienceMilliseconds: patienceMilliseconds, until: deadline)
        } catch {
            throw Failure(
                error: .unavailable(path: path, reason: error.description),
                isVacant: error.code == ECONNREFUSED || error.code == ENOENT)
        }
        var connection = Connection(socket)
        do throws(Interruption) {
            let hello = Hello(worker: worker, lastSequence: lastSequence, client: name)
            let greeting = try connection.ask(hello, until: deadline)
            guard hello.speaks(greeting.version) else {
                throw .garbled(
                    "the daemon chose protocol version \(greeting.version), which this client does not speak")
            }
            connection.greeting = Greeting(greeting)
        } catch {
            throw Failure(error: .unavailable(path: path, reason: error.description))
        }
        return connection
    }

    /// Why a single request had no reply.
    enum Interruption: Error, CustomStringConvertible {
        case refused(Refusal)
        case garbled(String)
        case lost(String)
        case timedOut

        var description: String {
            switch self {
            case .refused(let refusal): "the daemon refused the connection: \(refusal)"
            case .garbled(let reason): "the peer does not speak this protocol: \(reason)"
            case .lost(let reason): reason
            case .timedOut: "something listens there but did not answer in time"
            }
        }
    }

    /// Sends one request and waits for its reply. Nothing else may be under way on this connection.
    mutating func ask<C: Command>(_ command: C, until deadline: Deadline) throws(Interruption) -> C.Reply {
        let correlation: UInt32 = 1
        var frame = ByteWriter()
        let start = frame.beginFrame(
            FrameHeader(command: C.declaration.number, kind: .request, correlation: correlation))
        command.encode(into: &frame)
        frame.endFrame(start)
        try send(&frame, until: deadline)
        let version = version
        while true {
            if let answer = try unsafe nextFrame({ header, payload -> Result<C.Reply, Refusal>? in
                guard header.kind == FrameKind.reply.rawValue else { return nil }
                return unsafe Payload.reply(to: C.self, status: header.detail, payload, version)
            }) {
                switch answer {
                case nil: continue
                case .success(let reply): return reply
                case .failure(let refusal): throw .refused(refusal)
                }
            }
            try receive(until: deadline)
        }
    }

    /// Sends all bytes of a frame.
    func send(_ frame: inout ByteWriter, until deadline: Deadline) throws(Interruption) {
        while !frame.isEmpty {
            switch unsafe frame.withBytes({ unsafe socket.send($0) }) {
            case .bytes(let count): frame.removeFirst(count)
            case .full:
                _ = socket.wait([.writable], until: deadline)
                if deadline.remainingMilliseconds == 0 { throw .timedOut }
            case .failed(let failure): throw .lost(failure.description)
            }
        }
    }

    /// Passes the next complete frame that has been read to `body`.
    mutating func nextFrame<R>(
        _ body: (FrameHeader, UnsafeRawBufferPointer) -> R
    ) throws(Interruption) -> R? {
        do throws(Refusal) { return try unsafe reader.next(body) } catch { throw .garbled(error.message) }
    }

    /// Waits for more bytes.
    mutating func receive(until deadline: Deadline) throws(Interruption) {
        switch fill(until: deadline) {
        case .bytes: return
        case .ended: throw .lost("the daemon closed the connection")
        case .failed(let failure): throw .lost(failure.description)
        case .timedOut: throw .timedOut
        }
    }

    /// Waits for bytes and takes them into the reader.
    mutating func fill(until deadline: Deadline) -> Socket.Received {
        let received = unsafe socket.receive(into: reader.spare(), until: deadline)
        if case .bytes(let count) = received { reader.commit(count) }
        return received
    }
}

/// Reads the payloads of replies.
enum Payload {
    /// The reply to a command, or why there is none. Fields that only a newer daemon sends are skipped.
    static func reply<C: Command>(
        to command: C.Type, status: UInt8, _ bytes: UnsafeRawBufferPointer, _ version: UInt16
    ) -> Result<C.Reply, Refusal> {
        guard status == Status.ok.rawValue else { return .failure(unsafe refusal(status, bytes)) }
        var reader = unsafe ByteReader(bytes, skipsUnknown: true, version: version)
        var reply = C.Reply()
        do throws(Refusal) {
            try reply.decode(from: &reader)
            try reader.finish()
            return .success(reply)
        } catch {
            return .failure(Refusal(.malformed, "the reply to \(C.declaration.name) cannot be read: \(error.message)"))
        }
    }

    /// What a frame says of a waiting call. Nil if it is none of these frames, or cannot be read.
    static func announcement(
        _ header: FrameHeader, _ bytes: UnsafeRawBufferPointer, _ version: UInt16
    ) -> ExchangeMachine.Announcement? {
        var reader = unsafe ByteReader(bytes, skipsUnknown: true, version: version)
        if header.kind == FrameKind.push.rawValue {
            var entry = TicketEntry()
            guard header.command == Tickets.declaration.number, (try? entry.decode(from: &reader)) != nil else {
                return nil
            }
            return ExchangeMachine.Announcement(
                ticket: entry.ticket, standing: entry.standing, permit: entry.admission.permit)
        }
        var reply = AdmitReply()
        guard (try? reply.decode(from: &reader)) != nil else { return nil }
        return ExchangeMachine.Announcement(ticket: reply.ticket, permit: reply.permit)
    }

    /// The refusal in a frame.
    static func refusal(_ status: UInt8, _ bytes: UnsafeRawBufferPointer) -> Refusal {
        var reader = unsafe ByteReader(bytes)
        var message = ""
        do throws(Refusal) { try message.decode(from: &reader) } catch { message = "no reason was given" }
        // A status that only a newer daemon knows keeps its number. The message says what it means.
        let status = Status(number: status)
        return status == .ok
            ? Refusal(.malformed, "\(message) (status 0, which answers nothing)") : Refusal(status, message)
    }
}
