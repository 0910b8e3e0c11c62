import FuseboxWire

extension StateMachine.Builder {
    /// Sets how long a mark lasts at most.
    ///
    /// - Throws: `outOfRange` for a duration outside `ValueRanges.longestMark`.
    public mutating func setLongestMark(milliseconds: Int64) throws(Refusal) {
        try validateLongestMark(milliseconds)
        machine.exhaustion.longestMilliseconds = milliseconds
    }

    /// Adds a mark.
    ///
    /// - Throws: `outOfRange`, `limitReached`
    public mutating func insertMark(_ entry: ExhaustionEntry, by user: UInt32 = 0) throws(Refusal) {
        try validateMoment(entry.exhaustedAt, "exhaustedAt of a mark")
        try validateMoment(entry.resetsAt, "resetsAt of a mark")
        let key = try intern(entry.provider, entry.deployment, entry.model, by: user)
        var mark = Mark(exhaustedAt: entry.exhaustedAt, resetsAt: entry.resetsAt)
        mark.user = user
        insert(mark, for: key)
    }

    /// Adds a mark, or replaces that of its route.
    mutating func insert(_ mark: Mark, for key: RouteKey) {
        if !machine.exhaustion.contains(key) { machine.retainNames(of: key) }
        machine.exhaustion.insert(mark, for: key)
    }

    /// Adds a pause.
    ///
    /// - Throws: `damagedData` if it comes twice
    mutating func insert(_ pause: PauseTable.Pause, for key: RouteKey) throws(Refusal) {
        guard !machine.pauses.table.contains(key) else { throw Refusal(.damagedData, "a pause comes twice") }
        machine.retainNames(of: key)
        machine.pauses.table.insert(pause, for: key)
    }

    /// The key of a route by its names.
    ///
    /// - Throws: `limitReached`
    mutating func intern(
        _ provider: Name, _ deployment: Name?, _ model: Name?, by user: UInt32
    ) throws(Refusal) -> RouteKey {
        let application = application(of: user)
        try machine.checkName(provider, by: application)
        if let deployment { try machine.checkDeployment(deployment, of: provider, by: application) }
        if let model { try machine.checkModel(model, by: application) }
        let top = machine.names.intern(provider, by: user)
        let place = deployment.map { machine.names.intern($0, below: top, by: user) } ?? top
        return RouteKey(place, model.map { machine.models.intern($0, by: user) })
    }
}

extension StateMachine {
    /// Forgets the probes that no permit in force is for.
    mutating func keepProbesInForce() {
        let permits = permits
        exhaustion.keepProbes { number, route in
            guard let place = permits.find(number), permits.permits[place].standing == .inForce,
                permits.permits[place].isInFlight
            else { return false }
            let grant = permits.permits[place].grant
            return (0..<CallRoutes.count).contains {
                grant.probes.contains(.place($0)) && grant.scopes.routes[$0] == route
            }
        }
    }

    /// Gives the pauses, which are those of before, their names among those that are known now. Those of the other
    /// state are dropped.
    mutating func keepPauses(of previous: StateMachine, dropping other: StateMachine) {
        pauses = PauseTable()
        previous.pauses.table.forEach { key, place in
            let key = renamed(key, of: previous)
            retainNames(of: key)
            pauses.table.insert(previous.pauses.table[place], for: key)
        }
        other.pauses.table.forEach { key, _ in releaseNames(of: key) }
    }

    /// The key that a route of before has now.
    mutating func renamed(_ key: RouteKey, of previous: StateMachine) -> RouteKey {
        RouteKey(renamed(key.place, of: previous), key.model.map { renamed($0, of: previous) })
    }
}
