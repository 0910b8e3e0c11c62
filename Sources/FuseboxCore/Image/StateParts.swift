import FuseboxWire

extension StateMachine {
    /// Replaces some of the three parts by those of another state, names included. The other parts, profile, limits and
    /// time stay.
    ///
    /// The permits stay, because their calls are in flight. Limits do not apply to what the other state holds.
    ///
    /// The ledger is the largest part, and it is never walked. It keeps its tables of names whether it is replaced or
    /// not, and breakers and marks get numbers in these tables. The work therefore depends on the number of breakers,
    /// marks and permits only.
    ///
    /// - Parameter other: a state under the same profile
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

    /// Replaces the breakers by those of another state.
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
        // Released last, so that a name of both states keeps its number.
        before.forEach { id in
            if !breakers.contains(id) { setDeadline(ofBreaker: id) }
            names.release(id)
        }
    }

    /// Replaces the marks by those of another state.
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
