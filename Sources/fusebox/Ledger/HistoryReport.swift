import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// What `fusebox ledger history` tells.
struct HistoryReport {
    private let rows: LedgerCommands.HistoryRows
    private let kind: FuseboxClient.AccountKind
    private let scope: Scope
    private let days: ClosedRange<Int64>
    private var sums: [String: HistoryDay] = [:]
    /// The records by which the spend was corrected, in the order in which they were written.
    private var corrections: [HistoryDay] = []
    private var notes = HistoryNotes()
    /// Whether today is part of the answer.
    private var includesToday = false

    init(
        _ rows: LedgerCommands.HistoryRows, _ kind: FuseboxClient.AccountKind, _ scope: Scope,
        days: ClosedRange<Int64>
    ) {
        self.rows = rows
        self.kind = kind
        self.scope = scope
        self.days = days
    }

    // MARK: Reading

    mutating func read(from client: FuseboxClient) throws {
        // The day may end between the two requests. The second attempt is then on the next day.
        for _ in 0..<2 {
            sums = [:]
            includesToday = false
            var found: [String: HistoryDay] = [:]
            var corrected: [HistoryDay] = []
            notes = try client.ledger.history(kind, within: scope, days: days) { day in
                if day.reason != nil { corrected.append(day) }
                var use = day
                use.reason = nil
                Self.add(use, to: &found, rows)
            }
            sums = found
            corrections = corrected
            guard days.contains(notes.openDay) else { return }
            var accounts = try open(client)
            let isOver = accounts.contains { $0.day > notes.openDay }
            accounts.removeAll { $0.day != notes.openDay }
            for account in accounts { Self.add(HistoryDay(today: account), to: &sums, rows) }
            includesToday = true
            if !isOver { return }
        }
    }

    /// The accounts whose open day is part of the answer.
    private func open(_ client: FuseboxClient) throws -> [ScopeAccount] {
        if rows == .day { return [try client.ledger.account(scope)].compactMap(\.self) }
        return try client.ledger.accounts(kind).filter { account in
            scope.provider ?? account.scope.provider == account.scope.provider
                && scope.deployment ?? account.scope.deployment == account.scope.deployment
                && scope.model ?? account.scope.model == account.scope.model
                && scope.tag ?? account.scope.tag == account.scope.tag
        }
    }

    private static func add(
        _ day: HistoryDay, to sums: inout [String: HistoryDay], _ rows: LedgerCommands.HistoryRows
    ) {
        let key = rows == .day ? DayArgument.text(day.day) : "\(day.scope)"
        guard var sum = sums[key] else { return sums[key] = day }
        sum.add(day)
        sums[key] = sum
    }

    /// The rows in order: days by date, and others by what they have spent.
    private var sorted: [(name: String, sum: HistoryDay)] {
        let used = sums.filter { !$0.value.isNothing }.map { (name: $0.key, sum: $0.value) }
        guard rows != .day else { return used.sorted { $0.sum.day < $1.sum.day } }
        return used.sorted {
            $0.sum.spend == $1.sum.spend ? $0.name < $1.name : $0.sum.spend > $1.sum.spend
        }
    }

    /// The sum of the rows. Nil for tags: a call counts under each of its tags, that of its user among them, so their sum
    /// counts it several times.
    private var total: HistoryDay? {
        rows == .tag ? nil : sums.values.reduce(into: HistoryDay()) { $0.add($1) }
    }

    // MARK: For people

    var text: String {
        let found = sorted
        let span = "\(DayArgument.text(days.lowerBound)) to \(DayArgument.text(days.upperBound))"
        var rows = found.map { Self.cells($0.name, $0.sum) }
        if found.count > 1, let total { rows.append(Self.cells("total", total)) }
        let table = Table(
            [
                .left(self.rows.rawValue.uppercased()), .right("SPENT"), .right("REQUESTS"), .nonzero("UNPRICED"),
                .right("INPUT"), .right("OUTPUT"),
            ], rows: rows)
        // A tag may be taken for a provider: both may have a colon.
        let isLikeTag = scope.tag == nil && scope.provider?.text.contains(":") == true
        let none = "\(scope) has no use from \(span).\(isLikeTag ? " A tag is named with --tag." : "")"
        let last = found.count > 1 && total == nil ? [Self.noTotal] : []
        return ([table.fitted(ifEmpty: Table.printable(none))] + (sentences + last).map(Table.printable))
            .joined(separator: "\n")
    }

    private static let noTotal = "there is no total: a call counts under each of its tags, that of its user among them"

    private static func cells(_ name: String, _ sum: HistoryDay) -> [String] {
        [
            name, Formatting.dollars(sum.spend), "\(sum.requests)", "\(sum.unpriced)", "\(sum.sent)",
            "\(sum.received)",
        ]
    }

