import FuseboxWire

/// Parts of another state that are prepared to replace those of a state.
///
/// Breakers and marks of one state get numbers among the names of the other. A walk over all of them takes tens of
/// milliseconds, so it is done here, against a copy of the state and away from the loop. `StateMachine.replace(with:)`
/// puts right what has changed since then.
public struct PreparedParts: Sendable {
    /// The parts that are replaced.
    public let parts: StateParts
    /// The number of breakers of the other state.
    public let breakerCount: Int
    /// The number of providers in the ledger of the other state.
    public let providerCount: Int
    /// The other state, with the names of breakers and marks that stay. Nil if its ledger is not taken.
    var other: StateMachine?

    // For the names of the state, if the ledger stays:
    var breakers = Breakers()
    var marks = Marks()
    // For the names of the other state, if the ledger is replaced:
    var keptBreakers = Renaming()
    var keptMarks = Renaming()

    /// The breakers of the other state: those of providers under the numbers that their names are expected to have.
    struct Breakers: Sendable {
        var registry = BreakerRegistry()
        var names: [ExpectedName] = []
        /// Nil if there are none.
        var narrow: NarrowBreakers?
    }

    /// The breakers of the other state that are of deployments or models.
    struct NarrowBreakers: Sendable {
        var state: StateMachine
        var routes: [RouteKey]
    }

    /// The marks of the other state, under the numbers that their names are expected to have.
    struct Marks: Sendable {
        var registry = ExhaustionRegistry()
        var names: [ExpectedName] = []
    }

    /// A name, and the number that it has in the state, or would get next.
    struct ExpectedName: Sendable {
        var name: Name
        /// The user that introduced it.
        var user: UInt32
        var id: NameID
        /// Whether the breaker or the mark of this name has a deadline.
        var hasDeadline = true
    }

    /// Numbers of the state, each with the number that its name has in the other state. The names are retained there.
    struct Renaming: Sendable {
        private var numbers: [NameID?] = []

        mutating func add(_ id: NameID, as number: NameID) {
            while numbers.count <= id.index { numbers.append(nil) }
            numbers[id.index] = number
        }

        func number(of id: NameID) -> NameID? { id.index < numbers.count ? numbers[id.index] : nil }

        mutating func use(_ id: NameID) { numbers[id.index] = nil }

        func forEachUnused(_ body: (NameID) -> Void) {
            for case let number? in numbers { body(number) }
        }
    }

    /// Prepares parts of another state under the same profile.
    ///
    /// - Parameter state: the state whose parts are replaced, as it is now
    public init(_ parts: StateParts, of given: StateMachine, for state: borrowing StateMachine) {
        self.parts = parts
        var other = given
        breakerCount = other.breakers.count
        providerCount = other.ledger.providerCount
        if parts.contains(.ledger) {
            if !parts.contains(.breakers) { keptBreakers = other.exchangeBreakers(forNamesOf: state) }
            if !parts.contains(.exhaustion) { keptMarks = other.exchangeMarks(forNamesOf: state) }
            other.ledger.forgetDays()
            self.other = other
        } else {
            var names = state.names
            if parts.contains(.breakers) { breakers = other.breakers(expectedIn: &names) }
            if parts.contains(.exhaustion) { marks = other.marks(expectedIn: &names) }
        }
    }
}

extension StateMachine {
    // MARK: Among the names of the state

    /// The breakers under the numbers that their names are expected to have in a table.
    fileprivate func breakers(expectedIn names: inout NameTable<NameID>) -> PreparedParts.Breakers {
        var prepared = PreparedParts.Breakers()
        prepared.registry.defaultConfiguration = breakers.defaultConfiguration
        var narrow: [RouteKey] = []
        breakers.forEach { key in
            guard key == RouteKey(provider(of: key)) else { return narrow.append(key) }
            var expected = expect(key.place, in: &names)
            expected.hasDeadline = prepared.registry.insert(key, of: breakers, for: RouteKey(expected.id))
            prepared.names.append(expected)
        }
        if !narrow.isEmpty { prepared.narrow = PreparedParts.NarrowBreakers(state: self, routes: narrow) }
        return prepared
    }

    /// The marks under the numbers that their names are expected to have in a table.
    fileprivate func marks(expectedIn names: inout NameTable<NameID>) -> PreparedParts.Marks {
        var prepared = PreparedParts.Marks()
        prepared.registry.defaultCooldownMilliseconds = exhaustion.defaultCooldownMilliseconds
        exhaustion.forEach { id, mark in
            let expected = expect(id, in: &names)
            prepared.registry.insert(mark, for: expected.id)
            if let members = exhaustion.foreignMembers[id] { prepared.registry.foreignMembers[expected.id] = members }
            prepared.names.append(expected)
        }
        return prepared
    }

    private func expect(_ id: NameID, in table: inout NameTable<NameID>) -> PreparedParts.ExpectedName {
        let user = names.user(of: id)
        return PreparedParts.ExpectedName(name: names[id], user: user, id: table.intern(names[id], by: user))
    }

    // MARK: Among the names of the other state

    /// Gives up the breakers, and retains the names of those of a state.
    fileprivate mutating func exchangeBreakers(forNamesOf state: StateMachine) -> PreparedParts.Renaming {
        var renaming = PreparedParts.Renaming()
        // Those of deployments and models get their names when they are taken.
        state.breakers.forEach { key in
            guard key == RouteKey(state.provider(of: key)) else { return }
            renaming.add(key.place, as: retain(key.place, of: state))
        }
        let own = breakers
        breakers = BreakerRegistry()
        own.forEach { releaseNames(of: $0) }
        return renaming
    }

    /// Gives up the marks, and retains the names of those of a state.
    fileprivate mutating func exchangeMarks(forNamesOf state: StateMachine) -> PreparedParts.Renaming {
        var renaming = PreparedParts.Renaming()
        state.exhaustion.forEach { id, _ in renaming.add(id, as: retain(id, of: state)) }
        let own = exhaustion
        exhaustion = ExhaustionRegistry()
        own.forEach { id, _ in names.release(id) }
        return renaming
    }

    private mutating func retain(_ id: NameID, of state: borrowing StateMachine) -> NameID {
        let number = names.intern(state.names[id], by: state.names.user(of: id))
        names.retain(number)
        return number
    }
}
