import FuseboxCore

extension StateMachine {
    /// Applies a command at a time that both clocks show, after what has become due.
    mutating func carryOut<C: StateCommand>(_ command: C, at now: Timestamp) throws(Refusal) -> C.Reply {
        let moment = Moment(now: now, wall: now)
        var events: [Event] = []
        // Each turn meets a bounded number of deadlines.
        while isDue(at: moment) { _ = try apply(Advance(), at: moment, effects: &events) }
        return try apply(command, at: moment, effects: &events)
    }
}

extension Duration {
    /// The milliseconds that are over by its end, rounded up; the range's end if it lies beyond it.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        if overflow { return seconds < 0 ? .min : .max }
        let (part, rest) = attoseconds.quotientAndRemainder(dividingBy: 1_000_000_000_000_000)
        return milliseconds + part + (rest > 0 ? 1 : 0)
    }
}

extension Name {
    /// A name of a text, for `map`, which wants a function of one error type.
    init(checking text: String) throws(Refusal) { self = try Name(text) }
}

extension LLMProvidersSnapshot {
    /// The document in a text that must be a snapshot of one kind.
    static func document(_ json: String, _ kind: Kind, _ what: String) throws -> JSONValue {
        let document = try JSONValue(parsing: json.utf8)
        guard Kind(of: document) == kind else {
            throw JSONFieldError(path: "", message: "this is no snapshot of \(what)")
        }
        return document
    }

    /// When a ledger was written; where it does not say so, the newest moment that it names.
    static func newestMoment(in ledger: JSONValue) -> Moment {
        let ledger = (try? ledger.unwrapped) ?? ledger
        var milliseconds = ledger["periodStart"]?.double ?? 0
        if let exported = ledger["exportedAt"]?.double {
            milliseconds = exported
        } else {
            for entry in ledger["spendHistory"]?.list ?? [] {
                milliseconds = max(milliseconds, entry["timestamp"]?.double ?? 0)
            }
            for (_, account) in ledger["providers"]?.members ?? [] {
                milliseconds = max(milliseconds, account["lastRecordedAt"]?.double ?? 0)
            }
        }
        return Moment(milliseconds: Int64(min(max(milliseconds, 0), 8.64e15)))
    }
}
