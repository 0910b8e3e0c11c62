import FuseboxClient
import FuseboxInterop
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

/// The pages of file formats are complete: a reader in Python, written from them alone, reads what the daemon wrote, and
/// its values are those that the daemon tells.
struct FormatPagesTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
    private static let reader = ["/usr/bin/python3", "\(root)/Tests/tools/fusebox_files.py", "\(root)/proto-docs"]

    private static func read(_ directory: String) throws -> JSONValue {
        let outcome = try Program.run(reader + [directory])
        try #require(outcome.status == 0, "\(outcome.errors)")
        return try outcome.json
    }

    @Test func whatTheReaderFindsInJournalAndSnapshotIsWhatTheDaemonTells() throws {
        let folder = TemporaryFolder()
        var daemon = try Daemon(in: folder)
        let client = try daemon.connect()
        defer { client.close() }
        let records = try Self.work(client)
        var told = try client.status()
        daemon.kill()
        try expectJournal(try Self.read(daemon.data), records, told)

        daemon = try Daemon(in: folder)
        // The client may have looked for the daemon a moment before it was there, and then waits before it looks again.
        let end = ContinuousClock.now + .seconds(20)
        while (try? client.status()) == nil, ContinuousClock.now < end { sched_yield() }
        // The journal was replayed: what the daemon tells now is what its files held.
        told = try client.status()
        let answers = try Answers(client)
        daemon.stop()
        let found = try Self.read(daemon.data)
        let snapshot = try #require(found["snapshots"]?.list?.last)
        #expect(snapshot["header"]?["epoch"]?.agrees(with: told.epoch) == true)
        #expect(snapshot["header"]?["profile"] == "fusebox")
        #expect((snapshot["header"]?["sequence"]?.int64 ?? 0) >= Int64(told.sequence))
        let sections = try #require(snapshot["sections"])
        try answers.expectBreakersAndMarks(in: sections)
        try answers.expectLedger(in: sections)
        try answers.expectPermitsAndWorkers(in: sections)
        #expect(found["marks"]?.list?.isEmpty == false)
        #expect(found["marks"]?.list?.allSatisfy { $0["epoch"]?.agrees(with: told.epoch) == true } == true)
    }

    /// Fills every section that the profile has; returns the records of spend.
    private static func work(_ client: FuseboxClient) throws -> [LedgerRecord] {
        try client.breakers.configure(
            "openai", failureThreshold: 7, degradationCurve: [1, 0.5, 0.25], minWorkers: 2)
        try client.breakers.failure("openai")
        try client.breakers.success("forgotten")
        try client.breakers.success("groq")
        try client.forget("forgotten")
        try client.exhaustion.mark("groq", for: .seconds(3_600))
        let openai = try Name("openai")
        try client.limits.set(
            [
                Limit(.cost, 100_000_000_000, .manual, thresholds: Thresholds(warning: 0.5, critical: 0.75)),
                Limit(.requests, 500, .fixed(milliseconds: 60_000)),
            ], on: Scope(provider: openai))
        try client.limits.set(
            [Limit(.cost, 20_000_000_001, .manual, mode: .notify)],
            on: Scope(provider: openai, model: try Name("gpt-4o")))
        let records = try [("openai", "gpt-4o", "0.0025"), ("openai", "o3", "1.25"), ("groq", "llama", "0.000000001")]
            .map {
                LedgerRecord(
                    provider: try Name($0.0), model: try Name($0.1), cost: try #require(Money($0.2) as Money?),
                    inputTokens: 1_200,
                    outputTokens: 34)
            }
        _ = try client.call(records[0])
        try client.ledger.reset(Scope(provider: openai))
        for record in records { _ = try client.call(record) }
        let candidate = try Candidate("openai", model: "gpt-4o")
        let estimate = try Estimate.cost(try #require(Money("0.25")), tokens: 800)
        let settled = try client.admission.admit([candidate], estimate: estimate).get()
        try client.admission.settle(settled, .success)
        _ = try client.admission.admit([candidate], estimate: estimate, ttl: .seconds(3_600)).get()
        return [records[0]] + records
    }

    private func expectJournal(_ found: JSONValue, _ records: [LedgerRecord], _ told: ServerStatus.Reply) throws {
        let segments = try #require(found["segments"]?.list)
        #expect(!segments.isEmpty)
        #expect(segments.allSatisfy { $0["header"]?["epoch"]?.agrees(with: told.epoch) == true })
        let entries = segments.flatMap { $0["entries"]?.list ?? [] }
        #expect((entries.last?["sequence"]?.int64 ?? 0) >= Int64(told.sequence))
        let own = entries.filter { $0["request"]?.int64 != 0 }
        #expect(
            own.map { $0["name"]?.text } == [
                "breaker.configure", "breaker.failure", "breaker.success", "breaker.success", "forget",
                "exhaustion.mark", "limit.set", "limit.set", "ledger.record", "ledger.reset", "ledger.record",
                "ledger.record", "ledger.record", "admission.admit", "admission.settle", "admission.admit",
            ])
        #expect(own.allSatisfy { $0["user"]?.agrees(with: getuid()) == true })
        let payloads = own.filter { $0["name"] == "ledger.record" }.compactMap { $0["payload"] }
        try #require(payloads.count == records.count)
        for (payload, record) in zip(payloads, records) {
            var record = record
            try payload.expect(&record)
        }
    }

    /// The difference of a bill is a record of the month that it is for, which is written at once.
    @Test func whatTheReaderFindsInTheHistoryIsWhatWasRecorded() throws {
        let daemon = try Daemon()
        let client = try daemon.connect()
        _ = try client.call(
            LedgerRecord(
                provider: try Name("openai"), model: try Name("gpt-4o"), cost: .zero, inputTokens: 1, outputTokens: 1))
        let today = CivilDate(dayNumber: Int64(time(nil)) / 86_400)
        let (year, month) = today.month == 1 ? (today.year - 1, 12) : (today.year, today.month - 1)
        _ = try client.ledger.reconcile(
            "openai", year: Int(year), month: Int(month), billed: try #require(Money("300.000000001") as Money?),
            reason: "invoice 7")
        client.close()
        daemon.stop()

        let found = try #require(try Self.read(daemon.data)["months"]?.list)
        try #require(found.count == 1)
        #expect(found[0]["header"]?["year"]?.agrees(with: year) == true)
        #expect(found[0]["header"]?["month"]?.agrees(with: month) == true)
        let records = found[0]["entries"]?.list?.flatMap { $0["records"]?.list ?? [] } ?? []
        // Of the provider and of the host.
        #expect(records.count == 2)
        #expect(Set(records.map { $0["provider"]?.text }) == ["openai", nil])
        let lastDay = CivilDate(dayNumber: CivilDate(year: today.year, month: today.month, day: 1).dayNumber - 1).day
        for record in records {
            #expect(record["day"]?.agrees(with: lastDay) == true)
            #expect(record["spend"]?.agrees(with: 300_000_000_001) == true)
            #expect(record["reason"] == "invoice 7")
            #expect(record["requests"]?.agrees(with: 0) == true)
        }
    }

    @Test(arguments: ["snapshot-", "journal-0"]) func aFileThatIsNotAsThePagesSayIsRefused(_ prefix: String) throws {
        let daemon = try Daemon()
        let client = try daemon.connect()
        try client.breakers.failure("openai")
        client.close()
        daemon.stop()
        _ = try Self.read(daemon.data)
        let name = try #require(try Program.run(["/bin/ls", daemon.data]).lines.last { $0.hasPrefix(prefix) })
        let file = open("\(daemon.data)/\(name)", O_RDWR)
        defer { close(file) }
        var byte: UInt8 = 0
        #expect(pread(file, &byte, 1, 90) == 1)
        byte ^= 1
        #expect(pwrite(file, &byte, 1, 90) == 1)
        let refused = try Program.run(Self.reader + [daemon.data])
        #expect(refused.status == 1)
        #expect(refused.errors.hasPrefix("\(name): "), "\(refused.errors)")
    }
}

