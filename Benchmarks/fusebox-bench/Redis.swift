import Glibc

/// `redis-server` that syncs before it answers, with a function that does what `ledger.record` does.
final class Redis {
    private let child: ChildProcess
    private let folder: String
    private var socket: String { "\(folder)/redis.sock" }

    /// The provider's and the model's sums of the period, and those of all providers.
    private static let function = """
        #!lua name=ledger
        redis.register_function('record', function(keys, arguments)
          for _, key in ipairs({keys[1], keys[1] .. '/' .. keys[2], 'total'}) do
            redis.call('HINCRBY', key, 'spend', arguments[1])
            redis.call('HINCRBY', key, 'input', arguments[2])
            redis.call('HINCRBY', key, 'output', arguments[3])
            redis.call('HINCRBY', key, 'requests', 1)
          end
          return redis.call('HGET', keys[1], 'spend')
        end)
        """

    init(in parent: String) throws {
        folder = "\(parent)/redis"
        mkdir(folder, 0o700)
        child = try ChildProcess(
            [
                "/usr/bin/redis-server", "--port", "0", "--unixsocket", "\(parent)/redis/redis.sock", "--dir",
                "\(parent)/redis", "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--daemonize", "no",
            ], output: "\(parent)/redis.log")
        try waitForSocket(socket)
        var connection = try RawConnection(socket)
        defer { connection.close() }
        try connection.send(Self.command("FUNCTION", "LOAD", Self.function))
        try expect(try connection.receive() > 0, "redis-server does not take the function")
    }

    deinit {
        child.send(SIGKILL)
        for place in ["\(folder)/appendonlydir", folder] {
            for name in names(in: place) { unlink("\(place)/\(name)") }
            rmdir(place)
        }
    }

    private static func command(_ parts: String...) -> [UInt8] {
        Array(("*\(parts.count)\r\n" + parts.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()).utf8)
    }

    /// Records a second.
    func pipelined(_ records: Int, inFlight: Int) throws -> Double {
        var connection = try RawConnection(socket)
        defer { connection.close() }
        let record = Self.command("FCALL", "record", "2", "openai", "gpt", "1000", "10", "20")
        let begun = nanoseconds()
        var sent = 0
        var answered = 0
        var lines = 0
        while answered < records {
            let batch = min(records - sent, inFlight - (sent - answered))
            if batch > 0 { try connection.send(Array(repeatElement(record, count: batch).joined())) }
            sent += max(0, batch)
            // A reply is a bulk string: two lines, and its first byte is no error's.
            lines += try connection.receiveLines()
            answered = lines / 2
        }
        return Double(records) / (Double(nanoseconds() - begun) / 1e9)
    }
}
