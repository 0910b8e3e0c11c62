import FuseboxWire

extension StateMachine {
    /// Changes a breaker. Reports a change of its state.
    mutating func changeBreaker<Result>(
        _ place: BreakerRegistry.Place, _ application: Application, _ effects: inout [Event],
        _ change: (inout CircuitBreaker, Timestamp, Profile) -> Result
    ) -> Result {
        let profile = profile
        var before = BreakerState.closed
        var after = BreakerState.closed
        var nextDecay: Timestamp?
        let result = breakers.update(place) { breaker in
            before = breaker.state
            let result = change(&breaker, application.now, profile)
            after = breaker.state
            nextDecay = breaker.nextDecay
            return result
        }
        if before != after { effects.append(transition(of: place, from: before)) }
        setDeadline(ofBreaker: place, at: nextDecay)
        news.note(breakers.key(of: place).place)
        return result
    }

    /// Applies the decay that is due to a breaker.
    mutating func synchroniseBreaker(
        _ place: BreakerRegistry.Place, _ application: Application, _ effects: inout [Event]
    ) {
        changeBreaker(place, application, &effects) { breaker, now, _ in breaker.synchronise(at: now) }
    }

    /// Changes the configuration of a breaker. Reports a change of its state.
    mutating func configureBreaker(
        _ place: BreakerRegistry.Place, _ configuration: BreakerConfiguration, isOwn: Bool,
        _ application: Application, _ effects: inout [Event]
    ) {
        let before = breakers[place].state
        breakers.configure(place, configuration, isOwn: isOwn, at: application.now, under: profile)
        if before != breakers[place].state { effects.append(transition(of: place, from: before)) }
        setDeadline(ofBreaker: place)
    }

    /// The event that a breaker has changed its state.
    private func transition(of place: BreakerRegistry.Place, from: BreakerState) -> Event {
        let breaker = breakers[place]
        let route = candidate(of: breakers.key(of: place))
        var event = BreakerTransition()
        event.name = route.provider
        event.deployment = route.deployment
        event.model = route.model
        event.from = from
        event.to = breaker.state
        event.share = breaker.share
        event.consecutiveFailures = breaker.consecutiveFailures
        event.openedBy = breaker.openedBy
        return .breakerTransition(event)
    }

    /// Does what a read does under the profile: under `llm-providers` it creates the breaker of a provider and applies
    /// the decay that is due.
    ///
    /// - Throws: `limitReached`
    fileprivate mutating func look(
        at route: Route<Name>, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) {
        guard profile.readsChangeState else { return }
        var route = route
        if let known = breakerKey(named: route).flatMap({ breakers.find($0) }) {
            synchroniseBreaker(known, application, &effects)
        } else if route.deployment == nil, route.model == nil {
            synchroniseBreaker(try breaker(of: &route, hasModel: false, application), application, &effects)
        }
    }

    /// Does what a read of every breaker does under the profile.
    mutating func lookAtAllBreakers(_ application: Application, _ effects: inout [Event]) {
        guard profile.readsChangeState else { return }
        for key in breakers.keys {
            if let place = breakers.find(key) { synchroniseBreaker(place, application, &effects) }
        }
    }

    /// Checks that something is known of a route, where a command says that it must be.
    ///
    /// - Throws: `notFound`
    fileprivate func find(
        _ route: Route<Name>, _ told: Candidate, ifItMustBeKnown mustBeKnown: Bool
    ) throws(Refusal) {
        guard mustBeKnown, !route.isKnown else { return }
        throw Refusal(.notFound, "nothing is known of '\(told.route)'")
    }

    /// Checks that calls by a route that names a model have the model's breaker.
    ///
    /// - Throws: `outOfRange`
    fileprivate func checkModel(of route: Route<Name>) throws(Refusal) {
        guard route.model != nil, !isByModel(route.providerID) else { return }
        let provider = route.provider.text
        throw Refusal(
            .outOfRange,
            "the models of \(provider) have one breaker together; configure that of \(provider) by model, and each has its own"
        )
    }

