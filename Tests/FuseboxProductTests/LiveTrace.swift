import FuseboxClient
import FuseboxConformance
import FuseboxWire

@testable import FuseboxInterop

/// Runs a trace of the conformance suite on a live daemon, line by line.
///
/// The daemon's clock is the machine's and not the trace's: an hour between two lines takes microseconds. So only those
/// parts of a reply are compared that depend on neither time nor draw:
///
/// - Of a breaker, its configuration and totals. Failures decay, so failures, share and state are compared only until
///   the first failure after its creation or reset. A decision is compared then if the share leaves no choice.
/// - Of exhaustion, that a provider without a mark has none, and the provider and the length of a mark that is too long
///   to end during the test.
/// - Of accounts, all sums, budgets and limits, without times and without the use in rate windows.
/// - Of the events of a record, the threshold event, which depends on sums alone, and not the depletion event. What has fired
///   goes with a limit that is removed, and the library keeps it: the threshold events of a provider whose budget was
///   removed are not compared until the next reset.
/// - Of accounts, those that records have opened. A limit opens the accounts of its provider and model too.
/// - Of forecasts and reports over a window, the names and the rest of the budget.
/// - Exports are skipped, because no command returns them. The fixtures of `FuseboxInteropTests` cover them.
struct LiveTrace {
    let client: FuseboxClient
    /// The number of replies of which at least one field was compared.
    private(set) var comparedReplies = 0
    var comparedFields: Int { comparison.fields }
    private var comparison = ReplyComparison()
    /// Breakers whose failures may have decayed, here or in the trace.
    private var failed: Set<String> = []
    /// Providers whose mark may have expired, here or in the trace.
    private var marked: Set<String> = []
    /// Providers whose budget was removed.
    private var removed: Set<String> = []
    /// The thresholds of budgets that the last import brought.
    private var thresholds: Thresholds?
    /// Models whose accounts only a limit has opened, as pairs of provider and model.
    private var openedByLimits: Set<[String]> = []

    init(client: FuseboxClient) { self.client = client }

    /// Runs one line. Returns the compared fields in which the replies differ.
    mutating func differences(request: JSONValue, expected: JSONValue) throws -> [String] {
        let word = request["op"]?.text ?? ""
        guard let operation = TraceOperation(rawValue: word) else { return ["no operation is named \(word)"] }
        try note(operation, request)
        let reply = try LiveRequest(
            client: client, request: JSONPlace(request), thresholds: thresholds, openedByLimits: openedByLimits
        ).reply(operation)
        comparison.passedOver = Self.dependent(operation)
        comparison.see(request)
        let before = (fields: comparison.fields, differences: comparison.differences.count)
        var comparing = comparison
        compare(operation, request, expected, reply, &comparing)
        comparison = comparing
        if comparison.fields > before.fields { comparedReplies += 1 }
        return Array(comparison.differences.dropFirst(before.differences))
    }

    /// Records what depends on time from this line on, and what limits do otherwise than budgets.
    private mutating func note(_ operation: TraceOperation, _ request: JSONValue) throws {
        let subject = request["name"]?.text ?? request["provider"]?.text ?? ""
        switch operation {
        case .breakerFailure, .breakerForceOpen: failed.insert(subject)
        case .breakerReset: failed.remove(subject)
        case .breakerResetAll: failed = []
        case .exhaustionMark: marked.insert(subject)
        case .exhaustionClear: marked.remove(subject)
        case .exhaustionReset: marked = []
        case .import:
            let breakers = request["breakers"]?["breakers"]?.list ?? []
            failed = Set(breakers.compactMap { $0["name"]?.text })
            marked = Set((request["exhaustion"]?["entries"]?.list ?? []).compactMap { $0["provider"]?.text })
            (removed, openedByLimits) = ([], [])
            thresholds = try Thresholds(JSONPlace(request)["ledger"]["thresholds"])
        case .ledgerSetBudget:
            let budget = try Budget(JSONPlace(request)["budget"])
            if request["budget"]?["monthlyBudget"]?.isNull == true { removed.insert(budget.provider.text) }
            guard let model = budget.model?.text, budget.monthly != nil,
                try client.ledger.model(model, of: budget.provider.text) == nil
            else { break }
            openedByLimits.insert([budget.provider.text, model])
        case .ledgerRemoveBudget: removed.insert(subject)
        case .ledgerRecord: openedByLimits.remove([subject, request["model"]?.text ?? ""])
        case .ledgerResetPeriod: removed = []
        default: break
        }
    }

