import FuseboxWire
import Glibc

/// The waiting time of other clients while an operator imports a state of the largest size into a daemon with a state
/// of that size: the longest turn of the loop, a read, an admission, and a durable record.
struct ImportBenchmark {
    private let providers: Int
    private let models: Int
    private let breakers: Int
    private let records: Int
    private let parts: UInt8
    /// Whether the daemon that imports knows none of the breakers that it gets.
    private let areStrange: Bool
    private static let batch = 128

    init(_ arguments: Arguments) {
        providers = arguments.number("providers", default: 2_000)
        models = arguments.number("models", default: 120)
        breakers = arguments.number("breakers", default: 60_000)
        records = arguments.number("records", default: 3_000_000)
        parts = UInt8(arguments.number("parts", default: 7))
        areStrange = arguments.number("strange", default: 0) != 0
    }

    func run() throws {
        var daemon = try Daemon(["--snapshot-interval", "60m"])
        var loader = try Peer(daemon.socket, 1)
        try load(loader, breakers: "b")
        let info: SnapshotInfo = try loader.ask(SnapshotNow())
        let state = try contents(of: "\(daemon.folder)/data/\(info.file)")
        print("a state of \(state.count) bytes; longest turn so far \(try daemon.longestTurn()) µs")

        if areStrange {
            try daemon.stop()
            daemon = try Daemon(["--snapshot-interval", "60m"])
            loader = try Peer(daemon.socket, 1)
            try load(loader, breakers: "c")
        }
        let importer = try Peer(daemon.socket, 2)
        var offset = 0
        while offset < state.count {
            let end = min(offset + WireLimits.chunkLength, state.count)
            let _: Done = try importer.ask(
                ImportChunk(offset: UInt64(offset), chunk: Bytes(Array(state[offset..<end]))))
            offset = end
        }
        print("uploaded; longest turn meanwhile \(try daemon.longestTurn()) µs")

        let peers = try (0..<3).map { try Peer(daemon.socket, UInt64(10 + $0)) }
        var waits = [Latencies(), Latencies(), Latencies()]
        var candidates = Candidates()
        candidates.append(Candidate(provider: try Name("provider-1")))
        let begun = nanoseconds()
        try importer.send(ImportCommit(length: UInt64(state.count), parts: StateParts(rawValue: parts)))
        var sent = [Int](repeating: 0, count: 3)
        var isOver = false
        var isWaiting = [false, false, false]
        while !isOver || isWaiting.contains(true) {
            // The daemon uses the processors, so a wait is measured with this precision.
            poll(nil, 0, 1)
            for place in peers.indices where !isWaiting[place] && !isOver {
                switch place {
                case 0: try peers[0].send(Ping())
                case 1: try peers[1].send(Admit(candidates: candidates, ttlMilliseconds: 1_000))
                default: try peers[2].send(record(0, 0))
                }
                sent[place] = nanoseconds()
                isWaiting[place] = true
            }
            for place in peers.indices where isWaiting[place] && peers[place].hasInput {
                try expect(try peers[place].receive() == 0, "a request was refused")
                waits[place].add(nanoseconds() - sent[place])
                isWaiting[place] = false
            }
            if !isOver, importer.hasInput {
                try expect(try importer.receive() == 0, "the import was refused")
                isOver = true
            }
        }
        print("the import took \((nanoseconds() - begun) / 1_000_000) ms; longest turn \(try daemon.longestTurn()) µs")
        for (what, latencies) in zip(["questions", "admissions", "records"], waits) {
            print("\(what): \(latencies.summary)")
        }
        try daemon.stop()
    }

    private func load(_ peer: Peer, breakers prefix: String) throws {
        for start in stride(from: 0, to: breakers, by: Self.batch) {
            try peer.ask(
                (start..<min(start + Self.batch, breakers)).map { BreakerSuccess(name: try Name("\(prefix)-\($0)")) })
        }
        for start in stride(from: 0, to: records, by: Self.batch) {
            try peer.ask(
                (start..<min(start + Self.batch, records)).map { try record($0 % providers, $0 / providers % models) })
        }
    }

    private func record(_ provider: Int, _ model: Int) throws -> LedgerRecord {
        LedgerRecord(
            provider: try Name("provider-\(provider)"), model: try Name("model-\(model)"),
            cost: Money(nanodollars: 1_000), inputTokens: 10, outputTokens: 20)
    }

    private func contents(of path: String) throws -> [UInt8] {
        guard let file = fopen(path, "r") else { throw Failure("cannot read \(path)") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
        return bytes
    }

    /// A connection that numbers its requests.
    private final class Peer {
        private var connection: RawConnection
        private var reader = FrameReader(frameLimit: 1 << 20)
        private var sequence: UInt64 = 0

        init(_ path: String, _ worker: UInt64) throws {
            connection = try RawConnection(path)
            try connection.send(RawConnection.frame(Hello(worker: WorkerID(high: worker, low: 1), client: "bench")))
            try expect(try connection.receiveFrames(1, &reader) == 0, "hello was refused")
        }

        var hasInput: Bool { connection.hasInput }

        func send<C: Command>(_ command: C) throws {
            sequence += 1
            try connection.send(RawConnection.frame(command, sequence: sequence))
        }

        /// Reads one reply. Returns how many refusals came.
        func receive() throws -> Int { try connection.receiveFrames(1, &reader) }

        func ask<C: Command>(_ command: C) throws -> C.Reply {
            try send(command)
            return try connection.receiveReply(&reader)
        }

        func ask<C: Command>(_ commands: [C]) throws {
            var batch = ByteWriter()
            for command in commands {
                sequence += 1
                RawConnection.append(command, sequence: sequence, to: &batch)
            }
            try connection.send(batch.bytes)
            try expect(try connection.receiveFrames(commands.count, &reader) == 0, "a request was refused")
        }
    }
}