    fileprivate mutating func acquire<Text: NameText>(
        _ command: BreakerAcquireOf<Text>, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> BreakerAcquireReply {
        var route = route(command.name, command.deployment, command.model)
        let draw = command.draw
        let known = findBreaker(of: route, by: application.user)
        if let forced = forcedBreaker(above: route, known, at: application.now) {
            // Nothing changes, and no breaker is created for the route.
            let standing = breakers.standing(of: forced, at: application.now)
            var reply = BreakerAcquireReply()
            reply.retryAfterMilliseconds = standing.untilDecayMilliseconds
            reply.consecutiveFailures = breakers[forced].consecutiveFailures
            return reply
        }
        let place: BreakerRegistry.Place
        if let known { place = known } else { place = try breaker(of: &route, application) }
        if let rejection = breakers.rejection(by: place, at: application.now, under: profile) { return rejection }
        return changeBreaker(place, application, &effects) { $0.acquire(at: $1, under: $2, draw: draw) }
    }

    fileprivate mutating func note<Text: NameText>(
        isFailure: Bool, _ route: Route<Text>, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) {
        var route = route
        let place = try breaker(of: &route, application)
        noteOutcome(isFailure: isFailure, of: ReportedCall(worker: application.worker), place, application, &effects)
    }

    fileprivate mutating func configure(
        _ command: BreakerConfigure, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) {
        let told = Candidate(provider: command.name, deployment: command.deployment, model: command.model)
        var route = route(by: told)
        try find(route, told, ifItMustBeKnown: command.mustBeKnown)
        try checkModel(of: route)
        if command.change.byModel == true, route.deployment != nil || route.model != nil {
            throw Refusal(.outOfRange, "only the breaker of a provider can be by model")
        }
        let known = breakerKey(named: route)
        if command.ifAbsent, let known, breakers.isConfigured(known) { return }
        let current = known.flatMap { breakers[$0]?.configuration } ?? newConfiguration(of: route)
        let configuration = try current.applying(command.change)
        let place = try breaker(of: &route, hasModel: route.model != nil, application)
        let wasByModel = breakers.isByModel(place)
        configureBreaker(place, configuration, isOwn: true, application, &effects)
        let key = breakers.key(of: place)
        if wasByModel, !configuration.byModel { removeModelBreakers(of: key.place) }
        passConfigurationDown(from: key, application, &effects)
    }

    /// Removes a breaker. Those below it that have no configuration of their own get the one above them.
    fileprivate mutating func remove(
        _ place: BreakerRegistry.Place, _ application: Application, _ effects: inout [Event]
    ) {
        let key = breakers.key(of: place)
        let provider = provider(of: key)
        changeBreaker(place, application, &effects) { breaker, now, _ in breaker.reset(at: now) }
        // The names live on until the breakers below it are changed.
        names.retain(key.place)
        defer { names.release(key.place) }
        removeBreaker(place)
        guard key.model == nil else { return }
        if key == RouteKey(provider), !isByModel(provider) { removeModelBreakers(of: provider) }
        passConfigurationDown(from: key, application, &effects)
    }

    /// Changes the configuration of breakers that have none of their own.
    ///
    /// - Parameter reachesExisting: whether those that exist have it too
    /// - Throws: `outOfRange`
    mutating func configureDefault(
        _ change: BreakerConfigurationChange, reachesExisting: Bool, _ application: Application,
        _ effects: inout [Event]
    ) throws(Refusal) {
        let wasByModel = breakers.defaultConfiguration.byModel
        breakers.defaultConfiguration = try breakers.defaultConfiguration.applying(change)
        if reachesExisting { passDefaultDown(wasByModel: wasByModel, application, &effects) }
    }

    /// The configuration that a new breaker of a route would have.
    func newConfiguration(of route: Route<Name>) -> BreakerConfiguration {
        var configuration = breakers.defaultConfiguration
        if route.deployment != nil || route.model != nil {
            let wider = [route.deploymentID, route.providerID].compactMap(\.self).map { RouteKey($0) }
            if let found = wider.first(where: { breakers.isConfigured($0) }), let breaker = breakers[found] {
                configuration = breaker.configuration
            }
            configuration.byModel = false
        }
        return configuration
    }

    fileprivate mutating func deserialize(
        _ record: BreakerRecord, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) {
        let breaker = try CircuitBreaker(record, under: profile)
        var route = route(record.name, record.deployment, record.model)
        let place = try self.breaker(of: &route, hasModel: route.model != nil, application)
        let before = breakers[place].state
        breakers.insert(
            breaker, isConfigured: record.isConfigured, by: breakers.user(of: place), for: breakers.key(of: place))
        if before != breaker.state { effects.append(transition(of: place, from: before)) }
        setDeadline(ofBreaker: place)
    }
}

extension StateMachine {
    /// Counts how a call went at a breaker.
    @inline(__always)
    mutating func noteOutcome(
        isFailure: Bool, of call: ReportedCall, _ place: BreakerRegistry.Place, _ application: Application,
        _ effects: inout [Event]
    ) {
        if isFailure {
            changeBreaker(place, application, &effects) { $0.recordFailure(at: $1, of: call, under: $2) }
        } else {
            changeBreaker(place, application, &effects) { $0.recordSuccess(at: $1, of: call, under: $2) }
        }
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
        return try machine.acquire(self, application, &effects)
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
        let route = machine.route(name, deployment, model)
        try machine.note(isFailure: false, route, application, &effects)
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
        let route = machine.route(name, deployment, model)
        try machine.note(isFailure: true, route, application, &effects)
        return Done()
    }
}

extension BreakerForceOpen: StateCommand {
    /// Opens the breaker. Creates it if it is new.
    ///
    /// - Throws: `notFound` if the route must be known and is not; `outOfRange` if it names a model, and the models of its
    ///   provider have one breaker together; `limitReached` if the breaker is new and there is no room for its names.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        let told = Candidate(provider: name, deployment: deployment, model: model)
        var route = machine.route(by: told)
        try machine.find(route, told, ifItMustBeKnown: mustBeKnown)
        try machine.checkModel(of: route)
        let place = try machine.breaker(of: &route, hasModel: route.model != nil, application)
        machine.changeBreaker(place, application, &effects) { breaker, now, _ in breaker.forceOpen(at: now) }
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
        let told = Candidate(provider: name, deployment: deployment, model: model)
        var route = machine.route(by: told)
        let mayCreate =
            machine.profile.readsChangeState && !mustBeKnown && route.deployment == nil && route.model == nil
        guard mayCreate || machine.breakerKey(named: route).map({ machine.breakers.contains($0) }) == true else {
            throw Refusal(.notFound, "no breaker is named \(told.route)")
        }
        let place = try machine.breaker(of: &route, hasModel: route.model != nil, application)
        machine.changeBreaker(place, application, &effects) { breaker, now, _ in breaker.reset(at: now) }
        return Done()
    }
}

