import FuseboxWire

// Imported JSON may have members that the state does not know. The library llm-providers keeps unknown members from a
// restore to the next snapshot, and so does Fusebox from an import to an export. The state stores them as the text of a
// JSON object, beside the mark that they came with, and for as long as that exists. Those of budgets and thresholds are
// kept in `ListedBudgets`.

extension StateMachine {
    /// The unknown members that came with a provider's mark, as the text of a JSON object; nil if there are none.
    public func foreignMembers(ofMark provider: Name) -> String? {
        names.find(provider).flatMap { exhaustion.marks[RouteKey($0)]?.foreignMembers }
    }

    /// Stores unknown members beside the mark of a provider, until it ends or is set again. Does nothing if there is no
    /// mark.
    public mutating func keepForeignMembers(_ members: String, ofMark provider: Name) {
        guard let id = names.find(provider), let place = exhaustion.marks.find(RouteKey(id)) else { return }
        exhaustion.marks[place].foreignMembers = members
    }
}

extension StateMachine.Builder {
    /// Stores unknown members beside a mark that was inserted before.
    ///
    /// - Throws: `outOfRange` if their text is longer than `WireLimits.textLength`
    public mutating func keepForeignMembers(_ members: String, ofMark provider: Name) throws(Refusal) {
        try Self.check(members)
        machine.keepForeignMembers(members, ofMark: provider)
    }

    static func check(_ members: String) throws(Refusal) {
        guard members.utf8.count <= WireLimits.textLength else {
            throw Refusal(
                .outOfRange,
                "members that Fusebox does not know are kept up to \(WireLimits.textLength) bytes; these have \(members.utf8.count)"
            )
        }
    }
}
