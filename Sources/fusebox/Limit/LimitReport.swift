import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// Limits and how they stand, as tables and sentences for people.
enum LimitReport {
    // MARK: Tables

    /// A table of limits, with bars of what is used (#), held (=) and left (.). Limits of one scope stand together. No line
    /// is longer than a terminal's.
    ///
    /// - Parameter showsScopes: whether each limit tells its scope; false where all are of one
    static func table(_ entries: [LimitEntry], showsScopes: Bool = true, ifEmpty sentence: String) -> String {
        guard !entries.isEmpty else { return sentence }
        let entries = together(entries)
        let holds = entries.contains { !held($0).isEmpty }
        for hasHeld in holds ? [true, false] : [false] {
            let columns: [Table.Column] =
                (showsScopes ? [.left("SCOPE")] : []) + [.left("LIMIT"), .left("FULL"), .right("LEFT")]
                + (hasHeld ? [.right("HELD")] : []) + [.left("ENDS IN")]
            let table = Table(
                columns,
                rows: entries.map { (showsScopes ? ["\($0.scope)"] : []) + row($0, hasHeld: hasHeld) },
                notes: entries.map { notes($0, tellsHeld: !hasHeld) })
            for text in [table.text] + (showsScopes ? [table.textByFirstCell] : []) where TerminalText.fits(text) {
                return text
            }
        }
        return stacked(entries, showsScopes: showsScopes)
    }

    /// What stands below the row of a limit: what is held, where no column tells it, and its thresholds.
    private static func notes(_ entry: LimitEntry, tellsHeld: Bool) -> [String] {
        let held = tellsHeld ? String(held(entry).dropFirst(2)) : ""
        return (held.isEmpty ? [] : [held]) + [thresholds(entry.limit)].compactMap(\.self)
    }

    /// The limits with the parts of each one below the other.
    private static func stacked(_ entries: [LimitEntry], showsScopes: Bool) -> String {
        var lines: [String] = []
        for (place, entry) in entries.enumerated() {
            if showsScopes, place == 0 || entries[place - 1].scope != entry.scope {
                lines += TerminalText.wrapped("\(entry.scope)")
            }
            let indent = showsScopes ? 2 : 0
            lines += TerminalText.wrapped("\(use(entry))\(mode(entry))", indent: indent)
            for part in [rest(entry), thresholds(entry.limit)].compactMap(\.self) {
                lines += TerminalText.wrapped(part, indent: indent + 2)
            }
        }
        return lines.joined(separator: "\n")
    }

    /// What stands below a limit: its bar, and what is left and held of it.
    private static func rest(_ entry: LimitEntry) -> String {
        guard entry.uses == 0, !isTemplate(entry.scope) else { return Quantity.count(entry.uses, "tag") }
        let ends = entry.endsInMilliseconds.map { ", ends in \(Formatting.span(milliseconds: $0))" } ?? ""
        return "\(bar(entry)) \(amount(entry.left, of: entry)) left\(held(entry))\(ends)"
    }

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

    private static func row(_ entry: LimitEntry, hasHeld: Bool) -> [String] {
        let limit = "\(use(entry))\(mode(entry))"
        let isTemplate = entry.uses > 0 || isTemplate(entry.scope)
        let held = entry.held > 0 && entry.limit.dimension != .inFlight ? amount(entry.held, of: entry) : "-"
        let end = entry.endsInMilliseconds.map { Formatting.span(milliseconds: $0) } ?? "-"
        return isTemplate
            ? [limit, Quantity.count(entry.uses, "tag"), ""] + (hasHeld ? [""] : []) + [""]
            : [limit, bar(entry), amount(entry.left, of: entry)] + (hasHeld ? [held] : []) + [end]
    }

    static func isTemplate(_ scope: Scope) -> Bool { scope.tag.map(TagText.isTemplate) ?? false }

    // MARK: Parts of a limit

    /// What is used of a limit: `$41.20 of $50 per month`, `2 of 8 in flight`; of a template the limit alone.
    private static func use(_ entry: LimitEntry) -> String {
        var limit = entry.limit
        limit.amount = entry.amount
        let raise = entry.raisedMilliseconds.map { milliseconds in
            let own = limit.dimension.text(of: entry.limit.amount)
            return " for \(Formatting.span(milliseconds: milliseconds)), then \(own)"
        }
        return "\(isTemplate(entry.scope) ? "" : "\(taken(entry)) of ")\(limit)\(raise ?? "")"
    }

    /// What is used of a limit; of calls in flight what is held.
    private static func taken(_ entry: LimitEntry) -> String {
        amount(entry.limit.dimension == .inFlight ? entry.held : entry.used, of: entry)
    }

    /// What a limit does other than deny: ` (notify)`.
    static func mode(_ limit: Limit) -> String {
        (limit.skipsCacheReads ? " without cache reads" : "") + (limit.mode == .deny ? "" : " (\(limit.mode))")
    }

    private static func mode(_ entry: LimitEntry) -> String {
        guard entry.limit.mode == .shadow, entry.wouldHaveDenied > 0 else { return mode(entry.limit) }
        let skips = entry.limit.skipsCacheReads ? " without cache reads" : ""
        return "\(skips) (shadow: \(entry.wouldHaveDenied) over)"
    }

