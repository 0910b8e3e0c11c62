import FuseboxInterop

/// Compares replies of a trace with those of the reference library, by the rules of the conformance suite.
///
/// Every field of the expected reply must be there with the same value; further ones are ignored. Numbers agree within
/// a millionth. Of an export, order does not matter, and of the history only the sums of the providers.
enum ReplyComparison {
    private static let skippedInExport: Set = ["exportedAt", "lastDecayAt", "windowStart", "spendHistory", "version"]

    /// The first difference; nil if the replies agree.
    static func difference(_ operation: String, _ want: JSONValue, _ got: JSONValue) -> String? {
        guard operation == "export" else { return difference(want, got, operation, isExport: false) }
        if let found = difference(normal(want), normal(got), operation, isExport: true) { return found }
        let sums = (historySums(want), historySums(got))
        guard sums.0.keys == sums.1.keys, sums.0.allSatisfy({ agree($0.value, sums.1[$0.key] ?? .nan) }) else {
            return "export.ledger.spendHistory: want the sums \(sums.0), got \(sums.1)"
        }
        return nil
    }

    private static func difference(_ want: JSONValue, _ got: JSONValue, _ path: String, isExport: Bool) -> String? {
        switch (want, got) {
        case (.object(let members), .object):
            for (key, value) in members where !(isExport && skippedInExport.contains(key)) {
                guard let other = got[key] else {
                    if value.isNull { continue }
                    return "\(path).\(key): missing (want \(value.text()))"
                }
                if let found = difference(value, other, "\(path).\(key)", isExport: isExport) { return found }
            }
            return nil
        case (.array(let wanted), .array(let given)) where wanted.count == given.count:
            for (index, pair) in zip(wanted, given).enumerated() {
                if let found = difference(pair.0, pair.1, "\(path)[\(index)]", isExport: isExport) { return found }
            }
            return nil
        case (.number, .number):
            guard let a = want.double, let b = got.double else { break }
            if agree(a, b) || path.hasSuffix("projectedDepletionDate") && abs(a - b) <= 1 { return nil }
        default:
            if want == got { return nil }
        }
        return "\(path): want \(want.text()), got \(got.text())"
    }

    private static func agree(_ want: Double, _ got: Double) -> Bool {
        abs(want - got) <= 1e-6 * max(1, abs(want))
    }

    private static func historySums(_ reply: JSONValue) -> [String: Double] {
        var sums: [String: Double] = [:]
        for entry in reply["ledger"]?["spendHistory"]?.list ?? [] {
            sums[entry["provider"]?.text ?? "", default: 0] += entry["cost"]?.double ?? .nan
        }
        return sums.filter { $0.value > 1e-9 }
    }

    /// An export with its lists sorted by name.
    static func normal(_ reply: JSONValue) -> JSONValue {
        sorting(
            sorting(sorting(reply, "breakers", "breakers"), "exhaustion", "entries"), "ledger", "budgets")
    }

    /// A document with the list at `part.key` sorted by name, provider and model.
    private static func sorting(_ document: JSONValue, _ part: String, _ key: String) -> JSONValue {
        changing(document, part) { changing($0, key) { .array(($0.list ?? []).sorted { sortKey($0) < sortKey($1) }) } }
    }

    private static func sortKey(_ element: JSONValue) -> String {
        "\(element["name"]?.text ?? element["provider"]?.text ?? "")\n\(element["model"]?.text ?? "")"
    }

    /// A document with the member of this key changed, if it has one.
    static func changing(_ document: JSONValue, _ key: String, _ change: (JSONValue) -> JSONValue) -> JSONValue {
        .object((document.members ?? []).map { ($0.key, $0.key == key ? change($0.value) : $0.value) })
    }
}
