import FuseboxWire

extension StateMachine {
    /// Replaces some of the three parts by those of another state, names included. The other parts, profile, limits and
    /// time stay.
    ///
    /// The permits stay, because their calls are in flight. Limits do not apply to what the other state holds.
    ///
    /// - Parameter other: a state under the same profile
    public mutating func replace(_ parts: StateParts, with other: StateMachine) {
        replace(with: PreparedParts(parts, of: other, for: self))
    }

    /// Replaces parts by those that were prepared for this state as it was before.
    ///
    /// The ledger is the largest part, and it is never walked. It keeps its tables of names whether it is replaced or
    /// not, and breakers and marks get numbers in these tables.
    public mutating func replace(with prepared: consuming PreparedParts) {
        if let other = prepared.other.take() {
            let previous = self
            replaceContents(with: other)
            if !prepared.parts.contains(.breakers) { keepBreakers(of: previous, &prepared.keptBreakers) }
            if !prepared.parts.contains(.exhaustion) { keepMarks(of: previous, &prepared.keptMarks) }
        } else {
            if prepared.parts.contains(.breakers) { takeBreakers(prepared.breakers) }
            if prepared.parts.contains(.exhaustion) { takeMarks(prepared.marks) }
        }
    }

    // MARK: Into the names of this state

    /// Replaces the breakers by prepared ones.
    private mutating func takeBreakers(_ prepared: PreparedParts.Breakers) {
        let before = breakers
        breakers = prepared.registry
        let (moved, awaited) = retain(prepared.names)
        breakers.rename(moved.map { (RouteKey($0.from), RouteKey($0.to)) })
        deadlines.removeAll(.breaker)
        for id in awaited { if let place = breakers.find(RouteKey(id)) { setDeadline(ofBreaker: place) } }
        takeNarrowBreakers(prepared.narrow)
        // Released last, so that a name of both states keeps its number.
        before.forEach { releaseNames(of: $0) }
    }

    /// Takes the breakers of deployments and models, which are few or none: an import has none.
    private mutating func takeNarrowBreakers(_ narrow: PreparedParts.NarrowBreakers?) {
        guard let narrow else { return }
        for theirs in narrow.routes {
            let mine = take(theirs, of: narrow.state)
            breakers.insert(theirs, of: narrow.state.breakers, for: mine)
            if let place = breakers.find(mine) { setDeadline(ofBreaker: place) }
        }
    }

    /// Replaces the marks by prepared ones.
    private mutating func takeMarks(_ prepared: PreparedParts.Marks) {
        let before = exhaustion
        exhaustion = prepared.registry
        let (moved, awaited) = retain(prepared.names)
        exhaustion.rename(moved)
        deadlines.removeAll(.mark)
        for id in awaited { setDeadline(ofMark: id) }
        before.forEach { id, _ in names.release(id) }
    }

    /// Retains prepared names. Returns those that have other numbers than were expected, and those with a deadline.
    private mutating func retain(
        _ prepared: [PreparedParts.ExpectedName]
    ) -> (moved: [(from: NameID, to: NameID)], awaited: [NameID]) {
        var moved: [(from: NameID, to: NameID)] = []
        var awaited: [NameID] = []
        for expected in prepared {
            var id = expected.id
            if !names.stands(id, for: expected.name) {
                id = names.intern(expected.name, by: expected.user)
                if id != expected.id { moved.append((expected.id, id)) }
            }
            names.retain(id)
            if expected.hasDeadline { awaited.append(id) }
        }
        return (moved, awaited)
    }

    // MARK: Into the names of the other state

    /// Keeps the breakers of the previous state, with numbers among the names that are known now.
    private mutating func keepBreakers(of previous: StateMachine, _ prepared: inout PreparedParts.Renaming) {
        breakers = BreakerRegistry()
        breakers.defaultConfiguration = previous.breakers.defaultConfiguration
        previous.breakers.forEach { key in
            let isOfProvider = key == RouteKey(previous.provider(of: key))
            let mine = isOfProvider ? RouteKey(take(key.place, of: previous, &prepared)) : take(key, of: previous)
            breakers.insert(key, of: previous.breakers, for: mine)
            if let place = breakers.find(mine) { setDeadline(ofBreaker: place) }
        }
        prepared.forEachUnused { names.release($0) }
    }

    /// Keeps the marks of the previous state, with numbers among the names that are known now.
    private mutating func keepMarks(of previous: StateMachine, _ prepared: inout PreparedParts.Renaming) {
        exhaustion = ExhaustionRegistry()
        exhaustion.defaultCooldownMilliseconds = previous.exhaustion.defaultCooldownMilliseconds
        previous.exhaustion.forEach { id, mark in
            let name = take(id, of: previous, &prepared)
            exhaustion.insert(mark, for: name)
            if let members = previous.exhaustion.foreignMembers[id] { exhaustion.foreignMembers[name] = members }
            setDeadline(ofMark: name)
        }
        prepared.forEachUnused { names.release($0) }
    }

    /// The retained number that a name of before has now.
    private mutating func take(
        _ id: NameID, of previous: StateMachine, _ prepared: inout PreparedParts.Renaming
    ) -> NameID {
        let name = previous.names[id]
        if let known = prepared.number(of: id), names.stands(known, for: name) {
            prepared.use(id)
            return known
        }
        let found = names.intern(name, by: previous.names.user(of: id))
        names.retain(found)
        return found
    }
}
