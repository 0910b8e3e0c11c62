import FuseboxWire

extension StateMachine {
    /// Changes a breaker, and creates it before if it does not exist. Reports a change of its state.
    ///
    /// - Throws: `limitReached`
    private mutating func changeBreaker<Result>(
        _ name: Name, _ application: Application, _ effects: inout [Event],
        _ change: (inout CircuitBreaker, Timestamp, Profile) -> Result
    ) throws(Refusal) -> Result {
        let id = try breaker(name, application)
        return changeBreaker(id, application, &effects, change)
    }

    /// Changes a breaker that exists. Reports a change of its state.
    mutating func changeBreaker<Result>(
        _ id: NameID, _ application: Application, _ effects: inout [Event],
        _ change: (inout CircuitBreaker, Timestamp, Profile) -> Result
    ) -> Result {
        let profile = profile
        var before = BreakerState.closed
        var after = BreakerState.closed
        var nextDecay: Timestamp?
        let result = breakers.update(id) { breaker in
            before = breaker.state
            let result = change(&breaker, application.now, profile)
            after = breaker.state
            nextDecay = breaker.nextDecay
            return result
        }
        if before != after { effects.append(transition(of: id, from: before, to: after)) }
        setDeadline(ofBreaker: id, at: nextDecay)
        news.note(id)
        return result
    }

    /// Applies the decay that is due to a breaker.
    mutating func synchroniseBreaker(_ id: NameID, _ application: Application, _ effects: inout [Event]) {
        changeBreaker(id, application, &effects) { breaker, now, _ in breaker.synchronise(at: now) }
    }

    /// Counts a success on a breaker that exists.
    mutating func recordSuccess(of id: NameID, _ application: Application, _ effects: inout [Event]) {
        changeBreaker(id, application, &effects) { $0.recordSuccess(at: $1, under: $2) }
    }

    /// Counts a failure on a breaker that exists.
    mutating func recordFailure(of id: NameID, _ application: Application, _ effects: inout [Event]) {
        changeBreaker(id, application, &effects) { $0.recordFailure(at: $1, by: application.worker, under: $2) }
    }

    private func transition(of id: NameID, from: BreakerState, to: BreakerState) -> Event {
        var event = BreakerTransition()
        event.name = names[id]
        event.from = from
        event.to = to
        event.share = breakers[id]?.share ?? 0
        event.consecutiveFailures = breakers[id]?.consecutiveFailures ?? 0
        return .breakerTransition(event)
    }

    /// Does what a read does under the profile: under `llm-providers` it creates the breaker and applies the decay that
    /// is due.
    ///
    /// - Throws: `limitReached`
    mutating func look(at name: Name, _ application: Application, _ effects: inout [Event]) throws(Refusal) {
        guard profile.readsChangeState else { return }
        try changeBreaker(name, application, &effects) { breaker, now, _ in breaker.synchronise(at: now) }
    }

    /// Does what a read of every breaker does under the profile.
    mutating func lookAtAllBreakers(_ application: Application, _ effects: inout [Event]) {
        guard profile.readsChangeState else { return }
        var all: [NameID] = []
        breakers.forEach { all.append($0) }
        for id in all { synchroniseBreaker(id, application, &effects) }
    }