/// What a daemon tells of its state.
private struct Answers {
    let breakers: [BreakerRecord]
    let marks: [ExhaustionEntry]
    let defaults: BreakerConfiguration
    let since: Timestamp
    let accounts: [ProviderAccount]
    let models: [(provider: Name, account: ModelAccount)]
    let limits: [LimitEntry]
    let permits: [PermitEntry]
    let totals: PermitTotals

    init(_ client: FuseboxClient) throws {
        breakers = try client.breakers.list().map { try client.breakers.serialize(Candidate(provider: $0.name)) }
        marks = try client.exhaustion.list()
        defaults = try client.breakers.defaultConfiguration()
        since = try client.ledger.total().since
        accounts = try client.ledger.providers()
        models = try accounts.flatMap { account in
            try client.ledger.models(of: "\(account.provider)").map { (account.provider, $0) }
        }
        limits = try client.limits.list()
        let permits = try client.call(PermitList())
        (self.permits, totals) = (permits.permits, permits.totals)
    }

    func expectBreakersAndMarks(in sections: JSONValue) throws {
        let settings = try #require(sections["settings"]?[0])
        #expect(settings["since"]?.agrees(with: since.milliseconds) == true)
        var defaults = defaults
        try settings.expect("breakerDefault", &defaults)
        try expect(breakers, in: sections["breakers"], ["blames"])
        let blames = sections["breakers"]?.list?.flatMap { $0["blames"]?.list ?? [] } ?? []
        #expect(blames.count == breakers.map(\.blames.count).reduce(0, +) && !blames.isEmpty)
        try expect(marks, in: sections["marks"], ["probeAt", "isProbed"])
    }

