import FuseboxWire
import Glibc

/// The loads that fill a journal until a snapshot is written. Each kind maximises one thing.
enum RestartLoad: String, CaseIterable {
    /// The smallest entries: outcomes of one breaker with a short name, from one worker.
    case outcomes
    /// Outcomes of as many breakers as one user may have, in random order.
    case breakers
    /// Records on 200,000 accounts, in random order. Every provider has two limits.
    case records
    /// The same, after a snapshot that has all of these accounts.
    case recordsOverMany
    /// Limits that are set repeatedly, as many as possible.
    case limits
    /// As many breakers as one user may have, all reset repeatedly. The entries are short and expensive to replay.
    case resets
    /// As many workers as are remembered, in turns. None of them acknowledges a reply.
    case workers
    /// Workers that connect, report one outcome and disconnect.
    case goodbyes

    private static let batch = 1_000
    private static let providers = 2_000
    private static let models = 100

    /// Fills the journal with at most so many bytes. Returns the number of entries.
    func fill(_ daemon: Daemon, bytes: Int) throws -> Int {
        var journal = JournalSize(limit: bytes)
        switch self {
        case .outcomes: try fill(daemon, &journal) { _ in BreakerSuccess(name: try Name("a")) }
        case .breakers:
            let names = try (0..<49_000).map { try Name("b\($0)") }
            try fill(daemon, &journal) { BreakerSuccess(name: names[Self.scattered($0) % names.count]) }
        case .records: try fillWithRecords(daemon, &journal)
        case .recordsOverMany:
            try fillWithRecords(daemon, &journal)
            try Self.takeSnapshot(daemon)
            journal = JournalSize(limit: bytes)
            try fillWithRecords(daemon, &journal)
        case .limits:
            let names = try (0..<Self.providers).map { try Name("p\($0)") }
            let models = try (0..<8).map { try Name("m\($0)") }
            try fill(daemon, &journal) { number in
                let place = Self.scattered(number)
                let (provider, model) = (names[place % names.count], models[place / names.count % models.count])
                return LimitSet(scope: Scope(provider: provider, model: model), limits: [Limit(.cost, 0, .manual)])
            }
        case .resets: try fillWithResets(daemon, &journal)
        case .workers: try fillFromManyWorkers(daemon, &journal)
        case .goodbyes: try fillWithGoodbyes(daemon, &journal)
        }
        return journal.entries
    }

    /// A pseudo-random number that is the same in every run.
    private static func scattered(_ number: Int) -> Int {
        Int(truncatingIfNeeded: (UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15) >> 33)
    }

    /// A worker that sends many requests at once and acknowledges them.
    private func fill<C: Command>(
        _ daemon: Daemon, _ journal: inout JournalSize, upTo end: Int = .max, _ command: (Int) throws -> C
    ) throws {
        var connection = try DurableBenchmark.greeted(daemon, UInt64(nanoseconds()))
        defer { connection.close() }
        var reader = FrameReader()
        var sequence: UInt64 = 0
        while !journal.isFull, journal.entries < end {
            var frames = ByteWriter()
            var count = 0
            while count < Self.batch, !journal.isFull, journal.entries < end {
                sequence += 1
                count += 1
                let start = frames.count
                RawConnection.append(try command(Int(sequence)), sequence: sequence, to: &frames)
                journal.add(frameBytes: frames.count - start)
            }
            try connection.send(frames.bytes)
            try expect(try connection.receiveFrames(count, &reader) == 0, "a request was refused")
        }
    }

    private func fillWithRecords(_ daemon: Daemon, _ journal: inout JournalSize) throws {
        let providers = try (0..<Self.providers).map { try Name("p\($0)") }
        let models = try (0..<Self.models).map { try Name("m\($0)") }
        var setup = JournalSize(limit: .max)
        try Self.setLimits(daemon, providers, &setup)
        journal.entries += setup.entries
        journal.bytes += setup.bytes
        try fill(daemon, &journal) { number in
            let place = Self.scattered(number)
            return LedgerRecord(
                provider: providers[place % providers.count], model: models[place / providers.count % models.count],
                cost: Money(nanodollars: 1_000), inputTokens: 10, outputTokens: 20)
        }
    }

