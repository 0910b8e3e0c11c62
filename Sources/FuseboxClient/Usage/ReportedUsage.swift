import FuseboxJSON
import FuseboxWire

/// What JSON documents of a provider tell of a call's usage. A document is a usage object, or an answer or an event of a
/// stream that has one.
package struct ReportedUsage: Sendable, Equatable {
    /// The call's name at the provider; nil if no document tells it.
    package private(set) var call: String?
    /// The model that answered; nil if no document names it.
    package private(set) var model: String?
    /// The cost; nil if no document tells it.
    package private(set) var cost: Money?
    /// What the documents count, by their forms: those of a call hardly have more than one.
    private var counts: [FormCounts] = []

    /// A call that nothing was told of.
    package init() {}

    /// Whether neither cost nor tokens were told.
    package var isEmpty: Bool { cost == nil && tokens.isEmpty }

    /// The tokens by kind, as far as they were told.
    package var tokens: ToldTokens {
        counts.reduce(into: ToldTokens()) { told, next in told.update(with: next.tokens) }
    }

    /// Reads a document. Null, and an object whose usage is null, tell nothing.
    ///
    /// - Throws: a sentence about what is not understood, and where
    package init(_ document: JSONValue) throws(Refusal) {
        if document.isNull { return }
        guard document.members != nil else { throw Refusal(.malformed, "usage is a JSON object") }
        model = Self.text(UsageForm.models, in: document)
        call = Self.call(in: document)
        var isNull = false
        for place in UsageForm.places {
            guard let usage = document.member(at: place) else { continue }
            isNull = isNull || usage.isNull
            guard let form = UsageForm.all.firstIndex(where: { $0.describes(usage) }) else { continue }
            let prefix = place.isEmpty ? "" : "\(place)."
            counts = [try FormCounts(form, usage, prefix)]
            cost = try UsageForm.all[form].cost(in: usage, prefix)
            return
        }
        guard isNull else {
            let names = UsageForm.all.map(\.name).joined(separator: "; ")
            throw Refusal(.malformed, "no usage is found in this object; these forms are known: \(names)")
        }
    }

    /// Takes what a later document tells of the same call. What it leaves out stays.
    package mutating func update(with later: ReportedUsage) {
        call = later.call ?? call
        model = later.model ?? model
        cost = later.cost ?? cost
        for next in later.counts {
            if let place = counts.firstIndex(where: { $0.form == next.form }) {
                counts[place].update(with: next)
            } else {
                counts.append(next)
            }
        }
    }

    /// The call that a document names; nil if it names none.
    package static func call(in document: JSONValue) -> String? { text(UsageForm.calls, in: document) }

    private static func text(_ places: [String], in document: JSONValue) -> String? {
        for place in places {
            if let text = document.member(at: place)?.text, !text.isEmpty { return text }
        }
        return nil
    }
}

/// What the members of usage objects of one form count. The kinds of tokens are taken apart after all are known: an event
/// of a stream may tell a whole, and another one the part of it that was cached.
private struct FormCounts: Sendable, Equatable {
    /// The place of the form among `UsageForm.all`.
    let form: Int
    /// The numbers of its parts; nil where none was told.
    private var numbers: [Int?]
    /// The number of all tokens; nil if it was not told.
    private var total: Int?

    /// Reads a usage object of a form.
    ///
    /// - Throws: `outOfRange`
    init(_ form: Int, _ usage: JSONValue, _ prefix: String) throws(Refusal) {
        self.form = form
        numbers = []
        for part in UsageForm.all[form].parts { numbers.append(try Self.number(of: part, in: usage, prefix)) }
        if let member = UsageForm.all[form].total { total = try usage.count(at: member, prefix) }
        let tokens = unbounded
        for kind in TokenKind.allCases where tokens[kind] ?? 0 > Int(UInt32.max) {
            throw Refusal(.outOfRange, "\(kind.rawValue) has more than \(Quantity.grouped(UInt32.max)) tokens")
        }
    }

