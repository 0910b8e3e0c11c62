import FuseboxWire

/// The routes that a call is part of, as marks and pauses know them: its provider and its deployment, each alone and
/// with its model.
struct CallRoutes: Sendable {
    /// The number of places.
    static let count = 4

    let provider: NameID?
    let deployment: NameID?
    let model: ModelID?

    @inline(__always)
    init(provider: NameID?, deployment: NameID?, model: ModelID?) {
        self.provider = provider
        self.deployment = deployment
        self.model = model
    }

    /// The route at a place, the wider first. Nil if the call has none there.
    @inline(__always)
    subscript(place: Int) -> RouteKey? {
        guard let name = place & 1 == 0 ? provider : deployment else { return nil }
        guard place >= 2 else { return RouteKey(name) }
        return model.map { RouteKey(name, $0) }
    }

    /// The route that an outcome marks. Nil if the call has no provider that is known.
    func marked(_ scope: MarkScope) -> RouteKey? {
        let place = deployment ?? provider
        return switch scope {
        case .provider: provider.map { RouteKey($0) }
        case .deployment: place.map { RouteKey($0) }
        case .model: provider.map { RouteKey($0, model) }
        case .route: place.map { RouteKey($0, model) }
        }
    }

    /// Some of the routes of a call, by their places.
    struct Places: OptionSet, Sendable, Hashable {
        let rawValue: UInt8

        static func place(_ place: Int) -> Places { Places(rawValue: 1 << UInt8(place)) }
    }
}

extension CallScopes {
    /// The routes that the call is part of.
    var routes: CallRoutes { CallRoutes(provider: provider, deployment: deployment, model: model) }
}

extension Route {
    /// The routes that the call is part of, as far as their names are known.
    @inline(__always)
    var routes: CallRoutes { CallRoutes(provider: providerID, deployment: deploymentID, model: modelID) }
}
