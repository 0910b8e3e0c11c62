import FuseboxClient
import FuseboxConformance

@testable import FuseboxInterop

/// A trace of the conformance suite on its way through a live daemon, line by line.
///
/// The daemon's clock is the machine's, not the trace's: between two lines that lie an hour apart it sees microseconds.
/// So of every reply only what depends on neither the time nor the draw is compared, but that strictly:
///
/// - Of a breaker, its configuration and totals. Its failures decay, so they, and the share and the state that follow
///   from them, are compared only as long as it has not failed since it was created or reset. Whether a call is admitted
///   is then compared where the share leaves nothing to the draw.
/// - Of exhaustion, that there is no mark where none was set, and who is marked for how long, where a mark that is in
///   force in the trace is too long to end while the test runs.
/// - Of accounts, all sums, budgets and limits; not when, and not what the current rate windows hold.
/// - Of what a record fires, the threshold event, which depends on sums alone; not the depletion event.
/// - Of forecasts and reports over a window, whom and what they are about, and what is left of the budget.
/// - Exports are passed over: there is no command for them, and the fixtures of `FuseboxInteropTests` compare them.
struct LiveTrace {
    let client: FuseboxClient
    /// Replies of which at least one field was compared.
    private(set) var comparedReplies = 0
    var comparedFields: Int { comparison.fields }
    private var comparison = ReplyComparison()
    /// Breakers whose failures may have decayed by now, here or in the trace.
    private var failed: Set<String> = []
    /// Providers whose mark may have expired by now, here or in the trace.
    private var marked: Set<String> = []

    init(client: FuseboxClient) { self.client = client }

    /// Carries out one line, and says in which of the fields that are compared the reply differs.
    mutating func differences(request: JSONValue, expected: JSONValue) throws -> [String] {
        let word = request["op"]?.text ?? ""
        guard let operation = TraceOperation(rawValue: word) else { return ["no operation is named \(word)"] }
        let reply = try LiveRequest(client: client, request: JSONPlace(request)).reply(operation)
        note(operation, request)
        comparison.passedOver = Self.dependent(operation)
        comparison.see(request)
        let before = (fields: comparison.fields, differences: comparison.differences.count)
        var comparing = comparison
        compare(operation, request, expected, reply, &comparing)
        comparison = comparing
        if comparison.fields > before.fields { comparedReplies += 1 }
        return Array(comparison.differences.dropFirst(before.differences))
    }

    /// Keeps in mind what depends on time from this line on.
    private mutating func note(_ operation: TraceOperation, _ request: JSONValue) {
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

    /// The fields of a reply that depend on time, whatever happened before.
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
