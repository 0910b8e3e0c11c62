import FuseboxWire

/// Which breaker a call by a route has, and what becomes of the breakers of a provider's deployments and models.
///
/// A route with a deployment has the deployment's breaker, others have the provider's. If the provider's breaker is
/// configured `byModel`, each model that is named has a breaker of its own: of the deployment, or of the provider. A
/// breaker that an operator has opened stands against everything below it while it is open.
extension StateMachine {
    // MARK: Finding

    /// Whether each model of a provider has a breaker of its own.
    @inline(__always)
    func isByModel(_ provider: NameID?) -> Bool {
        provider.flatMap { breakers.find(RouteKey($0)) }.map { breakers.isByModel($0) }
            ?? breakers.defaultConfiguration.byModel
    }

    /// The breaker of a user's calls by a route. Nil if it does not exist; then nothing is known against them.
    @inline(__always)
    func findBreaker<Text: NameText>(of route: borrowing Route<Text>, by user: UInt32) -> BreakerRegistry.Place? {
        guard let provider = route.providerID else { return nil }
        let plain = breakers.find(RouteKey(provider))
        let isByModel = plain.map { breakers.isByModel($0) } ?? breakers.defaultConfiguration.byModel
        if !isByModel, route.deployment == nil { return plain }
        let place = route.deployment == nil ? provider : route.deploymentID
        let namesModel = route.model != nil
        return findBreaker(place, hasModel: isByModel && namesModel, route.modelID, by: user)
    }

    /// The breaker of a provider or a deployment, or of one of its models.
    private func findBreaker(
        _ place: NameID?, hasModel: Bool, _ model: ModelID?, by user: UInt32
    ) -> BreakerRegistry.Place? {
        guard let place else { return nil }
        if hasModel {
            if let model, let found = breakers.find(RouteKey(place, model)) { return found }
            guard !hasRoomForModelBreaker(of: user) else { return nil }
        }
        return breakers.find(RouteKey(place))
    }

    /// Whether one more model of a user's calls may have a breaker of its own. Otherwise they have that of its provider
    /// or deployment.
    private func hasRoomForModelBreaker(of user: UInt32) -> Bool {
        SharedBound(
            what: "breakers of models", limit: bounds.modelBreakers, limitPerUser: bounds.modelBreakersPerUser
        ).hasRoom(breakers.modelCount, ofUser: breakers.modelCount(of: user), by: user)
    }

    /// The breaker above that of a route which an operator has opened, and which stays open the longest. Nil if there is
    /// none.
    ///
    /// - Parameter own: the breaker of calls by the route; nil if it does not exist
    @inline(__always)
    func forcedBreaker<Text: NameText>(
        above route: borrowing Route<Text>, _ own: BreakerRegistry.Place?, at now: Timestamp
    ) -> BreakerRegistry.Place? {
        // Nothing is above the breaker of a provider, and that is found first.
        guard route.deployment != nil || own.map(\.hasModel) ?? true else { return nil }
        return forcedBreaker(among: (route.providerID, route.deploymentID), except: own, at: now)
    }

    private func forcedBreaker(
        among places: (NameID?, NameID?), except own: BreakerRegistry.Place?, at now: Timestamp
    ) -> BreakerRegistry.Place? {
        var longest: (place: BreakerRegistry.Place, milliseconds: Int64)?
        for name in [places.0, places.1] {
            guard let name, let place = breakers.find(RouteKey(name)), place != own, breakers.isForced(place) else {
                continue
            }
            let standing = breakers.standing(of: place, at: now)
            guard standing.share <= 0, standing.opening?.rule == .forced else { continue }
            if let longest, longest.milliseconds >= standing.untilDecayMilliseconds { continue }
            longest = (place, standing.untilDecayMilliseconds)
        }
        return longest?.place
    }

    /// The route of the breaker of a user's calls that are charged to these scopes.
    func breakerKey(of scopes: borrowing CallScopes, by user: UInt32) -> RouteKey {
        guard let provider = scopes.provider else { preconditionFailure("a call has a provider") }
        let plain = RouteKey(scopes.deployment ?? provider)
        guard let model = scopes.model, isByModel(provider) else { return plain }
        let key = RouteKey(plain.place, model)
        return breakers.contains(key) || hasRoomForModelBreaker(of: user) ? key : plain
    }

    /// The route that a command names as such, whatever calls by it have. Nil if one of its names is not known.
    func breakerKey(named route: Route<Name>) -> RouteKey? {
        guard route.isKnown, let provider = route.providerID else { return nil }
        return RouteKey(route.deploymentID ?? provider, route.modelID)
    }

    // MARK: Walking

    /// The breakers of the deployments and models of a provider.
    struct NarrowBreakers {
        var provider: NameID
        /// How many of them are not closed.
        var notClosed: UInt32
    }

    /// The breakers of deployments and models, by their providers in the order of their numbers.
    func narrowBreakers(at now: Timestamp) -> [NarrowBreakers] {
        var notClosed: [NameID: UInt32] = [:]
        breakers.forEach { key in
            let provider = provider(of: key)
            guard key != RouteKey(provider), let place = breakers.find(key) else { return }
            notClosed[provider, default: 0] += breakers.standing(of: place, at: now).share < 1 ? 1 : 0
        }
        return notClosed.map { NarrowBreakers(provider: $0.key, notClosed: $0.value) }
            .sorted { $0.provider.index < $1.provider.index }
    }

