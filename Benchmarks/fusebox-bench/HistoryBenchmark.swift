import FuseboxClient
import FuseboxCore
import FuseboxStore
import FuseboxWire
import Glibc

/// Many tags and a year of history: memory, size on disk, a start with both, the end of a day, and a question to the
/// year.
struct HistoryBenchmark {
    private let tags: Int
    private let days: Int
    /// The target for a start, in seconds.
    private static let startBoundSeconds = 2.0
    /// The target for a step of closing a day, in milliseconds.
    private static let stepBoundMilliseconds = 10.0

    init(_ arguments: Arguments) {
        tags = max(1, arguments.number("tags", default: 10_000))
        days = max(1, arguments.number("days", default: 365))
    }

    func run() throws {
        try closeDay()
        let daemon = try Daemon(["--snapshot-interval", "1h"])
        let empty = try daemon.residentBytes()
        try record(daemon)
        let used = try daemon.residentBytes()
        try daemon.stop()
        let without = try start(daemon)
        try daemon.stop()
        let written = try write(to: "\(daemon.folder)/data")
        let with = try start(daemon)
        let started = try daemon.residentBytes()
        print("a start: \(Int(without * 1000)) ms without the history, \(Int(with * 1000)) ms with it")
        try expect(with < Self.startBoundSeconds, "a start with the history takes \(with) s")
        try ask(daemon)
        let asked = try daemon.residentBytes()
        print("memory: \(empty / 1024) KiB empty, \(used / 1024) KiB after a call for each of \(tags) tags")
        print(
            "memory with \(days) days of them in \(written / 1024) KiB of files: \(started / 1024) KiB after a start, \(asked / 1024) KiB after the questions"
        )
        try daemon.stop()
    }

    private static func name(_ text: String) throws -> Name { try Name(text) }

    /// The steps in which a day with every tag is closed.
    private func closeDay() throws {
        var machine = StateMachine(at: Moment(milliseconds: 0))
        var events: [Event] = []
        for tag in 0..<tags {
            let record = LedgerRecord(
                provider: try Name("openai"), model: try Name("gpt-4o"),
                tags: try WireLimits.TagList([try Name("user:\(tag)")]), cost: Money(nanodollars: 1_234_567),
                inputTokens: 2_000, outputTokens: 300)
            _ = try machine.apply(record, at: Moment(milliseconds: 1), effects: &events)
        }
        _ = try machine.apply(BeginDay(1, keepsUse: false), at: Moment(milliseconds: 2), effects: &events)
        var longest = 0.0
        var (steps, records) = (0, 0)
        while machine.isClosingDays {
            let begun = nanoseconds()
            _ = try machine.apply(Advance(), at: Moment(milliseconds: 3), effects: &events)
            records += machine.takeClosedDays().count
            longest = max(longest, Double(nanoseconds() - begun) / 1e6)
            steps += 1
        }
        print("a day of \(tags) tags is closed in \(steps) steps, \(records) records; the longest takes \(longest) ms")
        try expect(longest < Self.stepBoundMilliseconds, "a step of closing a day takes \(longest) ms")
    }

    /// One call for each tag.
    private func record(_ daemon: Daemon) throws {
        var connection = try DurableBenchmark.greeted(daemon, 1)
        var reader = FrameReader()
        var sent = 0
        while sent < tags {
            var batch = ByteWriter()
            let size = min(1_000, tags - sent)
            for _ in 0..<size {
                let record = LedgerRecord(
                    provider: try Name("openai"), model: try Name("gpt-4o"),
                    tags: try WireLimits.TagList([try Name("user:\(sent)")]), cost: Money(nanodollars: 1_234_567),
                    inputTokens: 2_000, outputTokens: 300)
                sent += 1
                RawConnection.append(record, sequence: UInt64(sent), to: &batch)
            }
            try connection.send(batch.bytes)
            try expect(try connection.receiveFrames(size, &reader) == 0, "a request was refused")
        }
        connection.close()
    }

    /// Starts the daemon. Returns the time to its first answer in seconds, the fastest of three.
    private func start(_ daemon: Daemon) throws -> Double {
        var fastest = Double.infinity
        for attempt in 0..<3 {
            if attempt > 0 { try daemon.kill() }
            let begun = nanoseconds()
            try daemon.start()
            fastest = min(fastest, Double(nanoseconds() - begun) / 1e9)
        }
        return fastest
    }

    /// Writes the files of a year that ended yesterday, each tag with use on each day. Returns their bytes.
    private func write(to folder: String) throws -> Int {
        let files = try DirectoryStorage(folder, .owning)
        var writer = HistoryWriter()
        let today = Int64(time(nil)) / 86_400
        var input: UInt64 = 0
        for day in (today - Int64(days))..<today {
            let month = HistoryMonth(ofDay: day)
            var items: [HistoryItem] = []
            for first in stride(from: 0, to: tags, by: Bounds.closedDaysPerStep) {
                input += 1
                let records = try (first..<min(tags, first + Bounds.closedDaysPerStep)).map { tag in
                    var record = HistoryRecord()
                    record.day = UInt8(day - month.firstDay + 1)
                    record.tag = try Name("user:\(tag)")
                    record.spend.value = 1_234_567 + Int64(tag)
                    record.requests.value = 12
                    record.input.value = 24_000
                    record.cachedInput.value = 8_000
                    record.output.value = 3_600
                    return record
                }
                items.append(
                    HistoryItem(
                        month, epoch: 1, HistoryPlace(input: input, part: 0), wall: Timestamp(milliseconds: 0), records)
                )
            }
            let outcome = writer.append(items, to: files)
            try expect(outcome.done == items.count && outcome.lost == 0, "the history was not written: \(outcome)")
        }
        return try files.historyMonths().reduce(0) { $0 + (try files.length(of: $1.file)) }
    }

    /// Asks what one tag has used on each day of the year, and what each tag has.
    private func ask(_ daemon: Daemon) throws {
        let client = try FuseboxClient.connect(to: daemon.socket)
        let today = Int64(time(nil)) / 86_400
        let span = (today - Int64(days))...today
        for (what, scope, wanted) in [
            ("one tag", Scope(tag: try Name("user:\(tags / 2)")), days), ("every tag", Scope.host, days * tags),
        ] {
            let begun = nanoseconds()
            var found = 0
            let notes = try client.ledger.history(.tag, within: scope, days: span) { _ in found += 1 }
            let seconds = Double(nanoseconds() - begun) / 1e9
            try expect(notes.problems.isEmpty && found == wanted, "\(found) days instead of \(wanted)")
            print("\(what): \(found) days read in \(Int(seconds * 1000)) ms")
        }
        client.close()
        print("the longest turn meanwhile: \(try daemon.longestTurn()) µs")
    }
}