    private func compare(
        _ operation: TraceOperation, _ request: JSONValue, _ want: JSONValue, _ got: JSONValue,
        _ comparison: inout ReplyComparison
    ) {
        switch operation {
        case .breakerAcquire:
            let name = request["name"]?.text ?? ""
            guard !failed.contains(name), let share = want["primaryTrafficPct"]?.double else { return }
            if share > 0, share < 1 { comparison.passedOver.formUnion(["admitted", "retryAfterSec"]) }
            comparison.compare(want, got, operation.rawValue)
        case .breakerState, .breakerHealth:
            compareBreaker(request["name"]?.text ?? "", want, got, operation.rawValue, &comparison)
        case .breakerStates:
            let (wanted, given) = (want["states"]?.members ?? [], got["states"]?.members ?? [])
            comparison.compare(names(wanted), names(given), operation.rawValue)
            for (name, state) in wanted {
                compareBreaker(name, state, got["states"]?[name] ?? .null, "\(operation.rawValue).\(name)", &comparison)
            }
        case .exhaustionGet: compareMark(request, want, got, &comparison)
        case .exhaustionList: if marked.isEmpty { comparison.compare(want, got, operation.rawValue) }
        case .ledgerRecord:
            guard !removed.contains(request["provider"]?.text ?? "") else { break }
            comparison.compare(thresholdEvents(want), thresholdEvents(got), operation.rawValue)
        case .export: break
        default: comparison.compare(want, got, operation.rawValue)
        }
    }

    private func compareBreaker(
        _ name: String, _ want: JSONValue, _ got: JSONValue, _ path: String, _ comparison: inout ReplyComparison
    ) {
        let usual = comparison.passedOver
        if failed.contains(name) {
            comparison.passedOver.formUnion([
                "state", "healthy", "failures", "consecutiveFailures", "primaryTrafficPct",
            ])
        }
        comparison.compare(want, got, path)
        comparison.passedOver = usual
    }

    private func compareMark(
        _ request: JSONValue, _ want: JSONValue, _ got: JSONValue, _ comparison: inout ReplyComparison
    ) {
        guard marked.contains(request["provider"]?.text ?? "") else { return comparison.compare(want, got, "entry") }
        let (wanted, given) = (cooldown(want), cooldown(got))
        guard let wanted, wanted >= 300_000 else { return }
        comparison.compare(want["entry"]?["provider"] ?? .null, got["entry"]?["provider"] ?? .null, "entry.provider")
        comparison.compare(JSONValue(wanted), given.map { JSONValue($0) } ?? .null, "entry's cooldown")
    }

    private func cooldown(_ reply: JSONValue) -> Int64? {
        guard let begin = reply["entry"]?["exhaustedAt"]?.int64, let end = reply["entry"]?["resetAt"]?.int64 else {
            return nil
        }
        return end - begin
    }

    private func names(_ members: [(key: String, value: JSONValue)]) -> JSONValue {
        JSONValue(members.map(\.key).sorted().map { JSONValue($0) })
    }

    private func thresholdEvents(_ reply: JSONValue) -> JSONValue {
        .array((reply["events"]?.list ?? []).filter { $0["type"]?.text == "threshold_crossed" })
    }

    /// The fields of a reply that always depend on time.
    private static func dependent(_ operation: TraceOperation) -> Set<String> {
        switch operation {
        case .breakerState, .breakerStates, .breakerHealth:
            ["lastFailure", "lastSuccess", "lastRequest", "nextAttempt"]
        case .ledgerAccumulator, .ledgerModelAccumulator, .ledgerBreakdown: ["lastRecordedAt", "used", "windowStart"]
        case .ledgerCheckRateLimit: ["allowed", "used"]
        case .ledgerBurnRate, .ledgerDepletion:
            ["costPerHour", "costPerDay", "sampleCount", "projectedDepletionDate", "daysRemaining"]
        case .ledgerSummary, .ledgerSpendBreakdown: ["spend", "requestCount"]
        default: []
        }
    }
}