    fileprivate mutating func acquire<Text: NameText>(
        _ name: Text, draw: Double?, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> BreakerAcquireReply {
        let id = try breaker(name, application)
        if let rejection = breakers.rejection(by: id, at: application.now, under: profile) { return rejection }
        return changeBreaker(id, application, &effects) { $0.acquire(at: $1, under: $2, draw: draw) }
    }

    fileprivate mutating func succeed<Text: NameText>(
        _ name: Text, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) {
        recordSuccess(of: try breaker(name, application), application, &effects)
    }

    fileprivate mutating func fail<Text: NameText>(
        _ name: Text, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) {
        recordFailure(of: try breaker(name, application), application, &effects)
    }

    fileprivate mutating func forceOpen(
        _ name: Name, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) {
        try changeBreaker(name, application, &effects) { breaker, now, _ in breaker.forceOpen(at: now) }
    }

    fileprivate mutating func reset(
        _ name: Name, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) {
        try changeBreaker(name, application, &effects) { breaker, now, _ in breaker.reset(at: now) }
    }

    fileprivate mutating func resetAllBreakers(_ application: Application, _ effects: inout [Event]) {
        var all: [NameID] = []
        breakers.forEach { all.append($0) }
        for id in all {
            changeBreaker(id, application, &effects) { breaker, now, _ in breaker.reset(at: now) }
        }
    }

    fileprivate mutating func configure(
        _ command: BreakerConfigure, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) {
        let current = names.find(command.name).flatMap { breakers[$0]?.configuration }
        let configuration = try (current ?? breakers.defaultConfiguration).applying(command.change)
        let id = try breaker(command.name, application)
        let before = breakers[id]?.state ?? .closed
        breakers.configure(id, configuration, at: application.now, under: profile)
        let after = breakers[id]?.state ?? .closed
        if before != after { effects.append(transition(of: id, from: before, to: after)) }
        setDeadline(ofBreaker: id)
    }

    fileprivate mutating func deserialize(
        _ record: BreakerRecord, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) {
        let breaker = try CircuitBreaker(record, under: profile)
        let id = try self.breaker(record.name, application)
        let before = breakers[id]?.state ?? .closed
        breakers.insert(breaker, isConfigured: record.isConfigured, as: id)
        if before != breaker.state { effects.append(transition(of: id, from: before, to: breaker.state)) }
        setDeadline(ofBreaker: id)
    }
}

// MARK: Commands

extension BreakerAcquireOf: StateCommand {
    /// The form in which the engine decodes it.
    public typealias InPlace = BreakerAcquireOf<NameView>

    /// Decides on a call and notes who asked. Creates the breaker if it is new.
    ///
    /// - Throws: `outOfRange` if the draw is not in [0, 1); `notFound` if the breaker is new and workers may not add
    ///   one; `limitReached` if it is new and there is no room for its name.
    @specialized(where Text == NameView)
    @specialized(where Text == Name)
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        if let draw, !(0..<1).contains(draw) {
            throw Refusal(.outOfRange, "draw \(draw) must lie in [0, 1)")
        }
        return try machine.acquire(name, draw: draw, application, &effects)
    }

    /// True for a rejection by an open breaker, unless it restarts the decay clock.
    public static func leavesNoTrace(_ reply: Reply, under profile: Profile) -> Bool {
        !reply.admitted && reply.share <= 0 && reply.consecutiveFailures > 0 && !profile.rejectionRestartsDecay
    }
}

extension BreakerSuccessOf: StateCommand {
    /// The form in which the engine decodes it.
    public typealias InPlace = BreakerSuccessOf<NameView>

    /// Counts a success. Creates the breaker if it is new.
    ///
    /// - Throws: `notFound` if the breaker is new and workers may not add one; `limitReached` if it is new and there is
    ///   no room for its name.
    @specialized(where Text == NameView)
    @specialized(where Text == Name)
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        try machine.succeed(name, application, &effects)
        return Done()
    }
}

extension BreakerFailureOf: StateCommand {
    /// The form in which the engine decodes it.
    public typealias InPlace = BreakerFailureOf<NameView>

    /// Counts a failure of the asking worker. Creates the breaker if it is new.
    ///
    /// - Throws: `notFound` if the breaker is new and workers may not add one; `limitReached` if it is new and there is
    ///   no room for its name.
    @specialized(where Text == NameView)
    @specialized(where Text == Name)
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        try machine.fail(name, application, &effects)
        return Done()
    }
}

extension BreakerForceOpen: StateCommand {
    /// Opens the breaker. Creates it if it is new.
    ///
    /// - Throws: `notFound` if the name must be known and is not; `limitReached` if the breaker is new and there is no
    ///   room for its name.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        try machine.find(name, ifItMustBeKnown: mustBeKnown)
        try machine.forceOpen(name, application, &effects)
        return Done()
    }
}

extension BreakerReset: StateCommand {
    /// Closes the breaker and forgets its statistics.
    ///
    /// - Throws: `notFound` if there is no such breaker; under `llm-providers`, if it need not be known, it is created
    ///   instead.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        let mayCreate = machine.profile.readsChangeState && !mustBeKnown
        guard mayCreate || machine.names.find(name).map(machine.breakers.contains) == true else {
            throw Refusal(.notFound, "no breaker is named \(name.text)")
        }
        try machine.reset(name, application, &effects)
        return Done()
    }
}

