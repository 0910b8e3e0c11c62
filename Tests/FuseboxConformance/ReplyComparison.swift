import FuseboxInterop

/// Compares the replies to a trace with those of the reference library.
///
/// Times, counts, tokens, limits, words, shares, configurations, nulls and the set of fields must be equal. Sums of
/// money may differ by the rounding errors of adding doubles, which the reference does and Fusebox does not: a
/// trillionth of all money in the trace so far, and at least a billionth of a dollar. Quotients with such a sum may
/// differ accordingly. In an export everything is compared, histories entry by entry, except the order of breakers and
/// marks.
public struct ReplyComparison {
    /// The names of fields that are not compared.
    public var passedOver: Set<String>
    /// The number of compared values.
    public private(set) var fields = 0
    /// The differences, with their paths in the reply.
    public private(set) var differences: [String] = []
    /// The sum of all dollars in requests so far.
    private var dollarsSeen = 1.0

    /// A comparison that passes over the fields with these names.
    public init(passingOver passedOver: Set<String> = []) { self.passedOver = passedOver }

    /// Records the money in a request.
    public mutating func see(_ request: JSONValue) {
        for (key, value) in request.members ?? [] {
            if Self.given.contains(key), let dollars = value.double { dollarsSeen += abs(dollars) } else { see(value) }
        }
        for element in request.list ?? [] { see(element) }
    }

    /// The first difference of a reply; nil if they agree.
    public mutating func difference(_ operation: String, _ want: JSONValue, _ got: JSONValue) -> String? {
        let before = differences.count
        if operation == "export" {
            compare(Self.sorted(want), Self.sorted(got), operation)
        } else {
            compare(want, got, operation)
        }
        return differences.dropFirst(before).first
    }

    /// Compares a part of a reply.
    ///
    /// - Parameter path: the path of the part, for messages
    public mutating func compare(_ want: JSONValue, _ got: JSONValue, _ path: String) {
        compare(want, got, path, Place(key: path.split(separator: ".").last.map(String.init) ?? "", siblings: .null))
    }

    private struct Place {
        var key: String
        /// The reference's object that has the value.
        var siblings: JSONValue
    }

    private mutating func compare(_ want: JSONValue, _ got: JSONValue, _ path: String, _ place: Place) {
        switch (want, got) {
        case (.object(let wanted), .object(let given)):
            let names = (compared(wanted), compared(given))
            guard names.0 == names.1 else { return differ(path, "the fields \(names.0)", "\(names.1)") }
            for name in names.0 {
                let place = Place(key: name, siblings: want)
                compare(want[name] ?? .null, got[name] ?? .null, "\(path).\(name)", place)
            }
        case (.array(let wanted), .array(let given)):
            fields += 1
            guard wanted.count == given.count else { return differ(path, want.text(), got.text()) }
            for (index, pair) in zip(wanted, given).enumerated() {
                compare(pair.0, pair.1, "\(path)[\(index)]", Place(key: "", siblings: .null))
            }
        case (.number, .number):
            fields += 1
            if !agree(want, got, place) { differ(path, want.text(), got.text()) }
        default:
            fields += 1
            if want != got { differ(path, want.text(), got.text()) }
        }
    }

    private func compared(_ members: [(key: String, value: JSONValue)]) -> [String] {
        members.map(\.key).filter { !passedOver.contains($0) }.sorted()
    }

    private mutating func differ(_ path: String, _ want: String, _ got: String) {
        differences.append("\(path): want \(want), got \(got)")
    }

    // MARK: Numbers

    /// The fields of requests with money.
    private static let given: Set = ["cost", "monthlyBudget", "spend", "budget"]
    /// The fields of replies with sums of money.
    private static let money: Set = ["spend", "remaining", "remainingBudget", "totalSpend", "cost"]

    /// The tolerance of a sum of money.
    private var slack: Double { 1e-9 + 1e-12 * dollarsSeen }

    private func agree(_ want: JSONValue, _ got: JSONValue, _ place: Place) -> Bool {
        if let a = want.int64, let b = got.int64, a == b { return true }
        guard let a = want.double, let b = got.double else { return false }
        return a == b || abs(a - b) <= tolerance(of: a, place)
    }

    private func tolerance(of want: Double, _ place: Place) -> Double {
        let window = place.siblings["windowMs"]?.double ?? 0
        switch place.key {
        case let key where Self.money.contains(key): return slack + 1e-12 * abs(want)
        case "costPerHour": return 1e-12 * abs(want) + (window > 0 ? slack * 3_600_000 / window : 0)
        case "costPerDay": return 1e-12 * abs(want) + (window > 0 ? slack * 86_400_000 / window : 0)
        case "utilizationPct":
            return 1e-9 * max(1, abs(want)) + slack / max(place.siblings["budget"]?.double ?? 1, 1e-9)
        case "daysRemaining": return daysTolerance(place)
        case "projectedDepletionDate": return 1 + 86_400_000 * daysTolerance(place)
        default: return 0
        }
    }

    /// A quotient of the rest of a budget and the cost of a day, each a sum.
    private func daysTolerance(_ place: Place) -> Double {
        let days = abs(place.siblings["daysRemaining"]?.double ?? 0)
        let burnRate = place.siblings["burnRate"]
        guard let perDay = burnRate?["costPerDay"]?.double, perDay > 0 else { return 1e-9 * days }
        let windowInDays = max((burnRate?["windowMs"]?.double ?? 1) / 86_400_000, 1e-12)
        return 1e-9 * days + slack * (1 + days / windowInDays) / perDay
    }

    // MARK: Exports

    /// An export with its breakers and marks sorted by name. The reference lists them in order of creation.
    private static func sorted(_ export: JSONValue) -> JSONValue {
        sorting(sorting(export, "breakers", "breakers"), "exhaustion", "entries")
    }

    private static func sorting(_ document: JSONValue, _ part: String, _ key: String) -> JSONValue {
        changing(document, part) { changing($0, key) { .array(($0.list ?? []).sorted { name($0) < name($1) }) } }
    }

    private static func name(_ element: JSONValue) -> String {
        element["name"]?.text ?? element["provider"]?.text ?? ""
    }

    private static func changing(
        _ document: JSONValue, _ key: String, _ change: (JSONValue) -> JSONValue
    ) -> JSONValue {
        guard let members = document.members else { return document }
        return .object(members.map { ($0.key, $0.key == key ? change($0.value) : $0.value) })
    }
}
