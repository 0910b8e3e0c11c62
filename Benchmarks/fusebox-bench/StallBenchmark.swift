import FuseboxWire
import Glibc

/// The longest turn of the loop with a large state, first under load alone, then while snapshots are taken.
///
/// The load touches every account repeatedly, so that each snapshot causes as many copies as possible.
struct StallBenchmark {
    private let accounts: Int
    private let seconds: Int
    private static let modelsPerProvider = 100
    private static let batch = 128
    /// The longest permitted turn, in microseconds.
    private static let boundMicroseconds = 5_000

    init(_ arguments: Arguments) {
        accounts = arguments.number("accounts", default: 100_000)
        seconds = arguments.number("seconds", default: 10)
    }

    func run() throws {
        let daemon = try Daemon(["--snapshot-interval", "60m"])
        var connection = try RawConnection(daemon.socket)
        var reader = FrameReader()
        try connection.send(RawConnection.frame(Hello(worker: WorkerID(high: 1, low: 1), client: "bench")))
        try expect(try connection.receiveFrames(1, &reader) == 0, "hello was refused")

        var sequence: UInt64 = 0
        // 20 records an account fill the exact history of every provider.
        for _ in 0..<20 * accounts / Self.batch { try record(&sequence, &connection, &reader) }
        print("\(accounts) accounts loaded with \(sequence) records; longest turn \(try daemon.longestTurn()) µs")

        let (rate, alone, wait) = try measure(daemon, &sequence, &connection, &reader, withSnapshots: false)
        print("under load alone: longest turn \(alone) µs at \(rate) records a second; waits \(wait)")
        let (slower, during, longer) = try measure(daemon, &sequence, &connection, &reader, withSnapshots: true)
        print(
            "with a snapshot always under way: longest turn \(during) µs at \(slower) records a second; waits \(longer)"
        )
        for line in daemon.log.filter({ $0.contains("bytes") }).suffix(1) {
            print("the last one: \(line.dropFirst(3))")
        }
        try daemon.stop()
        try expect(during <= Self.boundMicroseconds, "a turn took longer than \(Self.boundMicroseconds) µs")
    }

    private func measure(
        _ daemon: Daemon, _ sequence: inout UInt64, _ connection: inout RawConnection, _ reader: inout FrameReader,
        withSnapshots: Bool
    ) throws -> (rate: Int, longestTurn: Int, waits: String) {
        var waits: [Int] = []
        _ = try daemon.longestTurn()
        let begun = nanoseconds()
        let first = sequence
        var snapshots = try RawConnection(daemon.socket)
        var snapshotReader = FrameReader()
        try snapshots.send(RawConnection.frame(Hello(worker: WorkerID(high: 1, low: 2), client: "bench")))
        try expect(try snapshots.receiveFrames(1, &snapshotReader) == 0, "hello was refused")
        var written = 0
        var isWriting = false
        while nanoseconds() - begun < seconds * 1_000_000_000 {
            if withSnapshots, !isWriting {
                try snapshots.send(RawConnection.frame(SnapshotNow()))
                isWriting = true
            }
            let sent = nanoseconds()
            try record(&sequence, &connection, &reader)
            waits.append(nanoseconds() - sent)
            if isWriting, snapshots.hasInput {
                try expect(try snapshots.receiveFrames(1, &snapshotReader) == 0, "a snapshot was refused")
                isWriting = false
                written += 1
            }
        }
        let elapsed = Double(nanoseconds() - begun) / 1e9
        if isWriting { try expect(try snapshots.receiveFrames(1, &snapshotReader) == 0, "a snapshot was refused") }
        if withSnapshots { print("\(written) snapshots") }
        snapshots.close()
        waits.sort()
        let told = [waits[waits.count / 2], waits[waits.count * 99 / 100], waits[waits.count - 1]]
            .map { "\($0 / 1_000)" }.joined(separator: ", ")
        return (
            Int(Double(sequence - first) / elapsed), try daemon.longestTurn(),
            "for a durable batch: median, 99 of 100 and longest \(told) µs"
        )
    }

    /// Records one cost for each of the next accounts, in an order that alternates between providers.
    private func record(
        _ sequence: inout UInt64, _ connection: inout RawConnection, _ reader: inout FrameReader
    ) throws {
        var batch = ByteWriter()
        for _ in 0..<Self.batch {
            sequence += 1
            let account = Int(sequence &* 7_919 % UInt64(accounts))
            RawConnection.append(
                LedgerRecord(
                    provider: try Name("provider-\(account / Self.modelsPerProvider)"),
                    model: try Name("model-\(account % Self.modelsPerProvider)"), cost: Money(nanodollars: 1_000),
                    inputTokens: 10, outputTokens: 20),
                sequence: sequence, to: &batch)
        }
        try connection.send(batch.bytes)
        try expect(try connection.receiveFrames(Self.batch, &reader) == 0, "a record was refused")
    }
}