extension BreakerResetAll: StateCommand {
    /// Closes every breaker and forgets its statistics.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        machine.resetAllBreakers(application, &effects)
        return Done()
    }
}

extension BreakerConfigure: StateCommand {
    /// Changes the breaker's configuration. Creates the breaker if it is new.
    ///
    /// - Throws: `outOfRange` for a value outside its range; `notFound` if the name must be known and is not;
    ///   `limitReached` if the breaker is new and there is no room for its name.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        try machine.find(name, ifItMustBeKnown: mustBeKnown)
        try machine.configure(self, application, &effects)
        return Done()
    }
}

extension BreakerConfigureDefault: StateCommand {
    /// Changes the configuration that breakers are created with.
    ///
    /// - Throws: `outOfRange` for a value outside its range.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        machine.breakers.defaultConfiguration = try machine.breakers.defaultConfiguration.applying(change)
        return Done()
    }
}

extension BreakerDeserialize: StateCommand {
    /// Sets the breaker of the record's name.
    ///
    /// - Throws: `outOfRange` for a value outside its range; `limitReached` if the breaker is new and there is no room
    ///   for its name.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        try machine.deserialize(record, application, &effects)
        return Done()
    }
}

// MARK: Reads

extension BreakerGet: StateCommand {
    /// Returns the breaker's status, or that of a new one.
    ///
    /// - Throws: `notFound` if the name must be known and is not; under `llm-providers`, `limitReached` if the breaker
    ///   is new and there is no room for its name.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.find(name, ifItMustBeKnown: mustBeKnown)
        try machine.look(at: name, application, &effects)
        var reply = Reply()
        if let breaker = machine.names.find(name).flatMap({ machine.breakers[$0] }) {
            reply.exists = true
            reply.status = breaker.status(at: application.now)
        } else {
            reply.status = CircuitBreaker(machine.breakers.defaultConfiguration, at: application.now)
                .status(at: application.now)
        }
        return reply
    }
}

extension BreakerList: StateCommand {
    /// Returns a page of all breakers. Under `llm-providers` the first page applies the decay that is due to all of
    /// them.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        if cursor == Page.end { machine.lookAtAllBreakers(application, &effects) }
        var reply = Reply()
        var index = Int(cursor)
        while let id = machine.breakers.next(from: index), let breaker = machine.breakers[id] {
            guard reply.entries.count < WireLimits.pageLength else {
                reply.next = UInt32(id.index)
                break
            }
            var entry = Entry()
            entry.name = machine.names[id]
            entry.status = breaker.status(at: application.now)
            reply.entries.append(entry)
            index = id.index + 1
        }
        return reply
    }
}

extension BreakerConfigurationGet: StateCommand {
    /// Returns the breaker's configuration, or the default one.
    ///
    /// - Throws: `notFound` if the name must be known and is not; under `llm-providers`, `limitReached` if the breaker
    ///   is new and there is no room for its name.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> BreakerConfiguration {
        try machine.find(name, ifItMustBeKnown: mustBeKnown)
        if machine.profile.readsChangeState { _ = try machine.breaker(name, application) }
        let breaker = machine.names.find(name).flatMap { machine.breakers[$0] }
        return breaker?.configuration ?? machine.breakers.defaultConfiguration
    }
}

extension BreakerDefault: StateCommand {
    /// Returns the configuration that breakers are created with.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> BreakerConfiguration {
        machine.breakers.defaultConfiguration
    }
}

extension BreakerSerialize: StateCommand {
    /// Returns the whole state of the breaker.
    ///
    /// - Throws: `notFound` if there is no such breaker.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> BreakerRecord {
        guard let id = machine.names.find(name), machine.breakers.contains(id) else {
            throw Refusal(.notFound, "no breaker is named \(name.text)")
        }
        try machine.look(at: name, application, &effects)
        guard var breaker = machine.breakers[id] else { preconditionFailure("the breaker exists") }
        breaker.synchronise(at: application.now)
        return breaker.record(name: name, isConfigured: machine.breakers.isConfigured(id))
    }
}