    private func fillWithResets(_ daemon: Daemon, _ journal: inout JournalSize) throws {
        var breakers = JournalSize(limit: journal.limit)
        let end = 49_000
        try fill(daemon, &breakers, upTo: end) { BreakerSuccess(name: try Name("b\($0)")) }
        // Filling the journal with these entries would take hours. 3,000 are enough to force a snapshot.
        try fill(daemon, &journal, upTo: 3_000) { _ in BreakerResetAll() }
        journal.entries += breakers.entries
        journal.bytes += breakers.bytes
    }

    private static func setLimits(_ daemon: Daemon, _ providers: [Name], _ journal: inout JournalSize) throws {
        var connection = try DurableBenchmark.greeted(daemon, UInt64(nanoseconds()))
        defer { connection.close() }
        var reader = FrameReader()
        for (number, provider) in providers.enumerated() {
            let limits = [
                Limit(.cost, 1_000_000_000_000, .manual), Limit(.requests, 1_000_000, .fixed(milliseconds: 60_000)),
            ]
            let command = LimitSet(scope: Scope(provider: provider), limits: limits)
            let frame = RawConnection.frame(command, sequence: UInt64(number + 1))
            journal.add(frameBytes: frame.count)
            try connection.send(frame)
            try expect(try connection.receiveFrames(1, &reader) == 0, "a limit was refused")
        }
    }

    private static func takeSnapshot(_ daemon: Daemon) throws {
        var connection = try DurableBenchmark.greeted(daemon, UInt64(nanoseconds()))
        defer { connection.close() }
        var reader = FrameReader()
        try connection.send(RawConnection.frame(SnapshotNow()))
        try expect(try connection.receiveFrames(1, &reader) == 0, "the snapshot failed")
    }

    private func fillFromManyWorkers(_ daemon: Daemon, _ journal: inout JournalSize) throws {
        let perVisit = 18
        let name = try Name("a")
        var visit = 0
        while !journal.isFull {
            for worker in 1...16_000 as ClosedRange<UInt64> where !journal.isFull {
                var frames = ByteWriter()
                RawConnection.append(
                    Hello(worker: WorkerID(high: 2, low: worker), client: "bench"), to: &frames)
                for number in 0..<perVisit {
                    let start = frames.count
                    let sequence = UInt64(visit * perVisit + number + 1)
                    RawConnection.append(BreakerSuccess(name: name), sequence: sequence, oldest: 1, to: &frames)
                    journal.add(frameBytes: frames.count - start)
                }
                try Self.exchange(daemon, frames.bytes, count: perVisit + 1)
            }
            visit += 1
        }
    }

    private func fillWithGoodbyes(_ daemon: Daemon, _ journal: inout JournalSize) throws {
        let name = try Name("a")
        var worker: UInt64 = 0
        while !journal.isFull {
            worker += 1
            var frames = ByteWriter()
            RawConnection.append(Hello(worker: WorkerID(high: 3, low: worker), client: "bench"), to: &frames)
            let start = frames.count
            RawConnection.append(BreakerSuccess(name: name), sequence: 1, to: &frames)
            journal.add(frameBytes: frames.count - start)
            RawConnection.append(Goodbye(), to: &frames)
            journal.addGoodbye()
            try Self.exchange(daemon, frames.bytes, count: 3)
        }
    }

    /// Opens a connection for these requests. The first of them is hello.
    private static func exchange(_ daemon: Daemon, _ frames: [UInt8], count: Int) throws {
        var connection = try RawConnection(daemon.socket)
        defer { connection.close() }
        var reader = FrameReader()
        try connection.send(frames)
        try expect(try connection.receiveFrames(count, &reader) == 0, "a request was refused")
    }
}

/// The fill level of the journal, by the sizes in `proto-docs/journal.md`.
private struct JournalSize {
    let limit: Int
    var bytes = 0
    var entries = 0

    init(limit: Int) { self.limit = limit }

    private static let entryBytes = 80
    /// The bytes of a frame before its payload: length, header and the worker's sequence numbers.
    private static let frameBytes = RawConnection.frame(Ping()).count + 16

    /// Whether another entry may not fit.
    var isFull: Bool { bytes > limit - 1024 }

    mutating func add(frameBytes: Int) { add(payload: frameBytes - Self.frameBytes) }

    /// The entry that forgets a worker, with its id.
    mutating func addGoodbye() { add(payload: 16) }

    private mutating func add(payload: Int) {
        bytes += (Self.entryBytes + payload + 7) & ~7
        entries += 1
    }
}