    /// The first provider with a breaker at or after an index.
    func nextProviderBreaker(from index: Int) -> NameID? {
        var next = breakers.nextPlain(from: index)
        while let found = next, names.parent(of: found) != nil { next = breakers.nextPlain(from: found.index + 1) }
        return next
    }

    // MARK: Adding

    /// The breaker of calls by a route, created if there is none.
    ///
    /// - Parameter namesModel: whether the call asked for the model of the route; false if another one answered
    /// - Throws: `notFound` if the provider is new and workers may not add one; `limitReached`
    mutating func breaker<Text: NameText>(
        of route: inout Route<Text>, namesModel: Bool = true, _ application: Application
    ) throws(Refusal) -> BreakerRegistry.Place {
        var hasModel = namesModel && route.model != nil && isByModel(route.providerID)
        if hasModel, !hasRoomForModelBreaker(of: application.user) {
            hasModel = findBreaker(of: route, by: application.user).map(\.hasModel) ?? false
        }
        return try breaker(of: &route, hasModel: hasModel, application)
    }

    /// The breaker that a route names, created if there is none.
    ///
    /// - Parameter hasModel: whether it is that of the route's model
    /// - Throws: `notFound` if the provider is new and workers may not add one; `limitReached`
    mutating func breaker<Text: NameText>(
        of route: inout Route<Text>, hasModel: Bool, _ application: Application
    ) throws(Refusal) -> BreakerRegistry.Place {
        if route.providerID == nil { try checkNewName(route.provider, by: application) }
        if route.deployment != nil, route.deploymentID == nil { try checkOneMoreName(by: application) }
        if hasModel, route.modelID == nil, let model = route.model {
            try checkNewModel(isUnspecified: isUnspecified(model), by: application)
        }
        let key = introduce(&route, hasModel: hasModel, by: application.user)
        return addBreaker(key, application)
    }

    /// Makes sure that a route has a breaker. A new one has the configuration of the one above it that has its own.
    @discardableResult
    mutating func addBreaker(_ key: RouteKey, _ application: Application) -> BreakerRegistry.Place {
        if let known = breakers.find(key) { return known }
        retainNames(of: key)
        return breakers.create(key, configurationAbove(key), by: application.user, at: application.now)
    }

    /// The configuration that a breaker has without one of its own.
    func configurationAbove(_ key: RouteKey) -> BreakerConfiguration {
        let deployment = RouteKey(key.place)
        let provider = RouteKey(provider(of: key))
        for wider in [deployment, provider] where wider != key {
            guard let place = breakers.find(wider), breakers.isConfigured(place) else { continue }
            var configuration = breakers[place].configuration
            configuration.byModel = false
            return configuration
        }
        var configuration = breakers.defaultConfiguration
        if key != provider { configuration.byModel = false }
        return configuration
    }

    // MARK: Removing

    /// Removes a breaker.
    mutating func removeBreaker(_ place: BreakerRegistry.Place) {
        let key = breakers.key(of: place)
        deadlines.remove(.breaker, place.number)
        breakers.remove(place)
        releaseNames(of: key)
    }

    /// Removes the breakers of a provider, its deployments and its models.
    mutating func removeBreakers(of provider: NameID) {
        for key in breakers.keys where self.provider(of: key) == provider {
            if let place = breakers.find(key) { removeBreaker(place) }
        }
    }

    /// Removes the breakers of a provider's models, because they have one together again.
    mutating func removeModelBreakers(of provider: NameID) {
        guard breakers.modelCount > 0 else { return }
        for key in breakers.keys where key.model != nil && self.provider(of: key) == provider {
            if let place = breakers.find(key) { removeBreaker(place) }
        }
    }

    /// Gives the breakers below a provider or a deployment the configuration above them, unless they have their own.
    mutating func passConfigurationDown(from key: RouteKey, _ application: Application, _ effects: inout [Event]) {
        for narrow in breakers.keys where narrow != key && provider(of: narrow) == provider(of: key) {
            guard let place = breakers.find(narrow), !breakers.isConfigured(place) else { continue }
            let configuration = configurationAbove(narrow)
            guard configuration != breakers[place].configuration else { continue }
            configureBreaker(place, configuration, isOwn: false, application, &effects)
        }
    }

    /// Gives the breakers without a configuration of their own the one above them, down from the default.
    ///
    /// - Parameter wasByModel: whether the models of new providers had breakers of their own before
    mutating func passDefaultDown(wasByModel: Bool, _ application: Application, _ effects: inout [Event]) {
        for key in breakers.keys {
            guard let place = breakers.find(key), !breakers.isConfigured(place) else { continue }
            let configuration = configurationAbove(key)
            guard configuration != breakers[place].configuration else { continue }
            configureBreaker(place, configuration, isOwn: false, application, &effects)
        }
        guard wasByModel, !breakers.defaultConfiguration.byModel else { return }
        for key in breakers.keys where key.model != nil && !isByModel(provider(of: key)) {
            if let place = breakers.find(key) { removeBreaker(place) }
        }
    }

    // MARK: Names

    /// The retained route that one of another state has among the names of this state.
    mutating func take(_ key: RouteKey, of other: borrowing StateMachine) -> RouteKey {
        var parent: NameID?
        if let theirs = other.names.parent(of: key.place) {
            parent = names.intern(other.names[theirs], by: other.names.user(of: theirs))
        }
        let place = names.intern(other.names[key.place], below: parent, by: other.names.user(of: key.place))
        var mine = RouteKey(place)
        if let model = key.model {
            mine = RouteKey(place, models.intern(other.models[model], by: other.models.user(of: model)))
        }
        retainNames(of: mine)
        return mine
    }
}
