import FuseboxWire

/// The route of a call. Each of its names was looked up once. What follows works by their numbers.
struct Route<Text: NameText>: Sendable {
    let provider: Text
    let deployment: Text?
    /// The model that is charged. Nil if the call names none.
    fileprivate(set) var model: ChargedModel<Text>?
    /// The number of the provider. Nil if it is not known.
    var providerID: NameID?
    /// The number of the deployment below its provider. Nil if the call names none, or if it is not known.
    fileprivate(set) var deploymentID: NameID?
    /// The number of the model. Nil if the call names none, or if it is not known.
    fileprivate(set) var modelID: ModelID?

    /// Whether each name has a number.
    var isKnown: Bool {
        providerID != nil && (deployment == nil || deploymentID != nil) && (model == nil || modelID != nil)
    }

    fileprivate init(provider: Text, deployment: Text?) {
        self.provider = provider
        self.deployment = deployment
    }

    /// Charges the call to a model.
    fileprivate mutating func charge(_ model: ChargedModel<Text>, _ id: ModelID?) {
        self.model = model
        modelID = id
    }
}

/// The model that a call is charged to.
enum ChargedModel<Text: NameText>: Sendable {
    /// The model that the call names.
    case told(Text)
    /// The model of an alias: the place of the alias.
    case alias(Int)
    /// The model for calls that name none.
    case unspecified
}

extension StateMachine {
    // MARK: Looking up

    /// The route of a call by a candidate.
    @inline(__always)
    func route<Text: NameText>(by candidate: borrowing CandidateOf<Text>) -> Route<Text> {
        route(candidate.provider, candidate.deployment, candidate.model)
    }

    /// The route of a call.
    @inline(__always)
    func route<Text: NameText>(_ provider: Text, _ deployment: Text?, _ model: Text?) -> Route<Text> {
        var route = Route(provider: provider, deployment: deployment)
        route.providerID = names.find(provider)
        if let deployment, let id = route.providerID { route.deploymentID = names.find(deployment, below: id) }
        if let model { charge(model, &route) }
        return route
    }

    /// Charges a call to the model of this name or alias. Nil: to the model for calls that name none.
    @inline(__always)
    func charge<Text: NameText>(_ name: Text?, _ route: inout Route<Text>) {
        let model = chargedModel(name, of: route.provider)
        route.charge(model, find(model))
    }

    /// The model that is charged for a name. Nil if no name is given.
    @inline(__always)
    func chargedModel<Text: NameText>(
        _ name: Text?, of provider: @autoclosure () -> some NameText
    ) -> ChargedModel<Text> {
        guard let name else { return .unspecified }
        guard !rules.isWithoutAliases, let alias = rules.findAlias(name, of: provider()) else { return .told(name) }
        return .alias(alias)
    }

    /// The number of a model. Nil if it is not known.
    @inline(__always)
    func find<Text: NameText>(_ model: ChargedModel<Text>) -> ModelID? {
        switch model {
        case .told(let name): models.find(name)
        case .alias(let place): models.find(rules.model(ofAlias: place))
        case .unspecified: models.find(Name.unspecifiedModel)
        }
    }

    /// Whether a call is charged to the model of this name.
    func isCharged<Text: NameText>(_ name: Text, by route: Route<Text>) -> Bool {
        switch route.model {
        case .told(let told): told == name
        case .alias(let place): name.isSame(as: rules.model(ofAlias: place))
        case .unspecified: name.isSame(as: .unspecifiedModel)
        case nil: false
        }
    }

    // MARK: Introducing

    /// The number of a model, new or known. A new one must be retained before it is used.
    mutating func intern<Text: NameText>(_ model: ChargedModel<Text>, by user: UInt32) -> ModelID {
        switch model {
        case .told(let name): models.intern(name, by: user)
        case .alias(let place): models.intern(rules.model(ofAlias: place), by: user)
        case .unspecified: models.intern(Name.unspecifiedModel, by: user)
        }
    }

    /// Whether a model is the one for calls that name none.
    func isUnspecified<Text: NameText>(_ model: ChargedModel<Text>) -> Bool {
        switch model {
        case .told(let name): name.isSame(as: .unspecifiedModel)
        case .alias(let place): rules.model(ofAlias: place) == .unspecifiedModel
        case .unspecified: true
        }
    }

    /// Gives the names of a route numbers, as far as its breaker needs them. Returns the breaker's route. New names must
    /// be retained before they are used.
    ///
    /// - Parameter hasModel: whether the breaker is that of the route's model
    mutating func introduce<Text: NameText>(_ route: inout Route<Text>, hasModel: Bool, by user: UInt32) -> RouteKey {
        let provider = route.providerID ?? names.intern(route.provider, by: user)
        route.providerID = provider
        if let deployment = route.deployment, route.deploymentID == nil {
            route.deploymentID = names.intern(deployment, below: provider, by: user)
        }
        if hasModel, let model = route.model, route.modelID == nil { route.modelID = intern(model, by: user) }
        return RouteKey(route.deploymentID ?? provider, hasModel ? route.modelID : nil)
    }
}