    func expectLedger(in sections: JSONValue) throws {
        try expect(accounts, in: sections["accounts"], ["held", "inFlight", "models"])
        let names = Self.numbered(sections["names"])
        let modelNames = Self.numbered(sections["models"])
        let found = try #require(sections["modelAccounts"]?.list)
        try #require(found.count == models.count && !models.isEmpty)
        for (record, model) in zip(found, models) {
            #expect(names[record["provider"]?.int64 ?? -1] == "\(model.provider)")
            #expect(modelNames[record["model"]?.int64 ?? -1] == "\(model.account.model)")
            var usage = model.account.usage
            try record.expect("usage", &usage)
        }
        try expect(limits.map(\.limit), in: sections["limits"])
        let uses = try #require(sections["limitUses"]?.list)
        #expect(uses.map { $0["usedLow"]?.int64 } == limits.map(\.used))
        #expect(uses.map { $0["start"]?.int64 } == limits.map { $0.startedAt?.milliseconds })
        #expect(sections["freeNames"]?.list?.count == 1)
        let singles = sections["histories"]?.list?.first { $0["provider"] == "openai" }?["singles"]?.list
        #expect(singles?.count == 3)
    }

    func expectPermitsAndWorkers(in sections: JSONValue) throws {
        var totals = totals
        try #require(sections["permitTotals"]?[0]).expect(&totals)
        #expect(totals.granted == 2 && totals.settled == 1 && totals.outstanding == 1)
        try expect(permits, in: sections["permits"], ["worker", "estimate"])
        let permit = try #require(sections["permits"]?[0])
        #expect(permit["estimate"]?["cost"]?.int64 == permits[0].estimate.cost?.nanodollars)
        #expect(permit["estimate"]?["tokens"]?.agrees(with: permits[0].estimate.tokens ?? 0) == true)
        #expect(permit["worker"]?["high"]?.agrees(with: permits[0].worker.high) == true)
        let worker = try #require(sections["workers"]?.list?.first)
        #expect(worker["workerHigh"]?.agrees(with: permits[0].worker.high) == true)
        #expect(worker["user"]?.agrees(with: getuid()) == true)
        #expect((worker["lastSequence"]?.int64 ?? 0) >= 16)
    }

    /// Names by their numbers.
    private static func numbered(_ section: JSONValue?) -> [Int64: String] {
        let pairs = section?.list?.compactMap { image in
            image["number"]?.int64.flatMap { number in image["name"]?.text.map { (number, $0) } }
        }
        return Dictionary(uniqueKeysWithValues: pairs ?? [])
    }

