import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// Limits and how they stand, as tables for people and as JSON for programs.
enum LimitReport {
    /// A table of limits, with bars of what is used (#), held (+) and left (.).
    static func table(_ entries: [LimitEntry]) -> String {
        Table(
            [.left("SCOPE"), .left("LIMIT"), .left("USED"), .right("LEFT"), .left("ENDS")],
            rows: entries.map(row)
        ).text(ifEmpty: "No limit is set.")
    }

    private static func row(_ entry: LimitEntry) -> [String] {
        let mode = entry.limit.mode == .deny ? "" : " (\(entry.limit.mode))"
        let limit = "\(entry.limit)\(mode)"
        guard entry.uses == 0, !isTemplate(entry.scope) else {
            return ["\(entry.scope)", limit, "\(Quantity.count(entry.uses, "tag"))", "", ""]
        }
        return ["\(entry.scope)", limit, bar(entry), amount(entry.left, of: entry), ends(entry)]
    }

    private static func isTemplate(_ scope: Scope) -> Bool { scope.tag.map(TagText.isTemplate) ?? false }

    private static func ends(_ entry: LimitEntry) -> String {
        if let milliseconds = entry.raisedMilliseconds {
            return "raised for \(Formatting.span(milliseconds: milliseconds))"
        }
        return entry.endsInMilliseconds.map { "in \(Formatting.span(milliseconds: $0))" } ?? "-"
    }

    /// What is used and held of a limit as ten marks, and in percent.
    static func bar(_ entry: LimitEntry) -> String {
        guard entry.amount > 0 else { return "[          ]" }
        let used = min(1, max(0, Double(entry.used) / Double(entry.amount)))
        let taken = min(1, max(used, (Double(entry.used) + Double(entry.held)) / Double(entry.amount)))
        // A use that is not nothing is seen, and what is not all used up looks so.
        func marks(_ share: Double) -> Int { share >= 1 ? 10 : share > 0 ? max(1, min(9, Int(share * 10))) : 0 }
        let full = marks(used)
        let held = max(full, marks(taken)) - full
        let bar =
            String(repeating: "#", count: full) + String(repeating: "+", count: held)
            + String(repeating: ".", count: 10 - full - held)
        return "[\(bar)] \(Formatting.percent((taken * 100).rounded(.down) / 100))"
    }

    /// An amount in the unit of a limit.
    static func amount(_ amount: Int64, of entry: LimitEntry) -> String {
        entry.limit.dimension == .cost ? Formatting.dollars(Money(nanodollars: amount)) : "\(amount)"
    }

    /// What is used and held of a limit, as a sentence: `$3.20 of $5.00 used, $0.50 held`.
    static func sentence(_ entry: LimitEntry) -> String {
        let held = entry.held > 0 ? ", \(amount(entry.held, of: entry)) held" : ""
        let assumed = entry.assumed > 0 ? " (\(amount(entry.assumed, of: entry)) of it assumed)" : ""
        return "\(amount(entry.used, of: entry)) of \(amount(entry.amount, of: entry)) used\(assumed)\(held)"
    }

    // MARK: JSON

    static func json(_ entry: LimitEntry) -> JSONValue {
        var fields: [(String, JSONValue)] = [
            ("scope", json(entry.scope)), ("limit", .string("\(entry.limit)")),
            ("dimension", .string("\(entry.limit.dimension)")), ("mode", .string("\(entry.limit.mode)")),
            ("onLapse", .string("\(entry.limit.onLapse)")), ("window", JSONValue(record: entry.limit.window)),
            ("amount", json(entry.amount, entry.limit.dimension)), ("used", json(entry.used, entry.limit.dimension)),
            ("held", json(entry.held, entry.limit.dimension)), ("left", json(entry.left, entry.limit.dimension)),
            ("assumed", json(entry.assumed, entry.limit.dimension)),
        ]
        fields.append(("endsInMilliseconds", entry.endsInMilliseconds.map { JSONValue($0) } ?? .null))
        fields.append(("raisedMilliseconds", entry.raisedMilliseconds.map { JSONValue($0) } ?? .null))
        fields.append(("template", entry.template.map { .string($0.text) } ?? .null))
        fields.append(("toldPercent", JSONValue(Int64(entry.toldPercent))))
        fields.append(("wouldHaveDenied", JSONValue(entry.wouldHaveDenied)))
        fields.append(("uses", JSONValue(Int64(entry.uses))))
        return .object(fields)
    }

    static func json(_ scope: Scope) -> JSONValue { JSONValue(record: scope) }

    /// An amount: exact dollars for cost, else a count.
    static func json(_ amount: Int64, _ dimension: LimitDimension) -> JSONValue {
        dimension == .cost ? .number("\(Money(nanodollars: amount))") : JSONValue(amount)
    }

    /// A limit that stands against a candidate.
    static func json(_ objection: LimitObjection) -> JSONValue {
        let dimension = objection.limit.dimension
        return [
            "scope": json(objection.scope), "limit": .string("\(objection.limit)"),
            "dimension": .string("\(dimension)"), "amount": json(objection.amount, dimension),
            "used": json(objection.used, dimension), "held": json(objection.held, dimension),
            "needed": json(objection.needed, dimension),
            "retryAfterMilliseconds": objection.retryAfterMilliseconds.map { JSONValue($0) } ?? .null,
        ]
    }
}
