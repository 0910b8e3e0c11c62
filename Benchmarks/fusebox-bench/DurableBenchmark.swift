import FuseboxWire
import Glibc

/// The cost of an acknowledgement that survives power loss. A single one is compared with the bare sync and round trip
/// that it needs. Many in flight are compared with `redis-server` with the same promise, on the same disk and in the
/// same run.
struct DurableBenchmark {
    private let rounds: Int
    private let records: Int
    private let inFlight: Int
    /// The targets: the largest ratio of one durable record to its sync and round trip, and the smallest ratio of
    /// throughputs.
    private static let aloneBound = 1.5
    private static let pipelinedBound = 10.0

    init(_ arguments: Arguments) {
        rounds = arguments.number("rounds", default: 2_000)
        records = arguments.number("records", default: 300_000)
        inFlight = arguments.number("in-flight", default: 1_000)
    }

    func run() throws {
        let daemon = try Daemon()
        let ratio = try alone(daemon)
        let redis = try Redis(in: daemon.folder)
        // The two alternate, so that other load on the machine affects both.
        var own = [Double](), theirs = [Double]()
        for _ in 0..<3 {
            own.append(try pipelined(daemon))
            theirs.append(try redis.pipelined(records / 10, inFlight: inFlight))
        }
        let factor = own.sorted()[1] / theirs.sorted()[1]
        print("\(inFlight) in flight, medians of 3: fuseboxd \(Int(own.sorted()[1])) durable records a second,")
        print("redis-server \(Int(theirs.sorted()[1])): \(Self.rounded(factor)) times")
        try daemon.stop()
        try expect(
            ratio <= Self.aloneBound, "one alone takes \(Self.rounded(ratio)) times the bare sync and round trip")
        try expect(factor >= Self.pipelinedBound, "\(Self.rounded(factor)) times as fast as redis-server, not 10")
    }

    private static func rounded(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }

    // MARK: One in flight

    private func alone(_ daemon: Daemon) throws -> Double {
        let file = open("\(daemon.folder)/alone", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try expect(file >= 0 && posix_fallocate(file, 0, 16 << 20) == 0, "cannot allocate the file for the comparison")
        defer { close(file) }
        // The length of a journal entry.
        let entry = [UInt8](repeating: 1, count: 128)
        var connection = try Self.greeted(daemon, 1)
        var reader = FrameReader()
        let ping = RawConnection.frame(Ping())
        var syncs = Latencies(), pings = Latencies(), acknowledgements = Latencies()
        for round in 0..<rounds + 100 {
            let begun = nanoseconds()
            try expect(pwrite(file, entry, entry.count, off_t(round * entry.count)) == entry.count, "writing failed")
            try expect(fdatasync(file) == 0, "syncing failed")
            let synced = nanoseconds()
            try connection.send(ping)
            try expect(try connection.receiveFrames(1, &reader) == 0, "ping was refused")
            let pinged = nanoseconds()
            try connection.send(RawConnection.frame(try Self.record(), sequence: UInt64(round + 1)))
            try expect(try connection.receiveFrames(1, &reader) == 0, "a record was refused")
            let acknowledged = nanoseconds()
            guard round >= 100 else { continue }
            syncs.add(synced - begun)
            pings.add(pinged - synced)
            acknowledgements.add(acknowledged - pinged)
        }
        connection.close()
        print("write and fdatasync of \(entry.count) bytes: \(syncs.summary)")
        print("ping: \(pings.summary)")
        print("one durable record: \(acknowledgements.summary)")
        let ratio = Double(acknowledgements.median) / Double(syncs.median + pings.median)
        print("one durable record takes \(Self.rounded(ratio)) times the sync and the round trip")
        return ratio
    }

    // MARK: Many in flight

    /// Returns the throughput in records a second.
    private func pipelined(_ daemon: Daemon) throws -> Double {
        var connection = try Self.greeted(daemon, UInt64(nanoseconds()))
        var reader = FrameReader()
        let begun = nanoseconds()
        var sent = 0
        var acknowledged = 0
        while acknowledged < records {
            var batch = ByteWriter()
            while sent < records, sent - acknowledged < inFlight {
                sent += 1
                RawConnection.append(
                    try Self.record(), sequence: UInt64(sent), oldest: UInt64(acknowledged + 1), to: &batch)
            }
            if !batch.isEmpty { try connection.send(batch.bytes) }
            let (answered, refused) = try connection.receiveSome(&reader)
            try expect(refused == 0, "a record was refused")
            acknowledged += answered
        }
        connection.close()
        return Double(records) / (Double(nanoseconds() - begun) / 1e9)
    }

    static func record() throws -> LedgerRecord {
        LedgerRecord(
            provider: try Name("openai"), model: try Name("gpt"), cost: Money(nanodollars: 1_000), inputTokens: 10,
            outputTokens: 20)
    }

    static func greeted(_ daemon: Daemon, _ worker: UInt64) throws -> RawConnection {
        var connection = try RawConnection(daemon.socket)
        var reader = FrameReader()
        try connection.send(RawConnection.frame(Hello(worker: WorkerID(high: 1, low: worker), client: "bench")))
        try expect(try connection.receiveFrames(1, &reader) == 0, "hello was refused")
        return connection
    }
}