    /// The thresholds of a limit as a sentence; nil if they are those of any limit.
    static func thresholds(_ limit: Limit) -> String? {
        guard let own = limit.thresholds, own != Thresholds() || limit.dimension != .cost else { return nil }
        let shares = own.shares.map(Formatting.percent)
        return shares.isEmpty ? "no thresholds" : "thresholds \(shares.joined(separator: ", "))"
    }

    /// What is used and held of a limit as ten marks, and in percent. Reports may take it above 100 %.
    static func bar(_ entry: LimitEntry) -> String {
        guard entry.amount > 0 else { return "[----------]" }
        let used = max(0, Double(entry.used) / Double(entry.amount))
        let taken = max(used, entry.fullness)
        // A use that is not nothing is seen, and what is not all used up looks so.
        func marks(_ share: Double) -> Int { share >= 1 ? 10 : share > 0 ? max(1, min(9, Int(share * 10))) : 0 }
        let full = marks(used)
        let held = max(full, marks(taken)) - full
        let bar =
            String(repeating: "#", count: full) + String(repeating: "=", count: held)
            + String(repeating: ".", count: 10 - full - held)
        return "[\(bar)] \(percent(taken))"
    }

    /// Whole percent, rounded down: what is not all used up does not read as 100 %.
    static func percent(_ share: Double) -> String {
        share >= 10 ? "over 999%" : Formatting.percent((share * 100).rounded(.down) / 100)
    }

    /// An amount in the unit of a limit, with cents.
    static func amount(_ amount: Int64, of entry: LimitEntry) -> String {
        // Calls in flight are told by their number alone.
        entry.limit.dimension == .cost
            ? Formatting.dollars(Money(nanodollars: amount)) : LimitDimension.inFlight.text(of: amount)
    }

    /// The amount of a limit, as it is set: `$50`, `$0.50`, `600`.
    static func bound(_ amount: Int64, of entry: LimitEntry) -> String {
        (entry.limit.dimension == .cost ? entry.limit.dimension : .inFlight).text(of: amount)
    }

    // MARK: Sentences

    /// What is used and held of a limit: `$3.20 of $5 used, $0.50 held`, `3 of 8 in flight`.
    static func sentence(_ entry: LimitEntry) -> String {
        let all = bound(entry.amount, of: entry)
        if entry.limit.dimension == .inFlight { return "\(taken(entry)) of \(all) in flight" }
        let assumed = entry.assumed > 0 ? " (\(amount(entry.assumed, of: entry)) of it assumed)" : ""
        return "\(taken(entry)) of \(all) used\(assumed)\(held(entry))"
    }

    /// A limit in a line: `[######==..] 84%  $30.40 of $50 per month, $11.60 held`.
    static func line(_ entry: LimitEntry) -> String {
        "\(bar(entry)) \(use(entry))\(mode(entry))\(held(entry))"
    }

    /// The fullest of several limits in a line.
    ///
    /// - Parameter count: how many there are
    static func fullest(_ entry: LimitEntry, of count: UInt32) -> String {
        line(entry) + (count > 1 ? "; fullest of \(count)" : "")
    }

    private static func held(_ entry: LimitEntry) -> String {
        guard entry.held > 0, entry.limit.dimension != .inFlight else { return "" }
        return ", \(amount(entry.held, of: entry)) held"
    }

    /// A threshold that was reached: `the limit of $50 per month on openai reached 80% (warning): $41.20 of $50 used`.
    static func sentence(_ event: LimitReached) -> String {
        let share =
            (event.entry.limit.thresholds ?? Thresholds())[event.tier].map { " \(Formatting.percent($0))" } ?? ""
        return "\(name(event.entry)) reached\(share) (\(event.tier)): \(sentence(event.entry))"
    }

    /// A limit that is projected to be used up.
    static func sentence(_ event: DepletionProjected) -> String {
        let limit = "the limit of \(event.limit) on \(event.provider)"
        guard event.daysRemaining > 0 else { return "\(limit) is used up (\(event.tier))" }
        let rate = event.burnRate.costPerDay.map { ": \(Formatting.dollars($0)) are spent a day" } ?? ""
        return "\(limit) lasts \(Formatting.days(event.daysRemaining)) (\(event.tier))\(rate)"
    }

    /// A limit by its name: `the limit of $50 per month on openai`.
    static func name(_ entry: LimitEntry) -> String {
        "the limit of \(entry.limit) on \(entry.scope)\(raise(entry.limit, to: entry.amount))"
    }

    /// What a limit is raised to: ` (raised to $80)`; empty if it is not.
    static func raise(_ limit: Limit, to amount: Int64) -> String {
        amount > limit.amount ? " (raised to \(limit.dimension.text(of: amount)))" : ""
    }
}

extension Thresholds {
    /// The shares that can be reached, from the lowest tier up.
    var shares: [Double] { [warning, critical, emergency].filter { $0 < .greatestFiniteMagnitude } }

    /// The share at which a tier is reached; nil: never.
    subscript(_ tier: ThresholdTier) -> Double? {
        let share: Double? =
            switch tier {
            case .warning: warning
            case .critical: critical
            case .emergency: emergency
            case .none, .unknown: nil
            }
        return share.flatMap { $0 < .greatestFiniteMagnitude ? $0 : nil }
    }
}
