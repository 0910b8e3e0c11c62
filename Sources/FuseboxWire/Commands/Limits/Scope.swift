/// What an account or a limit is about: all calls, or those by a route, or those with a tag, or both.
///
/// A scope names what it narrows down to. One that names nothing is the whole host. The shapes that there are:
///
/// | named | covers |
/// |---|---|
/// | nothing | every call |
/// | provider, with deployment, model or both | calls by that route |
/// | tag | calls with that tag |
/// | tag and provider, with model or not | calls with that tag by that route |
public struct Scope: WireRecord, Equatable {
    /// The provider of the route; nil: any.
    public var provider: Name?
    /// The API key, region or endpoint of the route; nil: any. Needs a provider, and goes with no tag.
    public var deployment: Name?
    /// The model that was asked for; nil: any. Needs a provider.
    public var model: Name?
    /// A tag that the call was made for, or `prefix*` for each tag that begins so; nil: any call.
    public var tag: Name?

    /// The whole host.
    public static var host: Scope { Scope() }

    /// Every field has its default.
    @inlinable public init() {}
    /// The calls by a route, with a tag, or both.
    public init(provider: Name? = nil, deployment: Name? = nil, model: Name? = nil, tag: Name? = nil) {
        self.provider = provider
        self.deployment = deployment
        self.model = model
        self.tag = tag
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider of the route; absent: any")
        try visitor.field(
            "deployment", &deployment, "the deployment of the route; absent: any; needs a provider, goes with no tag")
        try visitor.field("model", &model, "the model that was asked for; absent: any; needs a provider")
        try visitor.field("tag", &tag, "the tag, or `prefix*` for each tag that begins so; absent: every call")
    }

    /// Whether it names nothing and so covers every call.
    public var isHost: Bool { provider == nil && tag == nil }

    /// Checks that it has one of the shapes that there are.
    ///
    /// - Throws: `outOfRange` with what is missing or too much
    public func validate() throws(Refusal) {
        if provider == nil, let deployment {
            throw Refusal(.outOfRange, "a scope with the deployment '\(deployment)' must name its provider")
        }
        if provider == nil, let model {
            throw Refusal(.outOfRange, "a scope with the model '\(model)' must name its provider")
        }
        if let deployment, let tag {
            throw Refusal(
                .outOfRange, "a scope names the deployment '\(deployment)' or the tag '\(tag)', not both")
        }
    }
}

extension Scope: CustomStringConvertible {
    /// The scope as messages name it: `host`, `openai@eu/gpt-4o`, `team:search on openai/gpt-4o`.
    public var description: String {
        guard let provider else { return tag?.text ?? "host" }
        var route = provider.text
        if let deployment { route += "@\(deployment)" }
        if let model { route += "/\(model)" }
        return tag.map { "\($0) on \(route)" } ?? route
    }
}
