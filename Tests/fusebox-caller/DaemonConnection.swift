import FuseboxTestSupport
import FuseboxWire
import Glibc

/// A worker's connection to the daemon. It sends one request at a time, and sends it again after each lost connection
/// until it is answered.
final class DaemonConnection {
    private let path: String
    private let worker = WorkerID(high: .random(in: 1 ... .max), low: .random(in: 0 ... .max))
    private var socket: Int32 = -1
    private var input = FrameReader(frameLimit: WireLimits.frameLength)
    private var sequence: UInt64 = 0

    /// How long the daemon may be away.
    private static let patienceMilliseconds = 60_000

    init(_ path: String) { self.path = path }

    /// Sends a command until it is answered. A refusal is thrown.
    func ask<C: Command>(_ command: C) throws -> C.Reply {
        let (status, payload) = try exchange(command)
        guard status == .ok else { throw CallerFailure("\(C.declaration.name) was refused: \(status)") }
        return try Self.decode(C.Reply.self, payload)
    }

    /// Sends a command until it is answered.
    func exchange<C: Command>(_ command: C) throws -> (Status, [UInt8]) {
        let request = frame(command)
        while true {
            if socket < 0 { try connectAndGreet() }
            if send(request), let reply = try receive() { return reply }
            disconnect()
        }
    }

    /// Sends a command without waiting for the reply.
    func submit<C: Command>(_ command: C) throws {
        if socket < 0 { try connectAndGreet() }
        _ = send(frame(command))
    }

    private func frame<C: Command>(_ command: C) -> [UInt8] {
        var writer = ByteWriter()
        let start = writer.beginFrame(FrameHeader(command: C.declaration.number, kind: .request, correlation: 1))
        if C.declaration.isSequenced {
            sequence += 1
            RequestSequence(sequence: sequence, oldestUnacknowledged: sequence).encode(into: &writer)
        }
        command.encode(into: &writer)
        writer.endFrame(start)
        return writer.bytes
    }

    // MARK: Connecting

    private func connectAndGreet() throws {
        let deadline = monotonicMilliseconds() + Self.patienceMilliseconds
        while true {
            if reach(), let standing = try greet() {
                // The daemon may not have received any of the first request. Then it does not know this worker.
                guard standing == .resumed || sequence <= 1 else {
                    throw CallerFailure("the daemon has forgotten this worker: \(standing)")
                }
                return
            }
            disconnect()
            guard monotonicMilliseconds() < deadline else { throw CallerFailure("the daemon was away for too long") }
            pass(milliseconds: 2)
        }
    }

    private func reach() -> Bool {
        socket = connectedSocket(path) ?? -1
        return socket >= 0
    }

    private func greet() throws -> WorkerStanding? {
        guard send(frame(Hello(worker: worker, lastSequence: sequence, client: "fusebox-caller"))),
            let (status, payload) = try receive()
        else { return nil }
        guard status == .ok else { throw CallerFailure("hello was refused: \(status)") }
        return try Self.decode(Hello.Reply.self, payload).worker
    }

    private func disconnect() {
        close(socket)
        socket = -1
        input = FrameReader(frameLimit: WireLimits.frameLength)
    }

    // MARK: Bytes

    private func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// The reply; nil if the connection ends first.
    private func receive() throws -> (Status, [UInt8])? {
        while true {
            let reply = try input.next { header, payload in (Status(rawValue: header.detail), Array(payload)) }
            if let (status, payload) = reply {
                guard let status else { throw CallerFailure("the reply has an unknown status") }
                // The connection ends after this, and the request is sent again.
                return status == .shuttingDown ? nil : (status, payload)
            }
            let room = input.spare()
            let count = recv(socket, room.baseAddress, room.count, 0)
            guard count > 0 else { return nil }
            input.commit(count)
        }
    }

    private static func decode<Record: WireRecord>(_: Record.Type, _ payload: [UInt8]) throws -> Record {
        var record = Record()
        try payload.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            try record.decode(from: &reader)
            try reader.finish()
        }
        return record
    }
}
