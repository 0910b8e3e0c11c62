import FuseboxWire

// From the names of a route to its key and back, for what is kept by route.
extension StateMachine {
    /// The key of a route. Nil if one of its names is not known. A model's alias stands for the model.
    func find(_ route: Route<Name>) -> RouteKey? {
        guard route.isKnown, let provider = route.providerID else { return nil }
        return RouteKey(route.deploymentID ?? provider, route.modelID)
    }

    /// The key of a route, if a command does not say that its names must be known.
    ///
    /// - Throws: `notFound`
    func find(_ route: Route<Name>, ifItMustBeKnown mustBeKnown: Bool) throws(Refusal) -> RouteKey? {
        if let key = find(route) { return key }
        guard mustBeKnown else { return nil }
        try find(route.provider, ifItMustBeKnown: true)
        if let deployment = route.deployment, route.deploymentID == nil {
            throw Refusal(.notFound, "nothing is known of a deployment '\(deployment)' of '\(route.provider)'")
        }
        throw Refusal(.notFound, "nothing is known of this model of '\(route.provider)'")
    }

    /// The key of a route whose model is no alias. Nil if one of its names is not known.
    ///
    /// A record may be older than the alias of its model's name, and is then found by that name alone.
    func literalKey(_ provider: Name, _ deployment: Name?, _ model: Name?) -> RouteKey? {
        guard var place = names.find(provider) else { return nil }
        if let deployment {
            guard let known = names.find(deployment, below: place) else { return nil }
            place = known
        }
        guard let model else { return RouteKey(place) }
        return models.find(model).map { RouteKey(place, $0) }
    }

    /// Checks that the names of a route are known or may become so.
    ///
    /// - Throws: `notFound` if the provider is new and workers may not add one; `limitReached`
    func check(_ route: Route<Name>, by application: Application) throws(Refusal) {
        if route.providerID == nil { try checkNewName(route.provider, by: application) }
        if route.deployment != nil, route.deploymentID == nil { try checkOneMoreName(by: application) }
        if let model = route.model, route.modelID == nil {
            try checkNewModel(isUnspecified: isUnspecified(model), by: application)
        }
    }

    /// The key of a route, whose names may be new. New ones must be retained before they are of use.
    mutating func intern(_ route: Route<Name>, by user: UInt32) -> RouteKey {
        let provider = names.intern(route.provider, by: user)
        let place = route.deployment.map { names.intern($0, below: provider, by: user) } ?? provider
        return RouteKey(place, route.model.map { intern($0, by: user) })
    }

    /// The names of a route.
    func candidate(of key: RouteKey) -> Candidate {
        let model = key.model.map { models[$0] }
        guard let provider = names.parent(of: key.place) else {
            return Candidate(provider: names[key.place], model: model)
        }
        return Candidate(provider: names[provider], deployment: names[key.place], model: model)
    }

    /// The provider of a route.
    func provider(of key: RouteKey) -> NameID { names.parent(of: key.place) ?? key.place }

    /// Notes that one more record is kept of a route.
    mutating func retainNames(of key: RouteKey) {
        names.retain(key.place)
        if let model = key.model { models.retain(model) }
    }

    /// Notes that one record less is kept of a route.
    mutating func releaseNames(of key: RouteKey) {
        names.release(key.place)
        if let model = key.model { models.release(model) }
    }
}
