import FuseboxWire

extension LLMProvidersSnapshot {
    /// The kind of a document.
    public enum Kind: Sendable {
        case export, breaker, breakers, exhaustion, ledger

        /// The kind of a document, recognised by its members; nil if it is not a snapshot.
        ///
        /// The library's `serialize()` returns a text with a document in it. Such a text counts as the document.
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

    /// The parts of the state that an import of the document replaces. Empty for a single breaker, and for a document
    /// that is not a snapshot.
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
    /// If this is a text, the JSON document in it. Otherwise this value itself.
    var unwrapped: JSONValue {
        get throws(JSONError) {
            guard let text else { return self }
            return try JSONValue(parsing: text.utf8)
        }
    }
}