    /// What is missing, and what is not final.
    private var sentences: [String] {
        var sentences = corrections.map(Self.sentence)
        if includesToday, sums.values.contains(where: { $0.day == notes.openDay || rows != .day }) {
            sentences.append("today is not over yet")
        }
        if notes.waiting > 0 {
            sentences.append(
                "MISSING \(Quantity.count(notes.waiting, "record")) of days that are over, not on disk yet")
        }
        return sentences + notes.problems.map(Self.sentence)
    }

    private static func sentence(_ correction: HistoryDay) -> String {
        "\(correction.scope) of \(DayArgument.text(correction.day)) corrected by \(Formatting.dollars(correction.spend)): \((correction.reason ?? "").printable)"
    }

    private static func sentence(_ problem: HistoryProblem) -> String {
        guard let first = problem.firstDay, let last = problem.lastDay else {
            return "DAMAGED \(problem.file), byte \(problem.offset): \(problem.what)"
        }
        let span = DayArgument.text(first) + (last > first ? " to \(DayArgument.text(last))" : "")
        let records = problem.records == 0 ? "records" : Quantity.count(problem.records, "record")
        return "MISSING \(records) of \(span): \(problem.what)"
    }

    // MARK: For programs

    /// Tells on standard error what is missing.
    func warn() {
        for sentence in sentences { Failure.tell("fusebox: \(sentence)") }
    }

    var csv: String {
        let head = [
            rows.rawValue, "dollars", "requests", "unpriced", "input_tokens", "cached_input_tokens",
            "cache_write_tokens", "output_tokens", "reasoning_tokens",
        ]
        return CSVText.lines([head.map(CSVText.Field.text)] + sorted.map { Self.fields($0.name, $0.sum) })
    }

    private static func fields(_ name: String, _ sum: HistoryDay) -> [CSVText.Field] {
        [
            .text(name), .dollars(sum.spend), .count(sum.requests), .count(sum.unpriced), .count(sum.inputTokens),
            .count(sum.cachedInputTokens), .count(sum.cacheWriteTokens), .count(sum.outputTokens),
            .count(sum.reasoningTokens),
        ]
    }

    var json: JSONValue {
        [
            "scope": LimitReport.json(scope), "by": .string(rows.rawValue),
            "since": .string(DayArgument.text(days.lowerBound)), "until": .string(DayArgument.text(days.upperBound)),
            "rows": .array(
                sorted.map { name, sum in
                    [
                        (rows == .day ? "day" : "scope"): rows == .day ? .string(name) : LimitReport.json(sum.scope),
                        "use": Self.json(sum),
                    ]
                }),
            "corrections": .array(
                corrections.map {
                    [
                        "day": .string(DayArgument.text($0.day)), "scope": LimitReport.json($0.scope),
                        "spend": .number("\($0.spend)"), "reason": .string($0.reason ?? ""),
                    ]
                }),
            "total": total.map(Self.json) ?? .null, "openDay": .string(DayArgument.text(notes.openDay)),
            "includesOpenDay": JSONValue(includesToday), "waiting": JSONValue(notes.waiting),
            "problems": .array(notes.problems.map { JSONValue(record: $0) }),
        ]
    }

    private static func json(_ sum: HistoryDay) -> JSONValue {
        let fields = JSONValue(record: sum).members ?? []
        return .object(fields.filter { $0.key != "day" && $0.key != "scope" && $0.key != "reason" })
    }
}

extension HistoryDay {
    /// What an account has used on the open day.
    fileprivate init(today account: ScopeAccount) {
        self.init()
        day = account.day
        scope = account.scope
        spend = account.dayUsage.spend
        requests = account.dayUsage.requests
        unpriced = account.dayUsage.unpriced
        inputTokens = account.dayUsage.inputTokens
        cachedInputTokens = account.dayUsage.cachedInputTokens
        cacheWriteTokens = account.dayUsage.cacheWriteTokens
        outputTokens = account.dayUsage.outputTokens
        reasoningTokens = account.dayUsage.reasoningTokens
    }

    fileprivate mutating func add(_ other: HistoryDay) {
        spend = Money(nanodollars: spend.nanodollars &+ other.spend.nanodollars)
        requests &+= other.requests
        unpriced &+= other.unpriced
        inputTokens &+= other.inputTokens
        cachedInputTokens &+= other.cachedInputTokens
        cacheWriteTokens &+= other.cacheWriteTokens
        outputTokens &+= other.outputTokens
        reasoningTokens &+= other.reasoningTokens
    }

    fileprivate var isNothing: Bool {
        var nothing = HistoryDay()
        nothing.day = day
        nothing.scope = scope
        return self == nothing
    }

    fileprivate var sent: Int64 { inputTokens &+ cachedInputTokens &+ cacheWriteTokens }
    fileprivate var received: Int64 { outputTokens &+ reasoningTokens }
}
