import FuseboxClient
import Glibc

/// A simulated provider of language models. Commands on its standard input decide how it answers.
struct FakeProvider {
    enum Answer {
        case answer(cost: FuseboxClient.Money, input: Int, output: Int)
        case failure
        case quota
    }

    private let listener: Int32
    private var moods: [String: String] = [:]
    private var served = 0

    init(path: String) throws {
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let status = unsafe LocalAddress(path).withPointer { unsafe bind(listener, $0, $1) }
        guard status == 0, listen(listener, 64) == 0 else { throw DemoFailure("the provider cannot listen on \(path)") }
    }

    /// Serves calls and reads commands such as `openai fails`, until its input ends.
    mutating func run() throws {
        while true {
            var waiting = [
                pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
                pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
            ]
            guard unsafe poll(&waiting, 2, -1) > 0 else { continue }
            if waiting[0].revents != 0 {
                guard let line = readLine() else { return }
                let words = line.split(separator: " ").map(String.init)
                if words.count == 2 { moods[words[0]] = words[1] }
                Demo.say(words.count == 2 ? "ok" : "what?")
            }
            if waiting[1].revents != 0 { serveOne() }
        }
    }

    private mutating func serveOne() {
        let peer = accept(listener, nil, nil)
        guard peer >= 0 else { return }
        defer { close(peer) }
        let name = LocalAddress.receive(peer)
        served += 1
        let reply =
            switch moods[name] {
            case "fails": "500"
            case "quota": "429"
            // The cost varies by fractions of a cent.
            default: "200 \(1_230_000 + served * 7) \(100 + served % 50) \(300 + served % 70)"
            }
        LocalAddress.send(reply, to: peer)
    }

    /// Calls the provider at `path`.
    static func ask(_ path: String, _ name: String) throws -> Answer {
        let connection = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(connection) }
        guard unsafe LocalAddress(path).withPointer({ unsafe connect(connection, $0, $1) }) == 0 else {
            throw DemoFailure("cannot connect to the provider at \(path)")
        }
        LocalAddress.send(name, to: connection)
        shutdown(connection, Int32(SHUT_WR))
        let words = LocalAddress.receive(connection).split(separator: " ").compactMap { Int($0) }
        switch words.first {
        case 200:
            return .answer(cost: FuseboxClient.Money(nanodollars: Int64(words[1])), input: words[2], output: words[3])
        case 429: return .quota
        default: return .failure
        }
    }
}

/// The address of a Unix socket, and the exchange of short texts.
struct LocalAddress {
    private var address = sockaddr_un()

    init(_ path: String) {
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8.prefix(107)) }
    }

    func withPointer(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    static func send(_ text: String, to socket: Int32) {
        let bytes = Array(text.utf8)
        _ = unsafe write(socket, bytes, bytes.count)
    }

    /// Reads until the peer shuts down its sending side.
    static func receive(_ socket: Int32) -> String {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            let count = unsafe read(socket, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: text, as: UTF8.self) }
            text += buffer[..<count]
        }
    }
}
