import FuseboxCore

extension StateMachine {
    /// Applies a command, after all deadlines that have passed. Both clocks show the given time.
    mutating func carryOut<C: StateCommand>(_ command: C, at now: Timestamp) throws(Refusal) -> C.Reply {
        let moment = try advance(to: now)
        var events: [Event] = []
        return try apply(command, at: moment, effects: &events)
    }

    /// Applies all deadlines that have passed at a time. Returns the moment.
    mutating func advance(to now: Timestamp) throws(Refusal) -> Moment {
        let moment = Moment(now: now, wall: now)
        var events: [Event] = []
        // One `Advance` applies a bounded number of deadlines.
        while isDue(at: moment) { _ = try apply(Advance(), at: moment, effects: &events) }
        return moment
    }
}

extension Duration {
    /// The duration in milliseconds, rounded up and clamped to the range of `Int64`.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        if overflow { return seconds < 0 ? .min : .max }
        let (part, rest) = attoseconds.quotientAndRemainder(dividingBy: 1_000_000_000_000_000)
        return milliseconds + part + (rest > 0 ? 1 : 0)
    }
}

extension Name {
    /// A checked name. Unlike the other initialisers it has one signature, which `map` needs.
    init(checking text: String) throws(Refusal) { self = try Name(text) }
}

extension LLMProvidersSnapshot {
    /// The document in a text. Throws if it is not a snapshot of the given kind.
    static func document(_ json: String, _ kind: Kind, _ what: String) throws -> JSONValue {
        let document = try JSONValue(parsing: json.utf8)
        guard Kind(of: document) == kind else {
            throw JSONFieldError(path: "", message: "this is not a snapshot of \(what)")
        }
        return document
    }

    /// The time at which a ledger was written. If the ledger does not have it, this is the newest time in the ledger.
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
