import FuseboxWire
import Glibc

/// How long a start takes that has a journal to replay: from the start of the process to its answer.
struct RestartBenchmark {
    private let entries: Int
    /// The target for a million entries.
    private static let boundSeconds = 2.0

    init(_ arguments: Arguments) { entries = arguments.number("entries", default: 1_000_000) }

    func run() throws {
        let daemon = try Daemon(["--snapshot-interval", "24h"])
        try load(daemon)
        try daemon.kill()
        // Of the snapshots only the empty one stays, as if the others were lost: everything is replayed.
        for name in names(in: "\(daemon.folder)/data")
        where name.hasPrefix("snapshot-") && name != "snapshot-00000000000000000000.fusebox" {
            unlink("\(daemon.folder)/data/\(name)")
        }
        var fastest = Double.infinity
        for _ in 0..<3 {
            let begun = nanoseconds()
            try daemon.start()
            let seconds = Double(nanoseconds() - begun) / 1e9
            print("\(entries) entries replayed: answered after \(Int(seconds * 1000)) ms")
            fastest = min(fastest, seconds)
            let lines = daemon.log.filter { $0.contains("journal entries") && $0.contains("recovered") }
            try expect(lines.last?.contains(" \(entries) journal entries") == true, "\(lines.last ?? "no report")")
            try daemon.kill()
        }
        try expect(fastest < Self.boundSeconds, "a restart takes \(fastest) s")
    }

    /// Three records of a hundred accounts and one outcome by turns.
    private func load(_ daemon: Daemon) throws {
        var connection = try DurableBenchmark.greeted(daemon, 1)
        var reader = FrameReader()
        let names = try (0..<10).map { try Name("provider-\($0)") }
        var sent = 0
        while sent < entries {
            var batch = ByteWriter()
            let size = min(1_000, entries - sent)
            for _ in 0..<size {
                sent += 1
                let name = names[sent % names.count]
                if sent % 4 == 0 {
                    RawConnection.append(BreakerSuccess(name: name), sequence: UInt64(sent), to: &batch)
                } else {
                    let record = LedgerRecord(
                        provider: name, model: names[sent / 10 % names.count], cost: Money(nanodollars: 1_000),
                        inputTokens: 10, outputTokens: 20)
                    RawConnection.append(record, sequence: UInt64(sent), to: &batch)
                }
            }
            try connection.send(batch.bytes)
            try expect(try connection.receiveFrames(size, &reader) == 0, "a request was refused")
        }
        connection.close()
    }
}
