import FuseboxWire
import Glibc

/// A blocking connection without the client library. It measures the bare cost of a round trip.
struct RawConnection {
    private let socket: Int32
    private var buffer = [UInt8](repeating: 0, count: 256 * 1024)

    init(_ path: String) throws {
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else {
            Glibc.close(socket)
            throw Failure("cannot connect to \(path)")
        }
    }

    /// The descriptor, for `poll`.
    var descriptor: Int32 { socket }

    func close() { Glibc.close(socket) }

    func send(_ bytes: [UInt8]) throws {
        try expect(Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count, "sending failed")
    }

    /// Waits for at least one byte. Returns the number of bytes.
    mutating func receive() throws -> Int {
        let count = recv(socket, &buffer, buffer.count, 0)
        try expect(count > 0, "the peer has closed")
        return count
    }

    /// Whether bytes can be read without waiting.
    var hasInput: Bool {
        var watch = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&watch, 1, 0) == 1
    }

    /// Reads exactly this many frames. Returns the number of refusals.
    mutating func receiveFrames(_ count: Int, _ reader: inout FrameReader) throws -> Int {
        var left = count
        var refused = 0
        while left > 0 {
            while left > 0, let detail = try reader.next({ header, _ in header.detail }) {
                left -= 1
                if detail != 0 { refused += 1 }
            }
            guard left > 0 else { break }
            let room = reader.spare()
            let received = recv(socket, room.baseAddress, room.count, 0)
            try expect(received > 0, "the peer has closed")
            reader.commit(received)
        }
        return refused
    }

    /// Waits for one frame and decodes it as a reply.
    mutating func receiveReply<Reply: WireRecord>(_ frames: inout FrameReader) throws -> Reply {
        while true {
            let reply = try frames.next { header, payload in
                Result { () throws -> Reply in
                    try expect(header.detail == 0, "a request was refused")
                    var reply = Reply()
                    var fields = ByteReader(payload)
                    try reply.decode(from: &fields)
                    return reply
                }
            }
            if let reply { return try reply.get() }
            let room = frames.spare()
            let received = recv(socket, room.baseAddress, room.count, 0)
            try expect(received > 0, "the peer has closed")
            frames.commit(received)
        }
    }

    /// Waits for at least one frame. Returns the numbers of frames and of refusals.
    mutating func receiveSome(_ reader: inout FrameReader) throws -> (count: Int, refused: Int) {
        var refused = try receiveFrames(1, &reader)
        var count = 1
        while let detail = try reader.next({ header, _ in header.detail }) {
            count += 1
            if detail != 0 { refused += 1 }
        }
        return (count, refused)
    }

    /// Waits for at least one byte of text. Returns the number of line breaks.
    mutating func receiveLines() throws -> Int {
        let count = try receive()
        try expect(
            buffer[0] != UInt8(ascii: "-"), "the peer refuses: \(String(decoding: buffer[..<count], as: UTF8.self))")
        return buffer[..<count].count { $0 == UInt8(ascii: "\n") }
    }

    static func frame<C: Command>(_ command: C, correlation: UInt32 = 0, sequence: UInt64 = 0) -> [UInt8] {
        var writer = ByteWriter()
        append(command, correlation: correlation, sequence: sequence, to: &writer)
        return writer.bytes
    }

    static func append<C: Command>(
        _ command: C, correlation: UInt32 = 0, sequence: UInt64 = 0, oldest: UInt64? = nil, to writer: inout ByteWriter
    ) {
        let start = writer.beginFrame(
            FrameHeader(command: C.declaration.number, kind: .request, correlation: correlation))
        if C.declaration.isSequenced {
            RequestSequence(sequence: sequence, oldestUnacknowledged: oldest ?? sequence).encode(into: &writer)
        }
        command.encode(into: &writer)
        writer.endFrame(start)
    }
}

/// Latencies in nanoseconds.
struct Latencies {
    private var values: [UInt32] = []

    mutating func add(_ nanoseconds: Int) { values.append(UInt32(clamping: nanoseconds)) }

    mutating func add(contentsOf others: Latencies) { values += others.values }

    /// The median and the 99th percentile, in microseconds.
    var summary: String {
        let sorted = values.sorted()
        guard let last = sorted.last else { return "nothing measured" }
        func at(_ share: Double) -> String { Self.micros(sorted[Int(Double(sorted.count - 1) * share)]) }
        return "p50 \(at(0.5)) µs, p99 \(at(0.99)) µs, longest \(Self.micros(last)) µs"
    }

    /// The median.
    var median: Int { values.isEmpty ? 0 : Int(values.sorted()[values.count / 2]) }

    /// One number a line, for the parent process.
    var bytes: [UInt8] { values.withUnsafeBytes { Array($0) } }

    init() {}

    init(bytes: [UInt8]) {
        values = bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) }
        }
    }

    private static func micros(_ nanoseconds: UInt32) -> String {
        "\(nanoseconds / 1000).\(nanoseconds % 1000 / 100)"
    }
}

func nanoseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
}
