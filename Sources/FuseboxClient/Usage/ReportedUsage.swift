import FuseboxJSON
import FuseboxWire

/// What one JSON document of a provider tells of a call's usage: a usage object, an answer or an event of a stream that
/// has one.
package struct ReportedUsage: Sendable, Equatable {
    /// The call's name at the provider; nil if the document does not tell it.
    package var call: String?
    /// The model that answered; nil if the document does not name it.
    package var model: String?
    /// The cost; nil if the document does not tell it.
    package var cost: Money?
    /// The tokens by kind, as far as the document tells them.
    package var tokens = ToldTokens()

    /// A call that nothing was told of.
    package init() {}

    /// Whether neither cost nor tokens were told.
    package var isEmpty: Bool { cost == nil && tokens.isEmpty }

    /// Reads a document. Null, and an object whose usage is null, tell nothing.
    ///
    /// - Throws: a sentence about what is not understood, and where
    package init(_ document: JSONValue) throws(Refusal) {
        if document.isNull { return }
        guard document.members != nil else { throw Refusal(.malformed, "usage is a JSON object") }
        model = Self.text(UsageForm.models, in: document)
        call = Self.text(UsageForm.calls, in: document)
        var isNull = false
        for place in UsageForm.places {
            guard let usage = document.member(at: place) else { continue }
            isNull = isNull || usage.isNull
            guard let form = UsageForm.all.first(where: { $0.describes(usage) }) else { continue }
            try read(usage, form, place)
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
        tokens.update(with: later.tokens)
    }

    private static func text(_ places: [String], in document: JSONValue) -> String? {
        for place in places {
            if let text = document.member(at: place)?.text, !text.isEmpty { return text }
        }
        return nil
    }

    private mutating func read(_ usage: JSONValue, _ form: UsageForm, _ place: String) throws(Refusal) {
        let prefix = place.isEmpty ? "" : "\(place)."
        var included = ToldTokens()
        for part in form.parts {
            guard let count = try Self.count(part, in: usage, prefix) else { continue }
            tokens[part.kind] = (tokens[part.kind] ?? 0) + count
            if let whole = part.within { included[whole] = (included[whole] ?? 0) + count }
        }
        for kind in form.absent where tokens[kind] == nil { tokens[kind] = 0 }
        if let reasoning = tokens[.reasoning], reasoning > 0, included[.output] != nil,
            try form.countsReasoningBeside(usage, tokens, included, prefix)
        {
            included[.output] = nil
        }
        for kind in TokenKind.allCases {
            // A part that is greater than its whole leaves nothing of it.
            if let whole = tokens[kind], let part = included[kind] { tokens[kind] = max(0, whole - part) }
            guard tokens[kind] ?? 0 <= Int(UInt32.max) else {
                throw Refusal(.outOfRange, "\(kind.rawValue) has more than \(Quantity.grouped(UInt32.max)) tokens")
            }
        }
        if let member = form.cost, let told = usage.member(at: member), !told.isNull {
            guard case .number(let literal) = told, let cost = Money(literal), cost >= .zero,
                cost <= WireLimits.callCost
            else {
                throw Refusal(
                    .outOfRange, "\(prefix)\(member) is not a number of dollars from 0 to \(WireLimits.callCost)")
            }
            self.cost = cost
        }
    }

    private static func count(
        _ part: UsageForm.Part, in usage: JSONValue, _ prefix: String
    ) throws(Refusal) -> Int? {
        for member in part.members {
            if let count = try usage.count(at: member, prefix) { return count }
        }
        return nil
    }
}

extension UsageForm {
    fileprivate func describes(_ usage: JSONValue) -> Bool {
        marks.contains { usage[$0].map { !$0.isNull } ?? false }
    }

    /// Whether the total says that reasoning is counted beside the output and not within it, as some that follow OpenAI's
    /// form do.
    fileprivate func countsReasoningBeside(
        _ usage: JSONValue, _ told: ToldTokens, _ included: ToldTokens, _ prefix: String
    ) throws(Refusal) -> Bool {
        guard let total, let all = try usage.count(at: total, prefix) else { return false }
        return all == (told[.input] ?? 0) + (told[.output] ?? 0) + (told[.reasoning] ?? 0)
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
