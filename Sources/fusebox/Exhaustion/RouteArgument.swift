import ArgumentParser
import FuseboxClient
import FuseboxWire

/// The argument that names a route.
struct RouteArgument: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The route: provider[@deployment][/model]. (default: --provider says it)", valueName: "route"))
    var route: String?

    @Option(
        help: ArgumentHelp(
            "The provider, instead of the route, if its name or that of its deployment has an @ or a /. (default: none)",
            valueName: "name"))
    var provider: String?

    @Option(help: ArgumentHelp("The deployment of --provider. (default: every one)", valueName: "name"))
    var deployment: String?

    @Option(help: ArgumentHelp("The model of --provider. (default: every one)", valueName: "name"))
    var model: String?

    func validate() throws {
        guard (route == nil) != (provider == nil) else {
            throw ValidationError(
                route == nil
                    ? "which route? give provider[@deployment][/model]" : "give a route or --provider, not both")
        }
        guard route == nil || (deployment == nil && model == nil) else {
            throw ValidationError("a route has its deployment and model in it: provider@deployment/model")
        }
    }

    /// The names of the route.
    ///
    /// - Throws: `invalidArgument` if a part is no name
    var names: RouteNames {
        get throws(ClientError) {
            guard let route else { return RouteNames(provider: provider ?? "", deployment: deployment, model: model) }
            let candidate = try Candidate(route: route)
            return RouteNames(
                provider: candidate.provider.text, deployment: candidate.deployment?.text,
                model: candidate.model?.text)
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
