import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// Limits and how they stand, as tables for people and as JSON for programs.
enum LimitReport {
    /// A table of limits, with bars of what is used (#), held (+) and left (.). Limits of one scope stand together. Where a
    /// row would be longer than a terminal's, each scope has a line of its own above its limits.
    static func table(_ entries: [LimitEntry], ifEmpty sentence: String) -> String {
        let entries = together(entries)
        let whole = Table([.left("SCOPE")] + columns, rows: entries.map { ["\($0.scope)"] + row($0) })
        let lines = whole.text.split(separator: "\n")
        guard lines.contains(where: { Table.width(String($0)) > lineWidth }) else {
            return whole.text(ifEmpty: sentence)
        }
        let rows = Table(columns, rows: entries.map(row)).text.split(separator: "\n").map { "  \($0)" }
        var text = [rows[0]]
        for (place, entry) in entries.enumerated() {
            if place == 0 || entries[place - 1].scope != entry.scope { text.append(Table.printable("\(entry.scope)")) }
            text.append(rows[place + 1])
        }
        return text.joined(separator: "\n")
    }

    /// The columns of a terminal that most people have.
    private static let lineWidth = 80

    private static let columns: [Table.Column] = [.left("LIMIT"), .left("USED"), .right("LEFT"), .left("ENDS IN")]

    /// The entries of each scope one after the other, where its first one stood.
    private static func together(_ entries: [LimitEntry]) -> [LimitEntry] {
        var places: [String: Int] = [:]
        var groups: [[LimitEntry]] = []
        for entry in entries {
            let place = places["\(entry.scope)"] ?? groups.count
            if place == groups.count {
                places["\(entry.scope)"] = place
                groups.append([])
            }
            groups[place].append(entry)
        }
        return groups.flatMap(\.self)
    }

    private static func row(_ entry: LimitEntry) -> [String] {
        let limit = "\(limit(entry))\(mode(entry))"
        guard entry.uses == 0, !isTemplate(entry.scope) else {
            return [limit, "\(Quantity.count(entry.uses, "tag"))", "", ""]
        }
        let end = entry.endsInMilliseconds.map { Formatting.span(milliseconds: $0) } ?? "-"
        return [limit, bar(entry), amount(entry.left, of: entry), end]
    }

    private static func isTemplate(_ scope: Scope) -> Bool { scope.tag.map(TagText.isTemplate) ?? false }

    /// A limit, and what it is raised to: `$80 per month for 2h, then $50`.
    private static func limit(_ entry: LimitEntry) -> String {
        guard let milliseconds = entry.raisedMilliseconds else { return "\(entry.limit)" }
        var raised = entry.limit
        raised.amount = entry.amount
        let own = entry.limit.dimension.text(of: entry.limit.amount)
        return "\(raised) for \(Formatting.span(milliseconds: milliseconds)), then \(own)"
    }

    /// What a limit does other than deny: ` (notify)`.
    static func mode(_ limit: Limit) -> String { limit.mode == .deny ? "" : " (\(limit.mode))" }

    private static func mode(_ entry: LimitEntry) -> String {
        guard entry.limit.mode == .shadow, entry.wouldHaveDenied > 0 else { return mode(entry.limit) }
        return " (shadow: \(entry.wouldHaveDenied) over)"
    }

    /// What is used and held of a limit as ten marks, and in percent. Reports may take it above 100 %.
    static func bar(_ entry: LimitEntry) -> String {
        guard entry.amount > 0 else { return "[          ]" }
        let used = max(0, Double(entry.used) / Double(entry.amount))
        let taken = max(used, (Double(entry.used) + Double(entry.held)) / Double(entry.amount))
        // A use that is not nothing is seen, and what is not all used up looks so.
        func marks(_ share: Double) -> Int { share >= 1 ? 10 : share > 0 ? max(1, min(9, Int(share * 10))) : 0 }
        let full = marks(used)
        let held = max(full, marks(taken)) - full
        let bar =
            String(repeating: "#", count: full) + String(repeating: "+", count: held)
            + String(repeating: ".", count: 10 - full - held)
        return "[\(bar)] \(percent(taken))"
    }

    /// Whole percent, rounded down: what is not all used up does not read as 100 %.
    private static func percent(_ share: Double) -> String {
        share >= 10 ? "over 999%" : Formatting.percent((share * 100).rounded(.down) / 100)
    }

    /// An amount in the unit of a limit.
    static func amount(_ amount: Int64, of entry: LimitEntry) -> String {
        // Calls in flight are told by their number alone.
        entry.limit.dimension == .cost
            ? Formatting.dollars(Money(nanodollars: amount)) : LimitDimension.inFlight.text(of: amount)
    }

    /// What is used and held of a limit, as a sentence: `$3.20 of $5.00 used, $0.50 held`, `3 of 8 in flight`.
    static func sentence(_ entry: LimitEntry) -> String {
        if entry.limit.dimension == .inFlight {
            return "\(amount(entry.held, of: entry)) of \(amount(entry.amount, of: entry)) in flight"
        }
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
