import Glibc

/// A `redis-server` that syncs before it answers, with a function that does the work of `ledger.record`.
final class Redis {
    private let child: ChildProcess
    private let folder: String
    /// The number of records of earlier runs. Numbers continue after them.
    private var recorded = 0
    private var socket: String { "\(folder)/redis.sock" }

    /// Applied once for each number of a worker: the sums of provider and model with their last time, the provider's
    /// history of the newest 2,000 records with its sum, a check of the budget, and the stored number and reply.
    private static let function = """
        #!lua name=ledger
        redis.register_function('record', function(keys, arguments)
          local number = tonumber(arguments[4])
          if number <= tonumber(redis.call('HGET', keys[3], 'last') or 0) then
            return redis.call('HGET', keys[3], 'reply')
          end
          local time = redis.call('TIME')
          local now = time[1] .. string.format('%06d', time[2])
          for _, key in ipairs({keys[1], keys[1] .. '/' .. keys[2]}) do
            redis.call('HINCRBY', key, 'spend', arguments[1])
            redis.call('HINCRBY', key, 'input', arguments[2])
            redis.call('HINCRBY', key, 'output', arguments[3])
            redis.call('HINCRBY', key, 'requests', 1)
            redis.call('HSET', key, 'at', now)
          end
          local history = keys[1] .. '/history'
          local rolling = redis.call('HINCRBY', keys[1], 'rolling', arguments[1])
          if redis.call('RPUSH', history, now .. ' ' .. arguments[1]) > 2000 then
            local oldest = redis.call('LPOP', history)
            redis.call('HINCRBY', keys[1], 'rolling', -tonumber(string.match(oldest, ' (.*)')))
          end
          local of = redis.call('HMGET', keys[1], 'spend', 'budget')
          local reply = of[2] and tonumber(of[1]) > 0.8 * tonumber(of[2]) and 'warning' or 'none'
          redis.call('HSET', keys[3], 'last', number, 'reply', reply)
          return reply
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

    /// Returns the throughput in records a second.
    func pipelined(_ records: Int, inFlight: Int) throws -> Double {
        var connection = try RawConnection(socket)
        defer { connection.close() }
        // The commands are encoded before the measurement, because that is slow and not redis-server's cost.
        let commands = (1...records).map { number in
            Self.command("FCALL", "record", "3", "openai", "gpt", "worker", "1000", "10", "20", "\(recorded + number)")
        }
        let begun = nanoseconds()
        var sent = 0
        var answered = 0
        var lines = 0
        while answered < records {
            let batch = min(records - sent, inFlight - (sent - answered))
            if batch > 0 { try connection.send(Array(commands[sent..<sent + batch].joined())) }
            sent += max(0, batch)
            // The reply is a bulk string of two lines. Its first byte tells it from an error.
            lines += try connection.receiveLines()
            answered = lines / 2
        }
        recorded += records
        return Double(records) / (Double(nanoseconds() - begun) / 1e9)
    }
}
