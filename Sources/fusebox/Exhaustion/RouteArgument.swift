import ArgumentParser
import FuseboxClient
import FuseboxWire

/// The argument that names a route.
struct RouteArgument: ParsableArguments {
    @OptionGroup var asked: OptionalRoute

    func validate() throws {
        guard asked.isGiven else { throw ValidationError("which route? give provider[@deployment][/model]") }
    }

    /// The route.
    ///
    /// - Throws: `invalidArgument` if a part is no name
    var candidate: Candidate {
        get throws(ClientError) {
            guard let candidate = try asked.candidate else { preconditionFailure("`validate` has checked it") }
            return candidate
        }
    }

    /// The names of the route.
    ///
    /// - Throws: `invalidArgument` if a part is no name
    var names: RouteNames {
        get throws(ClientError) {
            let candidate = try candidate
            return RouteNames(
                provider: candidate.provider.text, deployment: candidate.deployment?.text,
                model: candidate.model?.text)
        }
    }
}

/// The argument that names a route, of a command that can do without.
struct OptionalRoute: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The route: provider[@deployment][/model]. (default: --provider says it)", valueName: "route"),
        completion: KnownNames.routes)
    var route: String?

    @Option(
        help: ArgumentHelp(
            "The provider, instead of the route, if its name or that of its deployment has an @ or a /. (default: none)",
            valueName: "name"), completion: KnownNames.providers)
    var provider: String?

    @Option(
        help: ArgumentHelp("The deployment of --provider. (default: every one)", valueName: "name"),
        completion: KnownNames.deployments)
    var deployment: String?

    @Option(
        help: ArgumentHelp("The model of --provider. (default: every one)", valueName: "name"),
        completion: KnownNames.models)
    var model: String?

    /// Whether a route is named.
    var isGiven: Bool { route != nil || provider != nil }

    func validate() throws {
        guard route == nil || provider == nil else { throw ValidationError("give a route or --provider, not both") }
        guard route == nil || (deployment == nil && model == nil) else {
            throw ValidationError("a route has its deployment and model in it: provider@deployment/model")
        }
        guard isGiven || (deployment == nil && model == nil) else {
            throw ValidationError("whose deployment or model? give --provider too")
        }
    }

    /// The route. Nil if none is named.
    ///
    /// - Throws: `invalidArgument` if a part is no name
    var candidate: Candidate? {
        get throws(ClientError) {
            if let route { return try Candidate(route: route) }
            guard let provider else { return nil }
            return try Candidate(provider, deployment: deployment, model: model)
        }
    }
}

/// The names of a route.
struct RouteNames {
    var provider: String
    var deployment: String?
    var model: String?
}

extension ExhaustionEntry {
    /// Its route: `openai@eu/gpt-4o`.
    var route: String { Candidate(provider: provider, deployment: deployment, model: model).route }
}

extension PauseEntry {
    /// Its route: `openai@eu/gpt-4o`.
    var route: String { Candidate(provider: provider, deployment: deployment, model: model).route }
}
