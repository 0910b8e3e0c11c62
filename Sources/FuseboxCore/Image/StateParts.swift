import FuseboxWire

extension StateMachine {
    /// Takes over some of the three parts of another state, names included; the other parts, profile, limits and time
    /// stay.
    ///
    /// Permits stay as they are: calls are under way. Limits do not refuse what is already there.
    ///
    /// The ledger holds most of a state, and it is never walked: it comes or stays with its tables of names, and breakers
    /// and marks are given theirs among these. So the work grows with breakers, marks and permits alone.
    ///
    /// - Parameter other: a state under the profile of this one
    public mutating func replace(_ parts: StateParts, with other: StateMachine) {
        guard parts.contains(.ledger) else {
            if parts.contains(.breakers) { takeBreakers(of: other) }
            if parts.contains(.exhaustion) { takeMarks(of: other) }
            return
        }
        let previous = self
        replaceContents(with: other)
        if !parts.contains(.breakers) { takeBreakers(of: previous) }
        if !parts.contains(.exhaustion) { takeMarks(of: previous) }
    }

    /// Puts the breakers of another state in the place of those here.
    private mutating func takeBreakers(of other: StateMachine) {
        let before = breakers
        breakers = BreakerRegistry()
        breakers.defaultConfiguration = other.breakers.defaultConfiguration
        other.breakers.forEach { theirs in
            guard let breaker = other.breakers[theirs] else { return }
            let id = names.intern(other.names[theirs], by: other.names.user(of: theirs))
            names.retain(id)
            breakers.insert(breaker, isConfigured: other.breakers.isConfigured(theirs), as: id)
            setDeadline(ofBreaker: id)
        }
        // Last, so that a name that both have keeps its number.
        before.forEach { id in
            if !breakers.contains(id) { setDeadline(ofBreaker: id) }
            names.release(id)
        }
    }

    /// Puts the marks of another state in the place of those here.
    private mutating func takeMarks(of other: StateMachine) {
        let before = exhaustion
        exhaustion = ExhaustionRegistry()
        exhaustion.defaultCooldownMilliseconds = other.exhaustion.defaultCooldownMilliseconds
        other.exhaustion.forEach { theirs, mark in
            let id = names.intern(other.names[theirs], by: other.names.user(of: theirs))
            names.retain(id)
            exhaustion.insert(mark, for: id)
            if let members = other.exhaustion.foreignMembers[theirs] { exhaustion.foreignMembers[id] = members }
            setDeadline(ofMark: id)
        }
        before.forEach { id, _ in
            if !exhaustion.contains(id) { setDeadline(ofMark: id) }
            names.release(id)
        }
    }
}