extension BreakerRemove: StateCommand {
    /// Removes the breaker.
    ///
    /// - Throws: `notFound` if there is no such breaker.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        let told = Candidate(provider: name, deployment: deployment, model: model)
        guard let place = machine.breakerKey(named: machine.route(by: told)).flatMap({ machine.breakers.find($0) })
        else {
            throw Refusal(.notFound, "no breaker is named \(told.route)")
        }
        machine.remove(place, application, &effects)
        return Done()
    }
}

extension BreakerResetAll: StateCommand {
    /// Closes every breaker and forgets its statistics.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        for key in machine.breakers.keys {
            guard let place = machine.breakers.find(key) else { continue }
            machine.changeBreaker(place, application, &effects) { breaker, now, _ in breaker.reset(at: now) }
        }
        return Done()
    }
}

extension BreakerConfigure: StateCommand {
    /// Changes the breaker's configuration, and that of the breakers below it that have not got their own. Creates the
    /// breaker if it is new. A provider that is not by model any more loses the breakers of its models.
    ///
    /// - Throws: `outOfRange` for a value outside its range, and if the route names a model while the models of its
    ///   provider have one breaker together; `notFound` if the route must be known and is not; `limitReached` if the
    ///   breaker is new and there is no room for its names.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        try machine.configure(self, application, &effects)
        return Done()
    }
}

extension BreakerConfigureDefault: StateCommand {
    /// Changes the default configuration.
    ///
    /// - Throws: `outOfRange` for a value outside its range.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        try machine.configureDefault(
            change, reachesExisting: machine.profile.defaultReachesExisting, application, &effects)
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
    /// - Throws: `notFound` if the route must be known and is not; under `llm-providers`, `limitReached` if the breaker
    ///   is new and there is no room for its name.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        let told = Candidate(provider: name, deployment: deployment, model: model)
        var route = machine.route(by: told)
        try machine.find(route, told, ifItMustBeKnown: mustBeKnown)
        try machine.look(at: route, application, &effects)
        route = machine.route(by: told)
        var reply = Reply()
        if let breaker = machine.breakerKey(named: route).flatMap({ machine.breakers[$0] }) {
            reply.exists = true
            reply.status = breaker.status(at: application.now)
        } else {
            reply.status = CircuitBreaker(machine.newConfiguration(of: route), at: application.now)
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
        if cursor == 0 { machine.lookAtAllBreakers(application, &effects) }
        var reply = Reply()
        for key in machine.breakers.keys(from: cursor, atMost: WireLimits.pageLength + 1) {
            guard reply.entries.count < WireLimits.pageLength, let breaker = machine.breakers[key] else {
                reply.next = key.order
                break
            }
            let route = machine.candidate(of: key)
            var entry = Entry()
            entry.name = route.provider
            entry.deployment = route.deployment
            entry.model = route.model
            entry.status = breaker.status(at: application.now)
            reply.entries.append(entry)
        }
        return reply
    }
}

extension BreakerConfigurationGet: StateCommand {
    /// Returns the breaker's configuration, or the default one.
    ///
    /// - Throws: `notFound` if the route must be known and is not; under `llm-providers`, `limitReached` if the breaker
    ///   is new and there is no room for its name.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> BreakerConfiguration {
        let told = Candidate(provider: name, deployment: deployment, model: model)
        var route = machine.route(by: told)
        try machine.find(route, told, ifItMustBeKnown: mustBeKnown)
        if machine.profile.readsChangeState, route.deployment == nil, route.model == nil {
            _ = try machine.breaker(of: &route, hasModel: false, application)
        }
        let breaker = machine.breakerKey(named: route).flatMap { machine.breakers[$0] }
        return breaker?.configuration ?? machine.newConfiguration(of: route)
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
        let told = Candidate(provider: name, deployment: deployment, model: model)
        let route = machine.route(by: told)
        guard let key = machine.breakerKey(named: route), machine.breakers.contains(key) else {
            throw Refusal(.notFound, "no breaker is named \(told.route)")
        }
        try machine.look(at: route, application, &effects)
        guard var breaker = machine.breakers[key] else { preconditionFailure("the breaker exists") }
        breaker.synchronise(at: application.now)
        return breaker.record(machine.candidate(of: key), isConfigured: machine.breakers.isConfigured(key))
    }
}
