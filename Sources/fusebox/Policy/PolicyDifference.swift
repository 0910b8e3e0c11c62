import FuseboxInterop
import FuseboxWire

/// What a policy changes, as text and as JSON.
struct PolicyDifference {
    let report: PolicyReport

    /// The difference, a line for each change: `+` added, `~` changed, `-` removed, `=` as it was.
    var lines: [String] {
        var lines = report.changes.map { Self.line($0).printable }
        if report.unlisted > 0 { lines.append("… and \(Quantity.count(report.unlisted, "more change"))") }
        return lines
    }

    /// How many changes there are of each kind: `2 added, 1 removed, 7 unchanged`.
    var counts: String {
        func count(_ number: Int, _ what: String) -> String? { number == 0 ? nil : "\(number) \(what)" }
        let actions: [(PolicyAction, String)] = [
            (.added, "added"), (.changed, "changed"), (.setBack, "set back"), (.takenOver, "taken over"),
            (.removed, "removed"),
        ]
        let told = actions.map { action, what in count(report.changes.count { $0.action == action }, what) }
        let rest = [count(Int(report.unlisted), "not listed"), count(Int(report.unchanged), "unchanged")]
        return (told + rest).compactMap(\.self).joined(separator: ", ")
    }

    var isEmpty: Bool { report.changes.isEmpty && report.unlisted == 0 }

    /// The last line: how many changes there are, and whether they were carried out.
    ///
    /// - Parameter label: the name of the policy's file
    func conclusion(of label: String, isApplied: Bool) -> String {
        guard !isEmpty else {
            let items = Quantity.count(report.unchanged, "item is", plural: "items are")
            return "Nothing to change: \(items) as \(label) says."
        }
        return "\(isApplied ? "Applied" : "Would apply"): \(counts)."
    }

    var json: JSONValue {
        [
            "changes": .array(report.changes.map { JSONValue(record: $0) }),
            "unlisted": JSONValue(report.unlisted), "unchanged": JSONValue(report.unchanged),
        ]
    }

    // MARK: Lines

    /// - Parameter isDrift: whether it tells of a difference that there is, and not of one that was set back
    static func line(_ change: PolicyChange, isDrift: Bool = false) -> String {
        let what = subject(change)
        let values: String
        switch (change.before, change.after) {
        case (let before?, let after?) where before != after: values = "\(before) -> \(after)"
        case (_, let after?): values = after
        case (let before?, nil): values = before
        case (nil, nil): values = ""
        }
        let note =
            switch change.action {
            case .setBack where isDrift: change.before == nil ? " (is lost)" : ""
            case .setBack: change.before == nil ? " (was lost; set again)" : " (was changed by hand; set back)"
            case .takenOver: " (was set by hand; the policy's from now on)"
            case .added, .changed, .removed, .unknown: ""
            }
        return "\(sign(change)) \(what): \(values)\(note)"
    }

    private static func sign(_ change: PolicyChange) -> String {
        switch change.action {
        case .added: "+"
        case .removed: "-"
        case .setBack where change.before == nil: "+"
        case .takenOver where change.before == change.after: "="
        case .changed, .setBack, .takenOver, .unknown: "~"
        }
    }

    /// What a change is about: `limit openai/gpt-4o`, `price */gpt-4o`, `breaker default`.
    static func subject(_ change: PolicyChange) -> String {
        let scope = change.scope
        switch change.subject {
        case .limit: return "limit \(scope)"
        case .price:
            guard scope.provider == nil else { return "price \(scope)" }
            return "price */\(scope.model?.text ?? "*")"
        case .alias: return "alias \(scope)"
        case .breaker: return "breaker \(scope.provider == nil ? "default" : "\(scope)")"
        case .cooldown: return "marks, cooldown"
        case .longestMark: return "marks, longest"
        case .strictness: return "names, strict"
        case .requiredTags: return "names, require_tags"
        case .unknown(let number): return "subject \(number) of a newer version"
        }
    }
}
