import FuseboxStore
import FuseboxWire

extension HistoryWalk {
    /// An account and a day.
    struct Key: Hashable {
        var scope: String
        var day: Int64

        /// The fields of a record that say whose it is, and of which day.
        static let fields: Set<String> = ["day", "provider", "deployment", "model", "tag"]
    }

    /// What an account has used on a day: the sums of all other fields of its records.
    struct Sums: Equatable {
        var spend: Int64 = 0
        var requests: Int64 = 0
        var unpriced: Int64 = 0
        var input: Int64 = 0
        var cachedInput: Int64 = 0
        var cacheWrite: Int64 = 0
        var output: Int64 = 0
        var reasoning: Int64 = 0
        /// By its reason, what each bill has corrected.
        var corrections: [String: Int64] = [:]

        static func += (left: inout Sums, right: Sums) {
            left.spend += right.spend
            left.requests += right.requests
            left.unpriced += right.unpriced
            left.input += right.input
            left.cachedInput += right.cachedInput
            left.cacheWrite += right.cacheWrite
            left.output += right.output
            left.reasoning += right.reasoning
            left.corrections.merge(right.corrections) { $0 + $1 }
        }

        /// The fields of a record that are not blank here.
        var fields: Set<String> {
            var fields: Set<String> = corrections.isEmpty ? [] : ["reason"]
            for (name, number) in [
                ("spend", spend), ("requests", requests), ("unpriced", unpriced), ("input", input),
                ("cachedInput", cachedInput), ("cacheWrite", cacheWrite), ("output", output), ("reasoning", reasoning),
            ] where number != 0 {
                fields.insert(name)
            }
            return fields
        }
    }
}

extension HistoryWalk.Sums {
    /// The sums of one record.
    init(_ record: HistoryRecord) {
        spend = record.spend.value
        requests = record.requests.value
        unpriced = record.unpriced.value
        input = record.input.value
        cachedInput = record.cachedInput.value
        cacheWrite = record.cacheWrite.value
        output = record.output.value
        reasoning = record.reasoning.value
        if let reason = record.reason { corrections = [reason: record.spend.value] }
    }
}

extension HistoryRecord {
    /// The account's scope, as the model names it.
    var scopeText: String {
        if let tag { return tag.text }
        guard let provider else { return "host" }
        return provider.text + (deployment.map { "@\($0.text)" } ?? "") + (model.map { "/\($0.text)" } ?? "")
    }
}