    /// Takes what a later object of the same call counts. What it leaves out stays, but for the parts of a prompt that is
    /// another one: they were parts of the one before.
    mutating func update(with later: FormCounts) {
        let parts = UsageForm.all[form].parts
        let isOtherPrompt = parts.indices.contains { place in
            guard parts[place].kind == .input, let before = numbers[place], let now = later.numbers[place] else {
                return false
            }
            return before != now
        }
        for place in parts.indices {
            let isOfPrompt = isOtherPrompt && parts[place].within == .input
            numbers[place] = later.numbers[place] ?? (isOfPrompt ? nil : numbers[place])
        }
        total = later.total ?? total
    }

    /// The tokens by kind, each clamped to its range.
    var tokens: ToldTokens {
        var tokens = unbounded
        for kind in TokenKind.allCases { tokens[kind] = tokens[kind].map { min($0, Int(UInt32.max)) } }
        return tokens
    }

    private var unbounded: ToldTokens {
        let form = UsageForm.all[form]
        var tokens = ToldTokens()
        var included = ToldTokens()
        for (part, number) in zip(form.parts, numbers) {
            guard let number else { continue }
            tokens[part.kind] = (tokens[part.kind] ?? 0) + number
            if let whole = part.within { included[whole] = (included[whole] ?? 0) + number }
        }
        for kind in form.absent where tokens[kind] == nil { tokens[kind] = 0 }
        if countsReasoningBeside(tokens) { included[.output] = nil }
        for kind in TokenKind.allCases {
            // A part that is greater than its whole leaves nothing of it.
            if let whole = tokens[kind], let part = included[kind] { tokens[kind] = max(0, whole - part) }
        }
        return tokens
    }

    /// Whether the total says that reasoning is counted beside the output and not within it, as some that follow OpenAI's
    /// form do.
    private func countsReasoningBeside(_ told: ToldTokens) -> Bool {
        guard let reasoning = told[.reasoning], reasoning > 0, let total else { return false }
        return total == (told[.input] ?? 0) + (told[.output] ?? 0) + reasoning
    }

    private static func number(
        of part: UsageForm.Part, in usage: JSONValue, _ prefix: String
    ) throws(Refusal) -> Int? {
        for member in part.members {
            if let count = try usage.count(at: member, prefix) { return count }
        }
        return nil
    }
}

extension UsageForm {
    fileprivate func describes(_ usage: JSONValue) -> Bool {
        func has(_ place: String) -> Bool { usage.member(at: place).map { !$0.isNull } ?? false }
        return marks.contains(where: has) && !foreign.contains(where: has)
    }

    /// The cost that a usage object tells; nil if it tells none.
    fileprivate func cost(in usage: JSONValue, _ prefix: String) throws(Refusal) -> Money? {
        guard let cost, let told = usage.member(at: cost), !told.isNull else { return nil }
        guard case .number(let literal) = told, let money = Money(literal), money >= .zero,
            money <= WireLimits.callCost
        else {
            throw Refusal(.outOfRange, "\(prefix)\(cost) is not a number of dollars from 0 to \(WireLimits.callCost)")
        }
        return money
    }
}

extension JSONValue {
    /// The member at a place, given as names separated by points; the value itself if the place is empty.
    fileprivate func member(at place: String) -> JSONValue? {
        var found = self
        for name in place.split(separator: ".") {
            guard let next = found[String(name)] else { return nil }
            found = next
        }
        return found
    }

    /// The number of tokens at a place; nil if there is none or it is null.
    fileprivate func count(at place: String, _ prefix: String) throws(Refusal) -> Int? {
        guard let value = member(at: place), !value.isNull else { return nil }
        guard case .number(let literal) = value, let number = DecimalText(literal), !number.isNegative,
            number.isWhole(), let units = number.units(.up), units <= UInt32.max
        else {
            throw Refusal(
                .outOfRange,
                "\(prefix)\(place) is not a whole number from 0 to \(Quantity.grouped(UInt32.max))")
        }
        return Int(units)
    }
}
