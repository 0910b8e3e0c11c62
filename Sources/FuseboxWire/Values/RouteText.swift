/// A route as people write it: `provider[@deployment][/model]`.
///
/// The text is cut at its first `/`. The part before it is cut at its first `@`. So `vertex/claude-sonnet-4@20250514`
/// is a model of `vertex`, and `openrouter/openai/gpt-4o` is the model `openai/gpt-4o` of `openrouter`. A provider or
/// deployment whose name contains one of these characters cannot be written as a route. It is given in fields.
public struct RouteText: Equatable {
    /// The provider.
    public var provider: Name
    /// The API key, region or endpoint; nil if none is given.
    public var deployment: Name?
    /// The model; nil if none is given.
    public var model: Name?

    /// The route that a text spells.
    ///
    /// - Throws: `badName` or `badText`. The message says which part is not a name.
    public init(_ text: String) throws(Refusal) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let place = parts[0].split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        provider = try Self.name(place[0], "provider", of: text)
        if place.count > 1 { deployment = try Self.name(place[1], "deployment", of: text) }
        if parts.count > 1 { model = try Self.name(parts[1], "model", of: text) }
    }

    private static func name(_ part: Substring, _ what: String, of route: String) throws(Refusal) -> Name {
        do throws(Refusal) { return try Name(String(part)) } catch {
            throw Refusal(
                error.status,
                "the \(what) of the route '\(route)' is not a name: \(error.message); a route is provider[@deployment][/model]"
            )
        }
    }
}

extension Candidate {
    /// The route as messages name it: `openai`, `openai@eu/gpt-4o`.
    public var route: String {
        provider.text + (deployment.map { "@\($0)" } ?? "") + (model.map { "/\($0)" } ?? "")
    }
}

extension CandidateOf: CustomStringConvertible where Text == Name {
    /// The route: `openai`, `openai@eu/gpt-4o`.
    public var description: String { route }
}