    /// Compares the records of a section with those that the daemon tells, in their order.
    private func expect<Record: WireRecord>(
        _ told: [Record], in section: JSONValue?, _ others: Set<String> = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let found = try #require(section?.list, sourceLocation: sourceLocation)
        try #require(found.count == told.count && !told.isEmpty, sourceLocation: sourceLocation)
        for (image, record) in zip(found, told) {
            var record = record
            try image.expect(&record, except: others, sourceLocation: sourceLocation)
        }
    }
}

extension JSONValue {
    /// Whether this is the number.
    fileprivate func agrees(with number: some BinaryInteger) -> Bool {
        guard case .number(let literal) = self else { return false }
        return literal == "\(number)"
    }

    fileprivate func agrees(with number: Double) -> Bool { double == number }

    /// Whether this is the same value, however its numbers are spelled.
    fileprivate func means(_ other: JSONValue) -> Bool {
        if let list, let others = other.list {
            return list.count == others.count && zip(list, others).allSatisfy { $0.means($1) }
        }
        if let int64, let other = other.int64 { return int64 == other }
        if let double, let other = other.double { return double == other }
        return self == other
    }

    /// Compares every field of a record with the member of its name.
    fileprivate func expect<Record: WireRecord>(
        _ record: inout Record, except others: Set<String> = [], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var comparison = Comparison(found: self, others: others, sourceLocation: sourceLocation)
        try record.fields(&comparison)
        #expect(comparison.count > 0, sourceLocation: sourceLocation)
    }

    fileprivate func expect<Record: WireRecord>(
        _ member: String, _ record: inout Record, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try #require(self[member], sourceLocation: sourceLocation).expect(&record, sourceLocation: sourceLocation)
    }

    /// The value as the reader spells it: money in nano-dollars, moments in milliseconds.
    fileprivate init<Value: WireValue>(spelling value: Value) {
        switch value {
        case let money as Money: self = .number("\(money.nanodollars)")
        case let moment as Timestamp: self = .number("\(moment.milliseconds)")
        case let number as any WireInteger: self = .number("\(number)")
        case let flag as Bool: self = .bool(flag)
        default: self = JSONValue(value.rendered)
        }
    }

    private init(_ rendered: Rendered) {
        switch rendered {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .number(let number): self = .init(number)
        case .text(let text): self = .string(text)
        case .list(let elements): self = .array(elements.map { JSONValue($0) })
        case .record(let fields):
            var members: [(String, JSONValue)] = []
            for field in fields { members.append((field.name, JSONValue(field.value))) }
            self = .object(members.map { (key: $0.0, value: $0.1) })
        }
    }
}

/// Compares the fields of a record with the members of an object.
private struct Comparison: FieldVisitor {
    let found: JSONValue
    let others: Set<String>
    let sourceLocation: SourceLocation
    var count = 0

    mutating func field<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal) {
        guard !others.contains(name.description) else { return }
        count += 1
        guard let member = found[name.description] else {
            Issue.record("there is no \(name) in \(found)", sourceLocation: sourceLocation)
            return
        }
        compare(name, member, value)
    }

    private func compare(_ name: StaticString, _ member: JSONValue, _ value: some WireValue) {
        if let optional = value as? any Wrapping {
            guard let wrapped = optional.wrapped else {
                return #expect(member.isNull, "\(name): \(member)", sourceLocation: sourceLocation)
            }
            return compare(name, member, wrapped)
        }
        if let record = value as? any WireRecord {
            return compareRecord(member, record)
        }
        let told = JSONValue(spelling: value)
        #expect(member.means(told), "\(name): \(member), \(told)", sourceLocation: sourceLocation)
    }

    private func compareRecord(_ member: JSONValue, _ record: some WireRecord) {
        var (record, comparison) = (record, Comparison(found: member, others: [], sourceLocation: sourceLocation))
        // The comparison refuses nothing.
        do throws(Refusal) { try record.fields(&comparison) } catch {
            Issue.record(error, sourceLocation: sourceLocation)
        }
    }
}

/// An optional whose value, if there is one, can be a field.
private protocol Wrapping {
    var wrapped: (any WireValue)? { get }
}

extension Optional: Wrapping where Wrapped: WireValue {
    fileprivate var wrapped: (any WireValue)? { self }
}
