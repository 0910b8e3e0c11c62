import FuseboxWire

extension LLMProvidersSnapshot {
    /// What a document may be.
    public enum Kind: Sendable {
        case export, breaker, breakers, exhaustion, ledger

        /// The kind of a document, by the members that only it has; nil if it is none.
        ///
        /// A text that holds a document, which is what the library's `serialize()` gives, counts as that document.
        public init?(of document: JSONValue) {
            let document = (try? document.unwrapped) ?? document
            if document["version"] == nil,
                ["breakers", "exhaustion", "ledger"].contains(where: { document[$0] != nil })
            {
                self = .export
            } else if document["breakers"] != nil {
                self = .breakers
            } else if document["entries"] != nil {
                self = .exhaustion
            } else if document["providers"] != nil {
                self = .ledger
            } else if document["state"] != nil {
                self = .breaker
            } else {
                return nil
            }
        }
    }

    /// The parts of the state that a document is about: those that an import of it replaces. Empty if it is no
    /// snapshot, and if it is that of a single breaker.
    public static func parts(of document: JSONValue) -> StateParts {
        switch Kind(of: document) {
        case .export:
            let document = (try? document.unwrapped) ?? document
            var parts = StateParts()
            let named: [(String, StateParts)] = [
                ("breakers", .breakers), ("exhaustion", .exhaustion), ("ledger", .ledger),
            ]
            for (key, part) in named where document[key]?.isNull == false { parts.insert(part) }
            return parts
        case .breakers: return .breakers
        case .exhaustion: return .exhaustion
        case .ledger: return .ledger
        case .breaker, nil: return []
        }
    }
}

extension JSONValue {
    /// The document that a text holds; of anything but a text, itself.
    var unwrapped: JSONValue {
        get throws(JSONError) {
            guard let text else { return self }
            return try JSONValue(parsing: text.utf8)
        }
    }
}
