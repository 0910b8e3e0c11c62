import FuseboxWire
import Glibc

/// The time of a start that replays a journal, from the start of the process to its first answer.
///
/// First a million entries of a typical mixture. Then, for each kind of load, as much as the journal may contain before
/// a snapshot is written.
struct RestartBenchmark {
    private let entries: Int
    private let kinds: [RestartLoad]
    private let journalBytes: Int
    /// The target for a million entries, in seconds.
    private static let mixedBoundSeconds = 2.0
    /// The target for any load, in seconds.
    private static let boundSeconds = 5.0
    /// The size of the journal at which a snapshot is written before its interval is over.
    private static let journalMebibytes = 96

    init(_ arguments: Arguments) {
        entries = arguments.number("entries", default: 1_000_000)
        journalBytes = arguments.number("mebibytes", default: Self.journalMebibytes) * 1024 * 1024
        let kind = arguments.text("kind")
        kinds = RestartLoad.allCases.filter { kind == "" || kind == $0.rawValue }
    }

    func run() throws {
        if kinds.count > 1 {
            let fastest = try restarts("mixed", withoutSnapshots: true) { daemon in
                try mix(daemon)
                return entries
            }
            try expect(fastest < Self.mixedBoundSeconds, "a restart with \(entries) entries takes \(fastest) s")
        }
        for kind in kinds {
            let fastest = try restarts(kind.rawValue) { try kind.fill($0, bytes: journalBytes) }
            try expect(fastest < Self.boundSeconds, "a restart after \(kind.rawValue) takes \(fastest) s")
        }
    }

    /// Loads a daemon, kills it, and starts it three times. Returns the time of the fastest start in seconds.
    private func restarts(
        _ what: String, withoutSnapshots: Bool = false, load: (Daemon) throws -> Int
    ) throws -> Double {
        let daemon = try Daemon(["--snapshot-interval", "24h"])
        let begun = nanoseconds()
        let entries = try load(daemon)
        let loading = nanoseconds() - begun
        try daemon.kill()
        if withoutSnapshots { dropSnapshots(daemon) }
        let data = names(in: "\(daemon.folder)/data")
        var seconds: [Double] = []
        var replayed = 0
        for _ in 0..<3 {
            let begun = nanoseconds()
            try daemon.start()
            seconds.append(Double(nanoseconds() - begun) / 1e9)
            let line = daemon.log.last { $0.contains("journal entries") && $0.contains("recovered") } ?? "no report"
            replayed = Self.number(before: " journal entries", in: line)
            let snapshot = Self.number(before: ".fusebox:", in: line)
            try expect(snapshot + replayed >= entries, "\(entries) entries were written: \(line)")
            try daemon.kill()
        }
        let segments = data.count { $0.hasPrefix("journal-0") }
        print(
            "\(what): \(entries) entries in \(segments) segments, written in \(loading / 1_000_000) ms;",
            "\(replayed) of them after the last snapshot,",
            "answered after \(seconds.map { "\(Int($0 * 1000))" }.joined(separator: ", ")) ms")
        return seconds.min() ?? .infinity
    }

    /// The number before a text in a line of the log; 0 if there is none.
    private static func number(before mark: String, in line: some StringProtocol) -> Int {
        let characters = Array(line.utf8)
        let mark = Array(mark.utf8)
        guard let end = characters.indices.first(where: { characters[$0...].starts(with: mark) }) else { return 0 }
        let digits = characters[..<end].reversed().prefix { $0 >= 48 && $0 <= 57 }.reversed()
        return Int(String(decoding: digits, as: UTF8.self)) ?? 0
    }

    /// Three records on a hundred accounts, then one outcome, in turns.
    private func mix(_ daemon: Daemon) throws {
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

    /// All snapshots except the empty one are removed, so that everything is replayed.
    private func dropSnapshots(_ daemon: Daemon) {
        for name in names(in: "\(daemon.folder)/data")
        where name.hasPrefix("snapshot-") && name != "snapshot-00000000000000000000.fusebox" {
            unlink("\(daemon.folder)/data/\(name)")
        }
    }
}
